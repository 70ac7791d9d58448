package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A question without an answer counts for its caller only.
func TestCallerStateInDoubt(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		other := w.OtherShop()
		w.Reserved("10.00", "order-1")
		w.Network.Next(holdfasttest.Reply{Lost: true})
		if _, err := w.Reserve(w.Authorize("20.00"), "20.00", "order-2"); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(time.Minute)
		err := db.View(t.Context(), func(tx *store.ReadTx) error {
			s, err := tx.CallerState(w.Shop.ID, w.Clock.Now())
			if err != nil {
				return err
			}
			if diff := cmp.Diff(store.CallerState{InDoubt: 1}, s); diff != "" {
				t.Errorf("the caller (-want +got):\n%s", diff)
			}
			if s, err = tx.CallerState(other.ID, w.Clock.Now()); s != (store.CallerState{}) {
				t.Errorf("another caller has %+v", s)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
