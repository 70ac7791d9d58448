package payment

import (
	"slices"

	"github.com/holdfast-pay/holdfast"
)

// A Kind is what a transaction was made by.
type Kind string

// The kinds. A Commission is a marketplace's fee, which is a transaction of its
// own beside the payment that it is taken from; a Deposit puts money of the
// sandbox into somebody's balance, and no caller sees it.
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

// charged are the steps of whatever a network is asked to pay for at once.
var charged = []Verb{VerbPay, VerbCharge, VerbDecline, VerbTimeOut, VerbTransfer}

// kindVerbs are the steps that each kind may take.
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

// May reports whether a verb is one of the kind's.
func (k Kind) May(v Verb) bool { return slices.Contains(kindVerbs[k], v) }

// operation is the kind in the API's words (data type FPSOperation); a Reserve
// becomes a Settle.
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
