package ipn_test

import (
	"database/sql"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// written are the row versions that a database has counted.
type written struct{ inserted, updated, hot int }

func (w written) versions() int { return w.inserted + w.updated }

func (w written) since(before written) written {
	return written{w.inserted - before.inserted, w.updated - before.updated, w.hot - before.hot}
}

// rowsWritten reads PostgreSQL's counters of a database, by table. A session
// reports what it counted when it ends.
func rowsWritten(t *testing.T, db *sql.DB) map[string]written {
	t.Helper()
	for others := 1; others > 0; {
		if err := db.QueryRowContext(t.Context(), `
			SELECT count(*) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&others); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := db.QueryContext(t.Context(), `
		SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := map[string]written{}
	for rows.Next() {
		var table string
		var w written
		if err := rows.Scan(&table, &w.inserted, &w.updated, &w.hot); err != nil {
			t.Fatal(err)
		}
		all[table] = w
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// A delivery that arrives at the first try changes the row of its step twice and
// writes nothing else. The claim puts the row into two indexes, its primary key
// and the line; the finish into the first of them. So it is two row versions and
// at most three index entries.
func TestRowsOfADelivery(t *testing.T) {
	at := holdfasttest.PostgresAddress(t) // SQLite does not count rows
	counters, err := sql.Open("pgx", at)
	if err != nil {
		t.Fatal(err)
	}
	defer counters.Close()
	counters.SetMaxOpenConns(1)
	const count = 40
	db := holdfasttest.Open(t, at)
	s := newShop(t, db)
	for range count {
		s.Reserved("25.00", holdfast.CallerReference(s.IDs.Other("order-")))
	}
	db.Close()
	before := rowsWritten(t, counters)

	db = holdfasttest.Open(t, at)
	s.Sender = s.newSender(db)
	s.Clock.Advance(3 * time.Second)
	if n := s.run(); n != count {
		t.Fatalf("%d notifications arrived, want %d", n, count)
	}
	db.Close()
	after := rowsWritten(t, counters)
	total := 0
	for table, w := range after {
		total += w.since(before[table]).versions()
	}
	if steps := after["steps"].since(before["steps"]); steps.updated != 2*count || total != 2*count {
		t.Errorf("%d notifications are %+v in steps and %d row versions in all, want %d", count, steps, total, 2*count)
	}
}
