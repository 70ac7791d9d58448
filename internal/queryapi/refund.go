package queryapi

import (
	"context"
	"slices"

	"github.com/holdfast-pay/holdfast"
)

// refund pays a payment back: what is left of it, or a part (Query API
// Reference, Refund).
var refund = action{
	name: "Refund",
	parameters: slices.Concat(
		[]parameter{{name: "TransactionId", required: true, rule: transactionID}},
		amountParameters("RefundAmount", false),
		[]parameter{
			callerReference, callerDescription,
			{name: "MarketplaceRefundPolicy", rule: oneOf(
				string(holdfast.RefundMasterOnly), string(holdfast.RefundMarketplaceOnly),
				string(holdfast.RefundMasterAndMarketplace),
			)},
			overrideIPNURL,
		},
	),
	answer: (*Server).refund,
}

func (s *Server) refund(ctx context.Context, q *request, out *document) error {
	p := q.params
	amount, err := amountOf(p, "RefundAmount")
	if err != nil {
		return err
	}
	t, err := s.Processor.Refund(ctx, q.caller, holdfast.RefundRequest{
		TransactionID:           holdfast.TransactionID(p.Get("TransactionId")),
		RefundAmount:            amount,
		CallerReference:         holdfast.CallerReference(p.Get("CallerReference")),
		CallerDescription:       p.Get("CallerDescription"),
		MarketplaceRefundPolicy: holdfast.RefundPolicy(p.Get("MarketplaceRefundPolicy")),
		OverrideIPNURL:          p.Get("OverrideIPNURL"),
	})
	return q.moved(t, err, out)
}
