package console

import "github.com/holdfast-pay/holdfast/internal/party"

// A Route is what tests know of a route.
type Route struct {
	Method, Path string // the path is below Root, with the scope's prefix
	Permission   party.Permission
	OfCaller     bool
	OfServer     bool
}

// Routes returns all routes.
func (s *Server) Routes() (all []Route) {
	for _, r := range s.routes() {
		all = append(all, Route{r.Method, r.In.prefix() + r.Path, r.Permission, r.In == ofCaller, r.In == ofServer})
	}
	return all
}

// Span is span.
var Span = span

// ReadAmount is readAmount.
var ReadAmount = readAmount
