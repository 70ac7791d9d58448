package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// dialect is all that differs between the two databases. Queries are the same
// text on both; keep it so.
type dialect struct {
	name          string
	driver        string
	goose         goose.Dialect
	schema        *strings.Replacer // PostgreSQL's type names to the database's own
	hasSchema     string            // counts the table of migrations, in a database that may be empty
	isConflict    func(error) bool  // the transaction should be run again
	isLocked      func(error) bool  // another process kept the database locked for as long as the driver waits
	isUnreachable func(error) bool  // the database went away
	confirm       string            // writes something that changes nothing; empty where nothing is replicated
	others        string            // counts sessions of other servers and commands; empty where files are locked
	clean         []string          // leave nothing of what was in the tables of secrets
	waiting       string            // counts this server's commits that have waited for a standby for long
	skipLocked    string            // for claiming rows that another server may claim, of a table
	among         string            // compares with the strings of a JSON array, at a place of the arguments
	share         string            // locks the rows of a query; empty where there is one writer
	shareNow      string            // the same, and fails where it would have to wait
	lines         int               // of commits, at a time
	lane          int               // of balances, that a line adds to
	pipelines     bool              // the driver sends several statements at once, and keeps them prepared
	arrays        bool              // many rows go into one statement
	remote        bool              // a session may hang
	write         pgx.TxOptions
	read          pgx.TxOptions // one consistent state, however many statements
	sealer        *sealer       // of the secrets of this store; nil where they are plain
}

var postgres = dialect{
	name:          "PostgreSQL",
	driver:        "pgx",
	goose:         goose.DialectPostgres,
	schema:        strings.NewReplacer(") /* by key, changed */;", ") WITH (fillfactor = 50);"),
	hasSchema:     `SELECT COUNT(to_regclass('goose_db_version'))`,
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
	// Under SERIALIZABLE, large groups of two servers conflict although they
	// share no row. REPEATABLE READ still refuses to change or to lock a row that
	// changed meanwhile; see rests.go.
	write: pgx.TxOptions{IsoLevel: pgx.RepeatableRead},
	read:  pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
}

var sqliteDialect = dialect{
	name:   "SQLite",
	driver: "sqlite",
	goose:  goose.DialectSQLite3,
	schema: sqliteSchema,
	lines:  1,
	// VACUUM copies the whole store
	clean:      []string{`PRAGMA temp_store = file`, `VACUUM`, `PRAGMA temp_store = memory`},
	among:      " IN (SELECT value FROM json_each($%d))",
	hasSchema:  `SELECT COUNT(1) FROM sqlite_master WHERE name = 'goose_db_version'`,
	isConflict: func(error) bool { return false }, // a writer has the only lock from its beginning
	isLocked: func(err error) bool {
		e, ok := errors.AsType[*sqlite.Error](err)
		return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
	},
	isUnreachable: func(error) bool { return false },
}

// sqliteSchema makes the schema's text SQLite's. Ids grow with time,
// whoever the caller is; led by them, tables grow at one end, and a commit writes
// few pages. PostgreSQL writes rows to its log and not pages, and its keys lead with
// the caller.
var sqliteSchema = strings.NewReplacer(
	"BIGINT", "INTEGER", "BYTEA", "BLOB",
	"\n) /* by key */;", "\n) STRICT, WITHOUT ROWID;", "\n) /* by key, changed */;", "\n) STRICT, WITHOUT ROWID;", "\n);",
	"\n) STRICT;", "KEY (caller_id, transaction_id /* grows */", "KEY (transaction_id, caller_id",
	"KEY (caller_id, subject /* grows */", "KEY (subject, caller_id",
	"KEY (caller_id, token_id /* grows */", "KEY (token_id, caller_id",
	"tokens (token_id) /* by the other key */", "tokens (caller_id, token_id)",
)

// claimsLock is why what is read for a claim is not locked before the commit.
const claimsLock = "a claim locks what it takes, and looks at the rest only to choose"

// keys ends a condition that looks rows up by a JSON array of keys, the argument at
// a place. However little a database knows of its tables, it finds each row by its
// key.
func (d dialect) keys(place int) string { return fmt.Sprintf(d.among, place) }

// claiming is the end of a query for rows of a table that are to be changed. Those
// that another server is changing are left out.
func (d dialect) claiming(table string) string {
	if d.skipLocked == "" {
		return ""
	}
	return fmt.Sprintf(d.skipLocked, table)
}

// sqliteOptions: BEGIN IMMEDIATE takes SQLite's write lock before the first
// read, so that a transaction never has to be abandoned half way. FULL makes a
// commit durable before it is answered. A commit itself puts the log into the file
// where the checkpointer is not in time, at four times the length. The cache is
// small, since the system keeps the file, too: in a file of less than 1 GiB, SQLite
// goes through all of its pages in nearly each commit that adds pages.
const sqliteOptions = "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&" +
	"_pragma=synchronous(FULL)&_pragma=temp_store(memory)&_pragma=cache_size(-8192)&_pragma=wal_autocheckpoint(65536)"

// sqliteReadOptions keep readers from writing, since SQLite does not enforce a
// read-only transaction, and let them run beside the writer.
const sqliteReadOptions = "_txlock=deferred&_pragma=busy_timeout(10000)&_pragma=query_only(1)"

// sqliteLookOptions are for a look at a file that may be anything, or not there.
const sqliteLookOptions = "mode=rw&_pragma=busy_timeout(10000)&_pragma=query_only(1)"

// sqliteCheckpointOptions are for a connection that does nothing else. What it puts
// into the file is durable there before the log begins anew.
const sqliteCheckpointOptions = "_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)"

// writerSettings are for the connection that commits groups. It reads and writes
// rows by their keys, some at a time; an estimate of how many must not make the
// planner read whole tables instead, nor plan anew for each group.
var writerSettings = map[string]string{
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "plan_cache_mode": "force_generic_plan",
	"jit": "off",
}

// endsTransaction reports whether an action's error is that of its transaction:
// it is no outcome of the action.
func (d dialect) endsTransaction(outcome error) bool {
	return outcome != nil && (d.isConflict(outcome) || d.isLocked(outcome) || d.isUnreachable(outcome))
}

// locked marks the error of a database that another process has locked.
func (d dialect) locked(err error) error {
	if err == nil || errors.Is(err, ErrBusy) || !d.isLocked(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrLocked, err)
}

// unreachable marks the error of a database that went away.
func (d dialect) unreachable(err error) error {
	if err == nil || errors.Is(err, ErrUnreachable) || !d.isUnreachable(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}

// open connects to the database that an address names.
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
