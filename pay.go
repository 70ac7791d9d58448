package holdfast

import (
	"context"

	"github.com/holdfast-pay/holdfast/money"
)

// A PayRequest moves money at once (API action Pay, docs/api/actions/Pay.md).
// It has the fields of a ReserveRequest but works with every payment method.
type PayRequest ReserveRequest

// Pay charges the sender at once. A payment from a balance or with a prepaid or
// credit instrument is complete when Pay answers. A payment by card or from a
// bank account may be Pending first. [Client.GetTransactionStatus] and a
// notification then give the final status: Success, Failure or Cancelled.
//
// It returns an [*Error] when it is refused. An [*InDoubtError] means that the
// sender may have been charged: call Pay again with exactly the same request.
func (c *Client) Pay(ctx context.Context, r PayRequest) (TransactionResult, error) {
	return c.move(ctx, ReserveRequest(r).params(), InDoubtError{Action: actionPay, Reference: r.CallerReference})
}

// A RefundRequest pays back a payment, in full or in part (API action Refund).
type RefundRequest struct {
	TransactionID           TransactionID   // required; of the Pay or the settled Reserve
	RefundAmount            money.Amount    // the zero Amount means all that is not yet refunded
	CallerReference         CallerReference // required; a new one for each partial refund
	CallerDescription       string          // at most 160 characters
	MarketplaceRefundPolicy RefundPolicy    // empty means RefundMasterOnly
	OverrideIPNURL          string
}

// Refund pays back a payment that succeeded: to the card that was charged, or
// otherwise to the sender's balance. A refund is a transaction of its own,
// which the answer names. The same share of the operator's fee is returned.
//
// It returns an [*Error] when it is refused, and an [*InDoubtError] when there
// is no readable answer.
func (c *Client) Refund(ctx context.Context, r RefundRequest) (TransactionResult, error) {
	var p Params
	p.add("TransactionId", string(r.TransactionID))
	p.addAmount("RefundAmount", r.RefundAmount)
	p.add("CallerReference", string(r.CallerReference))
	p.add("CallerDescription", r.CallerDescription)
	p.add("MarketplaceRefundPolicy", string(r.MarketplaceRefundPolicy))
	p.add("OverrideIPNURL", r.OverrideIPNURL)
	return c.move(ctx, p, InDoubtError{Action: actionRefund, Reference: r.CallerReference})
}
