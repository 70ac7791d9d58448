// Package payment says what may happen: tokens, transactions, reserve, settle
// and cancel, fees, limits and deadlines. Its functions are pure: they take
// what is and return what shall be, or a refusal.
package payment

import "github.com/holdfast-pay/holdfast"

// A State is where a transaction stands. Callers see its Status, which calls
// both Pending and Settling "Pending".
type State string

// The states of a transaction. None is the one before it exists.
const (
	None      State = "None"
	Pending   State = "Pending"   // the network was asked to hold, and has not answered
	Reserved  State = "Reserved"  // held, until the deadline
	Settling  State = "Settling"  // the network was asked to capture, and has not answered
	Success   State = "Success"   // captured
	Failure   State = "Failure"   // declined
	Cancelled State = "Cancelled" // given up by the caller or by time
)

// States lists every state, for tables that must name them all.
var States = []State{None, Pending, Reserved, Settling, Success, Failure, Cancelled}

// A Verb is something that happens to a transaction.
type Verb string

// The verbs. Reserve, Settle and Cancel are a caller's; Expire is time's; the
// others are a network's answers.
const (
	VerbReserve        Verb = "Reserve"
	VerbApprove        Verb = "Approve"
	VerbDecline        Verb = "Decline"
	VerbSettle         Verb = "Settle"
	VerbCapture        Verb = "Capture"
	VerbCaptureDecline Verb = "CaptureDecline"
	VerbCancel         Verb = "Cancel"
	VerbExpire         Verb = "Expire"
)

// Verbs lists every verb.
var Verbs = []Verb{
	VerbReserve, VerbApprove, VerbDecline, VerbSettle, VerbCapture, VerbCaptureDecline, VerbCancel, VerbExpire,
}

// moves is every step a transaction may take: what is not here is refused. The
// table transaction_history has the same list in its CHECK.
var moves = map[State]map[Verb]State{
	None:      {VerbReserve: Pending},
	Pending:   {VerbApprove: Reserved, VerbDecline: Failure, VerbCancel: Cancelled, VerbExpire: Cancelled},
	Reserved:  {VerbSettle: Settling, VerbCancel: Cancelled, VerbExpire: Cancelled},
	Settling:  {VerbCapture: Success, VerbCaptureDecline: Failure},
	Success:   {},
	Failure:   {},
	Cancelled: {},
}

// After returns the state that a verb leads to, and whether the step exists.
func (s State) After(v Verb) (State, bool) {
	next, ok := moves[s][v]
	return next, ok
}

// Final reports whether nothing can happen any more.
func (s State) Final() bool { return len(moves[s]) == 0 }

// Status is the state in the API's words (Query API, TransactionStatus).
func (s State) Status() holdfast.TransactionStatus {
	switch s {
	case Reserved:
		return holdfast.StatusReserved
	case Success:
		return holdfast.StatusSuccess
	case Failure:
		return holdfast.StatusFailure
	case Cancelled:
		return holdfast.StatusCancelled
	case None, Pending, Settling:
	}
	return holdfast.StatusPending
}
