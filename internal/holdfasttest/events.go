package holdfasttest

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// StartEvents gives the shop events, as its first key of the JSON API does.
func (w *World) StartEvents() {
	w.T.Helper()
	w.must("starting events", w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		return tx.StartEvents(w.Shop.ID, w.Clock.Now())
	}))
	w.Callers.Forget()
}

// Feed gives all events their positions, and reads those of the shop.
func (w *World) Feed() []payment.Event {
	w.T.Helper()
	for {
		placed, err := w.Processor.PlaceEvents(w.T.Context())
		w.must("placing events", err)
		if placed == 0 {
			return FeedOf(w.T, w.DB, w.Shop.ID, 7)
		}
	}
}

// FeedOf reads all placed events of a caller, some in each page.
func FeedOf(t testing.TB, db *store.DB, c party.CallerID, page int) (all []payment.Event) {
	t.Helper()
	var next payment.EventCursor
	for {
		var got store.EventPage
		err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			got, err = tx.Events(c, store.EventQuery{After: next, Limit: page})
			return err
		})
		if err != nil {
			t.Fatalf("reading events: %v", err)
		}
		all, next = append(all, got.Events...), got.Next
		if !got.More {
			return all
		}
	}
}

// CheckFeed checks a feed: positions grow, no event is there twice, and the
// events of each object have the numbers from 1 in order.
func CheckFeed(t testing.TB, all []payment.Event) {
	t.Helper()
	var last int64
	seen, next := map[payment.EventID]bool{}, map[string]int{}
	for _, e := range all {
		next[e.ObjectID]++
		switch {
		case e.Position <= last:
			t.Errorf("%s has the position %d, behind %d", e.ID, e.Position, last)
		case seen[e.ID]:
			t.Errorf("%s is in the feed twice", e.ID)
		case e.Seq != next[e.ObjectID]:
			t.Errorf("%s has the number %d, want %d", e.ID, e.Seq, next[e.ObjectID])
		}
		last, seen[e.ID] = e.Position, true
	}
}
