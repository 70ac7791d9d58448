package store

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A DB is an open store, made by [Open]. Its zero value cannot be used.
type DB struct {
	Reader
	// Unclean reports that sealing was interrupted. Plain copies of secrets may be
	// left in the database's files until [DB.Seal] runs again.
	Unclean bool

	engine *engine.DB
	pools  *engine.Pools

	added chan struct{} // events, in a commit

	afterSealStep func() // set by a test
	changesMost   int    // set by a test; zero is the default
}

// A Config says which database to open and how.
type Config struct {
	Address string // see [ParseAddress]
	// GroupMax is the largest number of actions in one commit. 1 gives each action
	// its own commit, for comparisons. 0 means 256, which keeps each commit short.
	GroupMax int
	// LockWait is how long a commit waits while another process has locked the
	// SQLite file, in whole milliseconds. 0 means ten seconds.
	LockWait time.Duration
	// SealKey opens a sealed store. nil opens a plain store.
	SealKey *SealKey
	// Stats is told what happens to the actions.
	Stats engine.Stats
	// Now is real time. With it, Open refuses to change the schema while servers run
	// on the store.
	Now func() time.Time
}

// Open opens the database, brings its schema up to date and starts the
// committer.
func Open(ctx context.Context, c Config) (*DB, error) {
	at, err := ParseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	return openWith(ctx, c, at, func(ctx context.Context, d dialect, db *sql.DB) error {
		return migrate(ctx, d, db, c.Now)
	})
}

// OpenExisting opens a store that a server has made. It refuses a database with
// another schema than this program's, and changes no schema.
func OpenExisting(ctx context.Context, c Config) (*DB, error) {
	at, err := ParseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	if at.IsFile() { // opening it for writing could change the file
		if err := checkFile(ctx, at); err != nil {
			return nil, err
		}
	}
	return openWith(ctx, c, at, checkSchema)
}

func openWith(
	ctx context.Context, c Config, at Location, prepare func(context.Context, dialect, *sql.DB) error,
) (*DB, error) {
	d, pools, err := open(ctx, at)
	if err != nil {
		return nil, err
	}
	db := &DB{pools: pools, added: make(chan struct{}, 1)}
	if err := db.start(ctx, c, d, prepare); err != nil {
		_ = pools.Close()
		return nil, d.Named(err)
	}
	return db, nil
}

func (db *DB) start(
	ctx context.Context, c Config, d dialect, prepare func(context.Context, dialect, *sql.DB) error,
) error {
	err := prepare(ctx, d, db.pools.Writer)
	if err != nil {
		return err
	}
	d.pause = &pauseState{}
	if err := db.loadPause(ctx, d); err != nil {
		return err
	}
	if d.sealer, err = db.loadSealer(ctx, d, c.SealKey); err != nil {
		return err
	}
	db.engine, err = engine.Start(ctx, db.pools, engine.Config{GroupMax: c.GroupMax, LockWait: c.LockWait, Stats: c.Stats})
	if err != nil {
		return err
	}
	d.changed = &changed{}
	db.Reader = Reader{views: db.engine.Reader, dialect: d}
	return nil
}

// open connects to the database at a location.
func open(ctx context.Context, at Location) (dialect, *engine.Pools, error) {
	d := postgres
	if at.IsFile() {
		d = sqliteDialect
	}
	pools, err := engine.Connect(ctx, engine.Address{File: at.File, PostgreSQL: at.postgres})
	return d, pools, err
}

// Close carries out the accepted actions and closes the database.
func (db *DB) Close() error { return db.engine.Close() }

// Waiting returns how many actions wait for a commit, and how many of those in
// the background.
func (db *DB) Waiting() (foreground, background int) { return db.engine.Waiting() }

// CheckDurable refuses a PostgreSQL server whose settings may lose an answered
// commit when its machine crashes.
func (db *DB) CheckDurable(ctx context.Context) error { return db.pools.CheckDurable(ctx) }

// Update runs one action in a transaction. It returns when the action is
// durable, refused or failed. The action may share its commit with others. An
// action that returns an error leaves no trace and does not affect the others.
// fn may run again after a conflict, so it changes nothing outside tx.
//
// If ctx ends before the action begins, the action is not run. Once the action
// has begun, Update waits for its outcome even if ctx ends, so the answer
// always tells what happened.
//
// Update refuses with [ErrFull] if too many actions are waiting. A context may
// bind the action to a session; see [Bound].
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.run(ctx, db.engine.Update, inSession(ctx, fn))
}

// Complete is Update for something that has already happened outside the store
// and must be recorded. Instead of refusing with ErrFull, it waits.
func (db *DB) Complete(ctx context.Context, fn func(*Tx) error) error {
	return db.run(ctx, db.engine.Complete, fn)
}

// Background is Complete for actions whose answer nobody waits for. Actions of
// Update and Complete go first, but each commit has a few places for background
// actions.
func (db *DB) Background(ctx context.Context, fn func(*Tx) error) error {
	return db.run(ctx, db.engine.Background, fn)
}

// run runs an action. If it has added events, it wakes the work that gives them their
// positions, after the commit.
func (db *DB) run(
	ctx context.Context, how func(context.Context, func(*engine.Tx) error) error, fn func(*Tx) error,
) error {
	added := false
	actor := ActorOf(ctx)
	err := how(ctx, func(sql *engine.Tx) error {
		tx := Tx{ReadTx: ReadTx{sql: sql, dialect: &db.dialect}, actor: actor}
		err := fn(&tx)
		if err == nil {
			err = tx.tellHolds()
		}
		added = tx.adds
		return err
	})
	if err == nil && added {
		wake(db.added)
	}
	return err
}

// wake wakes the goroutine that waits for a channel, unless it is awake already.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// EventsAdded receives a value after a commit that has added events.
func (db *DB) EventsAdded() <-chan struct{} { return db.added }

// A Reader reads and cannot write. Doors get a Reader. SQLite would carry out a
// write in a read-only transaction, so the type has no method that writes.
type Reader struct {
	views   engine.Reader
	dialect dialect
}

// Ping reads a row that every store has once a server has opened it.
func (r Reader) Ping(ctx context.Context) error {
	return r.views.Glance(ctx, func(tx *engine.Tx) error {
		var path string
		if err := tx.QueryRow(`SELECT path FROM signing_keys WHERE place = 1`).Scan(&path); err != nil {
			return fmt.Errorf("reading a row: %w", err)
		}
		return nil
	})
}

// View runs fn on one consistent state of the store. On PostgreSQL its time is
// limited, so that a session that hangs does not block its caller.
func (r Reader) View(ctx context.Context, fn func(*ReadTx) error) error {
	return r.views.View(ctx, r.view(fn))
}

// glance is View for a single statement, which needs no transaction to see one
// consistent state.
func (r Reader) glance(ctx context.Context, fn func(*ReadTx) error) error {
	return r.views.Glance(ctx, r.view(fn))
}

// ViewLong is View without the time limit, for reading whole tables.
func (r Reader) ViewLong(ctx context.Context, fn func(*ReadTx) error) error {
	return r.views.ViewLong(ctx, r.view(fn))
}

func (r Reader) view(fn func(*ReadTx) error) func(*engine.Tx) error {
	return func(tx *engine.Tx) error { return fn(&ReadTx{sql: tx, dialect: &r.dialect}) }
}

// A ReadTx is one consistent state of the store. Its methods take no context,
// because one action must not end the transaction for the others that share its
// commit.
type ReadTx struct {
	sql     *engine.Tx
	dialect *dialect
}

// A Tx is a transaction that can write.
type Tx struct {
	ReadTx
	adds  bool // it has added events
	actor party.Actor
	holds []changedHold
}

// Unlocked returns a transaction whose reads are not locked; see
// [engine.Tx.Unlocked].
func (tx *ReadTx) Unlocked(why string) *ReadTx {
	return &ReadTx{sql: tx.sql.Unlocked(why), dialect: tx.dialect}
}

// Confirm makes the commit wait until the rows that were read are as durable as
// those that are written; see [engine.Tx.Confirm].
func (tx *Tx) Confirm() error { return tx.sql.Confirm() }

// exec runs a statement and reports how many rows it changed.
func (tx *Tx) exec(doing string, query string, args ...any) (rows int64, err error) {
	return tx.sql.Exec(doing, query, args...)
}

// one runs a statement that must change exactly one row. Otherwise it returns
// ErrStale.
func (tx *Tx) one(doing string, query string, args ...any) error {
	return tx.sql.One(doing, query, args...)
}
