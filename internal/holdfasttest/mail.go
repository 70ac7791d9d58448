package holdfasttest

import (
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Postbox is what parties were told by mail, before it was put into words.
type Postbox struct {
	t testing.TB

	mu  sync.Mutex
	all []party.Notice
}

// Mailing lets the world's processor send mail, and returns where it goes.
func (w *World) Mailing() *Postbox {
	box := &Postbox{t: w.T}
	w.Processor.Letters = func(n party.Notice) (subject, text string) {
		box.mu.Lock()
		defer box.mu.Unlock()
		box.all = append(box.all, n)
		return string(n.About), n.Link + " " + n.Code
	}
	return box
}

// To are the letters that an address was sent, the oldest first.
func (b *Postbox) To(address string) (to []party.Notice) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range b.all {
		if n.To == address {
			to = append(to, n)
		}
	}
	return to
}

// Last is the last letter that an address was sent, which must be about
// something.
func (b *Postbox) Last(address string, about party.NoticeAbout) party.Notice {
	b.t.Helper()
	to := b.To(address)
	if len(to) == 0 || to[len(to)-1].About != about {
		b.t.Fatalf("letters to %s are %+v, want the last to be about %s", address, to, about)
	}
	return to[len(to)-1]
}
