package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
)

// settle charges a hold, in full or less (Query API Reference, Settle). Several
// examples in FPS's guides call the parameter TransactionId.
var settle = action{
	name: "Settle",
	parameters: append(
		amountParameters("TransactionAmount", false),
		parameter{name: "ReserveTransactionId", rule: transactionID},
		parameter{name: "TransactionId", rule: transactionID, aliasOf: "ReserveTransactionId"},
		overrideIPNURL,
	),
	answer: (*Server).settle,
}

func (s *Server) settle(ctx context.Context, q *request, out *document) error {
	id, err := q.given("ReserveTransactionId")
	if err != nil {
		return err
	}
	if id == "" {
		return missing("ReserveTransactionId")
	}
	amount, err := amountOf(q.params, "TransactionAmount")
	if err != nil {
		return err
	}
	t, err := s.Processor.Settle(ctx, q.caller, holdfast.SettleRequest{
		ReserveTransactionID: holdfast.TransactionID(id),
		TransactionAmount:    amount,
		OverrideIPNURL:       q.params.Get("OverrideIPNURL"),
	})
	return q.moved(t, err, out)
}
