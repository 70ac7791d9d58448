package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// An AuditState is the row of the audit.
type AuditState struct {
	Version     int64
	LeasedBy    string
	LeasedUntil time.Time
	Place       AuditPlace // zero if no pass is under way
	Created     time.Time  // when the store had its first audit
	Began       time.Time  // the pass, or the last one if none is under way
	Rows        int        // that it has read
	LastRows    int        // that the last pass has read
	Finished    time.Time  // the last pass; zero if none has
}

// Under reports whether a pass is under way.
func (a AuditState) Under() bool { return a.Place.Part != "" }

var auditTable = table[AuditState]{name: "book_audits", fields: fields[AuditState]{
	numberField("version", func(a *AuditState) *int64 { return &a.Version }),
	textField("leased_by", func(a *AuditState) *string { return &a.LeasedBy }),
	timeField("leased_until", func(a *AuditState) *time.Time { return &a.LeasedUntil }),
	textField("part", func(a *AuditState) *AuditPart { return &a.Place.Part }),
	textField("caller_id", func(a *AuditState) *party.CallerID { return &a.Place.Caller }),
	numberField("received", func(a *AuditState) *int64 { return &a.Place.Received }),
	textField("row_key", func(a *AuditState) *string { return &a.Place.Row }),
	textField("account", func(a *AuditState) *string { return &a.Place.Account }),
	flagField("unreadable", func(a *AuditState) *bool { return &a.Place.Unreadable }),
	timeField("created", func(a *AuditState) *time.Time { return &a.Created }),
	timeField("began", func(a *AuditState) *time.Time { return &a.Began }),
	numberField("rows_read", func(a *AuditState) *int { return &a.Rows }),
	numberField("last_rows", func(a *AuditState) *int { return &a.LastRows }),
	timeField("finished", func(a *AuditState) *time.Time { return &a.Finished }),
}}

var scanAudit = auditTable.scanner()

// AuditState reads the row of the audit. found is false before the first audit.
func (tx *ReadTx) AuditState() (a AuditState, found bool, err error) {
	all, err := list(tx, "reading the state of the audit", scanAudit,
		`SELECT `+auditTable.list()+` FROM book_audits WHERE place = 1`)
	if err != nil || len(all) == 0 {
		return a, false, err
	}
	return all[0], true, nil
}

// LeaseAudit gives the audit to a server until a time. Before the first audit,
// it makes the row. It is ErrStale if the row is no longer as it was read.
func (tx *Tx) LeaseAudit(a AuditState, by string, now, until time.Time) (AuditState, error) {
	if a.Version == 0 {
		a = AuditState{Version: 1, LeasedBy: by, LeasedUntil: until, Created: now}
		rows, err := tx.exec("making the row of the audit", `
			INSERT INTO book_audits (place, version, leased_by, leased_until, part, caller_id, received, row_key, account,
				unreadable, created, began, rows_read, last_rows, finished)
			VALUES (1, $1, $2, $3, '', '', 0, '', '', 0, $4, 0, 0, 0, 0) ON CONFLICT (place) DO NOTHING`,
			a.Version, by, micros(until), micros(now))
		if err == nil && rows == 0 {
			err = ErrStale
		}
		return a, err
	}
	before := a.Version
	a.Version, a.LeasedBy, a.LeasedUntil = before+1, by, until
	return a, tx.writeAudit(a, before)
}

func (tx *Tx) writeAudit(a AuditState, before int64) error {
	all := auditTable.fields
	var set []string
	for i, f := range all {
		set = append(set, fmt.Sprintf("%s = $%d", f.Name, i+1))
	}
	return tx.one("writing the state of the audit", fmt.Sprintf(
		`UPDATE book_audits SET %s WHERE place = 1 AND version = $%d`, strings.Join(set, ", "), len(all)+1),
		append(all.values(&a), before)...)
}

// KeepAudit writes what a batch has found about the place of the pass, and the
// lease. It is ErrStale if another server has taken the audit over; then the
// batch is worth nothing.
func (tx *Tx) KeepAudit(a AuditState, b AuditBatch, now, until time.Time) (AuditState, error) {
	before := a.Version
	if b.From.Part == "" {
		a.Began, a.Rows = now, 0
	}
	a.Version, a.LeasedUntil, a.Rows, a.Place = before+1, until, a.Rows+b.Rows, b.To
	if b.forget {
		left, err := tx.forgetSums()
		if err != nil {
			return a, err
		}
		if !left {
			next := AuditBatch{From: AuditPlace{Caller: b.From.Caller}}
			if err := tx.readOnly().auditNextCaller(&next); err != nil {
				return a, err
			}
			a.Place = next.To
		}
	}
	if a.Place.Part == "" {
		a.LastRows, a.Finished = a.Rows, now
	}
	if err := tx.writeAudit(a, before); err != nil {
		return a, err
	}
	return a, errors.Join(tx.addSums(b), tx.keepOpenOnes(b))
}

// forgetMost is how many rows of the pass are deleted in one commit.
const forgetMost = 5000

// forgetSums deletes rows that a pass has kept for its caller, and reports
// whether some are left.
func (tx *Tx) forgetSums() (left bool, err error) {
	for _, statement := range []string{
		`DELETE FROM book_open WHERE (caller_id, transaction_id) IN (SELECT caller_id, transaction_id FROM book_open LIMIT $1)`,
		`DELETE FROM book_sums WHERE (caller_id, account) IN (SELECT caller_id, account FROM book_sums LIMIT $1)`,
	} {
		rows, err := tx.exec("forgetting the sums of a caller", statement, forgetMost)
		if err != nil {
			return false, err
		}
		left = left || rows == forgetMost
	}
	return left, nil
}

// rowsAtOnce is how many rows one statement of the audit writes.
const rowsAtOnce = 100

// addRows adds rows to a table, a hundred in one statement.
func (tx *Tx) addRows(doing, insert, otherwise string, rows [][]any) error {
	for len(rows) > 0 {
		some := rows[:min(rowsAtOnce, len(rows))]
		rows = rows[len(some):]
		var values []string
		var args []any
		for _, row := range some {
			var places []string
			for _, v := range row {
				args = append(args, v)
				places = append(places, fmt.Sprintf("$%d", len(args)))
			}
			values = append(values, "("+strings.Join(places, ", ")+")")
		}
		if _, err := tx.exec(doing, insert+` VALUES `+strings.Join(values, ", ")+` `+otherwise, args...); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) addSums(b AuditBatch) error {
	rows := make([][]any, 0, len(b.sums))
	for account, micro := range b.sums {
		rows = append(rows, []any{b.From.Caller, account, micro})
	}
	return tx.addRows("adding up postings", `INSERT INTO book_sums (caller_id, account, micro)`,
		`ON CONFLICT (caller_id, account) DO UPDATE SET micro = book_sums.micro + excluded.micro`, rows)
}

func (tx *Tx) keepOpenOnes(b AuditBatch) error {
	rows := make([][]any, 0, len(b.opened))
	for _, o := range b.opened {
		rows = append(rows, []any{b.From.Caller, o.id, int64(o.steps)})
	}
	if err := tx.addRows("keeping open transactions", `INSERT INTO book_open (caller_id, transaction_id, steps)`,
		`ON CONFLICT (caller_id, transaction_id) DO UPDATE SET steps = excluded.steps`, rows); err != nil {
		return err
	}
	if len(b.ended) == 0 {
		return nil
	}
	var ids []string
	for _, id := range b.ended {
		ids = append(ids, string(id))
	}
	_, err := tx.exec("forgetting transactions that have ended",
		`DELETE FROM book_open WHERE caller_id = $1 AND transaction_id`+tx.dialect.keys(2), b.From.Caller, keyList(ids))
	return err
}

// EstimatedRows is about how many rows a pass will read. It is never far too
// low: then the pass would take too long.
func (r Reader) EstimatedRows(ctx context.Context) (rows int, err error) {
	query := `SELECT page_count * page_size / 200 FROM pragma_page_count(), pragma_page_size()`
	if r.dialect.Remote {
		query = `
			SELECT CAST(COALESCE(SUM(GREATEST(reltuples, 0)) * 1.5, 0) AS BIGINT) FROM pg_class
			WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'`
	}
	err = r.glance(ctx, func(tx *ReadTx) error {
		n, err := tx.count("estimating the rows of the store", query)
		rows = int(n)
		return err
	})
	return rows, err
}

// A BooksState is how the audit does, for metrics and for /readyz.
type BooksState struct {
	Audit        AuditState // zero before the first one
	Open         int        // violations that nobody has acknowledged
	Acknowledged int
	Stopped      int // callers that may not move money
}

// Books reads how the audit does.
func (tx *ReadTx) Books() (b BooksState, err error) {
	if b.Audit, _, err = tx.AuditState(); err != nil {
		return b, err
	}
	for _, n := range []struct {
		to    *int
		query string
	}{
		{&b.Open, `SELECT COUNT(1) FROM book_violations WHERE acknowledged = 0`},
		{&b.Acknowledged, `SELECT COUNT(1) FROM book_violations WHERE acknowledged > 0`},
		{&b.Stopped, `SELECT COUNT(1) FROM callers WHERE stopped > 0`},
	} {
		rows, err := tx.count("counting violations", n.query)
		if err != nil {
			return b, err
		}
		*n.to = int(rows)
	}
	return b, nil
}
