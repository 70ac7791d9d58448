package store

import (
	"fmt"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

const noTransaction = "belongs to a transaction that does not exist"

// A walk reads a table in the order of its key, some rows at a time, and looks
// for rows that name another row which does not exist, or which is not theirs.
type walk struct {
	table   string
	first   string // the key is this column and the next one
	second  string
	idFirst bool // SQLite has the second column first
	orphans []orphan
}

// An orphan is a query for a caller and a row. The table that is walked is r,
// and %s stands for the condition that chooses a part of it.
type orphan struct{ problem, query string }

var walks = []walk{
	{"steps", "caller_id", "transaction_id", true, []orphan{
		{noTransaction, ofTransaction("steps", "transaction_id", "")},
	}},
	{"requests", "caller_id", "reference", false, []orphan{
		{noTransaction, ofTransaction("requests", "transaction_id", "r.transaction_id <> ''")},
		{"names the transaction of another request", `
			SELECT r.caller_id, r.transaction_id FROM requests r JOIN transactions t
			ON t.caller_id = r.caller_id AND t.transaction_id = r.transaction_id
			WHERE %s AND t.reference <> r.reference`},
	}},
	{"tokens", "caller_id", "token_id", true, []orphan{
		{noTransaction, ofTransaction("tokens", "used_by", "r.used_by <> ''")},
		{"belongs to an instrument that does not exist", `
			SELECT r.caller_id, r.token_id FROM tokens r LEFT JOIN aggregate_instruments a
			ON a.caller_id = r.caller_id AND a.aggregate_id = r.aggregate_id
			WHERE %s AND r.aggregate_id <> '' AND a.aggregate_id IS NULL`},
	}},
	{"transactions", "caller_id", "transaction_id", true, []orphan{
		{"belongs to a payment that does not exist", ofTransaction("transactions", "parent", "r.parent <> ''")},
		{"is a dispute without a row in disputes", `
			SELECT r.caller_id, r.transaction_id FROM transactions r LEFT JOIN disputes d
			ON d.caller_id = r.caller_id AND d.transaction_id = r.parent AND r.transaction_id IN (d.booked, d.returned)
			WHERE %s AND r.kind IN ('Dispute', 'DisputeReturn') AND d.dispute_id IS NULL`},
		{"belongs to a caller that does not exist", `
			SELECT r.caller_id, r.transaction_id FROM transactions r LEFT JOIN callers c
			ON c.caller_id = r.caller_id WHERE %s AND c.caller_id IS NULL`},
	}},
	{"deliveries", "caller_id", "subject", true, []orphan{
		{noTransaction, ofTransaction("deliveries", "subject", "r.about = 'Transaction'")},
		{"belongs to a token that does not exist", `
			SELECT r.caller_id, r.subject FROM deliveries r LEFT JOIN tokens k
			ON k.caller_id = r.caller_id AND k.token_id = r.subject
			WHERE %s AND r.about = 'Token' AND k.token_id IS NULL`},
	}},
	{"disputes", "account_id", "dispute_id", false, []orphan{
		{"is not booked as its row says", ofDispute("booked", "Dispute")},
		{"is not returned as its row says", ofDispute("returned", "DisputeReturn")},
	}},
}

// ofTransaction returns a query for rows of a table whose column names a
// transaction that does not exist.
func ofTransaction(table, column, where string) string {
	if where != "" {
		where += " AND "
	}
	return `
		SELECT r.caller_id, r.` + column + ` FROM ` + table + ` r LEFT JOIN transactions t
		ON t.caller_id = r.caller_id AND t.transaction_id = r.` + column + `
		WHERE %s AND ` + where + `t.transaction_id IS NULL`
}

// ofDispute returns a query for disputes whose column does not name a
// transaction of the kind and with the dispute's amount.
func ofDispute(column, kind string) string {
	return `
		SELECT r.caller_id, r.dispute_id FROM disputes r LEFT JOIN transactions t
		ON t.caller_id = r.caller_id AND t.transaction_id = r.` + column + ` AND t.kind = '` + kind + `'
			AND t.amount = r.amount AND t.parent = r.transaction_id
		WHERE %s AND r.` + column + ` <> '' AND t.transaction_id IS NULL`
}

// A walkPlace is the key of the last row that a walk has read.
type walkPlace struct{ first, second string }

// key returns the columns of the key in the order of the table's rows, and the
// same part of some places.
func (w walk) key(d *dialect, prefix string, places ...walkPlace) (columns string, args []any) {
	turned := w.idFirst && !d.Remote
	names := []string{prefix + w.first, prefix + w.second}
	for _, p := range places {
		if turned {
			args = append(args, p.second, p.first)
		} else {
			args = append(args, p.first, p.second)
		}
	}
	if turned {
		names[0], names[1] = names[1], names[0]
	}
	return strings.Join(names, ", "), args
}

// walkOn looks at the next rows of a table. ended says that there are no more.
func (tx *ReadTx) walkOn(
	w walk, after walkPlace, limit int,
) (last walkPlace, ended bool, findings []payment.Finding, err error) {
	key, args := w.key(tx.dialect, "", after)
	scan := func(row scanner) (p walkPlace, err error) { return p, row.Scan(&p.first, &p.second) }
	ends, err := list(tx, "walking through "+w.table, scan, `
		SELECT `+w.first+`, `+w.second+` FROM `+w.table+` WHERE (`+key+`) > ($1, $2)
		ORDER BY `+key+` LIMIT 1 OFFSET $3`, append(args, limit-1)...)
	if err != nil {
		return last, false, nil, err
	}
	ended = len(ends) == 0
	places := []walkPlace{after}
	if !ended {
		last = ends[0]
		places = append(places, last)
	}
	key, args = w.key(tx.dialect, "r.", places...)
	part := `(` + key + `) > ($1, $2)`
	if !ended {
		part += ` AND (` + key + `) <= ($3, $4)`
	}
	for _, o := range w.orphans {
		found, err := list(tx, "looking for orphans", func(row scanner) (payment.Finding, error) {
			f := payment.Finding{Table: w.table, Problem: o.problem}
			return f, row.Scan((*string)(&f.Caller), &f.Row)
		}, fmt.Sprintf(o.query, part)+fmt.Sprintf(` LIMIT $%d`, len(args)+1), append(args[:len(args):len(args)], findingsMax)...)
		if err != nil {
			return last, ended, nil, err
		}
		findings = append(findings, found...)
	}
	return last, ended, findings, nil
}

func (tx *ReadTx) checkOrphans(report *Report) error {
	for _, w := range walks {
		for last, ended := (walkPlace{}), false; !ended && len(report.Findings) <= findingsMax; {
			var findings []payment.Finding
			var err error
			if last, ended, findings, err = tx.walkOn(w, last, walkPage); err != nil {
				return err
			}
			report.Findings = append(report.Findings, findings...)
		}
	}
	return nil
}

// walkPage is how many rows a check of a whole table reads at a time.
const walkPage = 10_000
