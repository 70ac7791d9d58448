package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Record writes a change, but not its Member: the transaction with its step and
// postings, the balances, all other rows that change with it, and the question to
// the network, which any server may ask again from nextAsk on. It also writes the
// notification n unless n is nil. It is ErrStale if a row is no longer as the change
// found it. Afterwards c.After is the transaction as it was written.
func (tx *Tx) Record(c *payment.Change, n *Notification, nextAsk time.Time) error {
	c.After.Steps = c.Before.Steps
	if c.Stepped() {
		c.After.Steps++
	}
	tx.dialect.changed.note(transactionKey{c.After.Caller, c.After.ID})
	if err := tx.recordOthers(c); err != nil {
		return err
	}
	if err := tx.writeTransaction(c, nextAsk); err != nil {
		return err
	}
	if c.Stepped() {
		if err := tx.addStep(c, n); err != nil {
			return err
		}
	}
	for i := range c.Also {
		if err := tx.Record(&c.Also[i], nil, nextAsk); err != nil {
			return err
		}
	}
	return nil
}

// recordOthers writes the other rows that change with the transaction.
func (tx *Tx) recordOthers(c *payment.Change) error {
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
	if c.Root != nil {
		if err := tx.changeLinked(*c.Root); err != nil {
			return err
		}
	}
	if c.Original != nil {
		return tx.changeRefunds(*c.Original)
	}
	return nil
}

var changeRefunds = transactions.Change(engine.Update{
	Doing: "adding up refunds", Table: "transactions",
	Set: engine.Columns(engine.Number, "refunded, fee_returned, commission_returned"),
	Key: engine.Columns(engine.Text, "caller_id, transaction_id"),
	Guard: append(engine.Columns(engine.Text, "state"),
		engine.Columns(engine.Number, "refunded, fee_returned, commission_returned")...),
})

// changeRefunds writes the sums of a payment's refunds. It is ErrStale unless
// they are still as they were read.
func (tx *Tx) changeRefunds(c payment.OriginalChange) error {
	before, after := c.Before, c.After
	return changeRefunds.Write(tx.sql, transactionKey{after.Caller, after.ID},
		after.Refunded.Micro, after.FeeReturned.Micro, after.CommissionReturned.Micro,
		after.Caller, after.ID, before.State, before.Refunded.Micro, before.FeeReturned.Micro,
		before.CommissionReturned.Micro)
}

// changeBalances adds the postings to the accounts whose balances are stored.
// It returns the new balances of sender and recipient as values for the
// database. They are nil for a balance that the change leaves as it is.
func (tx *Tx) changeBalances(c *payment.Change) (sender, recipient any, err error) {
	accounts, by := ledger.Changes(c.Postings)
	for i, account := range accounts {
		after, err := tx.add(c.After.Caller, account, by[i])
		if err != nil {
			return nil, nil, err
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
	insertTransaction = transactions.Change(transactionTable.insertion("adding a transaction", ""))
	transactionKeys   = transactionTable.some("caller_id, transaction_id")
	moveTransaction   = movingTransaction("")
	moveTransactionTo = movingTransaction("due, deadline, ") // which also changes when it is due
	moveParts         = movingTransaction("due, deadline, taken, taking, lowered, ")
)

// A transactionMove is a change of a transaction that exists.
type transactionMove struct {
	*engine.Change[transactionKey]
	set, ifGiven, guard fields[transactionRow]
}

// movingTransaction is a change that also sets other columns. SQLite writes an
// entry of an index anew if a statement names its column, even if the value stays
// as it is.
//
// What is known of the question is written only if a question is opened, because
// another server may be claiming the open one.
func movingTransaction(others string) transactionMove {
	m := transactionMove{
		set: transactionTable.some(others + `completed, steps, settled, fee, commission, sets_aside, state, status_code,
			status_message, asking, answers, authorization_ref, ipn_url`),
		ifGiven: transactionTable.some("asked, next_ask, sender_balance, recipient_balance"),
		guard:   transactionTable.some("steps, asking"),
	}
	m.Change = transactions.Change(engine.Update{
		Doing: "moving a transaction", Table: transactionTable.name,
		Set: m.set.columns(), Keep: m.ifGiven.columns(), Key: transactionKeys.columns(), Guard: m.guard.columns(),
	})
	return m
}

// writeTransaction writes the transaction of a change. It is ErrStale if the
// transaction took a step, or its question was answered, since it was read.
func (tx *Tx) writeTransaction(c *payment.Change, nextAsk time.Time) (err error) {
	row, key := transactionRow{Transaction: c.After}, transactionKey{c.After.Caller, c.After.ID}
	if c.Ask != nil {
		row.nextAsk = nextAsk
	}
	row.senderBalanceAfter, row.recipientBalanceAfter, err = tx.changeBalances(c)
	if err != nil {
		return err
	}
	if c.Before.State == payment.None {
		return insertTransaction.Write(tx.sql, key, transactionTable.fields.values(&row)...)
	}
	move := moveTransaction
	switch before, after := &c.Before, &c.After; {
	case before.Taken != after.Taken, before.Taking != after.Taking, before.Lowered != after.Lowered:
		move = moveParts
	case due(before) != due(after):
		move = moveTransactionTo
	}
	args := move.set.values(&row)
	if c.Ask != nil {
		args = move.ifGiven.appendTo(args, &row)
	} else {
		args = append(args, nil, nil, row.senderBalanceAfter, row.recipientBalanceAfter)
	}
	args = transactionKeys.appendTo(args, &row)
	return move.Write(tx.sql, key, move.guard.appendTo(args, &transactionRow{Transaction: c.Before})...)
}

// due is the value of the column due: the deadline of an open transaction, or
// 0. A hold of which a part is under way waits for the outcome.
func due(t *payment.Transaction) int64 {
	if t.State != payment.Pending && t.State != payment.Reserved || t.Taking.Positive() {
		return 0
	}
	return micros(t.Deadline)
}
