// Package payment has the payment rules: tokens and transactions, what each
// action may do to them, fees, limits and deadlines. Its functions are pure.
// They take the present state, and return the change to make or a refusal.
package payment

import "github.com/holdfast-pay/holdfast"

// A State is the state of a transaction. Callers see its Status, which is
// "Pending" for both Pending and Settling.
type State string

// The states of a transaction. None means that it does not exist yet.
const (
	None      State = "None"
	Pending   State = "Pending"   // the network was asked to hold, to pay or to pay back, and has not answered
	Reserved  State = "Reserved"  // held until the deadline
	Settling  State = "Settling"  // the network was asked to capture, and has not answered
	Success   State = "Success"   // the money has moved
	Failure   State = "Failure"   // declined, or not decided in time
	Cancelled State = "Cancelled" // by the caller or at the deadline
)

// States lists every state. Tests use it to check tables for completeness.
var States = []State{None, Pending, Reserved, Settling, Success, Failure, Cancelled}

// A Verb is an event that changes a transaction's state.
type Verb string

// The verbs. Reserve, Pay, Transfer, Refund, Settle, Lower and Cancel come from
// a caller. Transfer moves money only in the books, and so at once. Lower
// releases a part of a hold, and Close ends a hold whose parts have taken
// something. Expire and TimeOut come when a deadline passes. The others are a
// network's answers. If a network charges after the payment was given up,
// LateCharge books the charge and LateReturn its return. These two and Lower do
// not change the state.
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
	VerbLower          Verb = "Lower"
	VerbClose          Verb = "Close"
	VerbCancel         Verb = "Cancel"
	VerbExpire         Verb = "Expire"
	VerbTimeOut        Verb = "TimeOut"
	VerbLateCharge     Verb = "LateCharge"
	VerbLateReturn     Verb = "LateReturn"
)

// Verbs lists every verb.
var Verbs = []Verb{
	VerbReserve, VerbPay, VerbTransfer, VerbRefund, VerbApprove, VerbCharge, VerbReturn, VerbDecline,
	VerbSettle, VerbCapture, VerbCaptureDecline, VerbLower, VerbClose, VerbCancel, VerbExpire, VerbTimeOut,
	VerbLateCharge, VerbLateReturn,
}

func (v Verb) late() bool { return v == VerbLateCharge || v == VerbLateReturn }

// moves has every step that a transaction may take; all others are refused. The
// database table steps has the same list in its CHECK.
// [kindVerbs] says which of the verbs a kind of transaction may have.
var moves = map[State]map[Verb]State{
	None: {
		VerbReserve: Pending, VerbPay: Pending, VerbTransfer: Success, VerbRefund: Pending, VerbSettle: Settling,
	},
	Pending: {
		VerbApprove: Reserved, VerbCharge: Success, VerbReturn: Success, VerbDecline: Failure,
		VerbCancel: Cancelled, VerbExpire: Cancelled, VerbTimeOut: Failure,
	},
	Reserved: {
		VerbSettle: Settling, VerbLower: Reserved, VerbClose: Success, VerbCancel: Cancelled, VerbExpire: Cancelled,
	},
	Settling:  {VerbCapture: Success, VerbCaptureDecline: Failure},
	Success:   {},
	Failure:   {VerbLateCharge: Failure, VerbLateReturn: Failure},
	Cancelled: {VerbLateCharge: Cancelled, VerbLateReturn: Cancelled},
}

// After returns the state that a verb leads to, and whether the step exists.
func (s State) After(v Verb) (State, bool) {
	next, ok := moves[s][v]
	return next, ok
}

// Final reports whether no step leads to another state.
func (s State) Final() bool { return s == Success || s == Failure || s == Cancelled }

// Status is the API's name for the state (Query API, TransactionStatus).
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
