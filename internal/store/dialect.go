package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// A dialect has everything in which the two databases differ. Queries have the
// same text on both; keep it so.
type dialect struct {
	name          string
	driver        string
	goose         goose.Dialect
	hasTable      string           // counts the tables of a name, even in an empty database
	isConflict    func(error) bool // the transaction should run again
	isLocked      func(error) bool // another process had locked the database for longer than the driver waits
	isUnreachable func(error) bool // the database cannot be reached
	confirm       string           // makes the commit wait for the standbys without a change; empty on SQLite
	others        string           // counts sessions of other servers and commands; empty on SQLite
	clean         []string         // remove old secrets from freed space
	waiting       string           // counts this server's commits that wait for a standby for over a second
	skipLocked    string           // ends a query that claims rows of a table
	among         string           // compares with the strings of a JSON array in an argument
	share         string           // locks the rows of a query; empty on SQLite
	shareNow      string           // the same, but fails instead of waiting
	lines         int              // number of concurrent commits
	lane          int              // of balances to which a line adds
	pipelines     bool             // the driver sends several statements at once, and keeps them prepared
	arrays        bool             // many rows go into one statement
	remote        bool             // a session may hang
	write         pgx.TxOptions
	read          pgx.TxOptions // all statements see one consistent state
	sealer        *sealer       // of the secrets of this store; nil if they are plain
}

var postgres = dialect{
	name:          "PostgreSQL",
	driver:        "pgx",
	goose:         goose.DialectPostgres,
	hasTable:      `SELECT COUNT(to_regclass('%s'))`,
	isConflict:    postgresConflict,
	isLocked:      func(error) bool { return false },
	isUnreachable: postgresUnreachable,
	confirm:       `SELECT pg_logical_emit_message(true, 'holdfast', '')`,
	others: `
		SELECT COUNT(1) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'holdfast %'
			AND application_name <> current_setting('application_name')`,
	clean: []string{`VACUUM FULL access_keys`, `VACUUM FULL signing_keys`},
	waiting: `
		SELECT COUNT(1) FROM pg_stat_activity
		WHERE application_name = current_setting('application_name') AND wait_event = 'SyncRep'
			AND query_start < clock_timestamp() - INTERVAL '1 second'`,
	skipLocked: " FOR UPDATE OF %s SKIP LOCKED",
	among:      " = ANY (ARRAY (SELECT json_array_elements_text(CAST($%d AS json))))",
	share:      " FOR SHARE",
	shareNow:   " FOR SHARE NOWAIT",
	pipelines:  true,
	arrays:     true,
	remote:     true,
	lines:      2,
	// Under SERIALIZABLE, large groups of two servers conflict even if they share
	// no row. REPEATABLE READ still refuses to change or lock a row that has
	// changed meanwhile; see rests.go.
	write: pgx.TxOptions{IsoLevel: pgx.RepeatableRead},
	read:  pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
}

var sqliteDialect = dialect{
	name:   "SQLite",
	driver: "sqlite",
	goose:  goose.DialectSQLite3,
	lines:  1,
	// VACUUM copies the whole store
	clean:      []string{`PRAGMA temp_store = file`, `VACUUM`, `PRAGMA temp_store = memory`},
	among:      " IN (SELECT value FROM json_each($%d))",
	hasTable:   `SELECT COUNT(1) FROM sqlite_master WHERE name = '%s'`,
	isConflict: func(error) bool { return false }, // a writer has the only lock from the beginning
	isLocked: func(err error) bool {
		e, ok := errors.AsType[*sqlite.Error](err)
		return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
	},
	isUnreachable: func(error) bool { return false },
}

// claimsLock is the reason why rows that a claim reads are not locked before
// the commit.
const claimsLock = "a claim locks the rows that it takes, and only chooses among the others"

// keys is the end of a condition that finds rows by a JSON array of keys, the
// argument with number place. Each row is found by its key, even without
// statistics of the tables.
func (d dialect) keys(place int) string { return fmt.Sprintf(d.among, place) }

// claiming is the end of a query that claims rows of a table. It skips rows
// that another server is changing.
func (d dialect) claiming(table string) string {
	if d.skipLocked == "" {
		return ""
	}
	return fmt.Sprintf(d.skipLocked, table)
}

// sqliteOptions are for the connection that writes. BEGIN IMMEDIATE takes
// SQLite's write lock before the first read, so that a transaction never has to
// be abandoned half way. FULL makes a commit durable before it is answered. If
// the checkpointer is late, a commit copies the log into the file itself, at
// four times the usual length. The cache is small because the operating system
// caches the file, too. In a file of less than 1 GiB, SQLite goes through its
// whole cache in nearly every commit that adds pages.
const sqliteOptions = "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&" +
	"_pragma=synchronous(FULL)&_pragma=temp_store(memory)&_pragma=cache_size(-8192)&_pragma=wal_autocheckpoint(65536)"

// sqliteReadOptions let readers run at the same time as the writer. They forbid
// writing, because SQLite does not enforce a read-only transaction.
const sqliteReadOptions = "_txlock=deferred&_pragma=busy_timeout(10000)&_pragma=query_only(1)"

// sqliteLookOptions are for checking a file that may be anything, or may not
// exist.
const sqliteLookOptions = "mode=rw&_pragma=busy_timeout(10000)&_pragma=query_only(1)"

// sqliteCheckpointOptions are for the checkpointer's connection. The pages that
// it copies into the file are durable there before the log is reused.
const sqliteCheckpointOptions = "_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)"

// writerSettings are for the connections that commit groups. They read and
// write some rows at a time, by key. The planner must neither read whole tables
// because of a wrong estimate, nor plan again for each group.
var writerSettings = map[string]string{
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "plan_cache_mode": "force_generic_plan",
	"jit": "off",
}

// endsTransaction reports whether an error ends the whole transaction. It is
// then no outcome of the action that returned it.
func (d dialect) endsTransaction(outcome error) bool {
	return outcome != nil && (d.isConflict(outcome) || d.isLocked(outcome) || d.isUnreachable(outcome))
}

// locked adds ErrLocked to an error if another process has locked the database.
func (d dialect) locked(err error) error {
	if err == nil || errors.Is(err, ErrBusy) || !d.isLocked(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrLocked, err)
}

// unreachable adds ErrUnreachable to an error if the database cannot be
// reached.
func (d dialect) unreachable(err error) error {
	if err == nil || errors.Is(err, ErrUnreachable) || !d.isUnreachable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// open connects to the database at a location.
func open(ctx context.Context, at Location) (d dialect, writer, reader *sql.DB, err error) {
	if !at.IsFile() {
		writer, reader, err = openPostgres(ctx, at.postgres)
		return postgres, writer, reader, err
	}
	writer, err = sql.Open(sqliteDialect.driver, sqliteFile(at.File, sqliteOptions))
	if err != nil {
		return d, nil, nil, fmt.Errorf("opening SQLite file %s: %w", at, err)
	}
	writer.SetMaxOpenConns(1)
	if err := writer.PingContext(ctx); err != nil {
		writer.Close()
		return d, nil, nil, fmt.Errorf("opening SQLite file %s: %w", at, sqliteDialect.locked(err))
	}
	reader, err = sql.Open(sqliteDialect.driver, sqliteFile(at.File, sqliteReadOptions))
	if err != nil {
		writer.Close()
		return d, nil, nil, fmt.Errorf("opening SQLite file %s for reading: %w", at, err)
	}
	reader.SetMaxOpenConns(sqliteReadersMax)
	reader.SetMaxIdleConns(sqliteReadersMax)
	return sqliteDialect, writer, reader, nil
}

const sqliteReadersMax = 8

func sqliteFile(path, options string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + options
}
