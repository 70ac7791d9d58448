package processor_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// raisedToTheEdge makes a hold of $40.00 with a raise of $20.00, and moves the clock to
// the deadline of its first member. The expiry is not written.
func raisedToTheEdge(w *holdfasttest.World) payment.Transaction {
	w.T.Helper()
	root := heldWith(w, lasting(w, "100.00", 9), "40.00")
	w.Clock.Advance(time.Hour)
	if _, err := raise(w, root.ID, "20.00", "more"); err != nil {
		w.T.Fatal(err)
	}
	w.Clock.Set(root.Deadline)
	wantHold(w, root.ID, "held 20.00/0.00/40.00")
	return root
}

// A request does not depend on whether the expiry of the root is written.
func TestAHoldWhoseRootHasExpiredIsRaisedAndRenewed(t *testing.T) {
	for name, swept := range map[string]bool{"written": true, "not written": false} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				root := raisedToTheEdge(w)
				if swept {
					sweep(w)
				}
				more, err := raise(w, root.ID, "5.00", "again")
				if err != nil || more.State != payment.Reserved {
					t.Fatalf("raised: %+v, %v", more, err)
				}
				wantHold(w, root.ID, "held 25.00/0.00/40.00")
				anew, err := renew(w, root.ID, "anew")
				if err != nil || anew.State != payment.Reserved || anew.Amount != holdfasttest.USD("25.00") {
					t.Fatalf("renewed: %+v, %v", anew, err)
				}
				sweep(w)
				wantHold(w, root.ID, "held 25.00/0.00/40.00")
				wantUsed(w, root.Token, "25.00", 1)
				w.CheckBooks()
			})
		})
	}
}

// The hold ends by its caller if the caller releases the rest at the moment at which
// another member expires.
func TestAReleaseAtADeadlineEndsTheHold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		root := raisedToTheEdge(w)
		_, err := w.Processor.ReleaseHold(t.Context(), w.Shop, nil, processor.ReleaseHold{Hold: root.ID})
		if err != nil {
			t.Fatal(err)
		}
		wantHold(w, root.ID, "released 0.00/0.00/60.00")
		sweep(w)
		wantHold(w, root.ID, "released 0.00/0.00/60.00")
		w.CheckBooks()
	})
}
