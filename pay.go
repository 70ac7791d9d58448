package holdfast

import (
	"context"

	"github.com/holdfast-pay/holdfast/money"
)

// A PayRequest moves money at once (API action Pay). It asks for the same as a
// Reserve, but takes every payment method.
type PayRequest ReserveRequest

// Pay charges the sender at once. From a balance, or on a prepaid or credit
// instrument, it is done when Pay answers; a card's or bank's payment may be
// Pending first, and becomes Success, Failure or Cancelled as
// [Client.GetTransactionStatus] and notifications tell.
//
// A refusal is an [*Error]. An [*InDoubtError] means that the sender may have
// been charged or not: call Pay again with the very same request.
func (c *Client) Pay(ctx context.Context, r PayRequest) (TransactionResult, error) {
	return c.move(ctx, ReserveRequest(r).params(), InDoubtError{Action: actionPay, Reference: r.CallerReference})
}

// A RefundRequest pays a payment back, whole or in part (API action Refund).
type RefundRequest struct {
	TransactionID           TransactionID   // required; of the Pay or the settled Reserve
	RefundAmount            money.Amount    // the zero Amount means all that is left
	CallerReference         CallerReference // required; a new one for each part
	CallerDescription       string          // at most 160 characters
	MarketplaceRefundPolicy RefundPolicy    // empty means RefundMasterOnly
	OverrideIPNURL          string
}

// Refund pays back a payment that succeeded: to the card it came from, or else
// to the sender's balance. The answer names the refund, a transaction of its
// own. The operator's fee goes back in proportion.
//
// A refusal is an [*Error], no readable answer an [*InDoubtError].
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
