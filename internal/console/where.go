package console

import (
	"strings"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// whereMoneyIs says in one or a few sentences where the money of a hold or a payment
// is. It is the first thing that the page says.
func whereMoneyIs(c *call, of processor.Case) string {
	var said []string
	say := func(word string, amount money.Amount) {
		if amount.Positive() {
			said = append(said, c.words.T(word, "Amount", c.words.Dollars(amount)))
		}
	}
	taken, refunded, pending := of.Payment.Charged(), of.Payment.Refunded, of.Payment.State == payment.Pending
	if of.IsHold() {
		h := of.Hold
		taken, refunded, pending = h.Settled(), h.Refunded(), h.State() == payment.HoldPending
		if open := h.Open(); open.Positive() {
			said = append(said, c.words.T("console.where.held", "Amount", c.words.Dollars(open),
				"Time", c.minute(h.Deadline())))
		}
		say("console.where.settling", money.Micros(h.Held().Micro-h.Open().Micro))
	}
	if pending {
		said = append(said, c.words.T("console.where.asking"))
	}
	say("console.where.taken", taken)
	under := refundsUnderWay(of)
	say("console.where.refunded", money.Micros(refunded.Micro-under.Micro))
	say("console.where.refunding", under)
	if of.IsHold() {
		say("console.where.released", of.Hold.Released())
	}
	if len(said) == 0 {
		return c.words.T("console.where.none")
	}
	return strings.Join(said, " ")
}

// refundsUnderWay is the amount of the refunds that the card network has not
// answered.
func refundsUnderWay(of processor.Case) money.Amount {
	sum := money.Micros(0)
	for _, r := range of.Related {
		if r.Kind == payment.KindRefund && r.State == payment.Pending {
			sum = sum.Add(r.Amount)
		}
	}
	return sum
}
