package queryapi

import (
	"errors"
	"sync"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// inFlightMax is how many requests of one caller are carried out at one time.
// It is a fraction of the store's queue. A caller that sends more than the
// server can do reaches its own limit and leaves room for others.
const inFlightMax = 512

var errCallerBusy = errors.New("the caller has too many requests under way")

// inFlight counts the requests of each caller that are under way. Its zero value
// has none.
type inFlight struct {
	mu sync.Mutex
	of map[party.CallerID]int
}

// enter gives a request one of its caller's places. Unsigned requests need no
// place, because they do not use the store.
func (s *Server) enter(q *request) (leave func(), err error) {
	if q.caller.ID == "" {
		return func() {}, nil
	}
	leave, ok := s.inFlight.enter(q.caller.ID)
	if !ok {
		return nil, errCallerBusy
	}
	return leave, nil
}

// enter counts a request, or refuses it if there are too many. An accepted
// request must leave.
func (f *inFlight) enter(c party.CallerID) (leave func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[c] >= inFlightMax {
		return nil, false
	}
	if f.of == nil {
		f.of = make(map[party.CallerID]int)
	}
	f.of[c]++
	return func() { f.left(c) }, true
}

func (f *inFlight) left(c party.CallerID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[c]--; f.of[c] == 0 {
		delete(f.of, c)
	}
}
