package payment

import (
	"slices"

	"github.com/holdfast-pay/holdfast"
)

// A Kind is the operation that made a transaction.
type Kind string

// The kinds. A Commission is a marketplace's fee: a separate transaction, made
// together with the payment that it is taken from. A Deposit puts sandbox money
// into a party's balance, and no caller sees it.
const (
	KindReserve      Kind = "Reserve"
	KindPay          Kind = "Pay"
	KindRefund       Kind = "Refund"
	KindFundPrepaid  Kind = "FundPrepaid"
	KindSettleDebt   Kind = "SettleDebt"
	KindWriteOffDebt Kind = "WriteOffDebt"
	KindCommission   Kind = "Commission"
	KindDeposit      Kind = "Deposit"
)

// charged are the steps of payments without a hold.
var charged = []Verb{VerbPay, VerbCharge, VerbDecline, VerbTimeOut, VerbTransfer, VerbLateCharge, VerbLateReturn}

// kindVerbs has the verbs that each kind allows.
var kindVerbs = map[Kind][]Verb{
	KindReserve: {
		VerbReserve, VerbApprove, VerbDecline, VerbSettle, VerbCapture, VerbCaptureDecline, VerbCancel, VerbExpire,
	},
	KindPay:          append([]Verb{VerbCancel}, charged...),
	KindFundPrepaid:  charged,
	KindSettleDebt:   charged,
	KindRefund:       {VerbRefund, VerbReturn, VerbDecline, VerbTransfer},
	KindWriteOffDebt: {VerbTransfer},
	KindCommission:   {VerbTransfer},
	KindDeposit:      {VerbTransfer},
}

// May reports whether the kind allows a verb.
func (k Kind) May(v Verb) bool { return slices.Contains(kindVerbs[k], v) }

// operation is the API's name for the kind (data type FPSOperation).
// [Transaction.Operation] turns a settled Reserve into a Settle.
func (k Kind) operation() holdfast.Operation {
	switch k {
	case KindReserve:
		return holdfast.OperationReserve
	case KindRefund:
		return holdfast.OperationRefund
	case KindFundPrepaid:
		return holdfast.OperationFundPrepaid
	case KindSettleDebt:
		return holdfast.OperationSettleDebt
	case KindWriteOffDebt:
		return holdfast.OperationWriteOffDebt
	case KindPay, KindCommission, KindDeposit:
	}
	return holdfast.OperationPay
}
