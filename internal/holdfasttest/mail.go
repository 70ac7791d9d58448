package holdfasttest

import (
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Postbox has the notices that would be mailed to parties.
type Postbox struct {
	t testing.TB

	mu  sync.Mutex
	all []party.Notice
}

// Mailing lets the world's processor send mail, and returns the postbox that
// gets it.
func (w *World) Mailing() *Postbox {
	box := &Postbox{t: w.T}
	w.Processor.Identity.Letters = func(n party.Notice) (subject, text string) {
		box.mu.Lock()
		defer box.mu.Unlock()
		box.all = append(box.all, n)
		return string(n.About), n.Link + " " + n.Code
	}
	return box
}

// To returns the letters to an address, oldest first.
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

// Last returns the last letter to an address. The test fails if it has another
// subject.
func (b *Postbox) Last(address string, about party.NoticeAbout) party.Notice {
	b.t.Helper()
	to := b.To(address)
	if len(to) == 0 || to[len(to)-1].About != about {
		b.t.Fatalf("letters to %s are %+v, want the last about %s", address, to, about)
	}
	return to[len(to)-1]
}
