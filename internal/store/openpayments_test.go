package store_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Open payments of a party are searched among a bounded number of its payments.
func TestOpenPaymentsOfALargeParty(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			first := w.Reserved("5.00", "first")
			view := func(want bool) {
				t.Helper()
				err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
					open, err := tx.OpenOf(w.Buyer.ID, 2*store.OpenPaymentsRead)
					if err != nil {
						return err
					}
					found := false
					for _, one := range open {
						found = found || one.ID == first.ID
					}
					if found != want || len(open) > store.OpenPaymentsRead {
						t.Errorf("%d open payments; the first is among them: %v", len(open), found)
					}
					held, all, err := tx.HeldBy(w.Shop.ID, w.Owner.ID, 1)
					if err != nil {
						return err
					}
					if all != want || len(held) != 1 {
						t.Errorf("%d holds with the nearest deadline; all were read: %v", len(held), all)
					}
					_, all, err = tx.HeldFor(w.Owner.ID, 1)
					if !all {
						t.Error("payments through the callers of others were left out")
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
			view(true)
			w.Clock.Advance(time.Minute)
			w.Crowd(at, store.OpenPaymentsRead) // within five seconds
			view(false)
		})
	}
}
