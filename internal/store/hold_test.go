package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// holds runs a test with a world whose store can also be changed by hand.
func holds(t *testing.T, test func(w *holdfasttest.World, byHand func(text string, args ...any))) {
	t.Helper()
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Unchecked = true
			test(w, func(text string, args ...any) {
				t.Helper()
				if _, err := raw(t, at).ExecContext(t.Context(), text, args...); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

// link makes a hold a raise of another.
func link(byHand func(string, ...any), root, raise payment.Transaction) {
	byHand(`UPDATE transactions SET link = 'Raise', parent = $1 WHERE transaction_id = $2`, root.ID, raise.ID)
	byHand(`UPDATE transactions SET linked = COALESCE(linked, 0) + 1 WHERE transaction_id = $1`, root.ID)
}

func readHold(w *holdfasttest.World, c party.CallerID, id holdfast.TransactionID) (h payment.Hold, found bool) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		h, found, err = tx.Hold(c, id)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return h, found
}

func idsOf(all []payment.Transaction) (ids []holdfast.TransactionID) {
	for _, t := range all {
		ids = append(ids, t.ID)
	}
	return ids
}

func TestHoldHasItsMembers(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		root := w.Reserved("100.00", "order-1")
		w.Clock.Advance(time.Minute)
		raise := w.Reserved("20.00", "order-1-more")
		alone := w.Reserved("7.00", "order-2")
		paid := w.Paid("5.00", "order-3")
		link(byHand, root, raise)

		for id, want := range map[holdfast.TransactionID][]holdfast.TransactionID{
			root.ID: {root.ID, raise.ID}, raise.ID: {root.ID, raise.ID}, alone.ID: {alone.ID},
		} {
			h, found := readHold(w, w.Shop.ID, id)
			if got := idsOf(h.Members); !found || !slices.Equal(got, want) {
				w.T.Errorf("hold %s has the members %v, want %v", id, got, want)
			}
		}
		for id, of := range map[holdfast.TransactionID]party.CallerID{
			paid.ID: w.Shop.ID, "1T0": w.Shop.ID, root.ID: w.OtherShop().ID,
		} {
			if _, found := readHold(w, of, id); found {
				w.T.Errorf("%s is a hold of %s", id, of)
			}
		}
	})
}

// A sweep that has read a linked hold before a part of it began does not expire it.
func TestAHoldWithAPartUnderWayDoesNotExpire(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		root, raise := w.Reserved("10.00", "order"), w.Reserved("5.00", "more")
		link(byHand, root, raise)
		read := w.Transaction(raise.ID)
		record := func(c payment.Change) error {
			return w.DB.Update(w.T.Context(), func(tx *store.Tx) error { return tx.Record(&c, store.Recording{}) })
		}
		begun := read
		begun.Taken, begun.Taking = holdfasttest.USD("2.00"), holdfasttest.USD("2.00")
		if err := record(payment.Change{Before: read, After: begun, At: w.CallerNow()}); err != nil {
			w.T.Fatal(err)
		}
		expiry, due := read.Expire(read.Deadline)
		if err := record(expiry); !due || !errors.Is(err, store.ErrStale) {
			w.T.Errorf("its expiry is written: %t, %v; want ErrStale", due, err)
		}
		w.WantState(raise.ID, payment.Reserved)
	})
}

// listed reads all pages of a listing.
func listed(w *holdfasttest.World, f payment.HoldFilter, limit int) (ids []holdfast.TransactionID, pages int) {
	w.T.Helper()
	l := store.HoldListing{Caller: w.Shop.ID, HoldFilter: f, Now: w.CallerNow()}
	for at := (store.HoldCursor{}); ; {
		var page []payment.Hold
		err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
			page, at, err = tx.Holds(l, at, limit)
			return err
		})
		if err != nil {
			w.T.Fatal(err)
		}
		if pages++; len(page) > limit || pages > 100 {
			w.T.Fatalf("page %d has %d holds", pages, len(page))
		}
		for _, h := range page {
			ids = append(ids, h.ID())
		}
		if !at.Begun() {
			return ids, pages
		}
	}
}

func TestHoldsAreListedInPages(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		made := map[string]payment.Transaction{}
		for i, value := range []string{"10.00", "20.00", "30.00", "40.00"} {
			made[value] = w.Reserved(value, holdfast.CallerReference(fmt.Sprintf("order-%d", i)))
			w.Clock.Advance(time.Hour)
		}
		raise := w.Reserved("5.00", "more") // of the first hold
		w.Paid("9.00", "paid")
		link(byHand, made["10.00"], raise)
		if _, err := w.Settle(made["20.00"].ID, ""); err != nil {
			w.T.Fatal(err)
		}
		// The third hold ends first.
		soon := w.CallerNow().Add(time.Hour)
		byHand(`UPDATE transactions SET deadline = $1, due = $1 WHERE transaction_id = $2`, soon.UnixMicro(),
			made["30.00"].ID)

		for name, row := range map[string]struct {
			filter payment.HoldFilter
			want   string // amounts of the roots
		}{
			"all, the newest first":  {payment.HoldFilter{}, "40.00 30.00 20.00 10.00"},
			"held, by deadline":      {payment.HoldFilter{State: payment.HoldHeld}, "30.00 10.00 40.00"},
			"settled":                {payment.HoldFilter{State: payment.HoldSettled}, "20.00"},
			"pending":                {payment.HoldFilter{State: payment.HoldPending}, ""},
			"deadline soon":          {payment.HoldFilter{DeadlineTo: soon.Add(time.Microsecond)}, "30.00"},
			"deadline before it":     {payment.HoldFilter{DeadlineTo: soon}, ""},
			"deadline later":         {payment.HoldFilter{DeadlineFrom: soon.Add(time.Microsecond)}, "10.00 40.00"},
			"amount with its raise":  {payment.HoldFilter{AmountFrom: holdfasttest.USD("15.00"), AmountTo: holdfasttest.USD("20.00")}, "20.00 10.00"},
			"created":                {payment.HoldFilter{CreatedFrom: made["20.00"].Received, CreatedTo: made["40.00"].Received}, "30.00 20.00"},
			"reference":              {payment.HoldFilter{Reference: "order-2"}, "30.00"},
			"reference of its raise": {payment.HoldFilter{Reference: "more"}, "10.00"},
			"reference and state":    {payment.HoldFilter{Reference: "order-1", State: payment.HoldHeld}, ""},
			"reference of a Pay":     {payment.HoldFilter{Reference: "paid"}, ""},
			"unknown reference":      {payment.HoldFilter{Reference: "none"}, ""},
		} {
			var want []holdfast.TransactionID
			for _, value := range strings.Fields(row.want) {
				want = append(want, made[value].ID)
			}
			for _, limit := range []int{1, 3, 100} {
				if got, _ := listed(w, row.filter, limit); !slices.Equal(got, want) {
					w.T.Errorf("%s, %d a page: %v, want %v", name, limit, got, want)
				}
			}
		}

		// At its deadline the hold is expired, whether or not that was written.
		w.Clock.Advance(time.Hour)
		if got, _ := listed(w, payment.HoldFilter{State: payment.HoldExpired}, 10); !slices.Equal(got,
			[]holdfast.TransactionID{made["30.00"].ID}) {
			w.T.Errorf("expired: %v", got)
		}
		if got, _ := listed(w, payment.HoldFilter{State: payment.HoldHeld}, 10); slices.Contains(got, made["30.00"].ID) {
			w.T.Errorf("an expired hold is listed as held: %v", got)
		}
	})
}

// A hold is listed as held also while a part of it is being settled.
func TestAHoldWithAPartUnderWayIsListed(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		var want []holdfast.TransactionID
		for i := range 3 {
			want = append(want, w.Reserved("10.00", holdfast.CallerReference(fmt.Sprint("order-", i))).ID)
			w.Clock.Advance(time.Hour)
		}
		byHand(`UPDATE transactions SET taken = 4000000, taking = 4000000, due = 0 WHERE transaction_id = $1`, want[1])
		for _, limit := range []int{1, 2, 10} {
			if got, _ := listed(w, payment.HoldFilter{State: payment.HoldHeld}, limit); !slices.Equal(got, want) {
				w.T.Errorf("%d a page: %v, want %v", limit, got, want)
			}
		}
	})
}

// A page reads a bounded number of rows, however many rows do not match. The
// caller goes on with the cursor.
func TestAPageOfHoldsReadsBoundedly(t *testing.T) {
	holds(t, func(w *holdfasttest.World, byHand func(string, ...any)) {
		wanted := w.Reserved("10.00", "order")
		w.Clock.Advance(time.Second)
		paid := w.Paid("5.00", "paid")
		var columns, values []string
		for _, name := range store.TransactionColumns() {
			columns = append(columns, name)
			switch name {
			case "transaction_id":
				values = append(values, "CAST(n.i AS TEXT)")
			case "received":
				values = append(values, "received + n.i")
			default:
				values = append(values, name)
			}
		}
		byHand(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
			INSERT INTO transactions (`+strings.Join(columns, ", ")+`)
			SELECT `+strings.Join(values, ", ")+` FROM transactions CROSS JOIN n WHERE transaction_id = $1`, paid.ID)

		got, pages := listed(w, payment.HoldFilter{State: payment.HoldReleased}, 10)
		if len(got) > 0 || pages != 3 {
			w.T.Errorf("%v in %d pages, want none in 3", got, pages)
		}
		got, pages = listed(w, payment.HoldFilter{}, 10)
		if !slices.Equal(got, []holdfast.TransactionID{wanted.ID}) || pages != 3 {
			w.T.Errorf("%v in %d pages, want the hold in 3", got, pages)
		}
		got, pages = listed(w, payment.HoldFilter{State: payment.HoldHeld}, 10)
		if !slices.Equal(got, []holdfast.TransactionID{wanted.ID}) || pages != 1 {
			w.T.Errorf("by deadline: %v in %d pages, want the hold in one", got, pages)
		}
	})
}
