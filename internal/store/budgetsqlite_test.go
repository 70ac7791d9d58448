package store_test

import (
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// writesOfAReserve is the budget of b-tree writes on SQLite for one Reserve of a
// caller with an address for notifications, intent and outcome together.
const writesOfAReserve = 12

// A Reserve writes as many entries of b-trees on SQLite as its budget allows.
// Triggers count them while the payments run, by SQLite's own rules:
//
//   - An inserted row is one write of its table, which is also its primary key, and
//     one of each index whose condition it meets.
//   - An UPDATE writes the row once. It deletes and adds the entry of an index if it
//     names a column of the index or of its condition, even if the values stay. The
//     old entry is there if the old row met the condition, the new one if the new
//     row does. "AFTER UPDATE OF" fires for the same columns.
//   - A deleted row is deleted from its table and from each such index.
func TestWhatAReserveWritesToSQLite(t *testing.T) {
	const payments = 1_000
	at := t.TempDir() + "/till.db"
	l := newTill(t, at, payments)
	db := raw(t, at)
	countWrites(t, db)
	l.open()
	l.reserve()
	l.close()

	var total float64
	if err := db.QueryRowContext(t.Context(), `SELECT SUM(writes) FROM counted`).Scan(&total); err != nil {
		t.Fatal(err)
	}
	each := total / payments
	t.Logf("a Reserve writes %.2f entries of b-trees\n%s", each, strings.Join(linesOf(t, db, `
		SELECT printf('%-24s %5.2f', tree, SUM(writes) * 1.0 / $1) FROM counted GROUP BY tree ORDER BY SUM(writes) DESC`,
		payments), "\n"))
	if n := strings.Join(linesOf(t, db, `SELECT COUNT(1) FROM counted WHERE tree LIKE 'events%'`), ""); n != "0" {
		t.Errorf("a caller that uses only FPS writes %s entries of events", n)
	}
	if each > writesOfAReserve || each < 5 {
		t.Errorf("a Reserve writes %.2f entries of b-trees, at most %d are allowed", each, writesOfAReserve)
	}
}

// countWrites adds triggers to all tables. They add to the table counted.
func countWrites(t *testing.T, db *sql.DB) {
	t.Helper()
	run := func(statement string) {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatalf("%v in %s", err, statement)
		}
	}
	tables := linesOf(t, db, `
		SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'goose%' AND name NOT LIKE 'sqlite%'`)
	run(`CREATE TABLE counted (tree TEXT, writes INTEGER)`)
	for _, table := range tables {
		columns := linesOf(t, db, `SELECT name FROM pragma_table_info($1)`, table)
		for _, event := range []string{"INSERT", "UPDATE", "DELETE"} {
			run(fmt.Sprintf(`CREATE TRIGGER %[1]s_%[2]s AFTER %[2]s ON %[1]s BEGIN INSERT INTO counted VALUES ('%[1]s', 1); END`,
				table, event))
		}
		for _, index := range linesOf(t, db, `SELECT name FROM pragma_index_list($1) WHERE origin <> 'pk'`, table) {
			countIndex(t, db, run, table, index, columns)
		}
	}
}

// countIndex adds triggers for one index of a table with the given columns.
func countIndex(t *testing.T, db *sql.DB, run func(string), table, index string, columns []string) {
	t.Helper()
	text := strings.Join(linesOf(t, db, `SELECT COALESCE(sql, '') FROM sqlite_master WHERE name = $1`, index), "")
	_, condition, partial := strings.Cut(strings.Join(strings.Fields(text), " "), " WHERE ")
	if !partial {
		condition = "1"
	}
	_, named, _ := strings.Cut(text, "(") // the columns of expressions, too
	words := strings.FieldsFunc(named, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
	written := linesOf(t, db, `SELECT name FROM pragma_index_info($1) WHERE name IS NOT NULL`, index)
	for _, column := range columns {
		if slices.Contains(words, column) {
			written = append(written, column)
		}
	}
	// meets is 1 if the old or the new row meets the condition.
	meets := func(row string) string {
		list := make([]string, len(columns))
		for i, column := range columns {
			list[i] = row + "." + column + " AS " + column
		}
		return fmt.Sprintf(`(SELECT COUNT(1) FROM (SELECT %s) WHERE %s)`, strings.Join(list, ", "), condition)
	}
	for event, writes := range map[string]string{
		"INSERT": meets("NEW"), "DELETE": meets("OLD"),
		"UPDATE OF " + strings.Join(written, ", "): meets("OLD") + " + " + meets("NEW"),
	} {
		verb, _, _ := strings.Cut(event, " ")
		run(fmt.Sprintf(`CREATE TRIGGER of_%s_%s AFTER %s ON %s BEGIN INSERT INTO counted SELECT '%s', %s; END`,
			index, verb, event, table, index, writes))
	}
}
