package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
)

// settle charges what a Reserve holds, all of it or less (Query API Reference,
// Settle). Several of the guides' examples name the transaction TransactionId.
var settle = action{
	name: "Settle",
	parameters: append(
		amountParameters("TransactionAmount", false),
		parameter{name: "ReserveTransactionId", check: transactionID},
		parameter{name: "TransactionId", check: transactionID},
		overrideIPNURL,
	),
	answer: (*Server).settle,
}

func (s *Server) settle(ctx context.Context, q *request, out *document) error {
	id, alias := q.params.Get("ReserveTransactionId"), q.params.Get("TransactionId")
	switch {
	case id == "" && alias == "":
		return missing("ReserveTransactionId")
	case id == "":
		id = alias
	case alias != "" && alias != id:
		return unknownParameter(q.version, "TransactionId")
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
	if err != nil {
		return err
	}
	q.transactionResult(t, out)
	return nil
}
