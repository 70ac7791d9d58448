package store_test

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// until repeats a query until PostgreSQL answers true. The tests' clock cannot
// move another process, so until really sleeps between two tries. It gives up
// only after minutes, because a busy machine may be slow.
func until(t *testing.T, db *sql.DB, question string) {
	t.Helper()
	for range 20_000 {
		var yes bool
		if err := db.QueryRowContext(t.Context(), question).Scan(&yes); err != nil {
			t.Fatal(err)
		}
		if yes {
			return
		}
		if _, err := db.ExecContext(t.Context(), `SELECT pg_sleep(0.01)`); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("the answer stays no: %s", question)
}

// postgresAddress is the address of a database for this test alone.
func postgresAddress(t *testing.T) string {
	t.Helper()
	empty, ok := holdfasttest.Addresses(t)["PostgreSQL"]
	if !ok {
		t.Skip("there is no PostgreSQL here")
	}
	return empty(t)
}

// occupiedInVain is occupied with actions that fail and commit nothing.
func occupiedInVain(t *testing.T, db *store.DB) (letGo func()) {
	t.Helper()
	hold := make(chan struct{})
	var wait sync.WaitGroup
	for range db.Lines() {
		begun := make(chan struct{})
		wait.Go(func() {
			err := db.Update(t.Context(), func(*store.Tx) error { close(begun); <-hold; return errRefused })
			if !errors.Is(err, errRefused) {
				t.Errorf("the action that keeps the store busy: %v", err)
			}
		})
		<-begun
	}
	return func() {
		close(hold)
		wait.Wait()
	}
}

// If the answer to a commit is lost, the commit may have happened or not. Its
// actions do not run again, because they could be refused for their own
// changes. Their callers get ErrUnreachable, and the next action finds a new
// connection.
func TestCommitInDoubt(t *testing.T) {
	for name, what := range map[string]cutting{"the commit gets lost": cutQuestion, "its answer gets lost": cutAnswer} {
		t.Run(name, func(t *testing.T) {
			happened := what == cutAnswer
			address := postgresAddress(t)
			w := newWire(t, address)
			db := holdfasttest.Open(t, through(t, address, w))
			var runs atomic.Int64
			asked := func(i int) error {
				return db.Update(t.Context(), func(tx *store.Tx) error {
					err := insert(tx, newParty(i))
					runs.Add(1)
					return err
				})
			}
			var wait sync.WaitGroup
			letGo := occupiedInVain(t, db)
			const others = 3
			outcomes := make(chan error, others)
			for i := range others {
				wait.Go(func() { outcomes <- asked(i) })
			}
			store.WaitForQueue(db, others)
			w.cutCommits(what)
			letGo()
			wait.Wait()
			for range others {
				if err := <-outcomes; !errors.Is(err, store.ErrUnreachable) {
					t.Errorf("the action ended with %v, want %v", err, store.ErrUnreachable)
				}
			}
			if runs.Load() != others {
				t.Errorf("%d actions were run %d times", others, runs.Load())
			}
			w.cutCommits(cutNothing)
			for i := range others {
				if there := exists(t, db, newParty(i).ID); there != happened {
					t.Errorf("the row of action %d exists: %v, want %v", i, there, happened)
				}
			}
			if err := asked(others); err != nil {
				t.Errorf("the next action: %v", err)
			}
		})
	}
}

// If a connection is lost, View and Update return ErrUnreachable, and the next
// call gets another connection.
func TestLostConnection(t *testing.T) {
	address := postgresAddress(t)
	w := newWire(t, address)
	db := holdfasttest.Open(t, through(t, address, w))
	err := db.View(t.Context(), func(tx *store.ReadTx) error {
		w.cut()
		_, _, err := tx.Party("P1")
		return err
	})
	if !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("reading ended with %v, want %v", err, store.ErrUnreachable)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		w.cut()
		return insert(tx, newParty(1))
	})
	if !errors.Is(err, store.ErrUnreachable) {
		t.Errorf("writing ended with %v, want %v", err, store.ErrUnreachable)
	}
	if exists(t, db, newParty(1).ID) {
		t.Error("an action whose connection was cut left a trace")
	}
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(1)) }); err != nil {
		t.Errorf("the next action: %v", err)
	}
}

// Once a connection goes to another node, the connections that are left to the
// old node are not used. The old node may be a former primary that does not
// know it.
func TestConnectionsFollowTheNewest(t *testing.T) {
	address := postgresAddress(t)
	before, after := newWire(t, address), newWire(t, address)
	db := holdfasttest.Open(t, through(t, address, before, after))
	readTwice := func() { // on two connections
		t.Helper()
		err := db.View(t.Context(), func(*store.ReadTx) error {
			exists(t, db, "P1")
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	readTwice()
	if after.carried.Load() != 0 {
		t.Fatal("the second node was used although the first one answers")
	}
	before.refuse()
	// a third connection
	if err := db.View(t.Context(), func(*store.ReadTx) error { readTwice(); return nil }); err != nil {
		t.Fatal(err)
	}
	if after.carried.Load() == 0 {
		t.Fatal("no connection was made to the second node")
	}
	old := before.carried.Load()
	readTwice()
	if before.carried.Load() != old {
		// Closing a connection sends a message on it; nothing else may be sent.
		const goodbye = 5
		if said := before.carried.Load() - old; said%goodbye != 0 || said > 3*goodbye {
			t.Errorf("%d bytes were sent to the first node after a connection to the second", said)
		}
	}
}

// A node that accepts no writes is skipped. If there is no other node, opening
// the store fails.
func TestStandbyIsNoStore(t *testing.T) {
	address := postgresAddress(t)
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Set("default_transaction_read_only", "on")
	u.RawQuery = query.Encode()
	db, err := store.Open(t.Context(), store.Config{Address: u.String()})
	if err == nil {
		db.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "read only") {
		t.Errorf("opening a store that only reads: %v, want it refused", err)
	}
}

// A statement that the committer gives up is not cancelled. Otherwise
// PostgreSQL would treat a commit that waits for its standbys as done.
func TestNothingIsCancelled(t *testing.T) {
	address := postgresAddress(t)
	writer, err := store.OpenWriter(address)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	must := func(query string) {
		t.Helper()
		if _, err := writer.ExecContext(t.Context(), query); err != nil {
			t.Fatal(err)
		}
	}
	must(`CREATE SEQUENCE carried_out`)
	must(`CREATE TABLE gate (one BIGINT)`)
	closed, err := writer.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer closed.Rollback()
	if _, err := closed.ExecContext(t.Context(), `LOCK gate`); err != nil {
		t.Fatal(err)
	}
	ctx, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	givenUp := make(chan error)
	go func() {
		_, err := writer.ExecContext(ctx, `SELECT nextval('carried_out'), (SELECT COUNT(1) FROM gate)`)
		givenUp <- err
	}()
	until(t, writer, `
		SELECT EXISTS (
			SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')`)
	giveUp()
	if err := <-givenUp; err == nil {
		t.Fatal("the lock is free")
	}
	if err := closed.Rollback(); err != nil {
		t.Fatal(err)
	}
	until(t, writer, `SELECT is_called FROM carried_out`) // although nobody waits for it
}

// Pages that PostgreSQL writes out go to the disk steadily, unless the operator
// has set another value.
func TestWritesSteadily(t *testing.T) {
	address := postgresAddress(t)
	for set, want := range map[string]string{"": "256kB", "&backend_flush_after=64kB": "64kB"} {
		writer, err := store.OpenWriter(address + set)
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Close()
		var got string
		if err := writer.QueryRowContext(t.Context(), `SHOW backend_flush_after`).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("backend_flush_after is %s with %q in the address, want %s", got, set, want)
		}
	}
}

// While a commit waits for a standby, its line sends no other one to wait as
// well, because the sessions would run out.
func TestNoStandbyAnswers(t *testing.T) {
	address := postgresAddress(t)
	admin, err := store.OpenWriter(address)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	one := func(query string) (answer string) {
		t.Helper()
		if err := admin.QueryRowContext(context.Background(), query).Scan(&answer); err != nil {
			t.Fatal(err)
		}
		return answer
	}
	standby := func(name string) {
		t.Helper()
		set := `ALTER SYSTEM SET synchronous_standby_names = '` + name + `'`
		if _, err := admin.ExecContext(context.Background(), set); err != nil {
			t.Fatal(err)
		}
		one(`SELECT pg_reload_conf()::text`)
	}
	if one(`SHOW synchronous_commit`) != "off" {
		t.Skip("other users of this PostgreSQL would wait for the standby, too")
	}
	w := newWire(t, address)
	db := holdfasttest.Open(t, through(t, address, w)+"&synchronous_commit=on")
	standby("nobody")
	defer standby("")
	untilCommitsWait(t, admin, address)
	w.cutCommits(hangUp)
	const waiting = ` FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'`
	const forLong = `SELECT COUNT(1) > 0` + waiting + ` AND query_start < clock_timestamp() - INTERVAL '1 second'`
	for i := range 4 * db.Lines() {
		err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(i)) })
		if !errors.Is(err, store.ErrUnreachable) {
			t.Errorf("action %d ended with %v, want %v", i, err, store.ErrUnreachable)
		}
		until(t, admin, forLong) // for the first action, which was given up at once
	}
	if n, err := strconv.Atoi(one(`SELECT COUNT(1)::text` + waiting)); err != nil || n > db.Lines() {
		t.Errorf("%d commits wait for a standby (%v), want one for each of %d lines", n, err, db.Lines())
	}
	w.cutCommits(cutNothing)
	standby("")
	until(t, admin, `SELECT COUNT(1) = 0`+waiting)
	until(t, admin, `SELECT EXISTS (SELECT 1 FROM parties WHERE party_id = 'P0000')`) // the first action is there
	if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(99)) }); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// untilCommitsWait returns when commits wait for a standby. They do so once
// PostgreSQL's checkpointer has read the setting, whatever other processes
// report. The checkpointer reads it between its other work. On a busy machine a
// checkpoint, such as DROP DATABASE asks for, may take long.
func untilCommitsWait(t *testing.T, admin *sql.DB, address string) {
	t.Helper()
	probe, err := sql.Open("pgx", address+"&synchronous_commit=on&application_name=probe")
	if err != nil {
		t.Fatal(err)
	}
	defer probe.Close()
	ctx, end := context.WithCancel(t.Context())
	var probing sync.WaitGroup
	probing.Go(func() {
		for ctx.Err() == nil {
			_, _ = probe.ExecContext(ctx, `SELECT pg_logical_emit_message(true, 'probe', '')`)
		}
	})
	const ofProbe = ` FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'probe'`
	until(t, admin, `SELECT COUNT(1) > 0`+ofProbe+` AND wait_event = 'SyncRep'`)
	end() // cancels the probe, which ends its wait
	probing.Wait()
	until(t, admin, `SELECT COUNT(1) = 0`+ofProbe+` AND wait_event = 'SyncRep'`)
}

// Servers that start at once on an empty database create its schema only once.
func TestServersStartAtOnce(t *testing.T) {
	empty, ok := holdfasttest.EmptyAddresses(t)["PostgreSQL"]
	if !ok {
		t.Skip("there is no PostgreSQL here")
	}
	address := empty(t)
	var wait sync.WaitGroup
	for i := range 3 {
		wait.Go(func() {
			db, err := store.Open(t.Context(), store.Config{Address: address})
			if err != nil {
				t.Errorf("server %d: %v", i, err)
				return
			}
			defer db.Close()
			if err := db.Update(t.Context(), func(tx *store.Tx) error { return insert(tx, newParty(i)) }); err != nil {
				t.Errorf("server %d: %v", i, err)
			}
		})
	}
	wait.Wait()
}

// Confirm works on each database, alone and together with other actions.
func TestConfirm(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		var wait sync.WaitGroup
		for i := range 8 {
			wait.Go(func() {
				err := db.Update(t.Context(), func(tx *store.Tx) error {
					if i%2 == 0 {
						return tx.Confirm()
					}
					return insert(tx, newParty(i))
				})
				if err != nil {
					t.Errorf("action %d: %v", i, err)
				}
			})
		}
		wait.Wait()
	})
}

// After a conflict, a server moves to another lane of the balances.
func TestOtherLane(t *testing.T) {
	for lane := range store.Lanes {
		for range 100 {
			if other := store.OtherLane(lane); other == lane || other < 0 || other >= store.Lanes {
				t.Fatalf("from lane %d it goes to %d", lane, other)
			}
		}
	}
}
