package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A Report is the result of a check of the books.
type Report struct {
	Callers, Transactions, Postings int
	// Held is the sum of all callers' held accounts, in micro-dollars.
	Held     int64
	Findings []payment.Finding
}

const (
	booksPage   = 500  // transactions read at a time
	findingsMax = 1000 // a check with more findings stops
)

// CheckBooks compares every transaction with all rows that belong to it, and
// names each row that is wrong. It reads one consistent state and may run while
// the server is running.
func (r Reader) CheckBooks(ctx context.Context) (report Report, err error) {
	err = r.viewLong(ctx, func(tx *ReadTx) error {
		report = Report{}
		callers, err := tx.Callers()
		if err != nil {
			return err
		}
		report.Callers = len(callers)
		for _, c := range callers {
			if err := tx.checkCaller(c.ID, &report); err != nil {
				return fmt.Errorf("checking the books of caller %s: %w", c.ID, err)
			}
		}
		if err := tx.checkParties(&report); err != nil {
			return err
		}
		return tx.checkOrphans(&report)
	})
	return report, err
}

// CheckCallerBooks is CheckBooks for one caller's books. It does not check the
// balances of parties, which all callers share.
func (r Reader) CheckCallerBooks(ctx context.Context, c party.CallerID) (report Report, err error) {
	report.Callers = 1
	err = r.viewLong(ctx, func(tx *ReadTx) error { return tx.checkCaller(c, &report) })
	return report, err
}

func (tx *ReadTx) checkCaller(c party.CallerID, report *Report) error {
	// Money under way: what the transactions say, and what their postings add up to.
	none := money.Micros(0)
	should := map[ledger.AccountID]money.Amount{ledger.Held: none, ledger.Outgoing: none}
	does := maps.Clone(should)
	readable := true
	for after := (bookmark{}); ; {
		page, err := list(tx, "reading transactions", scanTransaction, `
			SELECT `+transactionColumns+` FROM transactions
			WHERE caller_id = $1 AND received > 0 AND (received, transaction_id) > ($2, $3)
			ORDER BY received, transaction_id LIMIT $4`,
			c, after.received, after.id, booksPage)
		if err != nil {
			return err
		}
		if len(page) == 0 || len(report.Findings) > findingsMax {
			break
		}
		files, err := tx.files(c, page)
		if err != nil {
			return err
		}
		for _, f := range files {
			report.Transactions++
			report.Postings += len(f.Postings)
			report.Findings = append(report.Findings, f.Audit()...)
			readable = readable && len(f.Unreadable) == 0
			held, outgoing := f.UnderWay()
			should[ledger.Held], should[ledger.Outgoing] = should[ledger.Held].Add(held), should[ledger.Outgoing].Add(outgoing)
			for account := range does {
				does[account] = does[account].Add(f.Balance(account))
			}
		}
		last := page[len(page)-1]
		after = bookmark{micros(last.Received), last.ID}
	}
	report.Held += does[ledger.Held].Micro
	for _, account := range []ledger.AccountID{ledger.Held, ledger.Outgoing} {
		row, is := string(c)+"/"+string(account), does[account]
		if !account.Allows(is.Micro) {
			report.Findings = append(report.Findings, wrongSide(row, is.Micro))
		}
		if is.Micro != should[account].Micro {
			report.Findings = append(report.Findings, payment.Finding{
				Table: "postings", Row: row,
				Problem: fmt.Sprintf("account holds %v but its transactions add up to %v", is, should[account]),
			})
		}
	}
	if err := tx.checkSums(c, readable, report); err != nil {
		return err
	}
	return tx.checkStranded(c, report)
}

// A bookmark marks the last transaction that a check of a caller's books has
// read.
type bookmark struct {
	received int64
	id       holdfast.TransactionID
}

// files reads all rows that belong to each transaction of a page.
func (tx *ReadTx) files(c party.CallerID, page []payment.Transaction) ([]payment.File, error) {
	span := ` WHERE caller_id = $1 AND transaction_id` + tx.dialect.keys(2) + ` ORDER BY transaction_id, `
	ids := keysOf(page, func(t payment.Transaction) []string { return []string{string(t.ID)} })
	steps, err := list(tx, "reading histories", scanStep,
		`SELECT `+stepColumns+` FROM steps`+span+`seq`, c, ids)
	if err != nil {
		return nil, err
	}
	history := make(map[holdfast.TransactionID][]payment.HistoryRow)
	for _, s := range steps {
		history[s.transaction] = append(history[s.transaction], s.HistoryRow)
	}
	booked, err := list(tx, "reading postings", scanBooked,
		`SELECT transaction_id, seq, postings FROM steps`+span+`seq`, c, ids)
	if err != nil {
		return nil, err
	}
	around, err := tx.around(c, page)
	if err != nil {
		return nil, err
	}
	files, at := make([]payment.File, len(page)), make(map[holdfast.TransactionID]*payment.File)
	for i, t := range page {
		files[i] = payment.File{
			Transaction: t, History: history[t.ID],
			Token: around.tokens[t.Token], Remembered: around.references[string(t.Reference)],
		}
		at[t.ID] = &files[i]
		for p := range map[party.ID]bool{t.Sender: true, t.Recipient: true} {
			if around.parties[string(p)] {
				files[i].Parties++
			}
		}
	}
	for _, b := range booked {
		b.addTo(at[b.transaction])
	}
	return files, nil
}

// keysOf returns a JSON array of keys that the transactions name.
func keysOf(page []payment.Transaction, of func(payment.Transaction) []string) string {
	var all []string
	for _, t := range page {
		all = append(all, of(t)...)
	}
	slices.Sort(all)
	text, err := json.Marshal(slices.Compact(all))
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(text)
}

// around has the rows that the transactions of a page name.
type around struct {
	tokens     map[holdfast.TokenID]payment.Token
	references map[string]bool // those with a request
	parties    map[string]bool
}

func (tx *ReadTx) around(c party.CallerID, page []payment.Transaction) (a around, err error) {
	tokens, err := list(tx, "reading tokens", scanToken, `
		SELECT `+tokenColumns+` FROM tokens WHERE caller_id = $1 AND token_id`+tx.dialect.keys(2),
		c, keysOf(page, func(t payment.Transaction) []string { return []string{string(t.Token)} }))
	if err != nil {
		return a, err
	}
	a.tokens = make(map[holdfast.TokenID]payment.Token, len(tokens))
	for _, k := range tokens {
		a.tokens[k.ID] = k
	}
	references, err := list(tx, "reading requests", scanID, `
		SELECT reference FROM requests WHERE caller_id = $1 AND reference`+tx.dialect.keys(2),
		c, keysOf(page, func(t payment.Transaction) []string { return []string{string(t.Reference)} }))
	if err != nil {
		return a, err
	}
	a.references = setOf(references)
	parties, err := list(tx, "reading parties", scanID, `
		SELECT party_id FROM parties WHERE party_id`+tx.dialect.keys(1),
		keysOf(page, func(t payment.Transaction) []string { return []string{string(t.Sender), string(t.Recipient)} }))
	a.parties = setOf(parties)
	return a, err
}

func setOf(ids []string) map[string]bool {
	set := make(map[string]bool, len(ids))
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func scanID(row scanner) (id string, err error) {
	err = row.Scan(&id)
	return id, err
}

const noTransaction = "belongs to a transaction that does not exist"

// orphans are queries for rows that name another row which does not exist, or
// which is not theirs.
var orphans = []struct{ table, problem, query string }{
	{"steps", noTransaction, ofTransaction("steps", "transaction_id", "")},
	{"requests", noTransaction, ofTransaction("requests", "transaction_id", "r.transaction_id <> ''")},
	{"tokens", noTransaction, ofTransaction("tokens", "used_by", "r.used_by <> ''")},
	{
		"transactions", "belongs to a payment that does not exist",
		ofTransaction("transactions", "parent", "r.parent <> ''"),
	},
	{"deliveries", noTransaction, ofTransaction("deliveries", "subject", "r.about = 'Transaction'")},
	{"deliveries", "belongs to a token that does not exist", `
		SELECT r.subject FROM deliveries r LEFT JOIN tokens k
		ON k.caller_id = r.caller_id AND k.token_id = r.subject
		WHERE r.about = 'Token' AND k.token_id IS NULL LIMIT $1`},
	{"requests", "names the transaction of another request", `
		SELECT r.transaction_id FROM requests r JOIN transactions t
		ON t.caller_id = r.caller_id AND t.transaction_id = r.transaction_id
		WHERE t.reference <> r.reference LIMIT $1`},
	{"tokens", "belongs to an instrument that does not exist", `
		SELECT k.token_id FROM tokens k LEFT JOIN aggregate_instruments a
		ON a.caller_id = k.caller_id AND a.aggregate_id = k.aggregate_id
		WHERE k.aggregate_id <> '' AND a.aggregate_id IS NULL LIMIT $1`},
	{"disputes", "is not booked as its row says", `
		SELECT d.dispute_id FROM disputes d LEFT JOIN transactions t
		ON t.caller_id = d.caller_id AND t.transaction_id = d.booked AND t.kind = 'Dispute' AND t.amount = d.amount
			AND t.parent = d.transaction_id
		WHERE d.booked <> '' AND t.transaction_id IS NULL LIMIT $1`},
	{"disputes", "is not returned as its row says", `
		SELECT d.dispute_id FROM disputes d LEFT JOIN transactions t
		ON t.caller_id = d.caller_id AND t.transaction_id = d.returned AND t.kind = 'DisputeReturn' AND t.amount = d.amount
			AND t.parent = d.transaction_id
		WHERE d.returned <> '' AND t.transaction_id IS NULL LIMIT $1`},
	{"transactions", "is a dispute without a row in disputes", `
		SELECT t.transaction_id FROM transactions t LEFT JOIN disputes d
		ON d.caller_id = t.caller_id AND d.transaction_id = t.parent AND t.transaction_id IN (d.booked, d.returned)
		WHERE t.kind IN ('Dispute', 'DisputeReturn') AND d.dispute_id IS NULL LIMIT $1`},
	{"transactions", "belongs to a caller that does not exist", `
		SELECT t.transaction_id FROM transactions t LEFT JOIN callers c
		ON c.caller_id = t.caller_id WHERE c.caller_id IS NULL LIMIT $1`},
}

// ofTransaction returns a query for rows of a table whose column names a
// transaction that does not exist.
func ofTransaction(table, column, where string) string {
	if where != "" {
		where += " AND "
	}
	return `
		SELECT r.` + column + ` FROM ` + table + ` r LEFT JOIN transactions t
		ON t.caller_id = r.caller_id AND t.transaction_id = r.` + column + `
		WHERE ` + where + `t.transaction_id IS NULL LIMIT $1`
}

func (tx *ReadTx) checkOrphans(report *Report) error {
	for _, o := range orphans {
		ids, err := list(tx, "looking for orphans", scanID, o.query, findingsMax)
		if err != nil {
			return err
		}
		for _, id := range ids {
			report.Findings = append(report.Findings, payment.Finding{
				Table: o.table, Row: id, Problem: o.problem,
			})
		}
	}
	return nil
}
