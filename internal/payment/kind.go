package payment

import (
	"slices"

	"github.com/holdfast-pay/holdfast"
)

// A Kind is the operation that made a transaction.
type Kind string

// The kinds. A Part is a settle of a part of a hold, which is its parent. A
// Commission is a marketplace's fee: a separate transaction, made
// together with the payment that it is taken from. A Deposit puts sandbox money
// into a party's balance, and no caller sees it.
//
// The last four come from a card network by itself, and belong to the payment or
// the refund that is their parent. A Dispute is money that the network took back
// for a buyer, and a DisputeReturn gives it back. A RefundReversal gives the
// amount of a refund that failed after its success back to the recipient. An
// OutsideRefund was made at the network, and not by this server.
const (
	KindReserve      Kind = "Reserve"
	KindPart         Kind = "Part"
	KindPay          Kind = "Pay"
	KindRefund       Kind = "Refund"
	KindFundPrepaid  Kind = "FundPrepaid"
	KindSettleDebt   Kind = "SettleDebt"
	KindWriteOffDebt Kind = "WriteOffDebt"
	KindCommission   Kind = "Commission"
	KindDeposit      Kind = "Deposit"

	KindDispute        Kind = "Dispute"
	KindDisputeReturn  Kind = "DisputeReturn"
	KindRefundReversal Kind = "RefundReversal"
	KindOutsideRefund  Kind = "OutsideRefund"
)

// charged are the steps of payments without a hold.
var charged = []Verb{VerbPay, VerbCharge, VerbDecline, VerbTimeOut, VerbTransfer, VerbLateCharge, VerbLateReturn}

// kindVerbs has the verbs that each kind allows.
var kindVerbs = map[Kind][]Verb{
	KindReserve: {
		VerbReserve, VerbApprove, VerbDecline, VerbSettle, VerbCapture, VerbCaptureDecline, VerbLower, VerbClose,
		VerbCancel, VerbExpire,
	},
	KindPart:         {VerbSettle, VerbCapture, VerbCaptureDecline},
	KindPay:          append([]Verb{VerbCancel}, charged...),
	KindFundPrepaid:  charged,
	KindSettleDebt:   charged,
	KindRefund:       {VerbRefund, VerbReturn, VerbDecline, VerbTransfer},
	KindWriteOffDebt: {VerbTransfer},
	KindCommission:   {VerbTransfer},
	KindDeposit:      {VerbTransfer},

	KindDispute:        {VerbTransfer},
	KindDisputeReturn:  {VerbTransfer},
	KindRefundReversal: {VerbTransfer},
	KindOutsideRefund:  {VerbTransfer},
}

// FromNetwork reports whether a card network made the transaction by itself.
func (k Kind) FromNetwork() bool {
	switch k {
	case KindDispute, KindDisputeReturn, KindRefundReversal, KindOutsideRefund:
		return true
	case KindReserve, KindPart, KindPay, KindRefund, KindFundPrepaid, KindSettleDebt, KindWriteOffDebt, KindCommission,
		KindDeposit:
	}
	return false
}

// May reports whether the kind allows a verb.
func (k Kind) May(v Verb) bool { return slices.Contains(kindVerbs[k], v) }

// operation is the API's name for the kind (data type FPSOperation).
// [Transaction.Operation] turns a settled Reserve into a Settle.
func (k Kind) operation() holdfast.Operation {
	switch k {
	case KindReserve:
		return holdfast.OperationReserve
	case KindPart:
		return holdfast.OperationSettle
	case KindRefund, KindOutsideRefund, KindDispute: // to the sender
		return holdfast.OperationRefund
	case KindFundPrepaid:
		return holdfast.OperationFundPrepaid
	case KindSettleDebt:
		return holdfast.OperationSettleDebt
	case KindWriteOffDebt:
		return holdfast.OperationWriteOffDebt
	case KindPay, KindCommission, KindDeposit, KindDisputeReturn, KindRefundReversal:
	}
	return holdfast.OperationPay
}
