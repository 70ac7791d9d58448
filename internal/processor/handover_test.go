package processor_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// An expiry that found no place must not use one. Otherwise many expiries at
// once would leave the handover full forever.
func TestAFullHandoverGivesItsPlacesBack(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.KeepHandoverShort(1)
		other := newServer(w)
		for range 2 {
			expireHolds(w, 4)
			wantResolved(t, other, 3)
			wantReleased(w, 1)
		}
		w.CheckBooks()
	})
}
