package engine_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
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

func openWriter(t *testing.T, at string) *sql.DB {
	t.Helper()
	writer, reader, err := engine.OpenPostgres(t.Context(), at)
	if err != nil {
		t.Fatal(err)
	}
	reader.Close()
	t.Cleanup(func() { writer.Close() })
	return writer
}

// If the answer to a commit is lost, the commit may have happened or not. Its
// Works do not run again, because they could be refused for their own changes.
// Their callers get ErrUnreachable, and the next Work finds a new connection.
func TestCommitInDoubt(t *testing.T) {
	for name, what := range map[string]holdfasttest.Cutting{
		"the commit gets lost": holdfasttest.CutQuestion, "its answer gets lost": holdfasttest.CutAnswer,
	} {
		t.Run(name, func(t *testing.T) {
			happened := what == holdfasttest.CutAnswer
			at := holdfasttest.EmptyPostgresAddress(t)
			w := holdfasttest.NewWire(t, at)
			db := open(t, holdfasttest.Through(t, at, w), engine.Config{})
			var runs atomic.Int64
			asked := func(i int) func(tx *engine.Tx) error {
				return func(tx *engine.Tx) error {
					runs.Add(1)
					return add(tx, fmt.Sprint(i), 1)
				}
			}
			const others = 3
			letGo := occupied(t, db)
			var wait sync.WaitGroup
			for i := range others {
				wait.Go(func() {
					if err := db.Update(t.Context(), asked(i)); !errors.Is(err, engine.ErrUnreachable) {
						t.Errorf("the Work ended with %v, want %v", err, engine.ErrUnreachable)
					}
				})
			}
			engine.WaitForQueue(db, others, 0)
			w.CutCommits(what)
			letGo()
			wait.Wait()
			if runs.Load() != others {
				t.Errorf("%d Works were run %d times", others, runs.Load())
			}
			w.CutCommits(holdfasttest.CutNothing)
			for i := range others {
				if there := valueOf(t, db, fmt.Sprint(i)) == 1; there != happened {
					t.Errorf("the row of Work %d exists: %v, want %v", i, there, happened)
				}
			}
			mustUpdate(t, db, asked(others))
		})
	}
}

// If a connection is lost, View and Update return ErrUnreachable, and the next
// call gets another connection.
func TestLostConnection(t *testing.T) {
	at := holdfasttest.EmptyPostgresAddress(t)
	w := holdfasttest.NewWire(t, at)
	db := open(t, holdfasttest.Through(t, at, w), engine.Config{})
	err := db.View(t.Context(), func(tx *engine.Tx) error {
		w.Cut()
		_, _, err := numbers.Get(tx, "a")
		return err
	})
	if !errors.Is(err, engine.ErrUnreachable) {
		t.Errorf("reading ended with %v, want %v", err, engine.ErrUnreachable)
	}
	for name, work := range map[string]func(tx *engine.Tx) error{
		"writing": func(tx *engine.Tx) error {
			w.Cut()
			return add(tx, "a", 1)
		},
		"reading and writing": func(tx *engine.Tx) error {
			w.Cut()
			return increase(tx, "a", 1)
		},
		"ignoring the error": func(tx *engine.Tx) error {
			w.Cut()
			_, _, _ = numbers.Get(tx, "a")
			return nil
		},
	} {
		if err := db.Update(t.Context(), work); !errors.Is(err, engine.ErrUnreachable) {
			t.Errorf("%s ended with %v, want %v", name, err, engine.ErrUnreachable)
		}
	}
	if valueOf(t, db, "a") != -1 {
		t.Error("a Work whose connection was cut left a trace")
	}
	mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "a", 1) })
}

// While a commit waits for a standby, its writer sends no other one to wait as
// well, because the sessions would run out.
func TestNoStandbyAnswers(t *testing.T) {
	at := holdfasttest.EmptyPostgresAddress(t)
	admin := openWriter(t, at)
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
	w := holdfasttest.NewWire(t, at)
	open(t, at, engine.Config{}) // makes the tables
	db := open(t, holdfasttest.Through(t, at, w)+"&synchronous_commit=on", engine.Config{})
	standby("nobody")
	defer standby("")
	untilCommitsWait(t, admin, at)
	w.CutCommits(holdfasttest.HangUp)
	const waiting = ` FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'SyncRep'`
	const forLong = `SELECT COUNT(1) > 0` + waiting + ` AND query_start < clock_timestamp() - INTERVAL '1 second'`
	for i := range 4 * db.Writers() {
		err := db.Update(t.Context(), func(tx *engine.Tx) error { return add(tx, fmt.Sprint(i), 1) })
		if !errors.Is(err, engine.ErrUnreachable) {
			t.Errorf("Work %d ended with %v, want %v", i, err, engine.ErrUnreachable)
		}
		until(t, admin, forLong) // for the first Work, which was given up at once
	}
	if n, err := strconv.Atoi(one(`SELECT COUNT(1)::text` + waiting)); err != nil || n > db.Writers() {
		t.Errorf("%d commits wait for a standby (%v), want one for each of %d writers", n, err, db.Writers())
	}
	w.CutCommits(holdfasttest.CutNothing)
	standby("")
	until(t, admin, `SELECT COUNT(1) = 0`+waiting)
	until(t, admin, `SELECT EXISTS (SELECT 1 FROM numbers WHERE name = '0')`) // the first Work is there
	mustUpdate(t, db, func(tx *engine.Tx) error { return add(tx, "afterwards", 1) })
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

// The disk is full in the middle of a group. Nothing of the group is committed,
// each of its Works gets ErrNoSpace, and the next group is committed once there
// is space again.
func TestAFullDisk(t *testing.T) {
	type prepared struct{ fill, free func() }
	prepare := map[string]func(t *testing.T, writer *sql.DB) prepared{
		"SQLite": func(t *testing.T, writer *sql.DB) prepared {
			return prepared{
				fill: func() {
					var pages int
					if err := writer.QueryRowContext(t.Context(), `PRAGMA page_count`).Scan(&pages); err != nil {
						t.Error(err)
					}
					must(t, writer, fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
				},
				free: func() { must(t, writer, `PRAGMA max_page_count = 1000000`) },
			}
		},
		"PostgreSQL": func(t *testing.T, writer *sql.DB) prepared {
			must(t, writer, `
				CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
				BEGIN
					RAISE EXCEPTION 'could not extend file' USING ERRCODE = 'disk_full';
				END $$`)
			return prepared{
				fill: func() {
					must(t, writer, `CREATE TRIGGER full_disk BEFORE INSERT ON events EXECUTE FUNCTION refuse()`)
				},
				free: func() { must(t, writer, `DROP TRIGGER full_disk ON events`) },
			}
		},
	}
	databases(t, func(t *testing.T, db *engine.DB) {
		disk := prepare[t.Name()[len("TestAFullDisk/"):]](t, db.WriterPool())
		large := make([]byte, 100_000)
		for i := range large {
			large[i] = 'x'
		}
		work := func(name string) func(tx *engine.Tx) error {
			return func(tx *engine.Tx) error { return errors.Join(add(tx, name, 1), events.Add(tx, string(large), 1)) }
		}
		disk.fill()
		for _, err := range together(t, db, work("a"), work("b"), work("c")) {
			if !errors.Is(err, engine.ErrNoSpace) || !engine.IsUnavailable(err) {
				t.Errorf("in a group: %v", err)
			}
		}
		if err := db.Update(t.Context(), work("d")); !errors.Is(err, engine.ErrNoSpace) {
			t.Errorf("alone: %v", err)
		}
		disk.free()
		for _, name := range []string{"a", "b", "c", "d"} {
			if valueOf(t, db, name) != -1 {
				t.Errorf("%s is there", name)
			}
		}
		for _, err := range together(t, db, work("a"), work("b")) {
			if err != nil {
				t.Errorf("with space again: %v", err)
			}
		}
	})
}

func must(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}
