package report_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The balances with which a report begins are those of the ledger at that time, to the
// micro-dollar: for accounts, for groups and for the owner's money, whatever days are
// closed, and also after clocks were moved.
func TestOpeningBalancesAreThoseOfTheLedger(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		s := holdfasttest.NewBusyShop(w, 41)
		closed := false
		for range 8 {
			s.Run(20)
			if s.Random.IntN(2) == 0 {
				w.Clock.Advance(2 * time.Minute)
				if err := w.SumDays(); err != nil {
					t.Fatal(err)
				}
			}
			now := w.CallerNow()
			for range 6 {
				at := holdfasttest.Start.Add(time.Duration(s.Random.Int64N(int64(now.Sub(holdfasttest.Start)) + 1)))
				want := balances(t, db, w.Shop.ID, at)
				maps.DeleteFunc(want, func(_ ledger.AccountID, micro int64) bool { return micro == 0 })
				var place store.DailySumPlace
				var got map[ledger.AccountID]int64
				var figures payment.Figures
				err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
					if place, _, err = tx.DailySumPlace(w.Shop.ID); err != nil {
						return err
					}
					if got, err = tx.BalancesAt(w.Shop.ID, at); err != nil {
						return err
					}
					figures, err = tx.FiguresBefore(w.Shop.ID, at)
					return err
				})
				if err != nil || !maps.Equal(got, want) {
					t.Fatalf("at %v the balances are %v, the ledger has %v, %v", at, got, want, err)
				}
				groups, own := make(map[ledger.Group]int64), int64(0)
				for a, micro := range want {
					groups[a.Group()] += micro
					if slices.Contains([]ledger.AccountID{
						ledger.Party(string(w.Owner.ID)), ledger.SetAside(string(w.Owner.ID)),
					}, a) {
						own += micro
					}
				}
				for _, g := range ledger.Groups {
					if figures.Changes[g] != groups[g] {
						t.Fatalf("at %v the group %s has %d, the ledger %d", at, g, figures.Changes[g], groups[g])
					}
				}
				if figures.OwnIn-figures.OwnOut != own {
					t.Fatalf("at %v the owner has %d, in the ledger %d", at, figures.OwnIn-figures.OwnOut, own)
				}
				first := payment.BookDayOf(holdfasttest.Start)
				closed = closed || place.Closed > first && at.After((first+1).Time())
			}
		}
		if !closed {
			t.Error("no balance came from a closed day")
		}
		w.CheckBooks()
	})
}
