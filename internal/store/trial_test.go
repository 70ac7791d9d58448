package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// more is a migration of a newer program.
const more = "-- +goose Up\nCREATE TABLE more (id BIGINT);\nINSERT INTO more SELECT received FROM transactions;\n"

// trialOf is a trial of a store with a payment, and of a copy of it if it is in
// PostgreSQL.
func trialOf(t *testing.T, name string) store.Trial {
	t.Helper()
	address := holdfasttest.EmptyAddresses(t)[name]
	at, copied := address(t), address(t)
	fillManyRows(t, at)
	if name == "PostgreSQL" {
		if _, err := copyOf(t, at, copied).Run(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	now := takenAt
	return store.Trial{Copy: copied, Store: store.Config{Address: at, Now: func() time.Time {
		now = now.Add(time.Millisecond)
		return now
	}}}
}

// A migration is tried on a copy of a store, under its servers. The time is
// measured, the books of the copy are checked, and the copy is paused. The store
// stays as it is.
func TestTrial(t *testing.T) {
	for name := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			trial := trialOf(t, name)
			running := holdfasttest.Open(t, trial.Store.Address)
			s := store.Server{ID: "a", Version: "1.0.0", Host: "pay1", Started: takenAt, Seen: takenAt}
			if err := running.Beat(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			store.AddMigration(t, "0002_more.sql", more)
			tried, err := trial.Run(t.Context())
			if err != nil || tried.Took <= 0 || tried.Books.Transactions != 2 || len(tried.Books.Findings) > 0 {
				t.Fatalf("it comes to %+v (%v)", tried, err)
			}
			copied, err := store.OpenExisting(t.Context(), store.Config{Address: trial.Copy})
			if err != nil {
				t.Fatal(err)
			}
			defer copied.Close()
			if _, paused := copied.Paused(); !paused {
				t.Error("the copy is not paused")
			}
			if rows := linesOf(t, raw(t, trial.Copy), `SELECT CAST(COUNT(1) AS TEXT) FROM more`); rows[0] != "2" {
				t.Errorf("the migration has made %s rows", rows[0])
			}
			if names := tables(t, trial.Store.Address, raw(t, trial.Store.Address)); strings.Contains(names, " more ") {
				t.Errorf("the store has the tables %s", names)
			}
			store.ForgetMigrations()
			if err := running.Beat(t.Context(), s); err != nil {
				t.Errorf("the server of the store: %v", err)
			}
		})
	}
}

// A migration that fails leaves the store as it is, too.
func TestATrialThatFails(t *testing.T) {
	for name := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			trial := trialOf(t, name)
			store.AddMigration(t, "0002_more.sql", "-- +goose Up\nINSERT INTO nowhere VALUES (1);\n")
			if _, err := trial.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "nowhere") {
				t.Errorf("it ends with %v", err)
			}
			store.ForgetMigrations()
			if _, paused := holdfasttest.Open(t, trial.Store.Address).Paused(); paused {
				t.Error("the store is paused")
			}
		})
	}
}

// Only an unused copy of the store is migrated: not the store itself, whichever
// address leads to it, not a database that somebody uses, and not a copy that was
// migrated already.
func TestTrialsThatAreRefused(t *testing.T) {
	holdfasttest.PostgresAddress(t) // skips the test without one
	for name, row := range map[string]struct {
		prepare func(t *testing.T, trial *store.Trial)
		want    error
	}{
		"the store itself": {func(_ *testing.T, trial *store.Trial) {
			trial.Copy = trial.Store.Address + "&application_name=other"
		}, store.ErrSameDatabase},
		"a database in use": {func(t *testing.T, trial *store.Trial) {
			store.ForgetMigrations()
			holdfasttest.Open(t, trial.Copy)
			store.AddMigration(t, "0002_more.sql", more)
		}, store.ErrInUse},
		"servers that were seen": {func(t *testing.T, trial *store.Trial) {
			_, err := raw(t, trial.Copy).ExecContext(t.Context(), `
				INSERT INTO servers (server_id, version, schema, host, mails, started, seen)
				VALUES ('a', '1.0.0', 1, 'pay1', '', $1, $1)`,
				takenAt.UnixMicro())
			if err != nil {
				t.Fatal(err)
			}
		}, store.ErrServersRun},
		"a copy that was migrated": {func(t *testing.T, trial *store.Trial) {
			if _, err := trial.Run(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, store.ErrOtherSchema},
		"an empty database": {func(t *testing.T, trial *store.Trial) {
			trial.Copy = holdfasttest.EmptyPostgresAddress(t)
		}, store.ErrNoSchema},
		"a file": {func(t *testing.T, trial *store.Trial) {
			trial.Copy = filepath.Join(t.TempDir(), "copy.db")
		}, store.ErrNoCopy},
	} {
		t.Run(name, func(t *testing.T) {
			trial := trialOf(t, "PostgreSQL")
			store.AddMigration(t, "0002_more.sql", more)
			row.prepare(t, &trial)
			if _, err := trial.Run(t.Context()); !errors.Is(err, row.want) {
				t.Errorf("it ends with %v, want %v", err, row.want)
			}
			store.ForgetMigrations()
			if _, paused := holdfasttest.Open(t, trial.Store.Address).Paused(); paused {
				t.Error("the store is paused")
			}
		})
	}
}

// A PostgreSQL database that was restored to a state of an older version is brought
// up to date and paused. An operator who named a time that is too late may name an
// earlier one. An empty database stays empty.
func TestOpenRestored(t *testing.T) {
	address, empty := holdfasttest.PostgresAddress(t), holdfasttest.EmptyPostgresAddress(t)
	store.AddMigration(t, "0002_more.sql", more)
	restore := func(at string, taken time.Time) (p store.Pause, err error) {
		config := store.Config{Address: at, Now: func() time.Time { return takenAt }}
		db, err := store.OpenRestored(t.Context(), config, taken, takenAt)
		if err != nil {
			return p, err
		}
		p, _ = db.Paused()
		return p, db.Close()
	}
	earlier := takenAt.Add(-time.Hour)
	for _, row := range []struct{ taken, want time.Time }{
		{takenAt, takenAt}, {earlier, earlier}, {takenAt.Add(-time.Minute), earlier},
	} {
		p, err := restore(address, row.taken)
		if err != nil || !p.Taken.Equal(row.want) || p.Reason != store.PausedBackup {
			t.Errorf("restored to %v, it is paused as %+v (%v)", row.taken, p, err)
		}
	}
	if _, err := raw(t, address).ExecContext(t.Context(), `SELECT id FROM more`); err != nil {
		t.Errorf("it is not up to date: %v", err)
	}
	if _, err := restore(empty, takenAt); !errors.Is(err, store.ErrNoSchema) {
		t.Errorf("an empty database is restored: %v", err)
	}
	var names int
	err := raw(t, empty).QueryRowContext(t.Context(),
		`SELECT COUNT(1) FROM pg_tables WHERE schemaname = current_schema()`).Scan(&names)
	if err != nil || names > 0 {
		t.Errorf("the empty database has %d tables (%v)", names, err)
	}
}

// A restored database is paused before it is migrated: a migration that fails, or is
// killed, leaves no database that a server would send old notices from.
func TestOpenRestoredPausesFirst(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	store.AddMigration(t, "0002_more.sql", "-- +goose Up\nINSERT INTO nowhere VALUES (1);\n")
	config := store.Config{Address: address, Now: func() time.Time { return takenAt }}
	_, err := store.OpenRestored(t.Context(), config, takenAt, takenAt)
	if err == nil || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("it ends with %v", err)
	}
	store.ForgetMigrations()
	if p, paused := holdfasttest.Open(t, address).Paused(); !paused || !p.Taken.Equal(takenAt) {
		t.Errorf("the database is paused as %+v (%v)", p, paused)
	}
}

// A database with servers is neither paused nor migrated.
func TestOpenRestoredRefusesServers(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	s := store.Server{ID: "a", Version: "1.0.0", Host: "pay1", Started: takenAt, Seen: takenAt}
	if err := holdfasttest.Open(t, address).Beat(t.Context(), s); err != nil {
		t.Fatal(err)
	}
	store.AddMigration(t, "0002_more.sql", more)
	config := store.Config{Address: address, Now: func() time.Time { return takenAt }}
	if _, err := store.OpenRestored(t.Context(), config, takenAt, takenAt); !errors.Is(err, store.ErrServersRun) {
		t.Errorf("it ends with %v", err)
	}
	store.ForgetMigrations()
	if _, paused := holdfasttest.Open(t, address).Paused(); paused {
		t.Error("the database is paused")
	}
	if names := tables(t, address, raw(t, address)); strings.Contains(names, " more ") {
		t.Errorf("the database has the tables %s", names)
	}
}
