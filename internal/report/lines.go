package report

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// hold is the hold that a payment was taken of, or empty.
func (l *line) hold() holdfast.TransactionID {
	switch l.Kind {
	case payment.KindReserve:
		return l.Transaction
	case payment.KindPart:
		return l.Parent
	default:
		return ""
	}
}

// operation is a movement in the words of the API.
func operation(m *payment.Movement) string {
	switch m.Kind {
	case payment.KindReserve, payment.KindPart:
		return string(holdfast.OperationSettle)
	default:
		return string(m.Kind)
	}
}

func settlementLines(_ *reading, m *payment.Movement) []line {
	l := line{what: operation(m), amount: m.Paid(), fee: m.Fee(), commission: m.Commission.Micro}
	if l.amount == 0 {
		return nil
	}
	l.net = l.amount - l.commission - borne(m, l.fee)
	return []line{l}
}

// borne is a fee if the recipient bears it, else zero.
func borne(m *payment.Movement, fee int64) int64 {
	if m.FeeBy == holdfast.RoleCaller && m.Owner != m.Recipient {
		return 0
	}
	return fee
}

func refundLines(_ *reading, m *payment.Movement) []line {
	switch m.Kind {
	case payment.KindRefund, payment.KindOutsideRefund, payment.KindRefundReversal:
	default:
		return nil
	}
	l := line{what: refundEvent(m), amount: m.PaidBack(), fee: -m.Fee(), commission: -m.CommissionPaid()}
	if l.amount == 0 && l.fee == 0 && l.commission == 0 {
		return nil
	}
	l.net = l.amount - l.commission - borne(m, l.fee)
	return []line{l}
}

// refundEvent says what has happened to a refund.
func refundEvent(m *payment.Movement) string {
	switch {
	case m.Kind == payment.KindOutsideRefund:
		return "Refund at the network"
	case m.Kind == payment.KindRefundReversal:
		return "Refund came back"
	case m.Verb == payment.VerbDecline:
		return "Refund failed"
	case m.Policy == holdfast.RefundMarketplaceOnly:
		return "Marketplace fee returned"
	}
	return "Refund"
}

func feeLines(_ *reading, m *payment.Movement) []line {
	l := line{what: operation(m), fee: m.Fee(), commission: m.CommissionPaid()}
	if l.fee == 0 && l.commission == 0 {
		return nil
	}
	return []line{l}
}

func disputeLines(r *reading, m *payment.Movement) []line {
	l := line{what: "Dispute", amount: m.Disputed()}
	if l.amount == 0 {
		return nil
	}
	if l.amount < 0 {
		l.what = "Dispute won"
	}
	all, err := r.tx.Disputes(m.Caller, m.Parent)
	if err != nil {
		r.err = err
	}
	for _, d := range all {
		if d.Booked == m.Transaction || d.Returned == m.Transaction {
			l.dispute = d
		}
	}
	return []line{l}
}

func statementLines(r *reading, m *payment.Movement) []line {
	own := m.Own(r.Caller.Owner)
	if own == 0 {
		return nil
	}
	r.balance += own
	return []line{{what: statementEvent(m), in: max(own, 0), out: max(-own, 0), rest: r.balance}}
}

// statementEvent says what a movement was about.
func statementEvent(m *payment.Movement) string {
	switch {
	case m.Kind == payment.KindRefund:
		return refundEvent(m)
	case m.Kind == payment.KindCommission:
		return "Marketplace fee"
	case m.Verb == payment.VerbSettle, m.Verb == payment.VerbPay:
		return "Set aside"
	}
	return operation(m)
}
