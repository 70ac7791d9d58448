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

// A DB is an open store, made by [Open]. Its zero value cannot be used.
type DB struct {
	Reader
	// Unclean reports that sealing was interrupted. Plain copies of secrets may be
	// left in the database's files until [DB.Seal] runs again.
	Unclean bool

	writer      *sql.DB
	committer   *committer
	checkpoints *checkpointer // nil on PostgreSQL, which needs none
	closeOnce   sync.Once

	afterSealStep func() // set by a test
	closeErr      error
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
		return fmt.Errorf("setting the lock timeout: %w", err)
	}
	return nil
}

// Close carries out the accepted actions and closes the database.
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
	return db.committer.update(ctx, inSession(ctx, fn), db.committer.queue, false)
}

// Complete is Update for something that has already happened outside the store
// and must be recorded. Instead of refusing with ErrFull, it waits.
func (db *DB) Complete(ctx context.Context, fn func(*Tx) error) error {
	return db.committer.update(ctx, fn, db.committer.queue, true)
}

// Background is Complete for actions whose answer nobody waits for. Actions of
// Update and Complete go first, but each commit has a few places for background
// actions.
func (db *DB) Background(ctx context.Context, fn func(*Tx) error) error {
	return db.committer.update(ctx, fn, db.committer.background, true)
}

// A Reader reads and cannot write. Doors get a Reader. SQLite would carry out a
// write in a read-only transaction, so the type has no method that writes.
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

// glance is View for a single statement, which needs no transaction to see one
// consistent state.
func (r Reader) glance(ctx context.Context, fn func(*ReadTx) error) error {
	return r.shortly(ctx, nil, fn)
}

// Ping reads a row that every store has once a server has opened it.
func (r Reader) Ping(ctx context.Context) error {
	return r.glance(ctx, func(tx *ReadTx) error {
		var path string
		if err := tx.sql.QueryRowContext(ctx, `SELECT path FROM signing_keys WHERE place = 1`).Scan(&path); err != nil {
			return fmt.Errorf("reading a row: %w", err)
		}
		return nil
	})
}

// View runs fn on one consistent state of the store. On PostgreSQL its time is
// limited, so that a session that hangs does not block its caller.
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

// viewLong is View without the time limit, for reading whole tables.
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
	// ctx belongs to the transaction. Methods take no context, because one action
	// must not end the transaction for the others that share its commit.
	ctx     context.Context
	sql     transaction
	dialect dialect
	strand  *strand // nil outside a round
}

// A Tx is a transaction that can write.
type Tx struct{ ReadTx }

// Confirm makes the commit wait until the rows that were read are as durable as
// those that are written. After a crash, a primary shows commits that no
// standby has yet. An answer that depends on such a commit must wait until it
// is safe.
func (tx *Tx) Confirm() error {
	if tx.dialect.confirm == "" {
		return nil
	}
	return tx.Unlocked("it reads no row").sql.run(tx.ctx, statement{
		doing: "confirming what was read", text: tx.dialect.confirm, row: func(scanner) error { return nil },
	})
}

// exec runs a statement and reports how many rows it changed.
func (tx *Tx) exec(doing string, query string, args ...any) (rows int64, err error) {
	err = tx.sql.run(tx.ctx, statement{doing: doing, text: query, args: args, touched: &rows})
	return rows, err
}

// one runs a statement that must change exactly one row. Otherwise it returns
// ErrStale.
func (tx *Tx) one(doing string, query string, args ...any) error {
	return tx.sql.run(tx.ctx, statement{doing: doing, text: query, args: args, want: 1})
}
