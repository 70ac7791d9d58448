package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// CancelSubscriptionAndRefund ends a subscription and, if the request has a
// RefundAmount, refunds that much of its last payment. A request with a
// RefundAmount also works for a subscription that has ended already. Without a
// RefundAmount the returned transaction is empty (Simple Pay,
// CancelSubscriptionAndRefund).
func (p *Processor) CancelSubscriptionAndRefund(
	ctx context.Context, caller party.Caller, r holdfast.CancelSubscriptionAndRefundRequest,
) (payment.Transaction, error) {
	if !r.RefundAmount.Given() {
		return payment.Transaction{}, failure(p.db.Update(ctx, func(tx *store.Tx) error {
			d, err := p.decision(tx, caller)
			if err != nil {
				return err
			}
			t, err := d.subscription(r.SubscriptionID)
			if err != nil {
				return err
			}
			if t, err = t.CancelSubscription(d.now); err != nil {
				return err
			}
			return p.cancelled(d, t, "")
		}))
	}
	id := p.ids().Transaction()
	return p.once(ctx, caller,
		request{
			actionEndSub, r.CallerReference, payment.DigestOf("CancelSubscriptionAndRefund", r), "",
			func(d decision) (payment.Change, error) {
				t, err := d.subscription(r.SubscriptionID)
				if err != nil {
					return payment.Change{}, err
				}
				last, err := d.lastPayment(t)
				if err != nil {
					return payment.Change{}, err
				}
				c, err := p.refund(d, last, holdfast.RefundRequest{
					TransactionID: last.ID, RefundAmount: r.RefundAmount, CallerReference: r.CallerReference,
					CallerDescription: r.CancelReason,
				}, id)
				if err != nil {
					return payment.Change{}, err
				}
				if ended, err := t.CancelSubscription(d.now); err == nil {
					return c, p.cancelled(d, ended, "")
				}
				return c, nil
			},
		})
}

func (d decision) subscription(id holdfast.TokenID) (payment.Token, error) {
	t, found, err := d.tx.Token(id)
	if err != nil {
		return t, err
	}
	return t, payment.FindSubscription(t, found, d.caller.ID, id)
}

// paymentsReadMax bounds how many of a subscription's payments are searched for
// the last successful one.
const paymentsReadMax = 100

// lastPayment returns the last successful payment of a subscription.
func (d decision) lastPayment(t payment.Token) (payment.Transaction, error) {
	all, err := d.tx.Unlocked("the refund writes the payment that was chosen").PaymentsOf(t.Caller, t.ID, paymentsReadMax)
	if err != nil {
		return payment.Transaction{}, err
	}
	for _, made := range all {
		if made.State == payment.Success {
			return made, nil
		}
	}
	return payment.Transaction{},
		holdfast.Errorf(holdfast.InvalidSubscriptionState, "the subscription has no payment that could be refunded")
}
