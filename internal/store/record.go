package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Recording is what is written with a change.
type Recording struct {
	Notification *Notification // nil for none
	NextAsk      time.Time     // from then on any server may ask the question to the network again
	Events       bool          // the caller has events
	Real         time.Time     // real time; needed for events
}

// Record writes a change, but not its Member: the transaction with its step,
// postings and event, the balances, all other rows that change with it, the
// question to the network and the notification. It is ErrStale if a row is no
// longer as the change found it, and ErrPaused in a paused store. Afterwards c.After is the transaction as it was
// written.
func (tx *Tx) Record(c *payment.Change, r Recording) error {
	if tx.paused() {
		return ErrPaused
	}
	c.After.Steps, c.After.Events = c.Before.Steps, c.Before.Events
	if c.Stepped() {
		c.After.Steps++
	}
	var event payment.Event
	told := false
	if r.Events {
		if event, told = c.Event(); told {
			c.After.Events++
		}
		if c.Joint() {
			tx.changedHold(payment.HoldStep{Change: *c}, r.Real)
		}
	}
	tx.dialect.changed.note(transactionKey{c.After.Caller, c.After.ID})
	if err := tx.recordOthers(c, r); err != nil {
		return err
	}
	if err := tx.writeTransaction(c, r); err != nil {
		return err
	}
	if c.Stepped() {
		if err := tx.addStep(c, r.Notification); err != nil {
			return err
		}
	}
	if told {
		event.Seq = c.After.Events
		if err := tx.AddEvent(event, r.Real); err != nil {
			return err
		}
	}
	r.Notification = nil
	for i := range c.Also {
		if err := tx.Record(&c.Also[i], r); err != nil {
			return err
		}
	}
	return nil
}

// recordOthers writes the other rows that change with the transaction.
func (tx *Tx) recordOthers(c *payment.Change, r Recording) error {
	for _, p := range c.Spends {
		if err := tx.spend(p); err != nil {
			return err
		}
	}
	if c.Uses != "" {
		if err := tx.useUp(c, r); err != nil {
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
		return tx.changeRefunds(c, r)
	}
	if r.Events && c.After.Kind == payment.KindRefundReversal {
		return tx.addReversal(c, r.Real)
	}
	return nil
}

// useUp marks the token of a change as used.
func (tx *Tx) useUp(c *payment.Change, r Recording) error {
	if r.Events {
		return tx.useWithEvent(c, r.Real)
	}
	return tx.UseToken(c.After.Caller, c.Uses, c.After.ID)
}

var (
	changeRefunds        = changingRefunds(nil)
	changeRefundsCounted = changingRefunds(engine.Columns(engine.Number, "events"))
)

// changingRefunds is a change of the totals of refunds. It can also count an
// event.
func changingRefunds(events []engine.Column) *engine.Change[transactionKey] {
	return transactions.Change(engine.Update{
		Doing: "adding up refunds", Table: "transactions",
		Set: append(engine.Columns(engine.Number, "refunded, fee_returned, commission_returned"), events...),
		Key: engine.Columns(engine.Text, "caller_id, transaction_id"),
		Guard: append(engine.Columns(engine.Text, "state"),
			engine.Columns(engine.Number, "refunded, fee_returned, commission_returned")...),
		Same: events,
	})
}

// changeRefunds writes the sums of a payment's refunds, and the event of it. It is
// ErrStale unless they are still as they were read.
func (tx *Tx) changeRefunds(c *payment.Change, r Recording) error {
	o := c.Original
	before, after := o.Before, &o.After
	set := []any{after.Refunded.Micro, after.FeeReturned.Micro, after.CommissionReturned.Micro}
	guard := []any{
		after.Caller, after.ID, before.State, before.Refunded.Micro, before.FeeReturned.Micro,
		before.CommissionReturned.Micro,
	}
	if r.Events && o.Joint() {
		tx.changedHold(payment.HoldStep{
			Change: payment.Change{Before: before, After: *after, At: c.At}, Refunded: true,
		}, r.Real)
	}
	if !r.Events || after.Hold() && o.Joint() {
		return changeRefunds.Write(tx.sql, transactionKey{after.Caller, after.ID}, append(set, guard...)...)
	}
	after.Events = before.Events + 1
	err := changeRefundsCounted.Write(tx.sql, transactionKey{after.Caller, after.ID},
		append(append(set, after.Events), append(guard, nullable(before.Events))...)...)
	if err != nil {
		return err
	}
	e := o.Event(c.At)
	e.Seq = after.Events
	return tx.AddEvent(e, r.Real)
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
	moves             = movingTransactions(false)
	movesCounted      = movingTransactions(true) // of callers with events
)

// A transactionMove is a change of a transaction that exists.
type transactionMove struct {
	*engine.Change[transactionKey]
	set, ifGiven, guard fields[transactionRow]
}

// transactionMoves are the changes of transactions that exist.
type transactionMoves struct {
	plain transactionMove
	due   transactionMove // which also changes when it is due
	parts transactionMove // which also changes the totals of the parts
}

func movingTransactions(events bool) transactionMoves {
	return transactionMoves{
		plain: movingTransaction("", events), due: movingTransaction("due, deadline, ", events),
		parts: movingTransaction("due, deadline, taken, taking, lowered, ", events),
	}
}

// of chooses the move that writes no more columns than change.
func (m *transactionMoves) of(c *payment.Change) transactionMove {
	switch before, after := &c.Before, &c.After; {
	case before.Taken != after.Taken, before.Taking != after.Taking, before.Lowered != after.Lowered:
		return m.parts
	case due(before) != due(after):
		return m.due
	}
	return m.plain
}

// movingTransaction is a change that also sets other columns. SQLite writes an
// entry of an index anew if a statement names its column, even if the value stays
// as it is.
//
// What is known of the question is written only if a question is opened, because
// another server may be claiming the open one.
//
// A change of when it is due rests on the total of the parts, which a part changes
// without a step. If events is true, it also counts the events. In any case nothing
// else may have counted one since the transaction was read: see [Tx.StartEvents].
func movingTransaction(others string, events bool) transactionMove {
	var same fields[transactionRow]
	if others != "" {
		same = append(same, transactionTable.field("taken"))
	}
	if events {
		others += "events, "
	}
	same = append(same, transactionTable.field("events"))
	m := transactionMove{
		set: transactionTable.some(others + `completed, steps, settled, fee, commission, sets_aside, state, status_code,
			status_message, asking, answers, authorization_ref, ipn_url`),
		ifGiven: transactionTable.some("asked, next_ask, sender_balance, recipient_balance"),
		guard:   transactionTable.some("steps, asking"),
	}
	m.Change = transactions.Change(engine.Update{
		Doing: "moving a transaction", Table: transactionTable.name,
		Set: m.set.columns(), Keep: m.ifGiven.columns(), Key: transactionKeys.columns(), Guard: m.guard.columns(),
		Same: same.columns(),
	})
	m.guard = append(m.guard, same...)
	return m
}

// writeTransaction writes the transaction of a change. It is ErrStale if the
// transaction took a step, or its question was answered, since it was read.
func (tx *Tx) writeTransaction(c *payment.Change, r Recording) (err error) {
	row, key := transactionRow{Transaction: c.After}, transactionKey{c.After.Caller, c.After.ID}
	if c.Ask != nil {
		row.nextAsk = r.NextAsk
	}
	row.senderBalanceAfter, row.recipientBalanceAfter, err = tx.changeBalances(c)
	if err != nil {
		return err
	}
	if c.Before.State == payment.None {
		return insertTransaction.Write(tx.sql, key, transactionTable.fields.values(&row)...)
	}
	move := moves.of(c)
	if r.Events {
		move = movesCounted.of(c)
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
