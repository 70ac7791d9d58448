// Package payment says what may happen: tokens and transactions, what each
// action may do to them, fees, limits and deadlines. Its functions are pure: they take
// what is and return what shall be, or a refusal.
package payment

import "github.com/holdfast-pay/holdfast"

// A State is where a transaction stands. Callers see its Status, which calls
// both Pending and Settling "Pending".
type State string

// The states of a transaction. None is the one before it exists.
const (
	None      State = "None"
	Pending   State = "Pending"   // the network was asked to hold, to pay or to pay back, and has not answered
	Reserved  State = "Reserved"  // held, until the deadline
	Settling  State = "Settling"  // the network was asked to capture, and has not answered
	Success   State = "Success"   // the money has moved
	Failure   State = "Failure"   // declined, or not decided in time
	Cancelled State = "Cancelled" // given up by the caller or by time
)

// States lists every state, for tables that must name them all.
var States = []State{None, Pending, Reserved, Settling, Success, Failure, Cancelled}

// A Verb is something that happens to a transaction.
type Verb string

// The verbs. Reserve, Pay, Transfer, Refund, Settle and Cancel are a caller's, of
// which Transfer moves money in the books alone and so at once; Expire and
// TimeOut are time's; the others are a network's answers.
const (
	VerbReserve        Verb = "Reserve"
	VerbPay            Verb = "Pay"
	VerbTransfer       Verb = "Transfer"
	VerbRefund         Verb = "Refund"
	VerbApprove        Verb = "Approve"
	VerbCharge         Verb = "Charge"
	VerbReturn         Verb = "Return"
	VerbDecline        Verb = "Decline"
	VerbSettle         Verb = "Settle"
	VerbCapture        Verb = "Capture"
	VerbCaptureDecline Verb = "CaptureDecline"
	VerbCancel         Verb = "Cancel"
	VerbExpire         Verb = "Expire"
	VerbTimeOut        Verb = "TimeOut"
)

// Verbs lists every verb.
var Verbs = []Verb{
	VerbReserve, VerbPay, VerbTransfer, VerbRefund, VerbApprove, VerbCharge, VerbReturn, VerbDecline,
	VerbSettle, VerbCapture, VerbCaptureDecline, VerbCancel, VerbExpire, VerbTimeOut,
}

// moves is every step a transaction may take: what is not here is refused. The
// table transaction_history has the same list in its CHECK. Which of the steps
// a kind of transaction may take is in [kindVerbs].
var moves = map[State]map[Verb]State{
	None: {VerbReserve: Pending, VerbPay: Pending, VerbTransfer: Success, VerbRefund: Pending},
	Pending: {
		VerbApprove: Reserved, VerbCharge: Success, VerbReturn: Success, VerbDecline: Failure,
		VerbCancel: Cancelled, VerbExpire: Cancelled, VerbTimeOut: Failure,
	},
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
