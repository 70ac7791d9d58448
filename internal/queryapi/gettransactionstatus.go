package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getTransactionStatus returns a transaction's status and the reason for it
// (Query API Reference, GetTransactionStatus).
var getTransactionStatus = action{
	name:       "GetTransactionStatus",
	parameters: []parameter{{name: "TransactionId", required: true, rule: transactionID}},
	byClock:    true,
	answer:     (*Server).getTransactionStatus,
}

func (s *Server) getTransactionStatus(ctx context.Context, q *request, out *document) error {
	var t payment.Transaction
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		t, err = q.transaction(tx)
		return err
	})
	if err != nil {
		return err
	}
	t = t.AsOf(q.now())
	if err := q.transactionResult(t, nil, out); err != nil {
		return err
	}
	out.text("CallerReference", string(t.Reference))
	out.text("StatusCode", string(t.StatusCode))
	out.text("StatusMessage", t.StatusMessage)
	return nil
}

// transaction reads the stored transaction that the request names. Only its
// caller may ask for it.
func (q *request) transaction(tx *store.ReadTx) (payment.Transaction, error) {
	id := holdfast.TransactionID(q.params.Get("TransactionId"))
	t, found, err := tx.Transaction(q.caller.ID, id)
	if err != nil {
		return t, err
	}
	return t, payment.Find(t, found, id)
}
