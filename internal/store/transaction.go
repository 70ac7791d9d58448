package store

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

const transactionColumns = `
	caller_id, transaction_id, kind, reference, sender, recipient, owner,
	token_id, recipient_token, instrument_id, method, aggregate_id,
	state, status_code, status_message, amount, settled, fee, fee_by, commission,
	commission_id, fixed_terms, variable_terms, parent, policy,
	refunded, fee_returned, commission_returned, sets_aside, counted,
	caller_description, sender_description, descriptor, ipn_url, authorization_ref,
	sender_balance, recipient_balance, steps, posted, received, deadline, completed`

func scanTransaction(row scanner) (t payment.Transaction, err error) {
	var amount, settled, fee, commission, fixed, refunded, feeReturned, commissionReturned int64
	var received, deadline, completed int64
	var variable money.Rate
	var senderBalance, recipientBalance sql.NullInt64
	err = row.Scan(&t.Caller, &t.ID, &t.Kind, &t.Reference, &t.Sender, &t.Recipient, &t.Owner, &t.Token, &t.RecipientToken,
		&t.Instrument, &t.Method, &t.Aggregate,
		&t.State, &t.StatusCode, &t.StatusMessage, &amount, &settled, &fee, &t.FeeBy, &commission, &t.CommissionID, &fixed,
		&variable, &t.Parent, &t.Policy,
		&refunded, &feeReturned, &commissionReturned, &t.SetsAside, &t.Counted,
		&t.CallerDescription, &t.SenderDescription, &t.Descriptor, &t.IPNURL, &t.Authorization, &senderBalance,
		&recipientBalance, &t.Steps, &t.Posted, &received, &deadline, &completed)
	t.Amount, t.Settled, t.Fee, t.Commission = dollars(amount), dollars(settled), dollars(fee), dollars(commission)
	t.Terms = payment.CommissionTerms{Fixed: maybeDollars(fixed), Variable: variable}
	t.Refunded, t.FeeReturned, t.CommissionReturned = dollars(refunded), dollars(feeReturned), dollars(commissionReturned)
	if senderBalance.Valid {
		t.SenderBalance = dollars(senderBalance.Int64)
	}
	if recipientBalance.Valid {
		t.RecipientBalance = dollars(recipientBalance.Int64)
	}
	t.Received, t.Deadline, t.Completed = when(received), when(deadline), when(completed)
	return t, err
}

type transactionKey struct {
	caller party.CallerID
	id     holdfast.TransactionID
}

var transactions = byKey(source[transactionKey, payment.Transaction]{
	doing: "reading a transaction",
	query: `SELECT ` + transactionColumns + ` FROM transactions WHERE caller_id = $1 AND transaction_id = $2`,
	many: `SELECT ` + transactionColumns + ` FROM transactions
		WHERE (caller_id, transaction_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	args:    func(k transactionKey) []any { return []any{k.caller, k.id} },
	scan:    scanTransaction,
	key:     func(t payment.Transaction) transactionKey { return transactionKey{t.Caller, t.ID} },
	order:   `caller_id, transaction_id`,
	appears: "its id is drawn when it is added, so nobody can have meant it",
})

// Transaction reads one of a caller's transactions.
func (tx *ReadTx) Transaction(c party.CallerID, id holdfast.TransactionID) (payment.Transaction, bool, error) {
	return transactions.read(tx, transactionKey{c, id})
}

// DueCallers reads the callers of which an open transaction's deadline has come
// by their clocks, those first whose has come longest ago.
func (tx *ReadTx) DueCallers(real time.Time) ([]party.Caller, error) {
	return list(tx, "looking for what is due", func(row scanner) (party.Caller, error) { return scanCaller(row) }, `
		SELECT `+callerColumns+`
		FROM (
			SELECT c.*, (SELECT MIN(due) FROM transactions t WHERE t.caller_id = c.caller_id AND t.due > 0) AS first
			FROM callers c) AS waiting
		WHERE first <= $1 + clock_offset
		ORDER BY first - clock_offset`, micros(real))
}

// A Due names a transaction whose deadline has come.
type Due struct {
	Caller party.CallerID
	ID     holdfast.TransactionID
}

func (d Due) key() transactionKey { return transactionKey{d.Caller, d.ID} }

// DueOf reads which of a caller's open transactions are due at now, by that
// caller's clock, at most most of them.
func (tx *ReadTx) DueOf(c party.CallerID, now time.Time, most int) ([]Due, error) {
	scan := func(row scanner) (Due, error) {
		d := Due{Caller: c}
		return d, row.Scan(&d.ID)
	}
	return list(tx, "reading what is due", scan, `
		SELECT transaction_id FROM transactions
		WHERE caller_id = $1 AND due > 0 AND due <= $2
		ORDER BY due
		LIMIT $3`, c, micros(now), most)
}

// A Lapse is a transaction that is due, with the network's own name for the card
// that pays it; empty where none does.
type Lapse struct {
	payment.Transaction
	CardRef string
}

// Lapses reads transactions, those that are there.
func (tx *ReadTx) Lapses(all []Due) ([]Lapse, error) {
	of := make(map[transactionKey]row[payment.Transaction])
	for _, d := range all {
		of[d.key()] = row[payment.Transaction]{}
	}
	if err := transactions.readAll(tx, of); err != nil {
		return nil, err
	}
	cards := make(map[instrumentKey]row[payment.Instrument])
	for _, t := range of {
		cards[instrumentKey{t.value.Sender, t.value.Instrument}] = row[payment.Instrument]{}
	}
	if err := instruments.readAll(tx, cards); err != nil {
		return nil, err
	}
	lapses := make([]Lapse, 0, len(all))
	for _, d := range all {
		if t := of[d.key()]; t.found {
			lapses = append(lapses, Lapse{t.value, cards[instrumentKey{t.value.Sender, t.value.Instrument}].value.NetworkRef})
		}
	}
	return lapses, nil
}

// OpenOf reads the payments of a sender that have not ended, the newest first, at
// most most of them: what is held, and what a network is being asked for. One
// whose deadline has come may be among them. It goes through the sender's payments:
// an index of those that are open would cost each payment more, in every change
// of its state, than a buyer's look at a page does.
func (tx *ReadTx) OpenOf(sender party.ID, most int) ([]payment.Transaction, error) {
	return list(tx, "reading open payments", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE sender = $1 AND state IN ('Pending', 'Reserved', 'Settling')
		ORDER BY received DESC, transaction_id DESC LIMIT $2`, sender, most)
}

// HeldBy reads the holds of a caller, those with the nearest deadline first, at
// most most of them. Holds whose deadline has come may be among them.
func (tx *ReadTx) HeldBy(c party.CallerID, most int) ([]payment.Transaction, error) {
	return list(tx, "reading the holds of a caller", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE caller_id = $1 AND due > 0 AND state = 'Reserved'
		ORDER BY due LIMIT $2`, c, most)
}

// HeldFor reads the holds for a recipient who is paid through a recipient token,
// the newest first, at most most of them. Like OpenOf, it goes through the
// recipient's payments.
func (tx *ReadTx) HeldFor(recipient party.ID, most int) ([]payment.Transaction, error) {
	return list(tx, "reading the holds for a recipient", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE recipient = $1 AND (recipient_token <> '' OR kind = 'Deposit') AND state = 'Reserved'
		ORDER BY received DESC, transaction_id DESC LIMIT $2`, recipient, most)
}

// OpenWith reads those of a sender's open payments that are paid with an instrument.
func (tx *ReadTx) OpenWith(sender party.ID, with payment.InstrumentID, most int) ([]payment.Transaction, error) {
	return list(tx, "reading open payments of an instrument", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE sender = $1 AND state IN ('Pending', 'Reserved', 'Settling') AND instrument_id = $2
		ORDER BY received DESC, transaction_id DESC LIMIT $3`, sender, with, most)
}

// LastWith reads the last payment of a sender with an instrument of which is known
// what became of it.
func (tx *ReadTx) LastWith(sender party.ID, with payment.InstrumentID) (t payment.Transaction, found bool, err error) {
	all, err := list(tx, "reading an instrument's last payment", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE sender = $1 AND instrument_id = $2 AND kind IN ('Pay', 'Reserve') AND state <> 'Pending'
		ORDER BY received DESC, transaction_id DESC LIMIT 1`, sender, with)
	if err != nil || len(all) == 0 {
		return t, false, err
	}
	return all[0], true, nil
}

// Children reads the transactions that were made from one: the marketplace's
// fee, and refunds, in the order in which they were made.
func (tx *ReadTx) Children(c party.CallerID, parent holdfast.TransactionID) ([]payment.Transaction, error) {
	return list(tx, "reading related transactions", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE caller_id = $1 AND parent = $2 ORDER BY received, transaction_id`, c, parent)
}

// PaymentsOf reads the payments that were made with a lasting token, the newest
// first, at most most of them.
func (tx *ReadTx) PaymentsOf(c party.CallerID, token holdfast.TokenID, most int) ([]payment.Transaction, error) {
	return list(tx, "reading a token's payments", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions
		WHERE caller_id = $1 AND token_id = $2 AND counted = 1 AND kind IN ('Pay', 'Reserve')
		ORDER BY received DESC, transaction_id DESC LIMIT $3`, c, token, most)
}

// CountPayments counts all payments that were made with a lasting token.
func (tx *ReadTx) CountPayments(c party.CallerID, token holdfast.TokenID) (n int64, err error) {
	return tx.count("counting a token's payments", `
		SELECT COUNT(1) FROM transactions
		WHERE caller_id = $1 AND token_id = $2 AND counted = 1 AND kind IN ('Pay', 'Reserve')`, c, token)
}

// CountPaid counts those of them that were paid.
func (tx *ReadTx) CountPaid(c party.CallerID, token holdfast.TokenID) (n int64, err error) {
	return tx.count("counting what a token paid", `
		SELECT COUNT(1) FROM transactions
		WHERE caller_id = $1 AND token_id = $2 AND counted = 1 AND kind IN ('Pay', 'Reserve') AND state = 'Success'`,
		c, token)
}

func (tx *ReadTx) count(doing, query string, args ...any) (n int64, err error) {
	if err := tx.sql.QueryRowContext(tx.ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("%s: %w", doing, err)
	}
	return n, nil
}

// History reads a transaction's steps in order.
func (tx *ReadTx) History(c party.CallerID, id holdfast.TransactionID) ([]payment.HistoryRow, error) {
	return list(tx, "reading a transaction's history", scanHistory, `
		SELECT `+historyColumns+` FROM transaction_history
		WHERE caller_id = $1 AND transaction_id = $2 ORDER BY seq`, c, id)
}

const historyColumns = `seq, at, before_state, verb, after_state, status_code, status_message, amount`

func scanHistory(row scanner) (h payment.HistoryRow, err error) {
	var at, amount int64
	err = row.Scan(&h.Seq, &at, &h.Before, &h.Verb, &h.After, &h.StatusCode, &h.StatusMessage, &amount)
	h.At, h.Amount = when(at), dollars(amount)
	return h, err
}

// Postings reads a transaction's postings in order.
func (tx *ReadTx) Postings(c party.CallerID, id holdfast.TransactionID) ([]ledger.Posting, error) {
	return list(tx, "reading postings", scanPosting, `
		SELECT from_account, to_account, amount FROM postings
		WHERE caller_id = $1 AND transaction_id = $2 ORDER BY seq`, c, id)
}

func scanPosting(row scanner) (p ledger.Posting, err error) {
	var amount int64
	err = row.Scan(&p.From, &p.To, &amount)
	p.Amount = dollars(amount)
	return p, err
}

// Balance is what postings have left in one of a caller's accounts, in
// micro-dollars: all that came in less all that went out.
func (tx *ReadTx) Balance(c party.CallerID, account ledger.AccountID) (micro int64, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT CAST(COALESCE(SUM(CASE WHEN to_account = $2 THEN amount ELSE -amount END), 0) AS BIGINT)
		FROM postings WHERE caller_id = $1 AND (to_account = $2 OR from_account = $2)`, c, account).Scan(&micro)
	if err != nil {
		return 0, fmt.Errorf("reading the balance of %s: %w", account, err)
	}
	return micro, nil
}
