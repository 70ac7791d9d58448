package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The search for the largest holds reads all of them in parts, whatever the size of a
// part, and finds those of which a part was settled, that were raised or renewed, or of
// which a part is under way. Pages below one another have each hold once.
func TestLargestHolds(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		all := map[string]payment.Transaction{}
		for i, amount := range []string{"12.00", "90.00", "30.00", "31.00", "70.00", "5.00", "30.00", "61.00", "8.00"} {
			name := fmt.Sprint("order-", i+1)
			all[name] = w.Reserved(amount, holdfast.CallerReference(name))
			w.Clock.Advance(time.Minute)
		}
		w.OtherShop()
		settled := w.Reserved("500.00", "settled")
		over := w.Reserved("400.00", "over")
		if _, err := w.Settle(over.ID, "400.00"); err != nil {
			w.T.Fatal(err)
		}
		byHand(`UPDATE transactions SET due = 0, state = 'Cancelled' WHERE transaction_id = $1`, settled.ID)
		link(byHand, all["order-3"], all["order-8"]) // 91
		byHand(`UPDATE transactions SET taken = 85000000 WHERE transaction_id = $1`, all["order-2"].ID)
		byHand(`UPDATE transactions SET taken = 1000000, taking = 1000000, due = 0 WHERE transaction_id = $1`,
			all["order-5"].ID) // 69
		want := []string{
			"order-3 91.00", "order-5 69.00", "order-4 31.00", "order-7 30.00", "order-1 12.00",
			"order-9 8.00", "order-2 5.00", "order-6 5.00", // the last two are equal
		}
		for _, rows := range []int{1, 2, 3, 100} {
			for _, limit := range []int{1, 3, 100} {
				got := searched(w, rows, limit, 8)
				slices.Sort(got[6:])
				slices.Sort(want[6:])
				if diff := cmp.Diff(want, got); diff != "" {
					w.T.Errorf("in parts of %d rows and pages of %d holds (-want +got):\n%s", rows, limit, diff)
				}
			}
		}
	})
}

// While a network is down, all holds may have a part under way. Each is on one page.
func TestLargestHoldsOfWhichPartsAreUnderWay(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		for i, amount := range []string{"90.00", "80.00", "70.00", "60.00", "50.00"} {
			hold := w.Reserved(amount, holdfast.CallerReference(fmt.Sprint("order-", i+1)))
			byHand(`UPDATE transactions SET taken = $1, taking = $1, due = 0 WHERE transaction_id = $2`,
				[]int{85, 1, 1, 1, 1}[i]*1_000_000, hold.ID)
		}
		raised, raise := w.Reserved("10.00", "order-6"), w.Reserved("60.00", "order-7")
		link(byHand, raised, raise)
		byHand(`UPDATE transactions SET taken = 1000000, taking = 1000000, due = 0 WHERE transaction_id = $1`, raise.ID)
		want := []string{
			"order-2 79.00", "order-3 69.00", "order-6 69.00", "order-4 59.00", "order-5 49.00", "order-1 5.00",
		}
		for _, limit := range []int{1, 2, 3, 100} {
			got := searched(w, 100, limit, 1)
			slices.Sort(got[1:3])
			if diff := cmp.Diff(want, got); diff != "" {
				w.T.Errorf("in pages of %d holds (-want +got):\n%s", limit, diff)
			}
		}
	})
}

// A part may begin with holds that the filter refuses, while enough smaller ones were
// kept.
func TestLargestHoldsBehindRefusedOnes(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		kept := w.Reserved("10.00", "kept")
		w.Clock.Advance(time.Hour)
		w.Reserved("20.00", "larger")
		until := w.CallerNow().Add(payment.ReserveLifeMax + time.Minute)
		for i := range 4 {
			w.Clock.Advance(time.Hour)
			late := w.Reserved("90.00", holdfast.CallerReference(fmt.Sprint("late-", i)))
			byHand(`UPDATE transactions SET taken = 1000000, taking = 1000000, due = 0 WHERE transaction_id = $1`, late.ID)
		}
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			found, _, _, err := tx.LargestHolds(store.LargestQuery{
				HoldListing: store.HoldListing{
					Caller: w.Shop.ID, Now: w.CallerNow(),
					HoldFilter: payment.HoldFilter{State: payment.HoldHeld, DeadlineTo: until},
				},
				Kept: []holdfast.TransactionID{kept.ID}, Rows: 100, Limit: 1,
			})
			if len(found) != 1 || found[0].Root().Reference != "larger" {
				w.T.Errorf("found %v", found)
			}
			return err
		})
		if err != nil {
			w.T.Fatal(err)
		}
	})
}

// searched reads all pages of the largest holds. members are the rows that a search reads.
func searched(w *holdfasttest.World, rows, limit, members int) (all []string) {
	w.T.Helper()
	q := store.LargestQuery{
		HoldListing: store.HoldListing{
			Caller: w.Shop.ID, Now: w.CallerNow(), HoldFilter: payment.HoldFilter{State: payment.HoldHeld},
		},
		Rows: rows, Limit: limit,
	}
	for {
		var found []payment.Hold
		read := 0
		q.After, q.Kept = store.HoldCursor{}, nil
		for more := true; more; more = q.After.Begun() {
			err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
				var n int
				found, n, q.After, err = tx.LargestHolds(q)
				read += n
				return err
			})
			if err != nil || len(found) > limit {
				w.T.Fatalf("%d holds, %v", len(found), err)
			}
			q.Kept = nil
			for _, h := range found {
				q.Kept = append(q.Kept, h.ID())
			}
		}
		if read != members {
			w.T.Errorf("the parts have %d rows, want %d", read, members)
		}
		for _, h := range found {
			all = append(all, string(h.Root().Reference)+" "+h.Open().Decimal())
		}
		if len(found) < limit {
			return all
		}
		last := store.PlaceOf(found[limit-1])
		q.Below = &last
	}
}

// Filters choose among all holds.
func TestLargestHoldsWithFilters(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		for i := range 6 {
			w.Reserved(fmt.Sprintf("%d.00", 10+i), holdfast.CallerReference(fmt.Sprint("order-", i)))
			w.Clock.Advance(time.Hour)
		}
		first := w.CallerNow().Add(payment.ReserveLifeMax - 6*time.Hour)
		for name, f := range map[string]payment.HoldFilter{
			"order-5 order-4": {State: payment.HoldHeld, AmountFrom: holdfasttest.USD("14.00")},
			"order-1 order-0": {State: payment.HoldHeld, DeadlineTo: first.Add(2 * time.Hour)},
		} {
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				found, _, _, err := tx.LargestHolds(store.LargestQuery{
					HoldListing: store.HoldListing{Caller: w.Shop.ID, Now: w.CallerNow(), HoldFilter: f}, Rows: 100, Limit: 2,
				})
				got := ""
				for i, h := range found {
					if i > 0 {
						got += " "
					}
					got += string(h.Root().Reference)
				}
				if got != name {
					t.Errorf("%+v finds %q, want %q", f, got, name)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
