package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Open holds are counted by the time that is left; ended ones and those of other
// callers are not.
func TestRisk(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		other := w.OtherShop()
		w.Reserved("10.00", "order-1")
		settled := w.Reserved("99.00", "order-2")
		w.Clock.Advance(2 * 24 * time.Hour)
		w.Reserved("20.00", "order-3")
		w.Reserved("30.00", "order-4")
		if _, err := w.Settle(settled.ID, "99.00"); err != nil {
			t.Fatal(err)
		}
		type band struct {
			Within time.Duration
			Holds  int
			Open   string
		}
		for after, want := range map[time.Duration][]band{
			0: {{6 * time.Hour, 0, "0"}, {24 * time.Hour, 0, "0"}, {72 * time.Hour, 0, "0"}, {0, 3, "60.00"}},
			// The first hold has five hours left, the others two days more.
			5*24*time.Hour - 5*time.Hour: {
				{6 * time.Hour, 1, "10.00"}, {24 * time.Hour, 0, "0"}, {72 * time.Hour, 2, "50.00"}, {0, 0, "0"},
			},
			5 * 24 * time.Hour: {{6 * time.Hour, 0, "0"}, {24 * time.Hour, 0, "0"}, {72 * time.Hour, 2, "50.00"}, {0, 0, "0"}},
		} {
			now := w.CallerNow().Add(after)
			var got []band
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				bands, more, err := tx.Risk(w.Shop.ID, now)
				for _, b := range bands {
					got = append(got, band{b.Within, b.Holds, b.Open.Decimal()})
				}
				if more {
					t.Error("there are more than 10,000")
				}
				none, _, empty := tx.Risk(other.ID, now)
				if empty != nil || none[0].Holds+none[1].Holds+none[2].Holds+none[3].Holds > 0 {
					t.Errorf("another caller holds %v (%v)", none, empty)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := range want {
				want[i].Open = holdfasttest.USD(want[i].Open).Decimal()
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("after %v (-want +got):\n%s", after, diff)
			}
		}
	})
}
