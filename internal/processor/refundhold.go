package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A RefundHold asks for what was paid of a hold.
type RefundHold struct {
	Hold        holdfast.TransactionID   // or one of its members
	Amount      money.Amount             // not given means all that is left
	Reference   holdfast.CallerReference // of the refunds; empty means the idempotency key
	Description string                   // for the caller
	Policy      holdfast.RefundPolicy    // of a marketplace
}

// RefundHold pays back what was paid of a hold, in one commit: one refund of each
// payment, the oldest first, until the amount is reached.
func (p *Processor) RefundHold(
	ctx context.Context, caller party.Caller, call *Call, r RefundHold,
) ([]payment.Transaction, error) {
	digest := payment.DigestOf("RefundHold", r)
	r.Reference = call.reference(r.Reference)
	return p.several(ctx, caller, call, severally{
		action: actionRefund, scope: party.ScopeRefund, hold: r.Hold, reference: r.Reference, digest: digest,
		made:   payment.KindRefund,
		decide: func(d decision) (changes, error) { return p.refundHold(d, r) },
	})
}

func (p *Processor) refundHold(d decision, r RefundHold) (all changes, err error) {
	h, found, err := d.tx.Hold(d.caller.ID, r.Hold)
	if err != nil {
		return all, err
	}
	if !found {
		return all, payment.Find(payment.Transaction{}, false, r.Hold)
	}
	if r.Amount.Given() && !r.Amount.Positive() {
		return all, holdfast.Errorf(holdfast.AmountOutOfRange, "the amount to refund must be above zero")
	}
	h = h.AsOf(d.now)
	payments := h.Payments()
	if len(payments) == 0 { // the root says why
		payments = []payment.Transaction{h.Root()}
	}
	left, spent := r.Amount, []ledger.Posting(nil)
	for _, paid := range payments {
		if r.Amount.Given() && !left.Positive() {
			break
		}
		in, err := p.refundInput(d, paid, p.ids().Transaction())
		if err != nil {
			return all, err
		}
		in.RecipientBalance = in.RecipientBalance.Add(ledger.Balance(spent, ledger.Party(string(paid.Recipient))))
		in.OwnerBalance = in.OwnerBalance.Add(ledger.Balance(spent, ledger.Party(string(paid.Owner))))
		some := in.Left(r.Policy)
		if !some.Positive() && len(payments) > 1 {
			continue
		}
		if r.Amount.Given() && left.Cmp(some) < 0 {
			some = left
		}
		c, err := payment.Refund(in, r.request(paid.ID, some))
		if err != nil {
			return all, err
		}
		spent = append(spent, c.Postings...)
		all.add(c, c.After.Amount)
		if r.Amount.Given() {
			left = left.Sub(c.After.Amount)
		}
	}
	return all, r.made(len(all.main), left)
}

// request is the Refund of one payment.
func (r RefundHold) request(paid holdfast.TransactionID, amount money.Amount) holdfast.RefundRequest {
	return holdfast.RefundRequest{
		TransactionID: paid, RefundAmount: amount, CallerReference: r.Reference, CallerDescription: r.Description,
		MarketplaceRefundPolicy: r.Policy,
	}
}

// made refuses refunds that are not what was asked for.
func (r RefundHold) made(refunds int, left money.Amount) error {
	switch {
	case refunds == 0:
		return holdfast.Errorf(holdfast.TransactionFullyRefundedAlready, "nothing is left to refund")
	case r.Amount.Given() && left.Positive():
		return holdfast.Errorf(holdfast.RefundAmountExceeded,
			"the amount to refund is %v, more than the %v that can still be refunded", r.Amount, r.Amount.Sub(left))
	}
	return nil
}
