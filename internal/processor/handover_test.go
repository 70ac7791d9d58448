package processor_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// An expiry that found no place takes none: else a storm of expiries would leave
// the hand-over full for good.
func TestAFullHandoverGivesItsPlacesBack(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.KeepHandoverShort(1)
		other := newServer(w)
		for range 2 {
			lapse(w, 4)
			wantResolved(t, other, 3)
			wantReleased(w, 1)
		}
		w.CheckBooks()
	})
}
