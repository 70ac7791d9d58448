package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Step is what a network is asked to do.
type Step string

// The steps: hold, take what is held or less of it, give the hold back.
const (
	StepAuthorize Step = "Authorize"
	StepCapture   Step = "Capture"
	StepRelease   Step = "Release"
)

// An AttemptState says what is known of a question.
type AttemptState string

// An attempt without an outcome is Open: it may or may not have reached the
// network, and is asked again until it is decided.
const (
	AttemptOpen     AttemptState = "Open"
	AttemptApproved AttemptState = "Approved"
	AttemptDeclined AttemptState = "Declined"
)

// An Attempt is one question to a network, written before it is asked. Asked
// twice, it is one question: the network knows it by its key.
type Attempt struct {
	Caller        party.CallerID
	Transaction   holdfast.TransactionID
	Step          Step
	Amount        money.Amount
	Instrument    InstrumentID
	Authorization string // of the hold to capture or release
	Descriptor    string
	State         AttemptState
	Asked         int // how often
}

// Key names the question to the network: the transaction and the step.
func (a Attempt) Key() string { return string(a.Transaction) + "/" + string(a.Step) }

// An Answer is what a network said.
type Answer struct {
	Approved      bool
	Authorization string              // of an approved hold
	Code          holdfast.StatusCode // of a refusal, such as TransactionDenied
	Message       string              // of a refusal, for the caller
}

func (t Transaction) ask(step Step, amount money.Amount) *Attempt {
	return &Attempt{
		Caller: t.Caller, Transaction: t.ID, Step: step, Amount: amount, Instrument: t.Instrument,
		Authorization: t.Authorization, Descriptor: t.Descriptor, State: AttemptOpen,
	}
}

// Outcome decides what a network's answer means for the transaction as it now
// stands, which may have been cancelled or have expired while the network
// thought. The Change may be empty: not moved and nothing to ask.
func (t Transaction) Outcome(a Attempt, answer Answer, now time.Time) Change {
	switch {
	case a.Step == StepAuthorize && t.State == Pending && answer.Approved:
		t.Authorization = answer.Authorization
		c := t.step(VerbApprove, now, holdfast.CodeSuccess, messageReserved)
		c.Postings = []ledger.Posting{ledger.Move(ledger.Network, ledger.Held, t.Amount)}
		return c
	case a.Step == StepAuthorize && t.State == Pending:
		return t.step(VerbDecline, now, answer.Code, answer.Message)
	case a.Step == StepAuthorize && t.State == Cancelled && answer.Approved:
		// Given up while the network was asked: what it holds goes back.
		t.Authorization = answer.Authorization
		return Change{Before: t, After: t, At: now, Ask: t.ask(StepRelease, t.Amount)}
	case a.Step == StepCapture && t.State == Settling && answer.Approved:
		return t.captured(now)
	case a.Step == StepCapture && t.State == Settling:
		c := t.step(VerbCaptureDecline, now, answer.Code, answer.Message)
		c.release() // the hold is of no more use, and the buyer's money not ours to keep
		return c
	}
	return Change{Before: t, After: t, At: now}
}

// Messages of GetTransactionStatus; the first and last as the service sent them.
const (
	messagePending  = "The transaction is awaiting a response from the backend payment processor."
	messageReserved = "The amount was reserved on the sender's credit card."
	messageSuccess  = "The transaction was successful and the payment instrument was charged."
)
