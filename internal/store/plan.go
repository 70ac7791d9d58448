package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// A Plan says what [Open] would change in the schema of a store.
type Plan struct {
	Have, Known int64    // versions of the schema: the store's, and this program's
	Pending     []string // the names of the migrations that would run, in their order
	Running     []Server // servers that run on the store, and keep it from being changed
}

// PlanMigration compares the schema of a store with this program's. It changes
// nothing.
func PlanMigration(ctx context.Context, c Config) (p Plan, err error) {
	at, err := ParseAddress(c.Address)
	if err != nil {
		return p, err
	}
	d := postgres
	var db *sql.DB
	if at.IsFile() {
		d = sqliteDialect
		if db, err = engine.LookAtSQLite(at.File); err != nil {
			return p, fmt.Errorf("opening SQLite file %s: %w", at, err)
		}
		defer db.Close()
	} else {
		_, pools, err := open(ctx, at)
		if err != nil {
			return p, err
		}
		defer pools.Close()
		db = pools.Reader
	}
	if p, err = d.plan(ctx, db); err != nil {
		return p, d.Named(err)
	}
	if found, err := d.has(ctx, db, serverTable.name); err != nil || !found {
		return p, d.Named(err)
	}
	p.Running, err = runningServers(ctx, db, c.Now())
	return p, d.Named(err)
}

func (d dialect) plan(ctx context.Context, db *sql.DB) (p Plan, err error) {
	if err := refuseUnknown(ctx, d, db); err != nil {
		return p, err
	}
	found, err := d.has(ctx, db, versionTable)
	if err != nil {
		return p, err
	}
	if !found {
		return p, ErrNoSchema
	}
	if p.Have, err = schemaOf(ctx, db); err != nil {
		return p, err
	}
	provider, err := d.migrations(db)
	if err != nil {
		return p, err
	}
	p.Known = newest(provider)
	for _, s := range provider.ListSources() {
		if s.Version > p.Have {
			p.Pending = append(p.Pending, path.Base(s.Path))
		}
	}
	return p, newer(p.Have, p.Known)
}

// A Trial migrates a copy of a store, to learn how long a migration takes and
// whether the books are right afterwards. It only reads the store.
type Trial struct {
	Store Config // needs Now
	// Copy is a file that does not exist, for the copy of an SQLite store. For a store
	// in PostgreSQL, it is the address of a database that has a copy of the store and
	// is used by nobody: migrating the store itself, even in a transaction that is
	// rolled back, would stop its servers for as long as it takes.
	Copy string
	Told func(done, all int) // see [Backup]
}

// A Tried is what came of a Trial.
type Tried struct {
	Took  time.Duration // of the migration
	Books Report        // of the copy, afterwards
}

// Run migrates the copy. The copy is paused first, so that a server that is started
// on it by mistake sends nothing.
func (t Trial) Run(ctx context.Context) (tried Tried, err error) {
	from, err := ParseAddress(t.Store.Address)
	if err != nil {
		return tried, err
	}
	if from.IsFile() {
		now := t.Store.Now()
		err = Backup{From: from.File, To: t.Copy, Taken: now, Now: now, Told: t.Told}.Run(ctx)
	} else {
		err = t.claim(ctx, from)
	}
	if err != nil {
		return tried, err
	}
	began := t.Store.Now()
	db, err := Open(ctx, Config{Address: t.Copy, SealKey: t.Store.SealKey, Now: t.Store.Now})
	if err != nil {
		return tried, err
	}
	tried.Took = t.Store.Now().Sub(began)
	tried.Books, err = db.CheckBooks(ctx)
	return tried, errors.Join(err, db.Close())
}

// Errors of a Trial.
var (
	// ErrSameDatabase refuses the store itself in place of a copy.
	ErrSameDatabase = errors.New("this is the database of the store, and not a copy of it")
	// ErrNoCopy refuses a file.
	ErrNoCopy = errors.New("give the address of a PostgreSQL database that has a copy of the store")
	// ErrOtherSchema refuses a copy that is not one of the present store.
	ErrOtherSchema = errors.New("its schema is not the store's. Restore the copy again")
)

// claim pauses a database if it has a copy of a store and nobody uses it.
func (t Trial) claim(ctx context.Context, from Location) error {
	at, err := ParseAddress(t.Copy)
	if err != nil {
		return err
	}
	if at.IsFile() {
		return ErrNoCopy
	}
	d, source, err := open(ctx, from)
	if err != nil {
		return err
	}
	defer source.Close()
	_, copied, err := open(ctx, at)
	if err != nil {
		return err
	}
	defer copied.Close()
	return d.Named(d.claimCopy(ctx, source.Reader, copied.Writer, t.Store.Now()))
}

func (d dialect) claimCopy(ctx context.Context, source, copied *sql.DB, now time.Time) error {
	same, err := sameDatabase(ctx, source, copied)
	switch {
	case err != nil:
		return err
	case same:
		return ErrSameDatabase
	}
	var others int
	if err := copied.QueryRowContext(ctx, d.others).Scan(&others); err != nil {
		return fmt.Errorf("looking for other programs: %w", err)
	}
	if others > 0 {
		return ErrInUse
	}
	want, err := d.plan(ctx, source)
	if err != nil {
		return err
	}
	got, err := d.plan(ctx, copied)
	if err != nil {
		return err
	}
	if got.Have != want.Have {
		return fmt.Errorf("it has version %d, and the store %d: %w", got.Have, want.Have, ErrOtherSchema)
	}
	if err := refuseRunning(ctx, copied, now); err != nil {
		return err
	}
	return pauseCopy(ctx, copied, Pause{Reason: PausedBackup, Taken: now, Since: now})
}

// sameDatabase reports whether two addresses lead to one PostgreSQL database. A
// database that was restored from a base backup has the names and ids of the first
// one, but not its locks.
func sameDatabase(ctx context.Context, one, other *sql.DB) (same bool, err error) {
	failed := func(err error) (bool, error) { return false, fmt.Errorf("comparing the databases: %w", err) }
	tx, err := one.BeginTx(ctx, nil)
	if err != nil {
		return failed(err)
	}
	defer tx.Rollback()
	var key int64
	if err := tx.QueryRowContext(ctx, `SELECT CAST(random() * 9e15 AS BIGINT)`).Scan(&key); err != nil {
		return failed(err)
	}
	if _, err := tx.ExecContext(ctx, lockAlone, key); err != nil {
		return failed(err)
	}
	var free bool
	if err := other.QueryRowContext(ctx, `SELECT pg_try_advisory_xact_lock($1)`, key).Scan(&free); err != nil {
		return failed(err)
	}
	return !free, nil
}
