package queryapi

import (
	"net/http"
	"sync"
	"time"
)

// strangersMax is how many requests that nobody signed are refused at once in a
// second, and explained where they have a wrong signature: more than anybody
// sends who is setting up a program. To explain one takes hundreds of
// signatures.
const strangersMax = 20

// A pace counts what comes in a second.
type pace struct {
	mu     sync.Mutex
	second int64
	count  int
}

// allow reports whether one more is within the pace. now is when it is to be
// refused: a request says itself how long it takes to come in, and one that came in
// slowly must not bring an old second back.
func (p *pace) allow(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if second := now.Unix(); second != p.second {
		p.second, p.count = second, 0
	}
	p.count++
	return p.count <= strangersMax
}

// hold keeps a refusal waiting. The connection that it holds up is the
// stranger's own.
func (s *Server) hold(r *http.Request) {
	if s.StrangerPause <= 0 {
		return
	}
	timer := time.NewTimer(s.StrangerPause)
	defer timer.Stop()
	select {
	case <-r.Context().Done():
	case <-timer.C:
	}
}
