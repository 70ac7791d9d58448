package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
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
	err = r.ViewLong(ctx, func(tx *ReadTx) error {
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
			if len(report.Findings) > 0 {
				continue // sums of wrong steps say nothing
			}
			if err := tx.checkDailySums(c.ID, &report); err != nil {
				return fmt.Errorf("checking the daily sums of caller %s: %w", c.ID, err)
			}
		}
		below, err := tx.checkParties("", "")
		if err != nil {
			return err
		}
		report.Findings = append(report.Findings, below...)
		return tx.checkOrphans(&report)
	})
	return report, err
}

// CheckCallerBooks is CheckBooks for one caller's books. It does not check the
// balances of parties, which all callers share.
func (r Reader) CheckCallerBooks(ctx context.Context, c party.CallerID) (report Report, err error) {
	report.Callers = 1
	err = r.ViewLong(ctx, func(tx *ReadTx) error { return tx.checkCaller(c, &report) })
	return report, err
}

func (tx *ReadTx) checkCaller(c party.CallerID, report *Report) error {
	// Money under way: what the transactions say, and what their postings add up to.
	none := money.Micros(0)
	should := map[ledger.AccountID]money.Amount{ledger.Held: none, ledger.Outgoing: none}
	does, posted, readable := maps.Clone(should), postedSums{}, true
	for after := (bookmark{}); ; {
		files, findings, err := tx.checkPage(c, after, untilEnd, booksPage)
		if err != nil {
			return err
		}
		report.Findings = append(report.Findings, findings...)
		if len(files) == 0 || len(report.Findings) > findingsMax {
			break
		}
		for _, f := range files {
			report.Transactions++
			report.Postings += len(f.Postings)
			readable = readable && len(f.Unreadable) == 0
			held, outgoing := f.UnderWay()
			should[ledger.Held], should[ledger.Outgoing] = should[ledger.Held].Add(held), should[ledger.Outgoing].Add(outgoing)
			for account := range does {
				does[account] = does[account].Add(f.Balance(account))
			}
			posted.add(f, 0)
		}
		after = bookmarkOf(files)
	}
	report.Held += does[ledger.Held].Micro
	for _, account := range []ledger.AccountID{ledger.Held, ledger.Outgoing} {
		row, is := string(c)+"/"+string(account), does[account]
		if !account.Allows(is.Micro) {
			report.Findings = append(report.Findings, wrongSide(c, row, is.Micro))
		}
		if is.Micro != should[account].Micro {
			report.Findings = append(report.Findings, payment.Finding{
				Caller: c, Table: "postings", Row: row,
				Problem: fmt.Sprintf("account holds %v but its transactions add up to %v", is, should[account]),
			})
		}
	}
	if !readable {
		posted = nil
	}
	findings, err := tx.checkBalances(c, span{}, posted)
	report.Findings = append(report.Findings, findings...)
	if err != nil {
		return err
	}
	return tx.checkAllInstruments(c, posted, report)
}

func (tx *ReadTx) checkAllInstruments(c party.CallerID, posted postedSums, report *Report) error {
	for after := payment.AggregateID(""); len(report.Findings) <= findingsMax; {
		page, err := tx.instrumentsAfter(c, after, booksPage)
		if err != nil || len(page) == 0 {
			return err
		}
		findings, err := tx.checkInstruments(c, after, page, posted)
		if err != nil {
			return err
		}
		report.Findings = append(report.Findings, findings...)
		after = page[len(page)-1].ID
	}
	return nil
}

// A bookmark marks the last transaction that a check of a caller's books has
// read.
type bookmark struct {
	received int64
	id       holdfast.TransactionID
}

func bookmarkOf(files []payment.File) bookmark {
	last := files[len(files)-1].Transaction
	return bookmark{micros(last.Received), last.ID}
}

// untilEnd is a time at which no transaction was received yet.
const untilEnd = math.MaxInt64

// pageToCheck begins with the comparison with the previous page; see listings.
var pageToCheck = `
	SELECT ` + transactionColumns + ` FROM transactions
	WHERE (received, transaction_id) > ($2, $3) AND caller_id = $1 AND received > 0 AND received <= $4
	ORDER BY received, transaction_id LIMIT $5`

// checkPage reads a caller's next transactions, received until a time, with all
// rows that belong to them, and compares the rows.
func (tx *ReadTx) checkPage(
	c party.CallerID, after bookmark, until int64, limit int,
) (files []payment.File, findings []payment.Finding, err error) {
	page, err := list(tx, "reading transactions", scanTransaction, pageToCheck, c, after.received, after.id, until, limit)
	if err != nil || len(page) == 0 {
		return nil, nil, err
	}
	return tx.check(c, page)
}

// check reads all rows that belong to some transactions, and compares them.
func (tx *ReadTx) check(
	c party.CallerID, page []payment.Transaction,
) (files []payment.File, findings []payment.Finding, err error) {
	if files, err = tx.files(c, page); err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		findings = append(append(findings, f.Audit()...), f.AuditRelated()...)
	}
	notDue, err := tx.checkDue(c, page)
	return files, append(findings, notDue...), err
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
	children, err := tx.childrenOf(c, page)
	if err != nil {
		return nil, err
	}
	files, at := make([]payment.File, len(page)), make(map[holdfast.TransactionID]*payment.File)
	for i, t := range page {
		files[i] = payment.File{
			Transaction: t, History: history[t.ID],
			Token: around.tokens[t.Token], Remembered: around.references[string(t.Reference)],
			Children: children.of(t),
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
	return keyList(all)
}

// keyList returns a JSON array of keys, without duplicates.
func keyList(all []string) string {
	slices.Sort(all)
	text, err := json.Marshal(append([]string{}, slices.Compact(all)...))
	if err != nil {
		panic(err) // strings can always be encoded
	}
	return string(text)
}

// families are transactions by the transaction that they belong to.
type families map[holdfast.TransactionID][]payment.Transaction

// childrenOf reads the transactions that belong to those of a page, to their
// marketplace fees, and to their refunds.
func (tx *ReadTx) childrenOf(c party.CallerID, page []payment.Transaction) (families, error) {
	const query = ` FROM transactions WHERE caller_id = $1 AND parent <> '' AND parent`
	all, here := make(families), make(map[holdfast.TransactionID]bool, len(page))
	for _, t := range page {
		here[t.ID] = true
	}
	var refunds []string // that are not on the page
	for _, parents := range []func() string{
		func() string {
			return keysOf(page, func(t payment.Transaction) []string { return []string{string(t.ID), string(t.CommissionID)} })
		},
		func() string { return keyList(refunds) },
	} {
		children, err := list(tx, "reading related transactions", scanTransaction,
			`SELECT `+transactionColumns+query+tx.dialect.keys(2), c, parents())
		if err != nil {
			return nil, err
		}
		for _, t := range children {
			if all[t.Parent] = append(all[t.Parent], t); t.Refunds() && !here[t.ID] {
				refunds = append(refunds, string(t.ID))
			}
		}
		if len(refunds) == 0 {
			break
		}
	}
	return all, nil
}

func (all families) of(t payment.Transaction) []payment.Transaction {
	children := slices.Clone(all[t.ID])
	for _, c := range all[t.ID] {
		children = append(children, all[c.ID]...)
	}
	if t.CommissionID != "" && !slices.ContainsFunc(all[t.ID], func(c payment.Transaction) bool { return c.ID == t.CommissionID }) {
		children = append(children, all[t.CommissionID]...)
	}
	return children
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
