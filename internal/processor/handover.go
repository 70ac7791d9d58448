package processor

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// handoverMax is how many questions may be between Sweep and Release.
const handoverMax = 512

// A handover passes questions that were just written from Sweep to Release, so
// that Release need not find and claim them in the store. Its size is bounded:
// however slow the network is, the sweep does not wait. A question that finds
// no place is only in the store and is due at once. A question that is in the
// handover when the server ends, or that waits too long, is in doubt. Resolve
// asks it when its time comes. The zero value is ready to use.
type handover struct {
	limit  int // of places; zero means handoverMax
	made   sync.Once
	all    chan question
	places atomic.Int64 // places in use
	more   chan struct{}
}

// A question is a question to ask now, about the current state of a
// transaction.
type question struct {
	store.Doubt
	caller *party.Caller // nil if it was not read with the transaction
	by     time.Time     // from then on another server may ask it, and Release must not; zero means never
}

func (h *handover) make() {
	h.made.Do(func() {
		h.limit = cmp.Or(h.limit, handoverMax)
		h.all, h.more = make(chan question, h.limit), make(chan struct{}, 1)
	})
}

// reserve takes a place and reports whether there was one.
func (h *handover) reserve() bool {
	h.make()
	if h.places.Add(1) <= int64(h.limit) {
		return true
	}
	h.leave()
	return false
}

// leave gives a place back.
func (h *handover) leave() { h.places.Add(-1) }

// add puts a question into a reserved place.
func (h *handover) add(q question) {
	h.all <- q // never waits: it has a place
	select {
	case h.more <- struct{}{}:
	default: // a signal is waiting already
	}
}

// take removes and returns at most limit questions.
func (h *handover) take(limit int) (taken []question) {
	h.make()
	for range limit {
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
