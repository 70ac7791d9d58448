package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// cancel gives up a reserved or pending transaction (Query API Reference,
// Cancel).
var cancel = action{
	name: "Cancel",
	parameters: []parameter{
		{name: "TransactionId", required: true, rule: transactionID},
		{name: "Description", rule: charactersMax(payment.DescriptionMax)},
		overrideIPNURL,
	},
	answer: (*Server).cancel,
}

func (s *Server) cancel(ctx context.Context, q *request, out *document) error {
	t, err := s.Processor.Cancel(ctx, q.caller, holdfast.CancelRequest{
		TransactionID:  holdfast.TransactionID(q.params.Get("TransactionId")),
		Description:    q.params.Get("Description"),
		OverrideIPNURL: q.params.Get("OverrideIPNURL"),
	})
	return q.moved(t, err, out)
}
