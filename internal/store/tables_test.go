package store_test

import (
	"database/sql"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// The queries read what the databases really have: each table with its form, and
// each index with its definition.
const (
	sqliteTables = `
		SELECT 'table ' || name || CASE WHEN strict THEN ' STRICT' ELSE '' END || CASE WHEN wr THEN ' WITHOUT ROWID' ELSE '' END
		FROM pragma_table_list WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE 'goose%' ORDER BY name`
	sqliteIndexes = `
		SELECT CASE WHEN i.origin = 'c' THEN replace(replace(s.sql, char(10) || char(9), ' '), 'CREATE ', '')
			ELSE CASE i.origin WHEN 'pk' THEN 'PRIMARY KEY' ELSE 'UNIQUE' END || ' ON ' || t.name || ' ('
				|| (SELECT group_concat(name, ', ' ORDER BY seqno) FROM pragma_index_info(i.name)) || ')' END AS text
		FROM sqlite_master t JOIN pragma_index_list(t.name) i LEFT JOIN sqlite_master s ON s.name = i.name
		WHERE t.type = 'table' AND t.name NOT LIKE 'goose%' ORDER BY t.name, i.origin <> 'pk', text`
	postgresTables = `
		SELECT 'table ' || relname || COALESCE(' ' || array_to_string(reloptions, ' '), '') FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND relname NOT LIKE 'goose%' ORDER BY relname`
	postgresIndexes = `
		SELECT replace(replace(replace(indexdef, current_schema() || '.', ''), ' USING btree', ''), 'CREATE ', '')
		FROM pg_indexes WHERE schemaname = current_schema() AND tablename NOT LIKE 'goose%' ORDER BY tablename, indexname`
)

// The tables have the forms that the schema asks for, and exactly the indexes of
// testdata/tables.txtar. An index more costs every payment; one less makes a
// query slow. The rows of tables that grow are in the order of their keys on
// SQLite, and PostgreSQL leaves room in the pages of those that change.
func TestTablesAndIndexesAreAsIntended(t *testing.T) {
	want, err := txtar.ParseFile("testdata/tables.txtar")
	if err != nil {
		t.Fatal(err)
	}
	addresses := holdfasttest.EmptyAddresses(t)
	for i, file := range want.Files {
		t.Run(file.Name, func(t *testing.T) {
			address := addresses[file.Name]
			if address == nil {
				t.Skip("no such database to test with")
			}
			at := address(t)
			holdfasttest.Open(t, at)
			queries := []string{sqliteTables, sqliteIndexes}
			if file.Name == "PostgreSQL" {
				queries = []string{postgresTables, postgresIndexes}
			}
			var got strings.Builder
			for _, query := range queries {
				for _, line := range linesOf(t, raw(t, at), query) {
					got.WriteString(line + "\n")
				}
			}
			if *update {
				want.Files[i].Data = []byte(got.String())
				return
			}
			if diff := cmp.Diff(string(file.Data), got.String()); diff != "" {
				t.Errorf("testdata/tables.txtar and the database differ; -update rewrites it (-want +got):\n%s", diff)
			}
		})
	}
	if *update {
		if err := os.WriteFile("testdata/tables.txtar", txtar.Format(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var update = flag.Bool("update", false, "rewrite testdata/tables.txtar from the databases")

// linesOf reads a query's only column.
func linesOf(t *testing.T, db *sql.DB, query string, args ...any) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query, args...)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
