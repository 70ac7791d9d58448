package processor

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// handoverMax is how many questions may be on their way from Sweep to Release.
const handoverMax = 512

// A handover takes questions that were just written to whoever asks them, so that
// they need not be looked for in the store, nor claimed there. It has few places:
// however slow the network is, the books do not wait for it. A question without a
// place is in the store, due at once; what is on its way when the server ends, or
// for too long, is in doubt, and asked when its time comes. The zero value is ready.
type handover struct {
	most   int // zero means handoverMax
	made   sync.Once
	all    chan question
	places atomic.Int64 // that are taken
	more   chan struct{}
}

// A question is one to ask now, about a transaction as it stands.
type question struct {
	store.Doubt
	by time.Time // when it is too late, since somebody else may ask it by then; zero is never
}

func (h *handover) make() {
	h.made.Do(func() {
		h.most = cmp.Or(h.most, handoverMax)
		h.all, h.more = make(chan question, h.most), make(chan struct{}, 1)
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

// leave gives a place back.
func (h *handover) leave() { h.places.Add(-1) }

// add uses a place, until somebody takes what is in it.
func (h *handover) add(q question) {
	h.all <- q // never waits: it has a place
	select {
	case h.more <- struct{}{}:
	default: // somebody is told already
	}
}

// take takes at most most of those that are there.
func (h *handover) take(most int) (taken []question) {
	h.make()
	for range most {
		select {
		case q := <-h.all:
			h.leave()
			taken = append(taken, q)
		default:
			return taken
		}
	}
	return taken
}
