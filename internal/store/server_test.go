package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3/lock"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A store knows which servers run on it, and forgets those that were killed.
func TestServers(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		beat := func(id string, seen time.Time) {
			t.Helper()
			s := store.Server{ID: id, Version: "1.2.0", Host: "pay1", Started: takenAt, Seen: seen}
			if err := db.Beat(t.Context(), s); err != nil {
				t.Fatal(err)
			}
		}
		live := func(now time.Time) (ids []string) {
			t.Helper()
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				all, err := tx.Servers()
				for _, s := range all {
					if s.Live(now) && s.Version == "1.2.0" && s.Host == "pay1" && s.Schema > 0 && s.Started.Equal(takenAt) {
						ids = append(ids, s.ID)
					}
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return ids
		}
		beat("a", takenAt)
		beat("b", takenAt)
		beat("a", takenAt.Add(20*time.Second))
		if diff := cmp.Diff([]string{"a", "b"}, live(takenAt.Add(20*time.Second))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"a"}, live(takenAt.Add(40*time.Second))); diff != "" {
			t.Error(diff)
		}
		if err := db.MarkRestored(t.Context(), takenAt, takenAt.Add(40*time.Second)); !errors.Is(err, store.ErrServersRun) {
			t.Errorf("a store with a server is marked as restored: %v", err)
		}
		if err := db.RemoveServer(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string(nil), live(takenAt.Add(40*time.Second))); diff != "" {
			t.Error(diff)
		}
		beat("c", takenAt.Add(25*time.Hour)) // b was killed a day ago
		if diff := cmp.Diff([]string{"c"}, live(takenAt)); diff != "" {
			t.Error(diff)
		}
	})
}

// A server that starts during a migration does not run on the new schema, and a
// database is not marked as restored under a server that starts meanwhile.
func TestServersThatStartMeanwhile(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	db, other := holdfasttest.Open(t, address), raw(t, address)
	// meanwhile changes the store while an action waits for the lock of migrations.
	meanwhile := func(action func() error, began, change string, args ...any) error {
		t.Helper()
		tx, err := other.BeginTx(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if _, err := tx.ExecContext(t.Context(), `SELECT pg_advisory_xact_lock($1)`, lock.DefaultLockID); err != nil {
			t.Fatal(err)
		}
		ended := make(chan error, 1)
		go func() { ended <- action() }()
		for rows := 0; rows == 0; {
			select {
			case err := <-ended:
				t.Fatalf("it does not wait: %v", err)
			default:
			}
			if err := tx.QueryRowContext(t.Context(), began).Scan(&rows); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := tx.ExecContext(t.Context(), change, args...); err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(); err != nil {
			t.Fatal(err)
		}
		return <-ended
	}
	const waits = `
		SELECT COUNT(1) FROM pg_locks
		WHERE locktype = 'advisory' AND NOT granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
	err := meanwhile(func() error { return db.MarkRestored(t.Context(), takenAt, takenAt) }, waits,
		`INSERT INTO servers (server_id, version, schema, host, mails, started, seen) VALUES ('a', '1.2.0', 1, 'pay1', '', $1, $1)`,
		takenAt.UnixMicro())
	if !errors.Is(err, store.ErrServersRun) {
		t.Errorf("a server starts while the database is marked as restored: %v", err)
	}
	if err := db.RemoveServer(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	err = meanwhile(func() error {
		return db.FirstBeat(t.Context(), store.Server{ID: "b", Version: "1.2.0", Host: "pay1", Started: takenAt, Seen: takenAt})
	}, `SELECT COUNT(1) FROM servers`, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)`)
	if !errors.Is(err, store.ErrNewSchema) {
		t.Errorf("a server starts during a migration: %v", err)
	}
	var rows int
	if err := other.QueryRowContext(t.Context(), `SELECT COUNT(1) FROM servers`).Scan(&rows); err != nil || rows != 0 {
		t.Errorf("it is still among the servers: %d (%v)", rows, err)
	}
}
