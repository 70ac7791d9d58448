package store

import (
	"database/sql"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Record writes a change: the transaction with its history and postings, the
// balances, all other rows that change with it, and the question to the
// network. It also writes the notification n unless n is nil. It is ErrStale if
// a row is no longer as the change found it. It returns the transaction as it
// was written.
func (tx *Tx) Record(c payment.Change, n *Notification, nextAsk time.Time) (payment.Transaction, error) {
	c.After.Steps, c.After.Posted = c.Before.Steps, c.Before.Posted+len(c.Postings)
	if c.Moved() {
		c.After.Steps++
	}
	if err := tx.recordOthers(c); err != nil {
		return c.After, err
	}
	if err := tx.writeTransaction(c); err != nil {
		return c.After, err
	}
	if err := tx.recordStep(c, n); err != nil {
		return c.After, err
	}
	if c.Ask != nil {
		if err := tx.insertAttempt(*c.Ask, c.At, nextAsk); err != nil {
			return c.After, err
		}
	}
	for _, also := range c.Also {
		if _, err := tx.Record(also, nil, nextAsk); err != nil {
			return c.After, err
		}
	}
	return c.After, nil
}

// recordStep writes a row of the history, its postings and its notification.
func (tx *Tx) recordStep(c payment.Change, n *Notification) error {
	if c.Moved() {
		if err := tx.insertHistory(c); err != nil {
			return err
		}
		if n != nil {
			n.Seq = c.After.Steps
			if err := tx.InsertNotification(*n); err != nil {
				return err
			}
		}
	}
	for i, p := range c.Postings {
		err := tx.write(insertPosting, nil,
			c.After.Caller, c.After.ID, c.Before.Posted+1+i, micros(c.At), p.From, p.To, p.Amount.Micro)
		if err != nil {
			return err
		}
	}
	return nil
}

// recordOthers writes the other rows that change with the transaction.
func (tx *Tx) recordOthers(c payment.Change) error {
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
		if err := tx.ChangeAggregate(*c.Aggregate); err != nil {
			return err
		}
	}
	if c.Original != nil {
		return tx.changeRefunds(*c.Original)
	}
	return nil
}

var changeRefunds = update{
	doing: "adding up refunds", table: "transactions",
	set: columns(number, "refunded, fee_returned, commission_returned"), key: columns(text, "caller_id, transaction_id"),
	guard: append(columns(text, "state"), columns(number, "refunded, fee_returned, commission_returned")...),
}.change()

// changeRefunds writes the sums of a payment's refunds. It is ErrStale unless
// they are still as they were read.
func (tx *Tx) changeRefunds(c payment.OriginalChange) error {
	before, after := c.Before, c.After
	return tx.write(changeRefunds, transactionKey{after.Caller, after.ID},
		after.Refunded.Micro, after.FeeReturned.Micro, after.CommissionReturned.Micro,
		after.Caller, after.ID, before.State, before.Refunded.Micro, before.FeeReturned.Micro,
		before.CommissionReturned.Micro)
}

// changeBalances adds the postings to the accounts whose balances are stored.
// It returns the new balances of sender and recipient as values for the
// database. They are null for a balance that the change leaves as it is.
func (tx *Tx) changeBalances(c payment.Change) (sender, recipient any, err error) {
	sender, recipient = sql.NullInt64{}, sql.NullInt64{}
	accounts, by := ledger.Changes(c.Postings)
	for i, account := range accounts {
		a, err := tx.add(c.After.Caller, account, by[i])
		if err != nil {
			return nil, nil, err
		}
		var after any = a.after
		if tx.strand != nil {
			after = a // the round fills in the value at its end
		}
		if account == ledger.Party(string(c.After.Sender)) {
			sender = after
		}
		if account == ledger.Party(string(c.After.Recipient)) {
			recipient = after
		}
	}
	return sender, recipient, nil
}

var (
	insertTransaction = insertion("adding a transaction", "transactions", "",
		columns(text, "caller_id, transaction_id, kind, reference, sender, recipient, owner, token_id, recipient_token, "+
			"instrument_id, method, aggregate_id"),
		columns(text, "state, status_code, status_message"), columns(number, "amount, settled, fee"), columns(text, "fee_by"),
		columns(number, "commission"), columns(text, "commission_id"), columns(number, "fixed_terms, variable_terms"),
		columns(text, "parent, policy"),
		columns(number, "refunded, fee_returned, commission_returned, sets_aside, counted"),
		columns(text, "caller_description, sender_description, descriptor, ipn_url, authorization_ref"),
		columns(number, "sender_balance, recipient_balance, steps, posted, due, received, deadline, completed"))
	moveTransaction = update{
		doing: "moving a transaction", table: "transactions",
		set: slices.Concat(columns(text, "state, status_code, status_message"),
			columns(number, "settled, fee, commission, sets_aside"), columns(text, "ipn_url, authorization_ref"),
			columns(number, "steps, posted, due, completed")),
		keep:  columns(number, "sender_balance, recipient_balance"),
		key:   columns(text, "caller_id, transaction_id"),
		guard: []column{{"state", text}, {"steps", number}, {"posted", number}},
	}.change()
	insertHistory = insertion("adding to a transaction's history", "transaction_history", "",
		columns(text, "caller_id, transaction_id"), columns(number, "seq, at"),
		columns(text, "before_state, verb, after_state, status_code, status_message"), columns(number, "amount"))
	insertPosting = insertion("adding a posting", "postings", "",
		columns(text, "caller_id, transaction_id"), columns(number, "seq, at"), columns(text, "from_account, to_account"),
		columns(number, "amount"))
)

func (tx *Tx) writeTransaction(c payment.Change) error {
	senderBalance, recipientBalance, err := tx.changeBalances(c)
	if err != nil {
		return err
	}
	t, key := c.After, transactionKey{c.After.Caller, c.After.ID}
	if c.Before.State == payment.None {
		return tx.write(insertTransaction, key,
			t.Caller, t.ID, t.Kind, t.Reference, t.Sender, t.Recipient, t.Owner, t.Token, t.RecipientToken, t.Instrument,
			t.Method, t.Aggregate,
			t.State, t.StatusCode, t.StatusMessage, t.Amount.Micro, t.Settled.Micro, t.Fee.Micro, t.FeeBy,
			t.Commission.Micro, t.CommissionID, t.Terms.Fixed.Micro, int64(t.Terms.Variable), t.Parent, t.Policy,
			t.Refunded.Micro, t.FeeReturned.Micro, t.CommissionReturned.Micro, flag(t.SetsAside), flag(t.Counted),
			t.CallerDescription, t.SenderDescription, t.Descriptor, t.IPNURL, t.Authorization, senderBalance, recipientBalance,
			t.Steps, t.Posted, due(t), micros(t.Received), micros(t.Deadline), micros(t.Completed))
	}
	return tx.write(moveTransaction, key,
		t.State, t.StatusCode, t.StatusMessage, t.Settled.Micro, t.Fee.Micro, t.Commission.Micro, flag(t.SetsAside), t.IPNURL,
		t.Authorization, t.Steps, t.Posted, due(t), micros(t.Completed), senderBalance, recipientBalance,
		t.Caller, t.ID, c.Before.State, c.Before.Steps, c.Before.Posted)
}

// due is the value of the column due: the deadline of an open transaction, or
// 0.
func due(t payment.Transaction) int64 {
	if t.State != payment.Pending && t.State != payment.Reserved {
		return 0
	}
	return micros(t.Deadline)
}

func (tx *Tx) insertHistory(c payment.Change) error {
	h := c.History(c.After.Steps)
	return tx.write(insertHistory, nil,
		c.After.Caller, c.After.ID, h.Seq, micros(h.At), h.Before, h.Verb, h.After, h.StatusCode, h.StatusMessage,
		h.Amount.Micro)
}
