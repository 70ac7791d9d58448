package queryapi

import (
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// How many unsigned requests are answered at once in a second. The rest wait
// for StrangerPause.
const (
	refusalsMax     = 20 // of one address: more than anybody sends who sets up a program
	refusalsAllMax  = 200
	explainedMax    = 20 // wrong signatures, of all addresses: each takes hundreds of signatures
	verifiedMax     = 50 // messages that one address has verified without a signature
	verifiedsAllMax = 500
)

// wrongLoggedMax is how many wrong signatures of one caller are logged in an hour: at
// most 3 KiB each.
const wrongLoggedMax = 100

// strangers counts unsigned requests.
type strangers struct {
	once                         sync.Once
	refused, explained, verified pace.Pace
	wrongLogged, v1Logged        pace.Seldom
}

func (s *Server) unsigned() *strangers {
	p := &s.strangers
	p.once.Do(func() {
		p.wrongLogged.Hourly, p.v1Logged.Hourly = wrongLoggedMax, 1
		p.refused.Source, p.refused.All, p.refused.Pause = refusalsMax, refusalsAllMax, s.StrangerPause
		p.explained.Source, p.explained.All = explainedMax, explainedMax
		p.verified.Source, p.verified.All, p.verified.Pause = verifiedMax, verifiedsAllMax, s.StrangerPause
	})
	return p
}

// from is where a request comes from: an IPv4 address or the network of an IPv6
// address.
func (s *Server) from(r *http.Request) string {
	if s.From != nil {
		return s.From(r)
	}
	return party.Source(nil, r.RemoteAddr)
}

// refuseStranger delays the refusal of an unsigned request if there are too
// many. It returns a function that waits, or nil, and whether a wrong signature
// may be explained.
func (s *Server) refuseStranger(r *http.Request, now time.Time) (hold func(), mayExplain bool) {
	p := s.unsigned()
	if !p.refused.Allow(s.from(r), now) {
		return func() { p.refused.Hold(r.Context()) }, false
	}
	return func() {}, p.explained.Allow("", now)
}
