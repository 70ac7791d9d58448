package store_test

import (
	"database/sql"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// paymentsCounted is large enough for steady figures: 20,000 Reserves give the
// same ones as 4,000, within 2 %. With fewer, the pages count that are logged
// whole once after a checkpoint.
var paymentsCounted = flag.Int("payments", 4_000, "Reserves of which to count what they write")

// The budgets: what one Reserve of a caller with an address for notifications,
// and one Settle, may write to PostgreSQL, intent and outcome together.
const (
	versionsOfAReserve = 7
	entriesOfAReserve  = 13
	versionsOfASettle  = 6
	bytesOfEither      = 3_500
)

// A Reserve and a Settle write to PostgreSQL what their budgets allow. Nothing is
// timed:
//
//   - Row versions are the inserted and updated rows of pg_stat_user_tables. The
//     sessions have ended before it is read, so it is complete.
//   - Index entries are the records of the write-ahead log that add an entry to a
//     leaf of an index: INSERT_LEAF, INSERT_POST and a SPLIT of a leaf, which has
//     the new entry in it.
//   - Bytes are the records of the write-ahead log of this database and of its
//     transactions, since a checkpoint; images of whole pages are among them.
func TestWhatAPaymentWritesToPostgres(t *testing.T) {
	payments := *paymentsCounted
	if testing.Short() {
		t.Skip("some thousand payments take long")
	}
	at := holdfasttest.PostgresAddress(t)
	l := newTill(t, at, payments)
	log := newWAL(t, at)

	log.begin()
	before := rowVersions(t, log.db)
	l.open()
	l.reserve()
	l.close()
	reserved := measured{log.read(), rowVersions(t, log.db).less(before), payments}
	reserved.report(t, "Reserve")

	log.begin()
	before = rowVersions(t, log.db)
	l.open()
	l.settle()
	l.close()
	done := measured{log.read(), rowVersions(t, log.db).less(before), payments}
	done.report(t, "Settle")

	if n := reserved.rows["events"] + done.rows["events"]; n != 0 {
		t.Errorf("a caller that uses only FPS writes %.0f events", n)
	}
	for _, row := range []struct {
		what        string
		got, atMost float64
	}{
		{"row versions of a Reserve", reserved.versions(), versionsOfAReserve},
		{"index entries of a Reserve", reserved.entries(), entriesOfAReserve},
		{"bytes of log of a Reserve", reserved.bytes(), bytesOfEither},
		{"row versions of a Settle", done.versions(), versionsOfASettle},
		{"bytes of log of a Settle", done.bytes(), bytesOfEither},
	} {
		if row.got > row.atMost || row.got == 0 {
			t.Errorf("%s: %.2f, at most %.2f are allowed", row.what, row.got, row.atMost)
		}
	}
}

// versions are the row versions of each table.
type versions map[string]float64

func rowVersions(t *testing.T, db *sql.DB) versions {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT relname, n_tup_ins + n_tup_upd FROM pg_stat_user_tables`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	all := versions{}
	for rows.Next() {
		var table string
		var n float64
		if err := rows.Scan(&table, &n); err != nil {
			t.Fatal(err)
		}
		all[table] = n
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func (v versions) less(before versions) versions {
	left := versions{}
	for table, n := range v {
		left[table] = n - before[table]
	}
	return left
}

// measured is what a number of payments wrote.
type measured struct {
	log      []logged
	rows     versions
	payments int
}

func (m measured) each(n float64) float64 { return n / float64(m.payments) }

func (m measured) versions() (n float64) {
	for _, some := range m.rows {
		n += some
	}
	return m.each(n)
}

func (m measured) entries() (n float64) {
	for _, some := range m.log {
		if some.entry {
			n += some.records
		}
	}
	return m.each(n)
}

func (m measured) bytes() (n float64) {
	for _, some := range m.log {
		n += some.bytes
	}
	return m.each(n)
}

// report logs the figures, by table and index.
func (m measured) report(t *testing.T, what string) {
	t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "a %s: %.2f row versions, %.2f index entries, %.0f bytes of log", what, m.versions(), m.entries(),
		m.bytes())
	for _, some := range m.log {
		if some.bytes > float64(m.payments) {
			fmt.Fprintf(&text, "\n%-28s %-22s %5.2f records %6.0f bytes", some.relation, some.kind, m.each(some.records),
				m.each(some.bytes))
		}
	}
	t.Log(text.String())
}

// A wal reads PostgreSQL's write-ahead log.
type wal struct {
	t    *testing.T
	db   *sql.DB
	from string
}

// logged are records of the log of one kind and relation.
type logged struct {
	relation, kind string
	records, bytes float64
	entry          bool // each adds an entry to an index
}

// newWAL keeps the log from now on until the test ends.
func newWAL(t *testing.T, address string) *wal {
	t.Helper()
	db := raw(t, address)
	if _, err := db.ExecContext(t.Context(), `CREATE EXTENSION IF NOT EXISTS pg_walinspect`); err != nil {
		t.Skipf("PostgreSQL has no pg_walinspect, which is in its contrib modules: %v", err)
	}
	keeper, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { keeper.Close() })
	if _, err := keeper.ExecContext(t.Context(),
		`SELECT pg_create_physical_replication_slot('budget_' || pg_backend_pid(), true, true)`); err != nil {
		t.Fatal(err)
	}
	return &wal{t: t, db: db}
}

func (w *wal) begin() {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), `CHECKPOINT`); err != nil {
		w.t.Fatal(err)
	}
	if err := w.db.QueryRowContext(w.t.Context(), `SELECT pg_current_wal_flush_lsn()`).Scan(&w.from); err != nil {
		w.t.Fatal(err)
	}
}

// read adds up what the database has logged since begin. Other databases of the
// same server have the same log.
func (w *wal) read() (all []logged) {
	w.t.Helper()
	rows, err := w.db.QueryContext(w.t.Context(), `
		WITH log AS (
			SELECT resource_manager || ' ' || record_type AS kind, xid::text AS xid, (record_length + 7) / 8 * 8 AS bytes,
				resource_manager = 'Btree' AND (record_type IN ('INSERT_LEAF', 'INSERT_POST')
					OR record_type LIKE 'SPLIT%' AND description LIKE 'level: 0,%') AS entry,
				(regexp_match(block_ref, 'rel \d+/(\d+)/'))[1]::oid AS db, (regexp_match(block_ref, 'rel \d+/\d+/(\d+)'))[1]::oid AS file
			FROM pg_get_wal_records_info($1::pg_lsn, pg_current_wal_flush_lsn())),
		ours AS (SELECT oid FROM pg_database WHERE datname = current_database())
		SELECT COALESCE(c.relname, ''), kind, COUNT(1), SUM(bytes), bool_and(entry)
		FROM log LEFT JOIN pg_class c ON pg_relation_filenode(c.oid) = file AND db = (SELECT oid FROM ours)
		WHERE db = (SELECT oid FROM ours)
			OR db IS NULL AND xid IN (SELECT xid FROM log WHERE db = (SELECT oid FROM ours) AND xid <> '0')
		GROUP BY 1, 2 ORDER BY 4 DESC`, w.from)
	if err != nil {
		w.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one logged
		if err := rows.Scan(&one.relation, &one.kind, &one.records, &one.bytes, &one.entry); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, one)
	}
	if err := rows.Err(); err != nil {
		w.t.Fatal(err)
	}
	return all
}
