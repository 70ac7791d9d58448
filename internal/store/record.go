package store

import (
	"database/sql"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Record writes a change: the transaction, its history, its postings with the
// balances they change, what moves beside it, the question to the network and
// the notification owed, if n says where to. A row that is no longer as the
// change found it is ErrStale.
func (tx *Tx) Record(c payment.Change, n *Notification, nextAsk time.Time) error {
	if err := tx.recordBeside(c); err != nil {
		return err
	}
	after, err := tx.changeBalances(c)
	if err != nil {
		return err
	}
	if err := tx.writeTransaction(c, after); err != nil {
		return err
	}
	if c.Moved() {
		seq, err := tx.insertHistory(c)
		if err != nil {
			return err
		}
		if n != nil {
			n.Seq = seq
			if err := tx.InsertNotification(*n); err != nil {
				return err
			}
		}
	}
	if err := tx.insertPostings(c); err != nil {
		return err
	}
	if c.Ask != nil {
		if err := tx.insertAttempt(*c.Ask, c.At, nextAsk); err != nil {
			return err
		}
	}
	for _, also := range c.Also {
		if err := tx.Record(also, nil, nextAsk); err != nil {
			return err
		}
	}
	return nil
}

// recordBeside writes what moves beside the transaction.
func (tx *Tx) recordBeside(c payment.Change) error {
	for _, p := range c.Spends {
		if err := tx.spend(p); err != nil {
			return err
		}
	}
	if c.Uses != "" {
		if err := tx.UseToken(c.After.Caller, c.Uses, c.After.ID); err != nil {
			return err
		}
	}
	for _, l := range c.Limits {
		if err := tx.changeLimit(l); err != nil {
			return err
		}
	}
	if c.Aggregate != nil {
		if err := tx.changeAggregate(*c.Aggregate); err != nil {
			return err
		}
	}
	if c.Original != nil {
		return tx.changeRefunds(*c.Original)
	}
	return nil
}

// changeRefunds writes what refunds of a payment come to, which must be as it
// was read.
func (tx *Tx) changeRefunds(c payment.OriginalChange) error {
	before, after := c.Before, c.After
	return tx.one("adding up refunds", `
		UPDATE transactions SET refunded = $1, fee_returned = $2, commission_returned = $3
		WHERE caller_id = $4 AND transaction_id = $5 AND state = $6 AND refunded = $7 AND fee_returned = $8 AND commission_returned = $9`,
		after.Refunded.Micro, after.FeeReturned.Micro, after.CommissionReturned.Micro,
		after.Caller, after.ID, before.State, before.Refunded.Micro, before.FeeReturned.Micro, before.CommissionReturned.Micro)
}

// balancesAfter are what the accounts of sender and recipient hold after a
// change; they are not valid where the change left them alone.
type balancesAfter struct{ sender, recipient sql.NullInt64 }

// changeBalances adds what the postings come to, to the accounts whose balances
// are kept.
func (tx *Tx) changeBalances(c payment.Change) (after balancesAfter, err error) {
	sender, recipient := ledger.Party(string(c.After.Sender)), ledger.Party(string(c.After.Recipient))
	accounts, by := ledger.Changes(c.Postings)
	for i, account := range accounts {
		micro, err := tx.addToBalance(c.After.Caller, account, by[i])
		if err != nil {
			return after, err
		}
		if account == sender {
			after.sender = sql.NullInt64{Int64: micro, Valid: true}
		}
		if account == recipient {
			after.recipient = sql.NullInt64{Int64: micro, Valid: true}
		}
	}
	return after, nil
}

func (tx *Tx) writeTransaction(c payment.Change, after balancesAfter) error {
	t := c.After
	if c.Before.State == payment.None {
		return tx.one("adding a transaction", `
			INSERT INTO transactions (`+transactionColumns+`)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25,
				$26, $27, $28, $29, $30, $31, $32, $33, $34, $35, $36, $37, $38, $39)`,
			t.Caller, t.ID, t.Kind, t.Reference, t.Sender, t.Recipient, t.Owner, t.Token, t.RecipientToken, t.Instrument, t.Method, t.Aggregate,
			t.State, t.StatusCode, t.StatusMessage, t.Amount.Micro, t.Settled.Micro, t.Fee.Micro, t.FeeBy,
			t.Commission.Micro, t.CommissionID, t.Terms.Fixed.Micro, int64(t.Terms.Variable), t.Parent, t.Policy,
			t.Refunded.Micro, t.FeeReturned.Micro, t.CommissionReturned.Micro, flag(t.Counted),
			t.CallerDescription, t.SenderDescription, t.Descriptor, t.IPNURL, t.Authorization, after.sender, after.recipient,
			micros(t.Received), micros(t.Deadline), micros(t.Completed))
	}
	return tx.one(fmt.Sprintf("moving transaction %s to %s", t.ID, t.State), `
		UPDATE transactions
		SET state = $1, status_code = $2, status_message = $3, settled = $4, fee = $5, commission = $6, ipn_url = $7, authorization_ref = $8,
			sender_balance = COALESCE($9, sender_balance), recipient_balance = COALESCE($10, recipient_balance), completed = $11
		WHERE caller_id = $12 AND transaction_id = $13 AND state = $14`,
		t.State, t.StatusCode, t.StatusMessage, t.Settled.Micro, t.Fee.Micro, t.Commission.Micro, t.IPNURL, t.Authorization,
		after.sender, after.recipient, micros(t.Completed), t.Caller, t.ID, c.Before.State)
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
