package client_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/client/inbox"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

var inboxNow = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

// onDatabases runs a test with a program's database that has an inbox and a table
// of the program's own: what it did, in order. Package holdfasttest has the
// drivers.
func onDatabases(t *testing.T, test func(t *testing.T, p *program)) {
	t.Helper()
	open := map[string]func(t *testing.T) (*sql.DB, error){
		"SQLite": func(t *testing.T) (*sql.DB, error) {
			file := filepath.Join(t.TempDir(), "shop.db")
			return sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=busy_timeout(20000)&_pragma=journal_mode(wal)")
		},
	}
	if address := holdfasttest.EmptyAddresses(t)["PostgreSQL"]; address != nil {
		open["PostgreSQL"] = func(t *testing.T) (*sql.DB, error) { return sql.Open("pgx", address(t)) }
	}
	for name, open := range open {
		t.Run(name, func(t *testing.T) {
			db, err := open(t)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			for _, schema := range []string{
				inbox.Schema, inbox.Schema, `CREATE TABLE done (id BIGINT PRIMARY KEY, event TEXT NOT NULL)`,
			} {
				if _, err := db.ExecContext(t.Context(), schema); err != nil {
					t.Fatal(err)
				}
			}
			test(t, &program{t: t, db: db, inbox: inbox.Inbox{Now: func() time.Time { return inboxNow }}})
		})
	}
}

// A program acts on events: it writes each into its table.
type program struct {
	t     *testing.T
	db    *sql.DB
	inbox inbox.Inbox
}

var errCrash = errors.New("the program dies")

// in runs a function in a transaction, which is rolled back if it fails.
func (p *program) in(do func(tx *sql.Tx) error) error {
	tx, err := p.db.BeginTx(p.t.Context(), nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// take takes an event and acts on what is ready. It dies before the commit if
// crashes is set.
func (p *program) take(e client.Event, crashes bool) error {
	return p.in(func(tx *sql.Tx) error {
		if err := p.act(tx, e); err != nil {
			return err
		}
		if crashes {
			return errCrash
		}
		return nil
	})
}

// act takes an event and writes into the program's table what is ready.
func (p *program) act(tx *sql.Tx, e client.Event) error {
	ready, err := p.inbox.Take(p.t.Context(), tx, e)
	if err != nil {
		return err
	}
	for _, one := range ready {
		if _, err := tx.ExecContext(p.t.Context(), `
			INSERT INTO done (id, event) SELECT COUNT(*), $1 FROM done`,
			fmt.Sprint(one.ObjectID, " ", one.Sequence)); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) mustTake(events ...client.Event) {
	p.t.Helper()
	for _, e := range events {
		if err := p.take(e, false); err != nil {
			p.t.Fatal(err)
		}
	}
}

// want fails the test unless the program has done this, in this order.
func (p *program) want(want ...string) {
	p.t.Helper()
	if diff := cmp.Diff(want, p.done()); diff != "" {
		p.t.Errorf("done (-want +got):\n%s", diff)
	}
}

func (p *program) done() (all []string) {
	p.t.Helper()
	rows, err := p.db.QueryContext(p.t.Context(), `SELECT event FROM done ORDER BY id`)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var event string
		if err := rows.Scan(&event); err != nil {
			p.t.Fatal(err)
		}
		all = append(all, event)
	}
	if err := rows.Err(); err != nil {
		p.t.Fatal(err)
	}
	return all
}

// gaps are the gaps of the inbox, as text.
func (p *program) gaps(before time.Time) (all []string) {
	p.t.Helper()
	if err := p.in(func(tx *sql.Tx) error {
		gaps, err := p.inbox.Gaps(p.t.Context(), tx, before)
		for _, g := range gaps {
			all = append(all, fmt.Sprint(g.ObjectID, " ", g.Missing))
		}
		return err
	}); err != nil {
		p.t.Fatal(err)
	}
	return all
}

// event is one event of an object.
func event(object string, sequence int) client.Event {
	return client.Event{
		ID: fmt.Sprintf("evt_%s_%d", object, sequence), Type: "hold.held", Timestamp: inboxNow, Object: "hold",
		ObjectID: object, Sequence: sequence, Data: []byte(`{"state":"held"}`),
	}
}

func TestDuplicates(t *testing.T) {
	onDatabases(t, func(_ *testing.T, p *program) {
		p.mustTake(event("a", 1), event("a", 1), event("b", 1), event("a", 2), event("a", 1), event("a", 2), event("b", 1))
		p.want("a 1", "b 1", "a 2")
	})
}

func TestReordering(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		p.mustTake(event("a", 3), event("a", 2), event("a", 3), event("b", 1), event("a", 5))
		p.want("b 1")
		if diff := cmp.Diff([]string{"a 1"}, p.gaps(inboxNow.Add(time.Second))); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
		if young := p.gaps(inboxNow); len(young) > 0 {
			t.Errorf("events that have just come are gaps: %q", young)
		}
		p.mustTake(event("a", 1))
		p.want("b 1", "a 1", "a 2", "a 3")
		if diff := cmp.Diff([]string{"a 4"}, p.gaps(inboxNow.Add(time.Second))); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
		p.mustTake(event("a", 4), event("a", 4))
		p.want("b 1", "a 1", "a 2", "a 3", "a 4", "a 5")
		if left := p.gaps(inboxNow.Add(time.Second)); len(left) > 0 {
			t.Errorf("gaps are left: %q", left)
		}
	})
}

// What waits is the event as it came.
func TestAnEventThatHasWaited(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		late := event("a", 2)
		late.Data = []byte(`{"state":"settled","message":"\"é\u0000 <&>"}`)
		p.mustTake(late)
		if err := p.in(func(tx *sql.Tx) error {
			ready, err := p.inbox.Take(t.Context(), tx, event("a", 1))
			if err == nil && len(ready) == 2 {
				var had, got struct{ State, Message string }
				if err := errors.Join(late.Into(&had), ready[1].Into(&got)); err != nil || had != got {
					t.Errorf("the data is %s, %v", ready[1].Data, err)
				}
				late.Data, ready[1].Data = nil, nil
			}
			if diff := cmp.Diff(late, ready[len(ready)-1]); diff != "" {
				t.Errorf("the event (-want +got):\n%s", diff)
			}
			return err
		}); err != nil {
			t.Fatal(err)
		}
	})
}

// Events are lost, come twice and in any order, and the program dies before some
// commits. The server sends again what was not answered. In the end, each event was
// acted on once, in the order of its object.
func TestAnUnreliableWay(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		r := rand.New(rand.NewPCG(20261130, 1))
		for round := range 10 {
			var all []client.Event
			want := map[string]int{}
			for object := range 4 {
				name := fmt.Sprint("round", round, "-", object)
				want[name] = 1 + r.IntN(6)
				for sequence := range want[name] {
					all = append(all, event(name, sequence+1))
				}
			}
			for unanswered := slices.Clone(all); len(unanswered) > 0; {
				i := r.IntN(len(unanswered))
				switch err := p.take(unanswered[i], r.IntN(4) == 0); {
				case errors.Is(err, errCrash), r.IntN(5) == 0: // no answer, or the answer is lost
				case err != nil:
					t.Fatal(err)
				default:
					unanswered = slices.Delete(unanswered, i, i+1)
				}
			}
			p.wantOnce(want)
		}
	})
}

// wantOnce fails the test unless each event of each object was acted on once and
// in order. want has the number of events of each object.
func (p *program) wantOnce(want map[string]int) {
	p.t.Helper()
	got := map[string]int{}
	for _, done := range p.done() {
		var object string
		var sequence int
		if _, err := fmt.Sscan(done, &object, &sequence); err != nil {
			p.t.Fatal(err)
		}
		if got[object]++; got[object] != sequence {
			p.t.Errorf("event %s was acted on as the %dth of its object", done, got[object])
		}
	}
	for object, count := range want {
		if got[object] != count {
			p.t.Errorf("%d events of %s were acted on, want %d", got[object], object, count)
		}
	}
}

// Several receivers get the same events at the same moment.
func TestReceiversAtOnce(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		const events, receivers = 12, 4
		if _, err := p.db.ExecContext(t.Context(), `CREATE TABLE counted (event TEXT PRIMARY KEY)`); err != nil {
			t.Fatal(err)
		}
		order := make(chan string, events)
		var running sync.WaitGroup
		errs := make([]error, receivers)
		for i := range receivers {
			sequence := rand.New(rand.NewPCG(20261130, uint64(i))).Perm(events)
			running.Go(func() {
				for _, n := range sequence {
					err := p.in(func(tx *sql.Tx) error { return count(t.Context(), tx, p.inbox, event("a", n+1), order) })
					errs[i] = errors.Join(errs[i], err)
				}
			})
		}
		running.Wait()
		close(order)
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		var got []string
		for one := range order {
			got = append(got, one)
		}
		if len(got) != events {
			t.Errorf("%d events were acted on: %q", len(got), got)
		}
	})
}

// count acts on the events that are ready. Its table refuses a second time.
func count(ctx context.Context, tx *sql.Tx, b inbox.Inbox, e client.Event, order chan<- string) error {
	ready, err := b.Take(ctx, tx, e)
	if err != nil {
		return err
	}
	for _, one := range ready {
		if _, err := tx.ExecContext(ctx, `INSERT INTO counted (event) VALUES ($1)`, one.ID); err != nil {
			return err
		}
		order <- one.ID
	}
	return nil
}

// After the server was restored from a backup, an event may have the number of
// another one that was taken. That is no duplicate.
func TestAReplacedEvent(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		p.mustTake(event("a", 1), event("a", 3))
		for sequence := range 3 {
			other := event("a", sequence+1)
			other.ID += "_other"
			err := p.take(other, true)
			replaced, ok := errors.AsType[*inbox.ReplacedError](err)
			if sequence == 1 { // it was never taken
				if ok {
					t.Errorf("event 2: %v", err)
				}
				continue
			}
			if !ok || replaced.ObjectID != "a" || replaced.Sequence != sequence+1 || replaced.Came != other.ID {
				t.Errorf("event %d: %v", sequence+1, err)
			}
		}
		p.want("a 1")
	})
}

func TestForget(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		p.mustTake(event("a", 1), event("a", 2), event("a", 4))
		if err := p.in(func(tx *sql.Tx) error {
			return p.inbox.Forget(t.Context(), tx, inboxNow.Add(time.Hour))
		}); err != nil {
			t.Fatal(err)
		}
		// Duplicates are still known, and what waits is kept.
		p.mustTake(event("a", 1), event("a", 2), event("a", 4), event("a", 3))
		p.want("a 1", "a 2", "a 3", "a 4")
	})
}

func TestEventsWithoutANumber(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		for _, change := range []func(*client.Event){
			func(e *client.Event) { e.ID = "" }, func(e *client.Event) { e.ObjectID = "" },
			func(e *client.Event) { e.Sequence = 0 },
		} {
			e := event("a", 1)
			change(&e)
			if err := p.take(e, false); err == nil {
				t.Errorf("%+v is taken", e)
			}
		}
		p.want()
	})
}

// The cursor of a feed is kept in the transaction that acts on its events.
func TestTheCursorOfAFeed(t *testing.T) {
	onDatabases(t, func(t *testing.T, p *program) {
		read := func(want, next string, fails error) {
			t.Helper()
			err := p.in(func(tx *sql.Tx) error {
				after, err := p.inbox.After(t.Context(), tx, "shop")
				if err != nil || after != want {
					t.Errorf("the cursor is %q, %v; want %q", after, err, want)
				}
				return errors.Join(p.inbox.Advance(t.Context(), tx, "shop", next), fails)
			})
			if !errors.Is(err, fails) {
				t.Fatal(err)
			}
		}
		read("", "c1", errCrash)
		read("", "c1", nil)
		read("c1", "c2", nil)
		read("c2", "c3", errCrash)
		read("c2", "c2", nil)
	})
}
