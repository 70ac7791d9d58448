package pace

import "sync"

// InFlightMax is how many requests of one caller are carried out at one time.
// It is a fraction of the store's queue. A caller that sends more than the
// server can do reaches its own limit and leaves room for others.
const InFlightMax = 512

// An InFlight counts the requests of each caller that are under way. The doors
// that callers' programs use share one. Its zero value has none.
type InFlight struct {
	mu sync.Mutex
	of map[string]int
}

// Enter counts a request of a caller, or refuses it if there are too many. An
// accepted request must leave.
func (f *InFlight) Enter(caller string) (leave func(), ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[caller] >= InFlightMax {
		return nil, false
	}
	if f.of == nil {
		f.of = make(map[string]int)
	}
	f.of[caller]++
	return func() { f.left(caller) }, true
}

func (f *InFlight) left(caller string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of[caller]--; f.of[caller] == 0 {
		delete(f.of, caller)
	}
}
