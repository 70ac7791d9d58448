package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// found is what a search finds, such as "hold 1T…1" and "token K…1".
func found(t *testing.T, db *store.DB, callers []party.CallerID, text string, limit int) (all []string, more bool) {
	t.Helper()
	q, err := payment.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	var f store.Findings
	err = db.View(t.Context(), func(tx *store.ReadTx) (err error) {
		f, err = tx.Find(callers, q, limit)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range f.Holds {
		all = append(all, "hold "+string(h.ID()))
	}
	for _, one := range f.Payments {
		all = append(all, "payment "+string(one.ID))
	}
	for _, one := range f.Tokens {
		all = append(all, "token "+string(one.ID))
	}
	for _, one := range f.Refused {
		all = append(all, "refused "+string(one.Reference))
	}
	return all, f.More
}

// A payment is found by whatever a person may have of it, by its caller only.
func TestFind(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.StartEvents()
		mine := []party.CallerID{w.Shop.ID}
		want := func(text string, want ...string) {
			t.Helper()
			if got, more := found(t, db, mine, text, 10); !slices.Equal(got, want) || more {
				t.Errorf("%q finds %v, %v, want %v", text, got, more, want)
			}
		}
		token := w.Authorize("42.50")
		hold, err := w.Reserve(token, "42.50", "order-4711")
		if err != nil {
			t.Fatal(err)
		}
		settlePart(t, w, hold.ID, "10.00")
		part := w.Transaction(hold.ID) // the part is its child
		_, err = w.Refund(children(t, w, part.ID)[0].ID, "4.00", "return 1")
		if err != nil {
			t.Fatal(err)
		}
		refund := children(t, w, children(t, w, part.ID)[0].ID)[0]
		paid := w.Paid("12.50", "ticket 9")
		_, _ = w.Reserve(token, "1.00", "refused-1")

		isHold, isPaid := "hold "+string(hold.ID), "payment "+string(paid.ID)
		want(string(hold.ID), isHold)
		want("order 4711", isHold)
		want("4711", isHold)
		want("#4711", isHold)
		want("order-47", isHold)
		want("part 10.00", isHold)
		want("return 1", isHold)
		want("return", isHold)
		want(string(refund.ID), isHold)
		want(string(children(t, w, part.ID)[0].ID), isHold)
		want("ticket 9", isPaid)
		want("4242 42.50", isHold)
		want("$4.00 …4242", isHold)
		want("4242 12.5", isPaid)
		want("4242 99.00")
		want("9999 12.50")
		want("refused-1", "refused refused-1")
		want("ann@example.test", isHold, isPaid)
		want("ANN@example.test", isHold, isPaid)
		want("bob@example.test")
		want("order-471x")
		feed := w.Feed()
		want(string(feed[0].ID), isHold)
		if got, _ := found(t, db, mine, strings.Repeat("Z", 64), 10); len(got) > 0 {
			t.Errorf("a token that does not exist finds %v", got)
		}

		other := []party.CallerID{w.OtherShop().ID}
		for _, text := range []string{
			string(hold.ID), "order 4711", "order-47", "4242 42.50", "ann@example.test", string(feed[0].ID), "return 1",
		} {
			if got, _ := found(t, db, other, text, 10); len(got) > 0 {
				t.Errorf("another caller finds %v by %q", got, text)
			}
		}
		if got, _ := found(t, db, append(other, mine...), "order 4711", 10); !slices.Equal(got, []string{isHold}) {
			t.Errorf("with two callers, %v is found", got)
		}
	})
}

func children(t *testing.T, w *holdfasttest.World, id holdfast.TransactionID) (all []payment.Transaction) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Children(w.Shop.ID, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// An id is found for each caller, however many there are. A buyer's newer payments
// to others hide none.
func TestFindAmongManyCallers(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		shop, old := w.Shop, w.Paid("9.00", "order-1")
		callers := make([]party.CallerID, store.FindCallersMax)
		for i := range callers {
			callers[i] = party.CallerID(fmt.Sprintf("C%d", i))
		}
		want := []string{"payment " + string(old.ID)}
		if got, _ := found(t, db, append(callers, shop.ID), string(old.ID), 10); !slices.Equal(got, want) {
			t.Errorf("the id finds %v", got)
		}
		w.Shop = w.OtherShop()
		for i := range 50 {
			w.Paid("1.00", holdfast.CallerReference(fmt.Sprintf("other-%d", i)))
		}
		got, more := found(t, db, []party.CallerID{shop.ID}, "ann@example.test", 10)
		if !slices.Equal(got, want) || more {
			t.Errorf("the address finds %v, %v", got, more)
		}
	})
}

// A list is cut, and says so. Texts of descriptions are the last means.
func TestFindMany(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		mine := []party.CallerID{w.Shop.ID}
		for i := range 5 {
			r := holdfast.ReserveRequest{
				SenderTokenID: w.Authorize("9.00"), TransactionAmount: holdfasttest.USD("9.00"),
				CallerReference: holdfast.CallerReference(fmt.Sprintf("web-%d", i)), CallerDescription: fmt.Sprintf("Box 100%% no_%d", i),
			}
			if _, err := w.Processor.Reserve(t.Context(), w.Shop, r); err != nil {
				t.Fatal(err)
			}
		}
		for text, want := range map[string]struct {
			rows int
			more bool
		}{
			"web-": {3, true}, "web-3": {1, false}, "box 100%": {3, true}, "no_4": {1, false}, "no%4": {0, false},
			"ann@example.test": {3, true}, "4242 9.00": {3, true},
		} {
			if got, more := found(t, db, mine, text, 3); len(got) != want.rows || more != want.more {
				t.Errorf("%q finds %d, %v, want %d, %v", text, len(got), more, want.rows, want.more)
			}
		}
	})
}
