package processor_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// holdEvents are the events of a hold in the order of their numbers, which have no
// gaps.
func holdEvents(w *holdfasttest.World, id holdfast.TransactionID) (all []payment.Event) {
	w.T.Helper()
	for more := 1; more > 0; {
		var err error
		if more, err = w.Processor.PlaceEvents(w.T.Context()); err != nil {
			w.T.Fatal(err)
		}
	}
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.EventsOf(w.Shop.ID, string(id), 1, 100)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	for i, e := range all {
		if e.Seq != i+1 {
			w.T.Errorf("event %d has the number %d", i+1, e.Seq)
		}
	}
	return all
}

func typesOf(events []payment.Event) string {
	var types []string
	for _, e := range events {
		types = append(types, strings.TrimPrefix(string(e.Type), "hold."))
	}
	return strings.Join(types, " ")
}

// A warning is an event of the hold, with the time at which it was due. It comes
// before the event of the expiry, even if both are written in one commit.
func TestWarningsAreEvents(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.StartEvents()
		hold, second := w.Reserved("42.50", "order-1"), w.Reserved("1.00", "order-2")
		w.Clock.Set(hold.Deadline.Add(-24 * time.Hour))
		for range 2 {
			warnNow(w, w.Processor)
		}
		events := holdEvents(w, hold.ID)
		if got := typesOf(events); got != "pending held deadline_near deadline_near" {
			t.Fatalf("the events are %s", got)
		}
		last := events[3]
		if !strings.Contains(last.Data, `"state":"held"`) || !strings.Contains(last.Data, `"reference":"order-1"`) ||
			!strings.Contains(last.Data, `"open":{"amount":"42.50"`) || !strings.Contains(last.Data, `"member":"`+string(hold.ID)+`"}}`) ||
			!strings.Contains(last.Data, `"warning":{"before":"24h"`) ||
			!last.At.Equal(hold.Deadline.Add(-24*time.Hour)) {
			t.Errorf("the event of %v is %s", last.At, last.Data)
		}
		w.Clock.Set(hold.Deadline)
		sweep(w)
		for _, id := range []holdfast.TransactionID{hold.ID, second.ID} {
			if got := typesOf(holdEvents(w, id)); got !=
				"pending held deadline_near deadline_near deadline_near deadline_near expired" {
				t.Errorf("the events are %s", got)
			}
		}
		third := w.Reserved("2.00", "order-3")
		w.Clock.Set(third.Deadline)
		_, err := w.Settle(third.ID, "")
		w.WantCode(err, holdfast.InvalidTransactionState)
		if got := typesOf(holdEvents(w, third.ID)); got !=
			"pending held deadline_near deadline_near deadline_near deadline_near expired" {
			t.Errorf("after a request the events are %s", got)
		}
	})
}

// A raise has a deadline and warnings of its own. They are events of the hold, and
// the mail names the hold.
func TestWarningsOfARaisedHold(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, letters *dueLetters) {
		w.StartEvents()
		token := w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method})
		hold, err := w.Reserve(token, "42.50", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(24 * time.Hour)
		member, err := w.Processor.RaiseHold(t.Context(), w.Shop, nil, processor.RaiseHold{
			Hold: hold.ID, Amount: holdfasttest.USD("10.00"), Reference: "order-1-more",
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Set(member.Deadline.Add(-48 * time.Hour))
		warnNow(w, w.Processor)
		wantWarnings(w, "of the root", hold.ID, "48h 24h")
		wantWarnings(w, "of the raise", member.ID, "48h")
		near := 0
		for _, e := range holdEvents(w, hold.ID) {
			if e.Type == payment.EventHoldDeadlineNear {
				near++
			}
		}
		if near != 3 {
			t.Errorf("the hold has %d events about its deadlines", near)
		}
		last := letters.all[len(letters.all)-1]
		if len(last.Open) != 2 || last.Open[0].ID != hold.ID || last.Open[1].ID != hold.ID ||
			last.Open[1].Reference != "order-1" || last.Open[1].Amount != holdfasttest.USD("10.00") {
			t.Errorf("the letter is %+v", last.Open)
		}
		w.CheckBooks()
	})
}
