package store_test

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A server adds an event and commits late. Meanwhile other events are added,
// placed and read. The reader does not miss the late one: it comes behind them.
func TestALateCommitIsNotSkipped(t *testing.T) {
	at := holdfasttest.PostgresAddress(t)
	one, other := holdfasttest.Open(t, at), holdfasttest.Open(t, at)
	slow := raw(t, at)
	for round := range 5 {
		late, err := slow.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		insertSlowly(t, late, fmt.Sprint("late", round), 1)
		addEvents(t, one, holdfasttest.Start, heldEvent("C1", fmt.Sprint("quick", round), 1))
		place(t, other, 10)
		seen := holdfasttest.FeedOf(t, one, "C1", 10)
		if err := late.Commit(); err != nil {
			t.Fatal(err)
		}
		place(t, one, 10)
		all := holdfasttest.FeedOf(t, other, "C1", 10)
		if diff := cmp.Diff(seen, all[:len(seen)]); diff != "" {
			t.Fatalf("what was read has changed: %s", diff)
		}
		if len(seen) != 2*round+1 || len(all) != 2*round+2 {
			t.Fatalf("%d events were read, then %d", len(seen), len(all))
		}
		holdfasttest.CheckFeed(t, all)
	}
}

// insertSlowly adds an event in a transaction that the test commits itself.
func insertSlowly(t *testing.T, tx *sql.Tx, object string, seq int) {
	t.Helper()
	e := heldEvent("C1", object, seq)
	e.Created = holdfasttest.Start
	e = e.Named()
	if _, err := tx.ExecContext(t.Context(), `
		INSERT INTO events (caller_id, object_id, seq, event_id, type, object, at, created, data, position, placed_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0)`, e.Caller, e.ObjectID, e.Seq, e.ID, e.Type, e.Object(),
		e.At.UnixMicro(), e.Created.UnixMicro(), e.Data); err != nil {
		t.Fatal(err)
	}
}

// Two servers add events and place them, some commits are slow, and a reader
// reads meanwhile with its cursor. It gets every event exactly once, and a later
// reader gets the same order.
func TestEveryEventIsReadOnce(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			const writers, objects, each = 4, 5, 8 // objects of each writer, events of each object
			at := address(t)
			servers := []*store.DB{holdfasttest.Open(t, at), holdfasttest.Open(t, at)}
			total := writers * objects * each
			r := &race{t: t, servers: servers, placed: make(chan int, 1000), poke: make(chan struct{}, 1)}
			for w := range writers {
				r.writing.Go(func() {
					for n := range objects * each {
						addEvents(t, servers[w%2], holdfasttest.Start, heldEvent("C1", fmt.Sprintf("W%dO%d", w, n%objects), 1+n/objects))
					}
				})
			}
			if name == "PostgreSQL" { // on SQLite a transaction that is open keeps all others waiting
				slow := raw(t, at)
				total += each
				r.writing.Go(func() { r.commitSlowly(slow, each) })
			}
			done, cancel := context.WithCancel(t.Context())
			for _, db := range servers {
				r.placing.Go(func() { r.place(done, db) })
			}
			all := r.read(total)
			r.writing.Wait()
			cancel()
			r.placing.Wait()
			holdfasttest.CheckFeed(t, all)
			if diff := cmp.Diff(names(all), names(holdfasttest.FeedOf(t, servers[0], "C1", 100))); diff != "" {
				t.Errorf("a later reader reads something else: %s", diff)
			}
		})
	}
}

// A race is the course of TestEveryEventIsReadOnce.
type race struct {
	t                *testing.T
	servers          []*store.DB
	writing, placing sync.WaitGroup
	placed           chan int      // numbers of events that were placed together
	poke             chan struct{} // an event was added by no server
}

// place places events whenever some were added.
func (r *race) place(until context.Context, db *store.DB) {
	for {
		select {
		case <-until.Done():
			return
		case <-db.EventsAdded():
		case <-r.poke:
		}
		if n := place(r.t, db, 7); n > 0 {
			r.placed <- n
		}
	}
}

// read reads the feed on whenever events were placed, until it has so many.
func (r *race) read(total int) (all []payment.Event) {
	r.t.Helper()
	var next payment.EventCursor
	for len(all) < total {
		<-r.placed
		for more := true; more; {
			some, err := page(r.t, r.servers[len(all)%2], store.EventQuery{After: next, Limit: 9})
			if err != nil {
				r.t.Fatal(err)
			}
			all, next, more = append(all, some.Events...), some.Next, some.More
		}
	}
	return all
}

// commitSlowly adds events of one object. Each transaction is open while another
// event is added and placed.
func (r *race) commitSlowly(db *sql.DB, count int) {
	for seq := 1; seq <= count; seq++ {
		tx, err := db.BeginTx(r.t.Context(), nil)
		if err != nil {
			r.t.Error(err)
			return
		}
		insertSlowly(r.t, tx, "slow", seq)
		place(r.t, r.servers[seq%2], 7)
		if err := tx.Commit(); err != nil {
			r.t.Error(err)
			return
		}
		select {
		case r.poke <- struct{}{}:
		default:
		}
	}
}

func page(t *testing.T, db *store.DB, q store.EventQuery) (store.EventPage, error) {
	t.Helper()
	return read(t, db, func(tx *store.ReadTx) (store.EventPage, error) { return tx.Events("C1", q) })
}
