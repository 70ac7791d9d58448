package engine

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A Database is a kind of database: what the engine must know of it.
type Database struct {
	Name   string
	Driver string // of database/sql
	// Remote: the database is another process. A session may hang, other servers
	// may write to it, and an answer may get lost.
	Remote bool

	writers   int    // number of concurrent commits
	arrays    bool   // many rows go into one statement, as arrays
	pipelines bool   // a session sends several statements together
	begin     string // begins a transaction that writes
	beginRead string // begins a transaction in which all statements see one state
	share     string // locks the rows of a query; empty if nothing has to be locked
	shareNow  string // the same, but fails instead of waiting
	confirm   string // makes the commit wait for the standbys without a change
	waiting   string // counts this server's commits that wait for a standby for over a second
	conflict  func(error) bool
	locked    func(error) bool
	noSpace   func(error) bool
	lost      func(error) bool
	readOnly  func(error) bool
}

// PostgreSQL lets several servers write at the same time. Under SERIALIZABLE,
// large groups of two servers conflict even if they share no row. REPEATABLE
// READ still refuses to change or lock a row that has changed meanwhile; see
// locks.go.
var PostgreSQL = &Database{
	Name: "PostgreSQL", Driver: "pgx", Remote: true, writers: 2, arrays: true, pipelines: true,
	begin: "begin isolation level repeatable read", beginRead: "begin isolation level repeatable read read only",
	share: " FOR SHARE", shareNow: " FOR SHARE NOWAIT",
	confirm: `SELECT pg_logical_emit_message(true, 'holdfast', '')`,
	waiting: `
		SELECT COUNT(1) FROM pg_stat_activity
		WHERE application_name = current_setting('application_name') AND wait_event = 'SyncRep'
			AND query_start < clock_timestamp() - INTERVAL '1 second'`,
	conflict: postgresConflict, locked: never, noSpace: postgresNoSpace, lost: postgresUnreachable,
	readOnly: postgresReadOnly,
}

// SQLite has one writer, which holds the only lock from the beginning of its
// transaction. So there are no conflicts, and nothing else has to be locked.
var SQLite = &Database{
	Name: "SQLite", Driver: "sqlite", writers: 1,
	conflict: never, locked: sqliteLocked, noSpace: sqliteNoSpace, lost: never,
	readOnly: func(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_READONLY },
}

func never(error) bool { return false }

func sqliteLocked(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_BUSY }

func sqliteNoSpace(err error) bool { return sqliteCode(err) == sqlite3.SQLITE_FULL }

func sqliteCode(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		const primary = 0xff
		return e.Code() & primary
	}
	return 0
}

func postgresNoSpace(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	const diskFull = "53100"
	return ok && e.Code == diskFull
}

// ReadOnly reports whether an error means that the database cannot be written: it is on
// a disk for reading only, is a standby server, or its user may not write.
func (d *Database) ReadOnly(err error) bool { return err != nil && d.readOnly(err) }

func postgresReadOnly(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	const standby, forbidden = "25006", "42501"
	return ok && (e.Code == standby || e.Code == forbidden)
}

// ends reports whether an error ends the whole transaction. It is then no
// outcome of the Work that met it.
func (d *Database) ends(err error) bool {
	return err != nil && (d.conflict(err) || d.locked(err) || d.lost(err) || d.noSpace(err))
}

// Named adds the error of this package that says what an error of the driver
// means: ErrLocked, ErrNoSpace or ErrUnreachable.
func (d *Database) Named(err error) error {
	if err == nil {
		return nil
	}
	for _, one := range []struct {
		name error
		is   func(error) bool
	}{{ErrLocked, d.locked}, {ErrNoSpace, d.noSpace}, {ErrUnreachable, d.lost}} {
		if !errors.Is(err, one.name) && one.is(err) {
			err = fmt.Errorf("%w: %w", one.name, err)
		}
	}
	return err
}

// open begins a session. PostgreSQL gets the text begin with the first
// statements; if it is empty, each statement is its own transaction.
func (d *Database) open(ctx context.Context, db *sql.DB, p *prepared, begin string) (session, error) {
	if d.pipelines {
		conn, err := db.Conn(ctx)
		if err != nil {
			return nil, err
		}
		return &pipeline{conn: conn, begin: begin}, nil
	}
	p.prepare(ctx)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return sequence{tx, p}, nil
}
