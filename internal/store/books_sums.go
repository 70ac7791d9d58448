package store

import (
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// postedSums are what postings add up to, by account. Nil means that some
// postings cannot be read, so that nothing can be compared with their sums.
type postedSums map[ledger.AccountID]int64

// add adds the postings of a transaction's steps behind one. It leaves out the
// accounts that every caller has: no row has their balance.
func (s postedSums) add(f payment.File, behind int) {
	for _, p := range f.Postings {
		if p.Step <= behind {
			continue
		}
		s.count(p.To, p.Amount.Micro)
		s.count(p.From, -p.Amount.Micro)
	}
}

// with returns the sums of all. They are nil if s is.
func (s postedSums) with(more ...postedSums) postedSums {
	if s == nil || len(more) == 0 {
		return s
	}
	all := maps.Clone(s)
	for _, m := range more {
		for account, micro := range m {
			all[account] += micro
		}
	}
	return all
}

func (s postedSums) count(account ledger.AccountID, micro int64) {
	switch account {
	case ledger.Network, ledger.Held, ledger.Outgoing, ledger.Disputed, ledger.Fees:
	default:
		s[account] += micro
	}
}

// A span is a range of accounts in the order of the database. An empty end is
// open.
type span struct{ after, upTo string }

// within returns the condition for a span, with its arguments behind the caller.
func (s span) within(c party.CallerID) (condition string, args []any) {
	condition, args = `caller_id = $1 AND account > $2`, []any{c, s.after}
	if s.upTo != "" {
		condition, args = condition+` AND account <= $3`, append(args, s.upTo)
	}
	return condition, args
}

type accountSum struct {
	account ledger.AccountID
	micro   int64
}

func scanAccountSum(row scanner) (s accountSum, err error) {
	return s, row.Scan(&s.account, &s.micro)
}

// checkBalances compares the stored balances of a caller's accounts with the
// sums of their postings. It also finds balances with the wrong sign. A party's
// balance in the books of one caller may be below zero, because another caller
// may have paid the party. posted are the sums of the span; more are further sums
// of any accounts.
func (tx *ReadTx) checkBalances(
	c party.CallerID, s span, posted postedSums, more ...postedSums,
) (findings []payment.Finding, err error) {
	within, args := s.within(c)
	all, err := list(tx, "reading balances", scanAccountSum, `
		SELECT account, CAST(SUM(micro) AS BIGINT) FROM balances WHERE `+within+` GROUP BY account`, args...)
	if err != nil {
		return nil, err
	}
	kept := make(map[ledger.AccountID]int64, len(all))
	for _, a := range all {
		kept[a.account] = a.micro
		if _, ofParty := a.account.Party(); !ofParty && a.micro != 0 && !a.account.Allows(a.micro) {
			findings = append(findings, wrongSide(c, string(c)+"/"+string(a.account), a.micro))
		}
	}
	if posted == nil {
		return findings, nil
	}
	for account := range posted {
		if _, known := kept[account]; !known && account.Kept() {
			kept[account] = 0
		}
	}
	sums := posted.with(more...)
	for _, account := range slices.Sorted(maps.Keys(kept)) {
		findings = differing(findings, payment.Finding{Caller: c, Table: "balances", Row: string(account)}, "the balance",
			kept[account], sums[account])
	}
	return findings, nil
}

// differing adds a finding if a stored total differs from the sum of its rows.
func differing(findings []payment.Finding, f payment.Finding, what string, kept, rows int64) []payment.Finding {
	if kept == rows {
		return findings
	}
	return append(findings, payment.Differs(f, what, dollars(kept), dollars(rows)))
}

// A side is a balance that may be on the wrong side of zero.
type side struct {
	account ledger.AccountID
	micro   int64
	mode    string // set for an account that all callers in one mode share
}

// What is wrong with such a balance.
const (
	faultBelow = "account is below zero"
	faultAbove = "account is above zero"
)

func wrongSide(c party.CallerID, row string, micro int64) payment.Finding {
	fault := faultBelow
	if micro > 0 {
		fault = faultAbove
	}
	return payment.Finding{
		Caller: c, Table: "balances", Row: row, Problem: fmt.Sprintf("%s, at %v", fault, dollars(micro)), Fault: fault,
	}
}

// checkParties finds parties with a negative balance, although card networks have
// not taken that much back from them. upTo is the last account to look at; empty
// means all after the first one. The caller of a finding is the one whose books
// have the party's lowest balance.
func (tx *ReadTx) checkParties(after, upTo string) (findings []payment.Finding, err error) {
	scan := func(row scanner) (s side, err error) {
		err = row.Scan(&s.account, &s.mode, &s.micro)
		return s, err
	}
	within, args := `b.account > $1`, []any{after, findingsMax}
	if upTo != "" {
		within, args = within+` AND b.account <= $3`, append(args, upTo)
	}
	all, err := list(tx, "looking at parties' balances", scan, `
		SELECT b.account, CASE WHEN c.sandbox = 1 THEN 'sandbox' ELSE 'live' END, CAST(SUM(b.micro) AS BIGINT)
		FROM balances b JOIN callers c ON c.caller_id = b.caller_id
		WHERE `+within+` AND b.account LIKE 'party:%'
		GROUP BY b.account, c.sandbox HAVING SUM(b.micro) < 0 LIMIT $2`, args...)
	for _, s := range all {
		taken, err := tx.taken(s)
		if err != nil {
			return nil, err
		}
		if s.account.AllowsTaken(s.micro, taken) {
			continue
		}
		lowest, err := list(tx, "finding the lowest balance of a party", scanID, `
			SELECT b.caller_id FROM balances b JOIN callers c ON c.caller_id = b.caller_id
			WHERE b.account = $1 AND c.sandbox = $2 GROUP BY b.caller_id ORDER BY SUM(b.micro), b.caller_id LIMIT 1`,
			s.account, flag(s.mode == "sandbox"))
		if err != nil {
			return nil, err
		}
		f := wrongSide("", string(s.account)+" ("+s.mode+")", s.micro)
		if len(lowest) > 0 {
			f.Caller = party.CallerID(lowest[0])
		}
		findings = append(findings, f)
	}
	return findings, err
}

// taken is what card networks have taken back from a party by themselves. It
// reads all transactions: very few parties have less than nothing.
func (tx *ReadTx) taken(s side) (micro int64, err error) {
	id, _ := s.account.Party()
	return tx.count("adding up what networks have taken back", `
		SELECT CAST(COALESCE(SUM(CASE t.kind WHEN 'DisputeReturn' THEN -t.amount ELSE t.amount END), 0) AS BIGINT)
		FROM transactions t JOIN callers c ON c.caller_id = t.caller_id
		WHERE t.recipient = $1 AND t.kind IN ('Dispute', 'DisputeReturn', 'OutsideRefund') AND c.sandbox = $2`,
		id, flag(s.mode == "sandbox"))
}

// checkDue finds transactions of a page whose due time is not their deadline.
// They would never expire, or would be looked at in vain.
func (tx *ReadTx) checkDue(c party.CallerID, page []payment.Transaction) (findings []payment.Finding, err error) {
	ids, err := list(tx, "checking due times", scanID, `
		SELECT transaction_id FROM transactions
		WHERE caller_id = $1 AND transaction_id`+tx.dialect.keys(2)+`
			AND due <> CASE WHEN state IN ('Pending', 'Reserved') AND taking IS NULL THEN deadline ELSE 0 END`,
		c, keysOf(page, func(t payment.Transaction) []string { return []string{string(t.ID)} }))
	for _, id := range ids {
		findings = append(findings, payment.Finding{
			Caller: c, Table: "transactions", Row: id, Problem: "is not due at its deadline",
		})
	}
	return findings, err
}
