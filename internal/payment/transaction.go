package payment

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Transaction is one movement of money that was asked for, and all that
// became of it.
type Transaction struct {
	ID        holdfast.TransactionID
	Caller    party.CallerID
	Kind      Kind
	Reference holdfast.CallerReference

	// Sender and Recipient of a refund are those of the payment. Owner is the
	// caller's, who bears fees and takes commissions.
	Sender, Recipient, Owner party.ID
	Token, RecipientToken    holdfast.TokenID
	Instrument               InstrumentID
	Method                   holdfast.PaymentMethod
	Aggregate                AggregateID // that is spent, funded, settled or written off

	State         State
	StatusCode    holdfast.StatusCode
	StatusMessage string

	Amount  money.Amount // reserved, paid, or paid back
	Settled money.Amount // of a Reserve, asked for by Settle; zero dollars before
	// Fee is the operator's, zero dollars until it is known, and below zero for
	// what a refund gives back of one. FeeBy bears it.
	Fee   money.Amount
	FeeBy holdfast.Role
	// Commission is the marketplace's fee, which CommissionID books once the
	// money moves: Terms said how much. Of a refund it is below zero: what the
	// marketplace gives back.
	Commission   money.Amount
	CommissionID holdfast.TransactionID
	Terms        CommissionTerms
	Parent       holdfast.TransactionID // of a refund or a commission: the payment
	Policy       holdfast.RefundPolicy  // of a refund

	// Refunded, FeeReturned and CommissionReturned are what refunds that have not
	// failed come to.
	Refunded, FeeReturned, CommissionReturned money.Amount
	// SetsAside means that money of a party is set aside while the transaction
	// waits for a network, as [Transaction.stepPostings] says.
	SetsAside bool
	// Counted means that limits count the transaction, which get it back when
	// it comes to nothing.
	Counted bool

	CallerDescription string
	SenderDescription string
	Descriptor        string // what the card statement shows, at most 18 characters
	IPNURL            string // overrides the caller's; empty if it does not
	Authorization     string // the network's name for the hold or the payment

	// SenderBalance and RecipientBalance are what the parties' accounts held once
	// the transaction had moved money on them; not given before.
	SenderBalance, RecipientBalance money.Amount

	// Steps and Posted are how many steps it took and how many postings it has.
	// The store counts them.
	Steps, Posted int

	Received  time.Time
	Deadline  time.Time // at and after it an open transaction is given up; zero means never
	Completed time.Time // zero while Pending
}

// Operation is what the transaction does by now: the id of a Reserve stays when
// it is settled.
func (t Transaction) Operation() holdfast.Operation {
	if t.Kind == KindReserve && t.Settled.Positive() {
		return holdfast.OperationSettle
	}
	return t.Kind.operation()
}

// Current is the amount the transaction is about by now: what is settled, else
// what it was made for.
func (t Transaction) Current() money.Amount {
	if t.Settled.Positive() {
		return t.Settled
	}
	return t.Amount
}

// FeeCharged is the operator's fee that was taken, or given back; none is for
// what has not come about.
func (t Transaction) FeeCharged() money.Amount { return t.ifDone(t.Fee) }

// CommissionCharged is the marketplace's fee that was taken, or given back.
func (t Transaction) CommissionCharged() money.Amount { return t.ifDone(t.Commission) }

func (t Transaction) ifDone(a money.Amount) money.Amount {
	if t.State == Success {
		return a
	}
	return money.Micros(0)
}

// AggregateMethod is what kind of instrument the transaction spends, funds,
// settles or writes off; empty without one.
func (t Transaction) AggregateMethod() holdfast.PaymentMethod {
	switch {
	case t.Aggregate == "":
		return ""
	case t.Kind == KindFundPrepaid, t.Kind == KindRefund && t.Method == holdfast.MethodABT:
		return holdfast.MethodPrepaid
	case t.Kind == KindSettleDebt:
		return holdfast.MethodDebt
	}
	return t.Method
}

// Hold reports whether the transaction is one that holds an amount until its
// deadline.
func (t Transaction) Hold() bool { return t.Kind == KindReserve }

// Approved reports whether the sender's token is the approval of this payment. A
// refund and a commission are no payments that a sender approves.
func (t Transaction) Approved() bool {
	switch t.Kind {
	case KindReserve, KindPay, KindFundPrepaid, KindSettleDebt:
		return t.Token != ""
	case KindRefund, KindCommission, KindWriteOffDebt, KindDeposit:
	}
	return false
}

// Private reports whether the transaction is no caller's to see.
func (t Transaction) Private() bool { return t.Kind == KindDeposit }

// A Change is a decision: what a transaction was and becomes, what moves with
// it, and the question a network is to be asked next. The store writes all of
// it or nothing.
type Change struct {
	Before, After Transaction
	Verb          Verb
	At            time.Time // in the caller's time
	Postings      []ledger.Posting
	Ask           *Attempt // nil when no network is asked

	Also      []Change         // transactions that are made in the same step
	Uses      holdfast.TokenID // a single-use token that is used up by it
	Limits    []LimitChange
	Aggregate *AggregateChange
	Original  *OriginalChange // of a refund
	// Spends are parties whose balance the decision rests on. Two decisions that
	// spend from one balance must not be made side by side.
	Spends []party.ID
}

// An OriginalChange is what a refund does to the payment's totals of refunds.
type OriginalChange struct{ Before, After Transaction }

// Moved reports whether the transaction took a step; a Change may hold nothing
// but postings or a question.
func (c Change) Moved() bool { return c.Verb != "" }

// Told reports whether the caller is notified of the step (IPN, "events"): of
// all but the pending half of a Settle, the spending of a prepaid balance, a
// marketplace's fee and what is no caller's to see.
func (c Change) Told() bool {
	t := c.After
	return c.Moved() && c.Verb != VerbSettle && t.Kind != KindCommission && !t.Private() &&
		(t.Kind != KindPay || t.Method != holdfast.MethodPrepaid)
}

// Empty reports whether there is nothing to write.
func (c Change) Empty() bool { return !c.Moved() && c.Ask == nil && len(c.Postings) == 0 }

// A HistoryRow is one step a transaction took.
type HistoryRow struct {
	Seq           int // from 1
	At            time.Time
	Verb          Verb
	Before, After State
	StatusCode    holdfast.StatusCode
	StatusMessage string
	Amount        money.Amount
}

// step takes a verb that must be possible: who calls it has looked.
func (t Transaction) step(v Verb, now time.Time, code holdfast.StatusCode, message string) Change {
	next, ok := t.State.After(v)
	if !ok || !t.Kind.May(v) {
		panic(fmt.Sprintf("payment: %s of a %s in state %s", v, t.Kind, t.State))
	}
	if now.Before(t.Received) {
		now = t.Received // a sandbox clock was put back meanwhile
	}
	after := t
	after.State, after.StatusCode, after.StatusMessage = next, code, message
	if next != Pending && next != Settling {
		after.Completed = now
	}
	return Change{Before: t, After: after, Verb: v, At: now}
}

// begun is the change that makes a transaction: v is None's way to its first
// state.
func (t Transaction) begun(v Verb, now time.Time, code holdfast.StatusCode, message string) Change {
	t.State = None
	c := t.step(v, now, code, message)
	c.Before = Transaction{State: None}
	return c
}

// Expire gives up a transaction whose deadline has come, and reports whether
// there was anything to give up: a hold is Cancelled, a payment that was not
// decided in time has failed. Until something calls it the transaction is
// expired all the same: [Transaction.AsOf] says so.
func (t Transaction) Expire(now time.Time) (Change, bool) {
	verb := VerbTimeOut
	if t.Hold() {
		verb = VerbExpire
	}
	if _, open := t.State.After(verb); !open || t.Deadline.IsZero() || now.Before(t.Deadline) {
		return Change{}, false
	}
	message := fmt.Sprintf("The amount was not settled by %s and was released.", stamp(t.Deadline))
	if t.State == Pending {
		message = fmt.Sprintf("The transaction did not finish by %s and was given up.", stamp(t.Deadline))
	}
	// It ended at the deadline, however late somebody looked.
	c := t.step(verb, t.Deadline, holdfast.CodeExpired, message)
	c.release()
	return c, true
}

// AsOf is the transaction as it stands at a time, whether or not the sweeper
// has been there.
func (t Transaction) AsOf(now time.Time) Transaction {
	if c, due := t.Expire(now); due {
		return c.After
	}
	return t
}

// HistoryAsOf adds the expiry that is due and not yet written.
func (t Transaction) HistoryAsOf(history []HistoryRow, now time.Time) []HistoryRow {
	if c, due := t.Expire(now); due {
		return append(history, c.History(len(history)+1))
	}
	return history
}

// History is the row that a change adds.
func (c Change) History(seq int) HistoryRow {
	return HistoryRow{
		Seq: seq, At: c.At, Verb: c.Verb, Before: c.Before.State, After: c.After.State,
		StatusCode: c.After.StatusCode, StatusMessage: c.After.StatusMessage, Amount: c.After.Current(),
	}
}

// release gives back what is held or set aside: in the books now, a hold at the
// network by a question that is asked until it is answered. An approval that is
// still on its way releases itself.
func (c *Change) release() {
	t := c.Before
	c.Postings = move(t.stepPostings(c.Verb, t.State))
	if t.State == Reserved {
		c.Ask = t.ask(StepRelease, t.Amount)
	}
}
