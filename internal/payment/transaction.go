package payment

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Transaction is one Reserve and all that became of it.
type Transaction struct {
	ID        holdfast.TransactionID
	Caller    party.CallerID
	Reference holdfast.CallerReference

	Sender, Recipient party.ID
	Token             holdfast.TokenID
	Instrument        InstrumentID
	Method            holdfast.PaymentMethod

	State         State
	StatusCode    holdfast.StatusCode
	StatusMessage string

	Amount  money.Amount // reserved
	Settled money.Amount // asked for by Settle; zero dollars before
	Fee     money.Amount // zero dollars before Settle
	FeeBy   holdfast.Role

	CallerDescription string
	SenderDescription string
	Descriptor        string // what the card statement shows, at most 18 characters
	IPNURL            string // overrides the caller's; empty if it does not
	Authorization     string // the network's name for the hold

	Received  time.Time
	Deadline  time.Time // at and after it an open transaction is expired
	Completed time.Time // zero while Pending
}

// Operation is what the transaction does by now: the id of a Reserve stays when
// it is settled.
func (t Transaction) Operation() holdfast.Operation {
	if t.Settled.Positive() {
		return holdfast.OperationSettle
	}
	return holdfast.OperationReserve
}

// Current is the amount the transaction is about by now: what is settled, else
// what is reserved.
func (t Transaction) Current() money.Amount {
	if t.Settled.Positive() {
		return t.Settled
	}
	return t.Amount
}

// A Change is a decision: what a transaction was and becomes, the postings that
// go with it and the question a network is to be asked next. The store writes
// all of it or nothing.
type Change struct {
	Before, After Transaction
	Verb          Verb
	At            time.Time // in the caller's time
	Postings      []ledger.Posting
	Ask           *Attempt // nil when no network is asked
}

// Moved reports whether the transaction took a step; a Change may hold nothing
// but a question.
func (c Change) Moved() bool { return c.Verb != "" }

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
	if !ok {
		panic(fmt.Sprintf("payment: %s in state %s", v, t.State))
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

// Expire gives up a transaction whose deadline has come, and reports whether
// there was anything to give up. Until something calls it the transaction is
// expired all the same: [Transaction.AsOf] says so.
func (t Transaction) Expire(now time.Time) (Change, bool) {
	if _, open := t.State.After(VerbExpire); !open || now.Before(t.Deadline) {
		return Change{}, false
	}
	message := fmt.Sprintf("The amount was not settled by %s and was released.", stamp(t.Deadline))
	if t.State == Pending {
		message = fmt.Sprintf("The transaction did not finish by %s and was given up.", stamp(t.Deadline))
	}
	// It ended at the deadline, however late somebody looked.
	c := t.step(VerbExpire, t.Deadline, holdfast.CodeExpired, message)
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

// release gives back a hold that is in force: in the books now, at the network
// by a question that is asked until it is answered.
func (c *Change) release() {
	if c.Before.State != Reserved && c.Before.State != Settling {
		return // nothing is held yet; an approval still on its way releases itself
	}
	c.Postings = append(c.Postings, ledger.Move(ledger.Held, ledger.Network, c.Before.Amount))
	c.Ask = c.Before.ask(StepRelease, c.Before.Amount)
}
