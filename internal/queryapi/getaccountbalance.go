package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// getAccountBalance returns the balance of the caller's owner (Query API
// Reference, GetAccountBalance). The available part can be paid out and
// refunded. Refunds under way, and money set aside for undecided fees, are not
// in it.
var getAccountBalance = action{name: "GetAccountBalance", answer: (*Server).getAccountBalance}

func (s *Server) getAccountBalance(ctx context.Context, q *request, out *document) error {
	var available, in, going money.Amount
	err := s.Store.View(ctx, func(tx *store.ReadTx) error {
		if err := q.account(tx); err != nil {
			return err
		}
		micro, err := tx.AccountBalance(ledger.Party(string(q.caller.Owner)), q.caller.Sandbox)
		if err != nil {
			return err
		}
		aside, err := tx.AccountBalance(ledger.SetAside(string(q.caller.Owner)), q.caller.Sandbox)
		if err != nil {
			return err
		}
		coming, leaving, err := tx.Moving(q.caller.Owner, q.caller.Sandbox)
		available, in, going = money.Micros(micro), money.Micros(coming), money.Micros(leaving+aside)
		return err
	})
	if err != nil {
		return err
	}
	out.open("AccountBalance")
	out.amount("TotalBalance", available.Add(going))
	out.amount("PendingInBalance", in)
	out.amount("PendingOutBalance", going)
	out.open("AvailableBalances")
	out.amount("DisburseBalance", available)
	out.amount("RefundBalance", available)
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
