package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
)

// getDebtBalance returns the debt on a credit instrument (Query API Reference,
// GetDebtBalance).
var getDebtBalance = action{
	name:       "GetDebtBalance",
	parameters: []parameter{{name: "CreditInstrumentId", required: true, rule: identifier}},
	answer:     (*Server).getDebtBalance,
}

func (s *Server) getDebtBalance(ctx context.Context, q *request, out *document) error {
	a, err := s.aggregate(ctx, q, holdfast.MethodDebt, "CreditInstrumentId")
	if err != nil {
		return err
	}
	out.open("DebtBalance")
	out.amount("AvailableBalance", a.Balance)
	out.amount("PendingOutBalance", a.Pending)
	out.close("DebtBalance")
	return nil
}

// getOutstandingDebtBalance returns the debts to the caller's account on all
// credit instruments (Query API Reference, GetOutstandingDebtBalance). The
// element's name is OutstandingDebt.
var getOutstandingDebtBalance = action{name: "GetOutstandingDebtBalance", answer: (*Server).getOutstandingDebtBalance}

func (s *Server) getOutstandingDebtBalance(ctx context.Context, q *request, out *document) error {
	due, pending, err := s.totals(ctx, q, ledger.Due(string(q.caller.Owner)), holdfast.MethodDebt)
	if err != nil {
		return err
	}
	out.open("OutstandingDebt")
	out.amount("OutstandingBalance", due)
	out.amount("PendingOutBalance", pending)
	out.close("OutstandingDebt")
	return nil
}
