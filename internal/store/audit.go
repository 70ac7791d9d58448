package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// An AuditPart is a part of a pass of the audit. A pass takes the first four for
// each caller, then walks through each table, and then looks at the parties.
type AuditPart string

// The parts.
const (
	// AuditTransactions compares a caller's transactions with all rows that belong to
	// them, and adds their postings up.
	AuditTransactions AuditPart = "transactions"
	// AuditBalances compares the caller's balances with these sums.
	AuditBalances AuditPart = "balances"
	// AuditInstruments compares the balances of the caller's instruments with them.
	AuditInstruments AuditPart = "instruments"
	// AuditForget deletes the sums.
	AuditForget AuditPart = "forget"
	// AuditParties looks for parties with a negative balance.
	AuditParties AuditPart = "parties"

	auditWalk = "walk " // and the table: looks for rows that name a missing row
)

// An AuditPlace is how far a pass of the audit is. The zero place is before its
// beginning.
type AuditPlace struct {
	Part       AuditPart
	Caller     party.CallerID // or the first column of the key, in a walk
	Received   int64          // microseconds
	Row        string         // the last transaction, or the second column of the key, in a walk
	Account    string         // the last account or instrument that was compared
	Unreadable bool           // the caller has postings that cannot be read, so sums say nothing
}

// An AuditBatch is what a pass has found in one consistent state of the store.
type AuditBatch struct {
	From, To AuditPlace // To is the zero place at the end of the pass
	Rows     int        // that were read
	// Recent says that the batch catches up with payments of the last minutes. It
	// must be quicker than they come.
	Recent   bool
	Findings []payment.Finding
	// Doubts are balances that differ from the sums of the pass; see
	// [Reader.ConfirmDoubts].
	Doubts []payment.Finding

	now    time.Time  // real time
	sums   postedSums // to add to those of the pass
	young  postedSums // of transactions that are too young to be kept in the sums
	opened []openTransaction
	ended  []holdfast.TransactionID // of those that were open
	forget bool
}

// An openTransaction can take further steps. The pass has added up the postings
// of its first steps.
type openTransaction struct {
	id    holdfast.TransactionID
	steps int
}

// mayStep reports whether a transaction can take further steps. One whose end
// is known can do so only while a question is open. The query in auditStepped has
// the same condition.
func mayStep(t payment.Transaction) bool { return !t.State.Final() || t.Asking != "" }

// auditYoung is how long a transaction counts as young. Transactions are read in
// the order of the times at which they were received, and a transaction may be
// committed after one that was received later. After this time, no more are
// expected before the place of the pass.
const auditYoung = 15 * time.Second

// auditRecent is how old a payment of the last minutes is; see AuditBatch.
const auditRecent = 10 * time.Minute

// AuditBatch reads the next batch of a pass at real time. A pass begins at the
// zero place. The batch is one consistent state, and has about limit rows.
func (r Reader) AuditBatch(ctx context.Context, from AuditPlace, limit int, real time.Time) (b AuditBatch, err error) {
	err = r.View(ctx, func(tx *ReadTx) error {
		b = AuditBatch{From: from, To: from, now: real, sums: postedSums{}, young: postedSums{}}
		return tx.audit(&b, limit)
	})
	if err != nil {
		return b, fmt.Errorf("checking %s of caller %q: %w", from.Part, from.Caller, err)
	}
	return b, nil
}

func (tx *ReadTx) audit(b *AuditBatch, limit int) error {
	switch b.From.Part {
	case "":
		b.Rows = 1
		return tx.auditNextCaller(b)
	case AuditTransactions:
		safe, err := tx.auditUntil(b)
		if err != nil {
			return err
		}
		full, err := tx.auditPage(b, safe, limit)
		if err == nil && !full {
			b.To.Part = AuditBalances
		}
		return err
	case AuditBalances, AuditInstruments:
		return tx.auditSums(b, limit)
	case AuditForget:
		b.Rows, b.forget = 1, true // the commit goes to the next caller when nothing is left
		return nil
	case AuditParties:
		return tx.auditParties(b, limit)
	default:
		return tx.auditWalk(b, limit)
	}
}

// auditNextCaller goes to the caller after the present one, or to the first walk.
func (tx *ReadTx) auditNextCaller(b *AuditBatch) error {
	next, err := list(tx, "finding the next caller", scanID,
		`SELECT caller_id FROM callers WHERE caller_id > $1 ORDER BY caller_id LIMIT 1`, b.From.Caller)
	switch {
	case err != nil:
		return err
	case len(next) == 0:
		b.To = AuditPlace{Part: AuditPart(auditWalk + walks[0].table)}
	default:
		b.To = AuditPlace{Part: AuditTransactions, Caller: party.CallerID(next[0])}
	}
	return nil
}

// auditUntil is until when transactions are old enough for the sums, by the
// caller's clock.
func (tx *ReadTx) auditUntil(b *AuditBatch) (micro int64, err error) {
	c, _, err := tx.Caller(b.From.Caller)
	return micros(c.Now(b.now).Add(-auditYoung)), err
}

// auditPage checks a caller's next transactions, and adds their postings to the
// sums. full says that there may be more.
func (tx *ReadTx) auditPage(b *AuditBatch, until int64, limit int) (full bool, err error) {
	from := bookmark{b.From.Received, holdfast.TransactionID(b.From.Row)}
	files, findings, err := tx.checkPage(b.From.Caller, from, until, limit)
	if err != nil || len(files) == 0 {
		return false, err
	}
	b.checked(files, findings)
	for _, f := range files {
		b.sums.add(f, 0)
		b.keepOpen(f.Transaction)
	}
	last := bookmarkOf(files)
	b.Recent = last.received > until-auditRecent.Microseconds()
	b.To.Received, b.To.Row = last.received, string(last.id)
	return len(files) == limit, nil
}

// checked notes the result of a check of some transactions.
func (b *AuditBatch) checked(files []payment.File, findings []payment.Finding) {
	b.Findings = append(b.Findings, findings...)
	for _, f := range files {
		b.Findings = append(b.Findings, f.AuditUnderWay()...)
		b.To.Unreadable = b.To.Unreadable || len(f.Unreadable) > 0
		b.Rows += 1 + len(f.History)
	}
}

// keepOpen remembers a transaction that was added up, if it can take further
// steps.
func (b *AuditBatch) keepOpen(t payment.Transaction) (kept bool) {
	if kept = mayStep(t); kept {
		b.opened = append(b.opened, openTransaction{t.ID, t.Steps})
	}
	return kept
}

// auditYoungOnes checks the caller's young transactions, all of them, and adds
// them up for this batch alone.
func (tx *ReadTx) auditYoungOnes(b *AuditBatch, until int64, limit int) error {
	for from := (bookmark{received: until + 1}); ; {
		files, findings, err := tx.checkPage(b.From.Caller, from, untilEnd, limit)
		if err != nil || len(files) == 0 {
			return err
		}
		b.checked(files, findings)
		for _, f := range files {
			b.young.add(f, 0)
		}
		from = bookmarkOf(files)
	}
}

// auditSums compares the next balances of a caller with its postings. The sums of
// the pass are of different moments, so they are brought to this one first: with
// the transactions that came after the last page, and with the steps that open
// transactions have taken since their page. If there are too many of these for
// one batch, the batch adds them to the sums and compares nothing.
func (tx *ReadTx) auditSums(b *AuditBatch, limit int) error {
	b.Rows = 1
	until, err := tx.auditUntil(b)
	if err != nil {
		return err
	}
	if full, err := tx.auditPage(b, until, limit); full || err != nil {
		return err
	}
	if full, err := tx.auditStepped(b, limit); full || err != nil {
		return err
	}
	if err := tx.auditYoungOnes(b, until, limit); err != nil {
		return err
	}
	if b.From.Part == AuditInstruments {
		return tx.auditInstruments(b, limit)
	}
	return tx.auditBalances(b, limit)
}

// auditStepped adds up the steps that open transactions have taken since they
// were added up. full says that there may be more of them.
func (tx *ReadTx) auditStepped(b *AuditBatch, limit int) (full bool, err error) {
	scan := func(row scanner) (o openTransaction, err error) { return o, row.Scan(&o.id, &o.steps) }
	before, err := list(tx, "reading open transactions that took a step", scan, `
		SELECT o.transaction_id, o.steps FROM book_open o JOIN transactions t
		ON t.caller_id = o.caller_id AND t.transaction_id = o.transaction_id
		WHERE o.caller_id = $1 AND (t.steps <> o.steps OR t.asking = '' AND t.state IN ('Success', 'Failure', 'Cancelled'))
		LIMIT $2`, b.From.Caller, limit)
	if err != nil || len(before) == 0 {
		return false, err
	}
	counted, ids := make(map[holdfast.TransactionID]int), make([]string, 0, len(before))
	for _, o := range before {
		counted[o.id], ids = o.steps, append(ids, string(o.id))
	}
	files, findings, err := tx.checkThese(b.From.Caller, ids)
	if err != nil {
		return false, err
	}
	b.checked(files, findings)
	for _, f := range files {
		b.sums.add(f, counted[f.Transaction.ID])
		if !b.keepOpen(f.Transaction) {
			b.ended = append(b.ended, f.Transaction.ID)
		}
	}
	return len(before) == limit, nil
}

// checkThese checks the caller's transactions with some ids.
func (tx *ReadTx) checkThese(
	c party.CallerID, ids []string,
) (files []payment.File, findings []payment.Finding, err error) {
	page, err := list(tx, "reading transactions", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions WHERE caller_id = $1 AND transaction_id`+tx.dialect.keys(2),
		c, keyList(ids))
	if err != nil || len(page) == 0 {
		return nil, nil, err
	}
	return tx.check(c, page)
}

// auditBalances compares the caller's next accounts.
func (tx *ReadTx) auditBalances(b *AuditBatch, limit int) error {
	c, s := b.From.Caller, span{after: b.From.Account}
	const next = ` WHERE caller_id = $1 AND account > $2 ORDER BY account LIMIT $3`
	ends, err := list(tx, "looking for the next accounts", scanID, `
		SELECT account FROM (
			SELECT account FROM (SELECT DISTINCT account FROM balances`+next+`) AS kept
			UNION SELECT account FROM (SELECT account FROM book_sums`+next+`) AS posted
		) AS accounts ORDER BY account LIMIT 1 OFFSET $4`, c, s.after, limit, limit-1)
	if err != nil {
		return err
	}
	if len(ends) > 0 {
		s.upTo = ends[0]
	}
	within, args := s.within(c)
	posted, err := tx.posted(b, within, args...)
	if err != nil {
		return err
	}
	findings, err := tx.checkBalances(c, s, posted, b.sums, b.young)
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Fault == faultBelow || f.Fault == faultAbove { // needs no sum
			b.Findings = append(b.Findings, f)
		} else {
			b.Doubts = append(b.Doubts, f)
		}
	}
	b.Rows += limit
	if b.To.Account = s.upTo; s.upTo == "" {
		b.To.Part = AuditInstruments
	}
	return nil
}

// posted reads sums of the pass. They are nil if postings of the caller cannot be
// read.
func (tx *ReadTx) posted(b *AuditBatch, where string, args ...any) (postedSums, error) {
	if b.To.Unreadable {
		return nil, nil
	}
	all, err := list(tx, "reading sums of postings", scanAccountSum, `
		SELECT account, micro FROM book_sums WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	posted := make(postedSums, len(all))
	for _, a := range all {
		posted[a.account] = a.micro
	}
	return posted, nil
}

func (tx *ReadTx) auditInstruments(b *AuditBatch, limit int) error {
	c := b.From.Caller
	page, err := tx.instrumentsAfter(c, payment.AggregateID(b.From.Account), limit)
	if err != nil {
		return err
	}
	if len(page) == 0 {
		b.To.Part, b.To.Account = AuditForget, ""
		return nil
	}
	var accounts []string
	for _, a := range page {
		account, _ := accountOf(a)
		accounts = append(accounts, string(account))
	}
	posted, err := tx.posted(b, `caller_id = $1 AND account`+tx.dialect.keys(2), c, keyList(accounts))
	if err != nil {
		return err
	}
	findings, err := tx.checkInstruments(c, payment.AggregateID(b.From.Account), page, posted.with(b.sums, b.young))
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Table == "balances" {
			b.Doubts = append(b.Doubts, f)
		} else {
			b.Findings = append(b.Findings, f)
		}
	}
	b.Rows += len(page)
	b.To.Account = string(page[len(page)-1].ID)
	return nil
}

func (tx *ReadTx) auditWalk(b *AuditBatch, limit int) error {
	i := slices.IndexFunc(walks, func(w walk) bool { return auditWalk+w.table == string(b.From.Part) })
	if i < 0 {
		return fmt.Errorf("the audit has no part %q", b.From.Part)
	}
	last, ended, findings, err := tx.walkOn(walks[i], walkPlace{string(b.From.Caller), b.From.Row}, limit)
	b.Rows, b.Findings = limit, findings
	b.To.Caller, b.To.Row = party.CallerID(last.first), last.second
	if ended {
		b.To = AuditPlace{Part: AuditParties}
		if i+1 < len(walks) {
			b.To.Part = AuditPart(auditWalk + walks[i+1].table)
		}
	}
	return err
}

func (tx *ReadTx) auditParties(b *AuditBatch, limit int) error {
	ends, err := list(tx, "looking for the next accounts", scanID, `
		SELECT DISTINCT account FROM balances WHERE account > $1 ORDER BY account LIMIT 1 OFFSET $2`,
		b.From.Account, limit-1)
	if err != nil {
		return err
	}
	upTo := ""
	if len(ends) > 0 {
		upTo = ends[0]
	}
	b.Rows = limit
	b.To = AuditPlace{}
	if upTo != "" {
		b.To = AuditPlace{Part: AuditParties, Account: upTo}
	}
	b.Findings, err = tx.checkParties(b.From.Account, upTo)
	return err
}

// ConfirmDoubts returns the doubts of a batch that a check of the caller's whole
// books in one consistent state finds, too. It takes long, but only a caller whose
// books are wrong has doubts that are not known yet.
func (r Reader) ConfirmDoubts(ctx context.Context, b AuditBatch) (confirmed []payment.Finding, err error) {
	var report Report
	err = r.ViewLong(ctx, func(tx *ReadTx) error {
		report, confirmed = Report{}, nil
		unknown := 0
		for _, f := range b.Doubts {
			known, err := tx.violationOf(f)
			if err != nil {
				return err
			}
			if len(known) > 0 {
				confirmed = append(confirmed, f)
			} else {
				unknown++
			}
		}
		if unknown == 0 {
			return nil
		}
		confirmed = nil
		return tx.checkCaller(b.From.Caller, &report)
	})
	for _, f := range b.Doubts {
		if slices.ContainsFunc(report.Findings, func(other payment.Finding) bool {
			return other.Table == f.Table && other.Row == f.Row && other.Same() == f.Same()
		}) {
			confirmed = append(confirmed, f)
		}
	}
	return confirmed, err
}
