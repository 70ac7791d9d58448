// Package store keeps everything: one SQL text on SQLite and PostgreSQL, and
// one commit for all who wait for one.
package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// A DB is an open store. Its zero value is of no use; see [Open].
type DB struct {
	Reader
	// Unclean says that sealing was cut short: plain copies of secrets may be left in
	// the database's files, until [DB.Seal] is run again.
	Unclean bool

	writer      *sql.DB
	committer   *committer
	checkpoints *checkpointer // nil where the database does it by itself
	closeOnce   sync.Once

	afterSealStep func() // of a test; nil elsewhere
	closeErr      error
}

// A Config says which database to open and how.
type Config struct {
	Address string // see [ParseAddress]
	// GroupMax is how many actions share a commit at most: 1 gives each its own, to
	// compare with; 0 means 256, which nobody waits for too long.
	GroupMax int
	// LockWait is how long a commit waits for another process that has locked the
	// SQLite file, in whole milliseconds; 0 means ten seconds.
	LockWait time.Duration
	// SealKey opens a sealed store; nil opens a plain one.
	SealKey *SealKey
}

// Open opens the database, brings its schema up to date and starts the
// committer.
func Open(ctx context.Context, c Config) (*DB, error) {
	at, err := ParseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	return openWith(ctx, c, at, migrate)
}

// OpenExisting is Open for a store that a server has made. It refuses a database
// whose schema is not this program's, and changes no schema.
func OpenExisting(ctx context.Context, c Config) (*DB, error) {
	at, err := ParseAddress(c.Address)
	if err != nil {
		return nil, err
	}
	if at.IsFile() { // to open it for writing may write to it
		if err := checkFile(ctx, at); err != nil {
			return nil, err
		}
	}
	return openWith(ctx, c, at, checkSchema)
}

func openWith(
	ctx context.Context, c Config, at Location, prepare func(context.Context, dialect, *sql.DB) error,
) (*DB, error) {
	d, writer, reader, err := open(ctx, at)
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, d, writer); err != nil {
		writer.Close()
		reader.Close()
		return nil, d.locked(err)
	}
	if err := waitForLock(ctx, at, writer, c.LockWait); err != nil {
		writer.Close()
		reader.Close()
		return nil, err
	}
	db := &DB{writer: writer}
	if d.sealer, err = db.loadSealer(ctx, d, c.SealKey); err != nil {
		writer.Close()
		reader.Close()
		return nil, d.locked(err)
	}
	if db.checkpoints, err = openCheckpointer(d, at); err != nil {
		writer.Close()
		reader.Close()
		return nil, err
	}
	db.Reader = newReader(reader, d)
	db.committer = newCommitter(writer, d, cmp.Or(c.GroupMax, groupMax), db.checkpoints)
	return db, nil
}

func waitForLock(ctx context.Context, at Location, writer *sql.DB, wait time.Duration) error {
	if wait <= 0 || !at.IsFile() {
		return nil
	}
	if _, err := writer.ExecContext(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", wait.Milliseconds())); err != nil {
		return fmt.Errorf("setting how long a lock is waited for: %w", err)
	}
	return nil
}

// Close finishes what waits to be committed and closes the database.
func (db *DB) Close() error {
	db.closeOnce.Do(func() {
		db.committer.close()
		if db.checkpoints != nil {
			db.closeErr = db.checkpoints.close()
		}
		db.closeErr = errors.Join(db.closeErr, db.writer.Close())
		if db.db != db.writer {
			db.closeErr = errors.Join(db.closeErr, db.db.Close())
		}
	})
	return db.closeErr
}

// Update runs one action in a transaction and returns when it is durable, or
// was refused, or failed. It may share its commit with others; an action that
// returns an error leaves no trace and never harms its neighbours. fn may be
// run again after a conflict, so it changes nothing outside tx.
//
// When ctx ends before the action's turn, the action is not run. Once it has
// begun, Update waits for the outcome, whatever ctx says: what is answered is
// what happened.
//
// When more wait already than may, Update refuses with [ErrFull]. A context may bind
// the action to a session: see [Bound].
func (db *DB) Update(ctx context.Context, fn func(*Tx) error) error {
	return db.committer.update(ctx, inSession(ctx, fn), db.committer.queue, false)
}

// Complete is Update for what has happened outside of the store and must be
// written down, however many wait.
func (db *DB) Complete(ctx context.Context, fn func(*Tx) error) error {
	return db.committer.update(ctx, fn, db.committer.queue, true)
}

// Background is Complete for what happens by itself. It lets those go first for
// whom somebody waits, and has a few places of its own in each commit.
func (db *DB) Background(ctx context.Context, fn func(*Tx) error) error {
	return db.committer.update(ctx, fn, db.committer.background, true)
}

// A Reader reads and cannot write. It is what the doors are handed: inside a
// read-only transaction SQLite would carry out a write, so the type has none.
type Reader struct {
	db       *sql.DB
	prepared *prepared
	dialect  dialect
	callers  *gatherer[string, callerKey]
}

func newReader(db *sql.DB, d dialect) Reader {
	r := Reader{db: db, prepared: d.prepared(db), dialect: d}
	r.callers = &gatherer[string, callerKey]{source: callersByKey, view: r.glance}
	return r
}

// glance is View for one statement, which sees one state by itself.
func (r Reader) glance(ctx context.Context, fn func(*ReadTx) error) error {
	return r.shortly(ctx, nil, fn)
}

// Ping reads one row, which every store has once a server has served it.
func (r Reader) Ping(ctx context.Context) error {
	return r.glance(ctx, func(tx *ReadTx) error {
		var path string
		if err := tx.sql.QueryRowContext(ctx, `SELECT path FROM signing_keys WHERE place = 1`).Scan(&path); err != nil {
			return fmt.Errorf("reading a row: %w", err)
		}
		return nil
	})
}

// View runs fn on one consistent state of the store, and for a short time: a
// session that hangs must not stop what is waiting for it.
func (r Reader) View(ctx context.Context, fn func(*ReadTx) error) error {
	return r.shortly(ctx, &r.dialect.read, fn)
}

func (r Reader) shortly(ctx context.Context, options *pgx.TxOptions, fn func(*ReadTx) error) error {
	if r.dialect.remote {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, tryMax)
		defer cancel()
	}
	return r.read(ctx, options, fn)
}

// viewLong is View for what reads whole tables.
func (r Reader) viewLong(ctx context.Context, fn func(*ReadTx) error) error {
	return r.read(ctx, &r.dialect.read, fn)
}

func (r Reader) read(ctx context.Context, options *pgx.TxOptions, fn func(*ReadTx) error) error {
	tx, err := r.dialect.begin(ctx, r.db, r.prepared, options)
	if err != nil {
		return r.dialect.unreachable(fmt.Errorf("beginning to read: %w", r.dialect.locked(err)))
	}
	defer tx.Rollback()
	return r.dialect.unreachable(r.dialect.locked(fn(&ReadTx{ctx: ctx, sql: tx, dialect: r.dialect})))
}

// A ReadTx is one consistent state of the store.
type ReadTx struct {
	// ctx is the transaction's own. Actions that share a commit must not be
	// able to end it for their neighbours, so methods take none.
	ctx     context.Context
	sql     transaction
	dialect dialect
	strand  *strand // nil where the transaction runs nothing else meanwhile
}

// A Tx is a transaction that can write.
type Tx struct{ ReadTx }

// Confirm has the commit wait for what was read to be as durable as what is
// written. After a crash a primary shows commits that no standby has yet, and an
// answer that rests on one must not be given before it is safe.
func (tx *Tx) Confirm() error {
	if tx.dialect.confirm == "" {
		return nil
	}
	return tx.Unlocked("it reads no row").sql.run(tx.ctx, statement{
		doing: "confirming what was read", text: tx.dialect.confirm, row: func(scanner) error { return nil },
	})
}

// exec runs a statement, and reports how many rows it has touched.
func (tx *Tx) exec(doing string, query string, args ...any) (rows int64, err error) {
	err = tx.sql.run(tx.ctx, statement{doing: doing, text: query, args: args, touched: &rows})
	return rows, err
}

// one runs a statement that must touch exactly one row.
func (tx *Tx) one(doing string, query string, args ...any) error {
	return tx.sql.run(tx.ctx, statement{doing: doing, text: query, args: args, want: 1})
}
