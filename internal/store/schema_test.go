package store_test

import (
	"database/sql"
	"fmt"
	"regexp"
	"strings"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	_ "modernc.org/sqlite"             // the driver "sqlite"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// raw opens the database directly, without the store, like an SQL prompt.
func raw(t *testing.T, address string) *sql.DB {
	t.Helper()
	driver := "sqlite"
	if strings.HasPrefix(address, "postgres") {
		driver = "pgx"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// The database accepts exactly the moves of the code, of all combinations of
// state × verb × state.
func TestTheDatabaseKnowsTheMoves(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			holdfasttest.Open(t, at)
			db := raw(t, at)
			for i, from := range payment.States {
				for j, verb := range payment.Verbs {
					for k, to := range payment.States {
						_, err := db.ExecContext(t.Context(), `
							INSERT INTO steps (
								caller_id, transaction_id, seq, at, before_state, verb, after_state, amount, notify_url,
								notify_at, leased_until, told)
							VALUES ('C1', $1, 1, 0, $2, $3, $4, 1, '', 0, 0, 0)`,
							fmt.Sprintf("T%d-%d-%d", i, j, k), string(from), string(verb), string(to))
						next, ok := from.After(verb)
						if want := ok && next == to; (err == nil) != want {
							t.Errorf("%s %s %s: the code says %v, the database %v", from, verb, to, want, err)
						}
					}
				}
			}
		})
	}
}

func TestADatabaseNewerThanTheProgramIsRefused(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			if err := holdfasttest.Open(t, at).Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := raw(t, at).ExecContext(t.Context(),
				`INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, $1)`, true); err != nil {
				t.Fatal(err)
			}
			db, err := store.Open(t.Context(), store.Config{Address: at})
			if err == nil {
				db.Close()
				t.Fatal("a database with a newer schema was opened")
			}
			if !strings.Contains(err.Error(), "run a newer holdfast") {
				t.Fatalf("refused with %v", err)
			}
		})
	}
}

// Queries of large tables use their index, however many rows a caller has.
func TestQueriesUseTheirIndex(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	holdfasttest.Open(t, address)
	for want, query := range store.Queries {
		if got := planOf(t, address, query); got != want {
			t.Errorf("%s\nSQLite's plan is %s, want %s", query, got, want)
		}
	}
}

// A search reads only what an index and a limit let it read, so it costs the same in
// a store with millions of payments.
func TestSearchesUseTheirIndex(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	holdfasttest.Open(t, address)
	for query, index := range store.Searches() {
		got := planOf(t, address, query)
		sorts := strings.Contains(got, "TEMP B-TREE FOR ORDER BY") && !strings.Contains(got, "LAST TERM")
		if !strings.Contains(got, index) || sorts {
			t.Errorf("%s\nSQLite's plan is %s, want %s", query, got, index)
		}
	}
}

// A query that selects from the first rows of an index reads no others: it does not sort
// them first.
func TestPartsAreReadInTheOrderOfTheirIndex(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	holdfasttest.Open(t, address)
	for query, index := range store.Parts() {
		got := planOf(t, address, query)
		part, _, _ := strings.Cut(got, ", SCAN ")
		if !strings.Contains(part, index) || strings.Contains(part, "TEMP B-TREE FOR ORDER BY") {
			t.Errorf("%s\nSQLite's plan is %s, want %s", query, got, index)
		}
	}
}

// A page begins where the page before has ended. With any other bound, SQLite would
// read all earlier rows again for each page.
func TestPagesBeginWhereTheLastHasEnded(t *testing.T) {
	address := holdfasttest.Addresses(t)["SQLite"](t)
	holdfasttest.Open(t, address)
	for query, last := range store.Pages() {
		if got := planOf(t, address, query); !strings.Contains(got, last) {
			t.Errorf("%s\nSQLite's plan is %s", query, got)
		}
	}
}

// planOf returns the steps of SQLite's plan for a query.
func planOf(t *testing.T, address, query string) string {
	t.Helper()
	var args []any
	for n := 1; strings.Contains(query, fmt.Sprintf("$%d", n)); n++ {
		args = append(args, "1")
	}
	rows, err := raw(t, address).QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var plan []string
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return strings.Join(plan, ", ")
}

// PostgreSQL keeps the plan that it made when a table was empty, until the first
// statistics of the table come. By an index of callers, it would read all rows of
// a caller for each of them.
func TestRowsOfANewDatabaseAreFoundByTheirIDs(t *testing.T) {
	// A database that tests have used has statistics.
	db := holdfasttest.Open(t, holdfasttest.EmptyPostgresAddress(t))
	for table, id := range map[string]string{"transactions": "transaction_id", "tokens": "token_id"} {
		plan, err := db.WriterPlan(t.Context(), `
			UPDATE `+table+` AS r SET caller_id = r.caller_id
			FROM unnest(CAST('{C1,C2}' AS text[]), CAST('{A,B}' AS text[])) AS v (caller, id)
			WHERE r.caller_id = v.caller AND r.`+id+` = v.id`)
		if err != nil {
			t.Fatal(err)
		}
		if byID := regexp.MustCompile(`Index Cond: .*` + id + ` = v\.id`); !byID.MatchString(plan) {
			t.Errorf("rows of %s are not found by their ids:\n%s", table, plan)
		}
	}
}
