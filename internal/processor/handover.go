package processor

import (
	"cmp"
	"sync"
	"sync/atomic"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// handoverMax is how many questions may be on their way from Sweep to Release.
const handoverMax = 512

// A handover takes questions that were just written to whoever asks them, so that
// they need not be looked for in the store, nor claimed there. It has few places:
// however slow the network is, the books do not wait for it. A question without a
// place is in the store, due at once; what is on its way when the server ends is in
// doubt, and asked when its time comes. The zero value is ready.
type handover struct {
	most   int // zero means handoverMax
	made   sync.Once
	all    chan store.Doubt
	places atomic.Int64 // that are taken
	more   chan struct{}
}

func (h *handover) make() {
	h.made.Do(func() {
		h.most = cmp.Or(h.most, handoverMax)
		h.all, h.more = make(chan store.Doubt, h.most), make(chan struct{}, 1)
	})
}

// reserve takes a place, if there is one.
func (h *handover) reserve() bool {
	h.make()
	if h.places.Add(1) <= int64(h.most) {
		return true
	}
	h.leave()
	return false
}

// leave gives a place back that was not used.
func (h *handover) leave() { h.places.Add(-1) }

// put uses a place.
func (h *handover) put(a payment.Attempt, of payment.Transaction) {
	h.all <- store.Doubt{Attempt: a, Of: of} // never waits: it has a place
	select {
	case h.more <- struct{}{}:
	default: // somebody is told already
	}
}

// take takes at most most of those that are there.
func (h *handover) take(most int) (taken []store.Doubt) {
	h.make()
	for range most {
		select {
		case d := <-h.all:
			h.leave()
			taken = append(taken, d)
		default:
			return taken
		}
	}
	return taken
}
