package queryapi

import (
	"context"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// cancelSubscriptionAndRefund ends a subscription and, if a RefundAmount is
// given, pays that much of its last payment back (Simple Pay,
// CancelSubscriptionAndRefund).
var cancelSubscriptionAndRefund = action{
	name: "CancelSubscriptionAndRefund",
	parameters: slices.Concat(
		[]parameter{{name: "SubscriptionId", required: true, rule: bytesMax(tokenIDMax)}},
		amountParameters("RefundAmount", false),
		[]parameter{
			{name: "CallerReference", rule: bytesMax(payment.ReferenceMax)},
			{name: "CancelReason", rule: charactersMax(payment.DescriptionMax)},
		},
	),
	answer: (*Server).cancelSubscriptionAndRefund,
}

func (s *Server) cancelSubscriptionAndRefund(ctx context.Context, q *request, out *document) error {
	p := q.params
	amount, err := amountOf(p, "RefundAmount")
	if err != nil {
		return err
	}
	if amount.Given() && p.Get("CallerReference") == "" {
		return missing("CallerReference")
	}
	refund, err := s.Processor.CancelSubscriptionAndRefund(ctx, q.caller, holdfast.CancelSubscriptionAndRefundRequest{
		SubscriptionID:  holdfast.TokenID(p.Get("SubscriptionId")),
		RefundAmount:    amount,
		CallerReference: holdfast.CallerReference(p.Get("CallerReference")),
		CancelReason:    p.Get("CancelReason"),
	})
	if err != nil {
		return err
	}
	q.move = processor.MoveOf(&refund) // zero without a refund
	out.text("RefundTransactionId", string(refund.ID))
	return nil
}
