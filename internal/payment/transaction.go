package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Transaction is one requested movement of money, with its state and results.
type Transaction struct {
	ID        holdfast.TransactionID
	Caller    party.CallerID
	Kind      Kind
	Reference holdfast.CallerReference

	// Sender and Recipient of a refund are those of the payment. Owner is the
	// caller's owner, who may bear fees and gets commissions.
	Sender, Recipient, Owner party.ID
	Token, RecipientToken    holdfast.TokenID
	Instrument               InstrumentID
	Method                   holdfast.PaymentMethod
	Aggregate                AggregateID // to spend, fund, settle or write off

	State         State
	StatusCode    holdfast.StatusCode
	StatusMessage string

	Amount  money.Amount // reserved, paid or refunded
	Settled money.Amount // of a Reserve: the amount of Settle, or of all parts at the end; zero dollars before
	// Taken is what the parts of a Reserve have taken, Taking the amount of the part
	// under way, which is in Taken, and Lowered what was released in parts.
	Taken, Taking, Lowered money.Amount
	// Final says of a part that the rest of the hold is released after it.
	Final bool
	// Fee is the operator's fee. It is zero dollars until it is known. In a refund
	// it is the part that is given back, below zero. In a Reserve with parts it is the
	// sum of their fees; the same holds for Commission. FeeBy is the role that bears
	// it.
	Fee   money.Amount
	FeeBy holdfast.Role
	// Commission is the marketplace's fee, calculated from Terms. The transaction
	// CommissionID books it when the money moves. In a refund it is the part that
	// the marketplace gives back, below zero.
	Commission   money.Amount
	CommissionID holdfast.TransactionID
	Terms        CommissionTerms
	Parent       holdfast.TransactionID // the payment of a refund or a commission; the root of a linked hold
	Policy       holdfast.RefundPolicy  // of a refund

	// Link says how a linked hold changes the hold that it belongs to. It is empty
	// for all other transactions. Linked counts the linked holds of a root, failed
	// ones included.
	Link   Link
	Linked int

	// Refunded, FeeReturned and CommissionReturned are the totals of all refunds
	// that have not failed.
	Refunded, FeeReturned, CommissionReturned money.Amount
	// SetsAside means that money of a party is set aside while the transaction
	// waits for a network, as [Transaction.stepPostings] says.
	SetsAside bool
	// Counted means that limits count the transaction. They get the use back if it
	// fails.
	Counted bool

	CallerDescription string
	SenderDescription string
	Descriptor        string // what the card statement shows, at most 18 characters
	IPNURL            string // replaces the caller's IPN address; empty if not
	Authorization     string // the network's name for the hold or the payment

	// SenderBalance and RecipientBalance are the parties' balances after the
	// transaction moved money on them. Before that they are not given.
	SenderBalance, RecipientBalance money.Amount

	// Steps is the number of its steps, and Events that of its events. The store
	// counts them.
	Steps, Events int

	// Asking is the step that a network is being asked for, or empty: a
	// transaction has at most one open question. Asked is how often it was sent.
	// Answers are the questions that were answered.
	Asking  Step
	Asked   int
	Answers Answers

	Received  time.Time
	Deadline  time.Time // from then on an open transaction is given up; zero means never
	Completed time.Time // zero while Pending
}

// Operation is the transaction's present operation. A Reserve becomes a Settle
// with the same id when it is settled.
func (t Transaction) Operation() holdfast.Operation {
	if t.Kind == KindReserve && t.Settled.Positive() {
		return holdfast.OperationSettle
	}
	return t.Kind.operation()
}

// Current is the transaction's present amount: the settled amount of a settled
// Reserve, else its own.
func (t Transaction) Current() money.Amount {
	if t.Settled.Positive() {
		return t.Settled
	}
	return t.Amount
}

// FeeCharged is the operator's fee that was taken or given back. It is zero
// unless the transaction succeeded.
func (t Transaction) FeeCharged() money.Amount { return t.ifDone(t.Fee) }

// CommissionCharged is the marketplace's fee that was taken or given back. It
// is zero unless the transaction succeeded.
func (t Transaction) CommissionCharged() money.Amount { return t.ifDone(t.Commission) }

func (t Transaction) ifDone(a money.Amount) money.Amount {
	if t.State == Success {
		return a
	}
	return money.Micros(0)
}

// AggregateMethod is the kind of the instrument that the transaction spends,
// funds, settles or writes off. It is empty without one.
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

// Approved reports whether the sender's token approves this payment. A sender
// does not approve refunds and commissions.
func (t Transaction) Approved() bool {
	switch t.Kind {
	case KindReserve, KindPart, KindPay, KindFundPrepaid, KindSettleDebt:
		return t.Token != ""
	case KindRefund, KindCommission, KindWriteOffDebt, KindDeposit, KindDispute, KindDisputeReturn, KindRefundReversal,
		KindOutsideRefund:
	}
	return false
}

// Refunds reports whether the transaction gives money back to the sender of its
// parent, asked for here or at the network.
func (t Transaction) Refunds() bool { return t.Kind == KindRefund || t.Kind == KindOutsideRefund }

// Private reports whether the transaction is hidden from callers.
func (t Transaction) Private() bool { return t.Kind == KindDeposit }

// A Change is a decision: a transaction before and after it, everything that
// changes with it, and the next question to a network. The store writes all of
// it or nothing.
type Change struct {
	Before, After Transaction
	Verb          Verb
	At            time.Time // in the caller's time
	Postings      []ledger.Posting
	Ask           *Attempt // nil if no network is asked

	Also      []Change         // transactions made in the same step
	Uses      holdfast.TokenID // the single-use token that it uses up
	Limits    []LimitChange
	Aggregate *AggregateChange
	Original  *OriginalChange // of a refund
	Root      *OriginalChange // of a new linked hold: its root, with the number of linked holds
	Whole     money.Amount    // of a raise: the hold with it
	Replaced  bool            // a renewal holds the amount anew, so that the sender gets no receipt
	Tells     *ToldRelease    // what the mail says if several members of a hold are released; see [TellTogether]
	// Member is of a part: the change of the hold that it draws from. It may be a
	// step that ends the hold.
	Member *Change
	// Gone says of a declined part that the network has let the hold go.
	Gone bool
	// Spends are the parties whose balances the decision depends on. Two decisions
	// that spend from the same balance must not be made at the same time.
	Spends []party.ID
}

// An OriginalChange is a refund's change of the payment's totals of refunds.
type OriginalChange struct{ Before, After Transaction }

// Stepped reports whether the change is a step of the transaction's history. A
// Change can also have only a question or an answer.
func (c *Change) Stepped() bool { return c.Verb != "" }

// Moved reports whether the change is a step to another state.
func (c *Change) Moved() bool { return c.Stepped() && !c.Verb.late() && c.Verb != VerbLower }

// Told reports whether the caller gets a notification of the step (IPN,
// "events"). There is none for the first half of a Settle, for a part of a hold,
// for spending a prepaid balance, for a marketplace's fee, for private
// transactions, for linked holds and for what a card network does by itself:
// programs that were written for FPS know no notification of it.
func (c *Change) Told() bool {
	t := c.After
	return c.Moved() && c.Verb != VerbSettle && t.Kind != KindPart && t.Kind != KindCommission && !t.Private() &&
		!t.Kind.FromNetwork() && t.Link == "" && (t.Kind != KindPay || t.Method != holdfast.MethodPrepaid)
}

// Empty reports whether there is nothing to write.
func (c *Change) Empty() bool { return !c.Stepped() && c.Before.Asking == c.After.Asking }

// A HistoryRow is one step a transaction took.
type HistoryRow struct {
	Seq           int // from 1
	At            time.Time
	Verb          Verb
	Before, After State
	StatusCode    holdfast.StatusCode
	StatusMessage string
	Amount        money.Amount
	Late          bool // it came more than StepReach after the transaction was received
}

// step makes a step. Its caller has checked that the state allows it; otherwise
// step panics.
func (t *Transaction) step(v Verb, now time.Time, code holdfast.StatusCode, message string) Change {
	c := Change{Before: *t, After: *t}
	c.step(v, now, code, message)
	return c
}

func (c *Change) step(v Verb, now time.Time, code holdfast.StatusCode, message string) {
	t := &c.After
	next, ok := t.State.After(v)
	if !ok || !t.Kind.May(v) {
		panic(fmt.Sprintf("payment: %s of a %s in state %s", v, t.Kind, t.State))
	}
	if now.Before(t.Received) {
		now = t.Received // the sandbox clock was put back since
	}
	t.State, t.StatusCode, t.StatusMessage = next, code, message
	if next != Pending && next != Settling && !v.late() && v != VerbLower {
		t.Completed = now
	}
	c.Verb, c.At = v, now
}

// begun is the change that makes a transaction. v leads from None to its first
// state.
func (t Transaction) begun(v Verb, now time.Time, code holdfast.StatusCode, message string) Change {
	c := Change{Before: Transaction{State: None}, After: t}
	c.After.State = None
	c.step(v, now, code, message)
	return c
}

// Expire gives up a transaction whose deadline has passed, and reports whether
// there was anything to give up. A hold becomes Cancelled, or a Success if parts
// of it were settled; a payment without an outcome becomes a Failure. A hold of
// which a part is being settled waits for the outcome. Even before Expire is called, [Transaction.AsOf]
// shows the transaction as expired.
func (t Transaction) Expire(now time.Time) (Change, bool) {
	verb := VerbTimeOut
	if t.Hold() {
		verb = VerbExpire
	}
	if _, open := t.State.After(verb); !open || t.Deadline.IsZero() || now.Before(t.Deadline) || t.Taking.Positive() {
		return Change{}, false
	}
	message := fmt.Sprintf("The amount was not settled by %s and was released.", stamp(t.Deadline))
	if t.Taken.Positive() {
		return t.closed(t.Deadline, fmt.Sprintf("The rest was not settled by %s and was released.", stamp(t.Deadline))), true
	}
	if t.State == Pending {
		message = fmt.Sprintf("The transaction did not finish by %s and was given up.", stamp(t.Deadline))
	}
	// The transaction ended at its deadline, even if Expire runs later.
	c := t.step(verb, t.Deadline, holdfast.CodeExpired, message)
	c.release()
	return c, true
}

// AsOf is the transaction as it is at the given time, even if its expiry is not
// written yet.
func (t Transaction) AsOf(now time.Time) Transaction {
	if c, due := t.Expire(now); due {
		return c.After
	}
	return t
}

// HistoryAsOf is the history as it is shown: without bookings that came after
// the end, and with an expiry that is due but not written yet.
func (t Transaction) HistoryAsOf(history []HistoryRow, now time.Time) []HistoryRow {
	shown := slices.DeleteFunc(slices.Clone(history), func(h HistoryRow) bool { return h.Verb.late() })
	if c, due := t.Expire(now); due {
		return append(shown, c.History(len(history)+1))
	}
	return shown
}

// History is the row that a change adds.
func (c *Change) History(seq int) HistoryRow {
	amount := c.After.Current()
	if c.Verb == VerbLower {
		amount = c.After.Lowered.Sub(c.Before.Lowered)
	}
	return HistoryRow{
		Seq: seq, At: c.At, Verb: c.Verb, Before: c.Before.State, After: c.After.State,
		StatusCode: c.After.StatusCode, StatusMessage: c.After.StatusMessage, Amount: amount, Late: c.After.late(c.At),
	}
}

// release gives held or set-aside money back in the books, and asks the network
// to release a hold. The question is sent again until it is answered. If the
// approval of a hold is still open, [Transaction.Outcome] releases the hold
// when it comes.
func (c *Change) release() {
	t := c.Before
	c.Postings = move(t.stepPostings(c.Verb, t.State))
	if t.State == Reserved {
		c.ask(StepRelease)
	}
}
