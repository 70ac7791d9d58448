package store

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const transactionColumns = `caller_id, transaction_id, reference, sender, recipient, token_id, instrument_id, method,
	state, status_code, status_message, amount, settled, fee, fee_by,
	caller_description, sender_description, descriptor, ipn_url, authorization_ref, received, deadline, completed`

func scanTransaction(row scanner) (t payment.Transaction, err error) {
	var amount, settled, fee, received, deadline, completed int64
	err = row.Scan(&t.Caller, &t.ID, &t.Reference, &t.Sender, &t.Recipient, &t.Token, &t.Instrument, &t.Method,
		&t.State, &t.StatusCode, &t.StatusMessage, &amount, &settled, &fee, &t.FeeBy,
		&t.CallerDescription, &t.SenderDescription, &t.Descriptor, &t.IPNURL, &t.Authorization, &received, &deadline, &completed)
	t.Amount, t.Settled, t.Fee = dollars(amount), dollars(settled), dollars(fee)
	t.Received, t.Deadline, t.Completed = when(received), when(deadline), when(completed)
	return t, err
}

// Transaction reads one of a caller's transactions.
func (tx *ReadTx) Transaction(c party.CallerID, id holdfast.TransactionID) (t payment.Transaction, found bool, err error) {
	t, err = scanTransaction(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+transactionColumns+` FROM transactions WHERE caller_id = $1 AND transaction_id = $2`, c, id))
	found, err = maybe("reading a transaction", err)
	return t, found, err
}

// A Due names an open transaction whose deadline has come, and its caller's
// clock.
type Due struct {
	Caller party.Caller
	ID     holdfast.TransactionID
}

// Due reads transactions whose deadline has come by their callers' clocks, at
// most most of them.
func (tx *ReadTx) Due(real time.Time, most int) ([]Due, error) {
	return list(tx, "reading what is due", func(row scanner) (d Due, err error) {
		d.Caller, err = scanCaller(row, &d.ID)
		return d, err
	}, `
		SELECT `+joinedCallerColumns+`, t.transaction_id
		FROM callers c JOIN transactions t ON t.caller_id = c.caller_id
		WHERE t.state IN ('Pending', 'Reserved') AND t.deadline <= $1 + c.clock_offset
		ORDER BY t.deadline
		LIMIT $2`, micros(real), most)
}

// DueOf reads which of one caller's open transactions are due at now, by that
// caller's clock, at most most of them.
func (tx *ReadTx) DueOf(c party.Caller, now time.Time, most int) ([]Due, error) {
	return list(tx, "reading what is due", func(row scanner) (Due, error) {
		d := Due{Caller: c}
		err := row.Scan(&d.ID)
		return d, err
	}, `
		SELECT transaction_id FROM transactions
		WHERE caller_id = $1 AND state IN ('Pending', 'Reserved') AND deadline <= $2
		ORDER BY deadline
		LIMIT $3`, c.ID, micros(now), most)
}

// Record writes a change: the transaction, its history, its postings, the
// question to the network and the notification owed, if notify names where to.
// A transaction that is no longer in the state the change began from is
// ErrStale.
func (tx *Tx) Record(c payment.Change, n *Notification, nextAsk time.Time) error {
	if err := tx.writeTransaction(c); err != nil {
		return err
	}
	if c.Moved() {
		seq, err := tx.insertHistory(c)
		if err != nil {
			return err
		}
		if n != nil {
			n.Seq = seq
			if err := tx.insertNotification(*n); err != nil {
				return err
			}
		}
	}
	if err := tx.insertPostings(c); err != nil {
		return err
	}
	if c.Ask != nil {
		return tx.insertAttempt(*c.Ask, c.At, nextAsk)
	}
	return nil
}

func (tx *Tx) writeTransaction(c payment.Change) error {
	t := c.After
	if c.Before.State == payment.None {
		return tx.one("adding a transaction", `
			INSERT INTO transactions (`+transactionColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)`,
			t.Caller, t.ID, t.Reference, t.Sender, t.Recipient, t.Token, t.Instrument, t.Method,
			t.State, t.StatusCode, t.StatusMessage, t.Amount.Micro, t.Settled.Micro, t.Fee.Micro, t.FeeBy,
			t.CallerDescription, t.SenderDescription, t.Descriptor, t.IPNURL, t.Authorization,
			micros(t.Received), micros(t.Deadline), micros(t.Completed))
	}
	return tx.one(fmt.Sprintf("moving transaction %s to %s", t.ID, t.State), `
		UPDATE transactions
		SET state = $1, status_code = $2, status_message = $3, settled = $4, fee = $5, ipn_url = $6, authorization_ref = $7, completed = $8
		WHERE caller_id = $9 AND transaction_id = $10 AND state = $11`,
		t.State, t.StatusCode, t.StatusMessage, t.Settled.Micro, t.Fee.Micro, t.IPNURL, t.Authorization, micros(t.Completed),
		t.Caller, t.ID, c.Before.State)
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

func (tx *Tx) insertHistory(c payment.Change) (seq int, err error) {
	if c.Before.State != payment.None {
		err = tx.sql.QueryRowContext(tx.ctx, `
			SELECT MAX(seq) FROM transaction_history WHERE caller_id = $1 AND transaction_id = $2`,
			c.After.Caller, c.After.ID).Scan(&seq)
		if err != nil {
			return 0, fmt.Errorf("counting a transaction's history: %w", err)
		}
	}
	h := c.History(seq + 1)
	return h.Seq, tx.one("adding to a transaction's history", `
		INSERT INTO transaction_history (caller_id, transaction_id, `+historyColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
		c.After.Caller, c.After.ID, h.Seq, micros(h.At), h.Before, h.Verb, h.After, h.StatusCode, h.StatusMessage, h.Amount.Micro)
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

func (tx *Tx) insertPostings(c payment.Change) error {
	if len(c.Postings) == 0 {
		return nil
	}
	var last int
	err := tx.sql.QueryRowContext(tx.ctx, `
		SELECT COALESCE(MAX(seq), 0) FROM postings WHERE caller_id = $1 AND transaction_id = $2`,
		c.After.Caller, c.After.ID).Scan(&last)
	if err != nil {
		return fmt.Errorf("counting postings: %w", err)
	}
	for i, p := range c.Postings {
		err := tx.one("adding a posting", `
			INSERT INTO postings (caller_id, transaction_id, seq, at, from_account, to_account, amount)
			VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			c.After.Caller, c.After.ID, last+1+i, micros(c.At), p.From, p.To, p.Amount.Micro)
		if err != nil {
			return err
		}
	}
	return nil
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
