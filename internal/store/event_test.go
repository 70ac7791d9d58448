package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// heldEvent is an event of an object that has no row.
func heldEvent(c party.CallerID, object string, seq int) payment.Event {
	return payment.Event{
		Caller: c, Type: payment.EventHoldHeld, ObjectID: object, Seq: seq, At: holdfasttest.Start,
		Data: fmt.Sprintf(`{"id":"%s","seq":%d}`, object, seq),
	}
}

func addEvents(t testing.TB, db *store.DB, real time.Time, all ...payment.Event) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for _, e := range all {
			if err := tx.AddEvent(e, real); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// place gives positions to all events, at most so many in a commit.
func place(t testing.TB, db *store.DB, limit int) (placed int) {
	t.Helper()
	for {
		var n int
		err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			n, err = tx.PlaceEvents(holdfasttest.Start, limit)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return placed
		}
		placed += n
	}
}

func names(all []payment.Event) (names []string) {
	for _, e := range all {
		names = append(names, fmt.Sprintf("%s.%d", e.ObjectID, e.Seq))
	}
	return names
}

func read[T any](t testing.TB, db *store.DB, what func(*store.ReadTx) (T, error)) (got T, err error) {
	t.Helper()
	err = db.View(t.Context(), func(tx *store.ReadTx) (err error) {
		got, err = what(tx)
		return err
	})
	return got, err
}

// Nobody sees an event before it has its position. Then everybody sees it at the
// same position, whatever is added later.
func TestEventsArePlacedOnce(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		start := holdfasttest.Start
		addEvents(t, db, start, heldEvent("C1", "A", 1), heldEvent("C2", "B", 1))
		if got := holdfasttest.FeedOf(t, db, "C1", 10); len(got) != 0 {
			t.Errorf("before they are placed, events are read: %v", names(got))
		}
		of, err := read(t, db, func(tx *store.ReadTx) ([]payment.Event, error) { return tx.EventsOf("C1", "A", 1, 10) })
		if err != nil || len(of) != 0 {
			t.Errorf("before they are placed, events of an object are read: %v, %v", names(of), err)
		}
		if n := place(t, db, 10); n != 2 {
			t.Errorf("%d events were placed", n)
		}
		first := holdfasttest.FeedOf(t, db, "C1", 10)
		// Clocks differ: the second event of A has an earlier time than the first.
		addEvents(t, db, start.Add(-time.Hour), heldEvent("C1", "A", 2), heldEvent("C1", "C", 1))
		place(t, db, 10)
		all := holdfasttest.FeedOf(t, db, "C1", 1)
		holdfasttest.CheckFeed(t, all)
		if diff := cmp.Diff(first, all[:len(first)]); diff != "" {
			t.Errorf("a placed event has changed: %s", diff)
		}
		if diff := cmp.Diff([]string{"A.1", "A.2", "C.1"}, names(all)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"B.1"}, names(holdfasttest.FeedOf(t, db, "C2", 10))); diff != "" {
			t.Error(diff)
		}
		for _, e := range all {
			got, err := read(t, db, func(tx *store.ReadTx) (payment.Event, error) {
				got, found, err := tx.Event("C1", e.ID)
				if !found {
					t.Errorf("%s is not found by its id", e.ID)
				}
				return got, err
			})
			if diff := cmp.Diff(e, got); diff != "" || err != nil {
				t.Errorf("%v: %s", err, diff)
			}
		}
	})
}

// The events of an object are placed in the order of their numbers, whatever the
// clocks of the servers say and wherever a batch ends.
func TestEventsOfAnObjectKeepTheirOrder(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		const objects, each = 7, 12
		for seq := 1; seq <= each; seq++ {
			for o := range objects {
				// Every object's clock goes back, by other steps.
				at := holdfasttest.Start.Add(time.Duration((seq*(o+3))%5-seq) * time.Minute)
				addEvents(t, db, at, heldEvent("C1", fmt.Sprint("O", o), seq))
			}
		}
		if n := place(t, db, 5); n != objects*each {
			t.Errorf("%d events were placed", n)
		}
		all := holdfasttest.FeedOf(t, db, "C1", 9)
		holdfasttest.CheckFeed(t, all)
		if len(all) != objects*each {
			t.Errorf("the feed has %d events", len(all))
		}
	})
}

// A page of a filtered feed has the events that the filter chooses, and its
// cursor does not read the others again.
func TestEventFilters(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		lapsed := heldEvent("C1", "B", 2)
		lapsed.Type = payment.EventHoldExpired
		addEvents(t, db, holdfasttest.Start, heldEvent("C1", "A", 1), heldEvent("C1", "B", 1), lapsed, heldEvent("C1", "C", 1))
		place(t, db, 10)
		page := func(q store.EventQuery) store.EventPage {
			got, err := read(t, db, func(tx *store.ReadTx) (store.EventPage, error) { return tx.Events("C1", q) })
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		got := page(store.EventQuery{Types: []payment.EventType{payment.EventHoldExpired}, Limit: 5})
		if diff := cmp.Diff([]string{"B.2"}, names(got.Events)); diff != "" || got.More {
			t.Errorf("%s, more: %v", diff, got.More)
		}
		if again := page(store.EventQuery{After: got.Next, Limit: 5}); len(again.Events) != 0 || again.Next != got.Next {
			t.Errorf("behind the end there are %v and another end", names(again.Events))
		}
		if got := page(store.EventQuery{Object: "B", Limit: 5}); !slices.Equal(names(got.Events), []string{"B.1", "B.2"}) {
			t.Errorf("the events of B are %v", names(got.Events))
		}
		of, err := read(t, db, func(tx *store.ReadTx) ([]payment.Event, error) { return tx.EventsOf("C1", "B", 2, 5) })
		if err != nil || !slices.Equal(names(of), []string{"B.2"}) {
			t.Errorf("the events of B from the second on are %v, %v", names(of), err)
		}
		last, err := read(t, db, func(tx *store.ReadTx) (payment.EventCursor, error) { return tx.LastCursor("C1") })
		if err != nil || last != got.Next {
			t.Errorf("the last cursor is %q, %v", last, err)
		}
		if none, err := read(t, db, func(tx *store.ReadTx) (payment.EventCursor, error) { return tx.LastCursor("C9") }); none != "" ||
			err != nil {
			t.Errorf("a caller without events has the last cursor %q, %v", none, err)
		}
	})
}

// A cursor of another caller is refused. So is one whose event is gone, because a
// backup was restored.
func TestOthersCursors(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		addEvents(t, db, holdfasttest.Start, heldEvent("C1", "A", 1), heldEvent("C2", "B", 1))
		place(t, db, 10)
		cursor, err := read(t, db, func(tx *store.ReadTx) (payment.EventCursor, error) { return tx.LastCursor("C2") })
		if err != nil {
			t.Fatal(err)
		}
		lost := heldEvent("C1", "A", 7)
		lost.Position = 1
		ahead := heldEvent("C1", "A", 1)
		ahead.Position = 99
		others, _ := cursor.Position("C2")
		theirs := heldEvent("C1", "B", 1)
		theirs.Position = others
		for _, row := range []struct {
			cursor payment.EventCursor
			want   error
		}{
			{cursor, payment.ErrCursor},
			{lost.Named().Cursor(), payment.ErrCursorLost},
			{ahead.Named().Cursor(), payment.ErrCursorLost},
			{theirs.Named().Cursor(), payment.ErrCursorLost},
		} {
			_, err := read(t, db, func(tx *store.ReadTx) (store.EventPage, error) {
				return tx.Events("C1", store.EventQuery{After: row.cursor, Limit: 10})
			})
			if !errors.Is(err, row.want) {
				t.Errorf("the cursor %s is %v, want %v", row.cursor, err, row.want)
			}
		}
	})
}

// An event that is not complete is not written, and neither is the action.
func TestIncompleteEvents(t *testing.T) {
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	for name, change := range map[string]func(*payment.Event){
		"no caller": func(e *payment.Event) { e.Caller = "" }, "no object": func(e *payment.Event) { e.ObjectID = "" },
		"no number": func(e *payment.Event) { e.Seq = 0 }, "a position": func(e *payment.Event) { e.Position = 3 },
	} {
		e := heldEvent("C1", "A", 1)
		change(&e)
		err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.AddEvent(e, holdfasttest.Start) })
		if err == nil {
			t.Errorf("an event with %s is added", name)
		}
	}
	if n := place(t, db, 10); n != 0 {
		t.Errorf("%d events were added", n)
	}
}

// A commit that adds events wakes the placing, and no other commit does.
func TestAddedEventsWakeThePlacing(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		awake := func() bool {
			select {
			case <-db.EventsAdded():
				return true
			default:
				return false
			}
		}
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(1)) }); err != nil || awake() {
			t.Errorf("a commit without events wakes the placing: %v", err)
		}
		refused := errors.New("refused")
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.AddEvent(heldEvent("C1", "A", 1), holdfasttest.Start), refused)
		})
		if !errors.Is(err, refused) || awake() {
			t.Errorf("a refused action wakes the placing: %v", err)
		}
		addEvents(t, db, holdfasttest.Start, heldEvent("C1", "A", 1))
		if !awake() {
			t.Error("a commit with an event does not wake the placing")
		}
	})
}

// A backup is restored, and other events take the positions of those that are
// lost. A cursor of a lost event does not skip them, and they have other ids.
func TestARestoredBackup(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	db := holdfasttest.Open(t, address)
	addEvents(t, db, holdfasttest.Start, heldEvent("C1", "A", 1), heldEvent("C1", "A", 2))
	place(t, db, 10)
	kept, err := page(t, db, store.EventQuery{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	backup := filepath.Join(t.TempDir(), "backup.db")
	if _, err := raw(t, address).ExecContext(t.Context(), `VACUUM INTO '`+backup+`'`); err != nil {
		t.Fatal(err)
	}
	addEvents(t, db, holdfasttest.Start.Add(time.Hour), heldEvent("C1", "A", 3))
	place(t, db, 10)
	lost, err := page(t, db, store.EventQuery{After: kept.Next, Limit: 10})
	if err != nil || len(lost.Events) != 1 {
		t.Fatalf("%v: %v", names(lost.Events), err)
	}

	restored := holdfasttest.Open(t, backup)
	wantLost := func(when string) {
		_, err := page(t, restored, store.EventQuery{After: lost.Next, Limit: 10})
		if !errors.Is(err, payment.ErrCursorLost) {
			t.Errorf("%s another event takes the position, a lost cursor is %v", when, err)
		}
	}
	wantLost("before")
	addEvents(t, restored, holdfasttest.Start.Add(2*time.Hour), heldEvent("C1", "A", 3))
	place(t, restored, 10)
	wantLost("after")
	again, err := page(t, restored, store.EventQuery{After: kept.Next, Limit: 10})
	if err != nil || len(again.Events) != 1 {
		t.Fatalf("behind a cursor that was kept there are %v, %v", names(again.Events), err)
	}
	if e := again.Events[0]; e.Position != lost.Events[0].Position || e.ID == lost.Events[0].ID {
		t.Errorf("the new event has the position %d and the id %s, the lost one %d and %s", e.Position, e.ID,
			lost.Events[0].Position, lost.Events[0].ID)
	}
}
