package payment

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Step is an operation that a network is asked for.
type Step string

// The steps: hold an amount, capture a hold in full or in part, release a hold,
// charge without a hold, and return a charge.
const (
	StepAuthorize Step = "Authorize"
	StepCapture   Step = "Capture"
	StepRelease   Step = "Release"
	StepCharge    Step = "Charge"
	StepReturn    Step = "Return"
)

// An AttemptState says what is known about a question to a network.
type AttemptState string

// An attempt without an answer is Open: it may or may not have reached the
// network. It is sent again until an answer comes.
const (
	AttemptOpen     AttemptState = "Open"
	AttemptApproved AttemptState = "Approved"
	AttemptDeclined AttemptState = "Declined"
)

// An Attempt is one question to a network. It is written before it is sent.
// Sending it again does not repeat the operation, because the network
// recognises its key.
type Attempt struct {
	Caller        party.CallerID
	Transaction   holdfast.TransactionID
	Step          Step
	Amount        money.Amount
	Instrument    InstrumentID
	Authorization string // names the hold to capture or release, or the charge to return
	// Part says of a Capture that it leaves the rest of the hold in place.
	Part       bool
	Descriptor string
	State      AttemptState
	Asked      int // number of times it was sent

	// Card names the card at its network. It is stored with the instrument.
	Card StoredCard
	// Reference is the network's object, if an earlier answer or doubt named it. A
	// network looks at it before it does anything.
	Reference string
	// Since is when the question was first sent, or earlier.
	Since time.Time
	// FailedAt is when a return was first seen to end with an error that leaves its
	// outcome open: see Details. Zero means that it is not known.
	FailedAt time.Time
	// Lapses is when the network lets the hold go by itself; zero if it does not say.
	Lapses time.Time
	// Present says that the buyer is at a browser and can confirm the payment at
	// the bank. The bank's page then sends the browser to ReturnURL.
	Present   bool
	ReturnURL string
}

// Key names the question to the network: the transaction and the step.
func (a Attempt) Key() string { return string(a.Transaction) + "/" + string(a.Step) }

// known reports whether there are such a step and such a state.
func (a Attempt) known() bool {
	return slices.Contains([]Step{StepAuthorize, StepCapture, StepRelease, StepCharge, StepReturn}, a.Step) &&
		slices.Contains([]AttemptState{AttemptOpen, AttemptApproved, AttemptDeclined}, a.State)
}

// An Answer is a network's answer to an Attempt.
type Answer struct {
	Verdict       Verdict
	Authorization string              // names an approved hold or charge
	Code          holdfast.StatusCode // of a refusal, such as TransactionDenied
	Message       string              // of a refusal, for the caller
	Details       Details
	// Gone says that the network approved the hold and has let it go already.
	Gone bool
}

// Approved reports whether the network did what it was asked for.
func (a Answer) Approved() bool { return a.Verdict == Approved }

// attempt is a question of the transaction to a network. Everything that it
// asks for is in the transaction.
func (t Transaction) attempt(step Step, s AttemptState, asked int) Attempt {
	a := Attempt{
		Caller: t.Caller, Transaction: t.ID, Step: step, Amount: t.Amount, Instrument: t.Instrument,
		Authorization: t.Authorization, Descriptor: t.Descriptor, State: s, Asked: asked, Since: t.Received,
	}
	switch step {
	case StepCapture:
		a.Amount, a.Part = t.Current(), t.Kind == KindPart
	case StepRelease: // what no part has taken
		a.Amount = less(t.Amount, t.Taken)
	case StepAuthorize, StepCharge, StepReturn:
	}
	return a
}

// Question is the transaction's open question, or nil.
func (t Transaction) Question() *Attempt {
	if t.Asking == "" {
		return nil
	}
	a := t.attempt(t.Asking, AttemptOpen, t.Asked)
	return &a
}

// Attempts are all questions of the transaction, the first one first.
func (t Transaction) Attempts() (all []Attempt) {
	for _, a := range t.Answers.all() {
		all = append(all, t.attempt(a.step, a.state, 0))
	}
	if open := t.Question(); open != nil {
		all = append(all, *open)
	}
	return all
}

// ask opens a question. It panics if one is open already: the answer to that
// one decides what happens next.
func (c *Change) ask(step Step) {
	if c.After.Asking != "" {
		panic(fmt.Sprintf("payment: %s of transaction %s while %s is open", step, c.After.ID, c.After.Asking))
	}
	c.After.Asking, c.After.Asked = step, 1
	c.Ask = c.After.Question()
}

// Answers are the questions of a transaction that were answered, in order, such
// as "Authorize:Approved Capture:Declined".
type Answers string

type answered struct {
	step  Step
	state AttemptState
}

func (a Answers) with(step Step, state AttemptState) Answers {
	return Answers(strings.TrimSpace(string(a) + " " + string(step) + ":" + string(state)))
}

func (a Answers) all() (all []answered) {
	for _, word := range strings.Fields(string(a)) {
		step, state, _ := strings.Cut(word, ":")
		all = append(all, answered{Step(step), AttemptState(state)})
	}
	return all
}

// answered closes the open question.
func (t Transaction) answered(step Step, answer Answer) Transaction {
	state := AttemptDeclined
	if answer.Approved() {
		state = AttemptApproved
	}
	t.Asking, t.Asked, t.Answers = "", 0, t.Answers.with(step, state)
	return t
}

// Outcome decides what a network's answer means for the transaction in its
// present state. The transaction may have been cancelled or have expired before
// the answer came. A second answer to a question changes nothing, and neither
// does one that has only accepted it: the Change is empty.
func (t Transaction) Outcome(a Attempt, answer Answer, now time.Time) Change {
	c := Change{Before: t, After: t, At: now}
	if t.Asking != a.Step || answer.Verdict == Accepted {
		return c
	}
	c.After = t.answered(a.Step, answer)
	switch a.Step {
	case StepAuthorize:
		c.authorized(answer, now)
	case StepCapture:
		c.captured(answer, now)
	case StepCharge:
		c.charged(answer, now)
	case StepReturn:
		c.returned(answer, now)
	case StepRelease:
	}
	return c
}

// done makes a step of c.After together with its postings.
func (c *Change) done(v Verb, now time.Time, code holdfast.StatusCode, message string) {
	postings := c.After.stepPostings(v, c.After.State)
	c.step(v, now, code, message)
	c.Postings = move(postings)
}

// late books what a network did after the transaction had ended. The caller was
// told of the end, so its state and its status stay as they are.
func (c *Change) late(v Verb, now time.Time) {
	c.done(v, now, c.After.StatusCode, c.After.StatusMessage)
}

func (c *Change) authorized(answer Answer, now time.Time) {
	t := &c.After
	switch {
	case t.State == Pending && answer.Approved() && answer.tooShort(now):
		t.Authorization = answer.Authorization
		c.done(VerbDecline, now, holdfast.CodeTransactionDenied, messageTooShort)
		c.ask(StepRelease)
	case t.State == Pending && answer.Approved():
		t.Authorization = answer.Authorization
		c.done(VerbApprove, now, holdfast.CodeSuccess, t.heldUntil(answer))
	case t.State == Pending:
		c.done(VerbDecline, now, answer.Code, answer.Message)
	case t.State == Cancelled && answer.Approved():
		// The transaction was given up before the answer came: release the hold.
		t.Authorization = answer.Authorization
		c.giveUpHold(answer.Gone)
	}
}

func (c *Change) captured(answer Answer, now time.Time) {
	switch {
	case c.After.State == Settling && answer.Approved():
		c.done(VerbCapture, now, holdfast.CodeSuccess, messageSuccess)
		c.takeCommission()
	case c.After.State == Settling && c.After.Kind == KindPart:
		// The amount is still held, and can be settled by another part.
		c.done(VerbCaptureDecline, now, answer.Code, answer.Message)
		c.Gone = answer.Gone
	case c.After.State == Settling:
		// The hold is no longer needed: release the buyer's money.
		c.done(VerbCaptureDecline, now, answer.Code, answer.Message)
		c.giveUpHold(answer.Gone)
	}
}

func (c *Change) charged(answer Answer, now time.Time) {
	t := &c.After
	switch {
	case t.State == Pending && answer.Approved():
		t.Authorization = answer.Authorization
		c.done(VerbCharge, now, holdfast.CodeSuccess, messageSuccess)
		c.takeCommission()
	case t.State == Pending:
		c.done(VerbDecline, now, answer.Code, answer.Message)
	case answer.Approved() && t.State != Success:
		// The transaction was given up before the answer came: return the charge.
		t.Authorization = answer.Authorization
		c.late(VerbLateCharge, now)
		c.ask(StepReturn)
	}
}

// returned decides on the network's answer to a return of money: for a refund,
// or for a payment that was given up before the network charged it.
func (c *Change) returned(answer Answer, now time.Time) {
	t := &c.After
	switch {
	case t.Kind == KindRefund && t.State == Pending && answer.Approved():
		c.done(VerbReturn, now, holdfast.CodeSuccess, messageRefunded)
	case t.Kind == KindRefund && t.State == Pending:
		c.done(VerbDecline, now, answer.Code, answer.Message)
	case t.Kind != KindRefund && answer.Approved():
		c.late(VerbLateReturn, now)
	}
}

// Messages of GetTransactionStatus. The first and the third are the original
// service's texts.
const (
	messagePending  = "The transaction is awaiting a response from the backend payment processor."
	messageReserved = "The amount was reserved on the sender's credit card."
	messageSuccess  = "The transaction was successful and the payment instrument was charged."
	messageRefunded = "The refund was paid back to the payment instrument."
	messageWritten  = "The debt was written off."
	messageReturned = "The rest of the prepaid balance was paid back to the sender's account balance."
	messageFee      = "The marketplace fee was taken from the payment."
	messageDeposit  = "The balance was raised."
	messageGone     = "The card network let the hold go before its deadline."
	messageReversed = "The refund failed at the card network, and its amount is the recipient's again."
	messageOutside  = "The refund was made at the card network."
	messageDisputed = "The buyer disputes the payment with the card's issuer."
	messageWon      = "The dispute was decided for the recipient."
)

// CodeOf is the status code of a transaction in a state, unless its step gives it
// another. The store does not keep it.
func CodeOf(s State) holdfast.StatusCode {
	switch s {
	case Pending, Settling:
		return holdfast.CodePendingNetworkResponse
	case Reserved, Success:
		return holdfast.CodeSuccess
	case None, Failure, Cancelled:
	}
	return ""
}

// MessageOf is the message of a transaction in a state, unless its step gives it
// another. The store does not keep it.
func MessageOf(s State) string {
	switch s {
	case Pending, Settling:
		return messagePending
	case Reserved:
		return messageReserved
	case Success:
		return messageSuccess
	case None, Failure, Cancelled:
	}
	return ""
}

// Asks reports whether a step of a transaction can ask a network a question.
func Asks(v Verb, step Step) bool {
	switch step {
	case StepAuthorize:
		return v == VerbReserve
	case StepCapture:
		return v == VerbSettle
	case StepCharge:
		return v == VerbPay
	case StepReturn:
		return v == VerbRefund || v == VerbLateCharge
	case StepRelease:
		return v == VerbCancel || v == VerbExpire || v == VerbClose || v == VerbDecline || v == VerbTimeOut ||
			v == VerbCaptureDecline
	}
	return false
}

// IDsOf are the ids of some transactions.
func IDsOf(all []Transaction) []holdfast.TransactionID {
	ids := make([]holdfast.TransactionID, len(all))
	for i, t := range all {
		ids[i] = t.ID
	}
	return ids
}
