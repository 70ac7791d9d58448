package queryapi

import "github.com/holdfast-pay/holdfast/internal/party"

// InFlightMax is how many requests of one caller are carried out at one time.
const InFlightMax = inFlightMax

// Enter counts a request that never ends.
func (s *Server) Enter(c party.CallerID) { s.inFlight.enter(c) }
