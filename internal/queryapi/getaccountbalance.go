package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getAccountBalance returns the balance of the caller's owner (Query API
// Reference, GetAccountBalance). The available part can be paid out and
// refunded. Refunds under way, and money set aside for undecided fees, are not
// in it.
var getAccountBalance = action{name: "GetAccountBalance", answer: (*Server).getAccountBalance}

func (s *Server) getAccountBalance(ctx context.Context, q *request, out *document) error {
	var b processor.AccountBalance
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		if err := q.account(tx); err != nil {
			return err
		}
		b, err = processor.ReadAccountBalance(tx, q.caller.Owner, q.caller.Sandbox)
		return err
	})
	if err != nil {
		return err
	}
	out.open("AccountBalance")
	out.amount("TotalBalance", b.Available.Add(b.Out))
	out.amount("PendingInBalance", b.In)
	out.amount("PendingOutBalance", b.Out)
	out.open("AvailableBalances")
	out.amount("DisburseBalance", b.Available)
	out.amount("RefundBalance", b.Available)
	out.close("AvailableBalances")
	out.close("AccountBalance")
	return nil
}

// account refuses if the account is suspended or closed.
func (q *request) account(tx *store.ReadTx) error {
	owner, found, err := tx.Party(q.caller.Owner)
	if err != nil {
		return err
	}
	return payment.CanAccess(owner, found)
}
