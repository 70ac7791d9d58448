package store_test

import (
	"fmt"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A filter that selects only the last of many rows finds it on a later page. The
// pages before end at the bound, and say that more follow.
func TestRareFiltersReadABoundedNumberOfRows(t *testing.T) {
	const batch = 300
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Unchecked = true
		w.StartEvents()
		var err error
		for from := 0; from <= store.BoundedMax && err == nil; from += batch {
			err = db.Update(t.Context(), func(tx *store.Tx) error {
				for n := from; n < min(from+batch, store.BoundedMax+1); n++ {
					if err := addRare(tx, w, n); err != nil {
						return err
					}
				}
				return nil
			})
		}
		for placed := 1; placed > 0 && err == nil; {
			placed, err = w.Processor.PlaceEvents(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}

		// Each token has an event, too.
		rare := store.EventQuery{Types: []payment.EventType{payment.EventHoldSettled}, Limit: 10}
		pages, found := 0, 0
		for more := true; more; pages++ {
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				page, err := tx.Events(w.Shop.ID, rare)
				more, rare.After, found = page.More, page.Next, found+len(page.Events)
				return err
			})
			if err != nil || rare.After == "" {
				t.Fatalf("the cursor is %q, %v", rare.After, err)
			}
		}
		if pages != 3 || found != 1 {
			t.Errorf("%d pages of events have %d events, want 3 pages with one", pages, found)
		}
		// Only the first token of the buyer is not cancelled.
		some := store.PartyTokens{Party: w.Buyer.ID, Current: true, Real: w.Clock.Now()}
		var at store.TokenPlace
		for page, want := range []int{0, 1} {
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				got, next, err := tx.TokensOf(some, at, 10)
				if len(got) != want || (next != nil) != (page == 0) {
					t.Errorf("page %d has %d of the buyer's tokens, next: %v", page, len(got), next)
				}
				if next != nil {
					at = *next
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		for _, state := range []payment.TokenState{"", payment.TokenIsActive} {
			var after payment.Token
			for page, want := range []int{0, 1} {
				err := db.View(t.Context(), func(tx *store.ReadTx) error {
					got, next, err := tx.TokensOfCaller(w.Shop.ID, store.TokenFilter{
						State: state, Now: w.CallerNow(), Type: holdfast.TokenRecurring,
					}, after, 10)
					if len(got) != want || (next != nil) != (page == 0) {
						t.Errorf("page %d of %q has %d tokens, next: %v", page, state, len(got), next)
					}
					if next != nil {
						after = *next
					}
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
	})
}

// addRare adds the n-th token and event. The first token and the last event are of a
// rare type. Only the first token is not cancelled.
func addRare(tx *store.Tx, w *holdfasttest.World, n int) error {
	token := payment.Token{
		ID: holdfast.TokenID(fmt.Sprintf("K%06d", n)), Caller: w.Shop.ID, Type: holdfast.TokenSingleUse, Use: payment.UsePay,
		Sender: w.Buyer.ID, Instrument: w.Card.ID, Method: w.Card.Method, Installed: w.CallerNow(),
		Expires: w.CallerNow().Add(payment.SingleUseLife),
	}
	event := payment.Event{
		Caller: w.Shop.ID, Type: payment.EventHoldHeld, ObjectID: fmt.Sprintf("T%06d", n), Seq: 1, At: w.CallerNow(), Data: "{}",
	}
	if token.Cancelled = n > 0; n == 0 {
		token.Type = holdfast.TokenRecurring
	}
	if n == store.BoundedMax {
		event.Type = payment.EventHoldSettled
	}
	if _, err := tx.InsertToken(token); err != nil {
		return err
	}
	return tx.AddEvent(event, w.Clock.Now())
}
