package store

import (
	"fmt"

	"github.com/pressly/goose/v3"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// A dialect has everything in which the two databases differ for the tables.
// Queries have the same text on both; keep it so.
type dialect struct {
	*engine.Database
	goose      goose.Dialect
	hasTable   string   // counts the tables of a name, even in an empty database
	others     string   // counts sessions of other servers and commands; empty on SQLite
	clean      []string // remove old secrets from freed space
	skipLocked string   // ends a query that claims rows of a table
	among      string   // compares with the strings of a JSON array in an argument
	sealer     *sealer  // of the secrets of this store; nil if they are plain
	changed    *changed // what this server has changed
	pause      *pauseState
}

var postgres = dialect{
	Database: engine.PostgreSQL,
	goose:    goose.DialectPostgres,
	hasTable: `SELECT COUNT(to_regclass('%s'))`,
	others: `
		SELECT COUNT(1) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name LIKE 'holdfast %'
			AND application_name <> current_setting('application_name')`,
	clean: []string{
		`VACUUM FULL access_keys`, `VACUUM FULL signing_keys`, `VACUUM FULL link_keys`, `VACUUM FULL network_accounts`,
		`VACUUM FULL webhook_endpoints`,
	},
	skipLocked: " FOR UPDATE OF %s SKIP LOCKED",
	among:      " = ANY (ARRAY (SELECT json_array_elements_text(CAST($%d AS json))))",
}

var sqliteDialect = dialect{
	Database: engine.SQLite,
	goose:    goose.DialectSQLite3,
	hasTable: `SELECT COUNT(1) FROM sqlite_master WHERE name = '%s'`,
	// VACUUM copies the whole store
	clean: []string{`PRAGMA temp_store = file`, `VACUUM`, `PRAGMA temp_store = memory`},
	among: " IN (SELECT value FROM json_each($%d))",
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
