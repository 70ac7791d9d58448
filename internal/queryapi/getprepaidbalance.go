package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// getPrepaidBalance returns the balance of a prepaid instrument (Query API
// Reference, GetPrepaidBalance).
var getPrepaidBalance = action{
	name:       "GetPrepaidBalance",
	parameters: []parameter{{name: "PrepaidInstrumentId", required: true, rule: identifier}},
	answer:     (*Server).getPrepaidBalance,
}

func (s *Server) getPrepaidBalance(ctx context.Context, q *request, out *document) error {
	a, err := s.aggregate(ctx, q, holdfast.MethodPrepaid, "PrepaidInstrumentId")
	if err != nil {
		return err
	}
	out.open("PrepaidBalance")
	out.amount("AvailableBalance", a.Balance)
	out.amount("PendingInBalance", a.Pending)
	out.close("PrepaidBalance")
	return nil
}

// aggregate reads the instrument that a request names. Only its sender and its
// recipient may ask for it.
func (s *Server) aggregate(
	ctx context.Context, q *request, m holdfast.PaymentMethod, name string,
) (a payment.AggregateInstrument, err error) {
	id := holdfast.InstrumentID(q.params.Get(name))
	var found bool
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		a, found, err = tx.Aggregate(id)
		return err
	})
	if err != nil {
		return a, err
	}
	return a, payment.FindAggregate(a, found, m, id, q.caller.Owner)
}

// getTotalPrepaidLiability returns what the caller's account owes in goods,
// over all prepaid instruments (Query API Reference, GetTotalPrepaidLiability).
var getTotalPrepaidLiability = action{name: "GetTotalPrepaidLiability", answer: (*Server).getTotalPrepaidLiability}

func (s *Server) getTotalPrepaidLiability(ctx context.Context, q *request, out *document) error {
	owed, pending, err := s.totals(ctx, q, ledger.Owed(string(q.caller.Owner)), holdfast.MethodPrepaid)
	if err != nil {
		return err
	}
	out.open("OutstandingPrepaidLiability")
	out.amount("OutstandingBalance", money.Micros(0).Sub(owed)) // a liability stands below zero
	out.amount("PendingInBalance", pending)
	out.close("OutstandingPrepaidLiability")
	return nil
}

// totals returns the sums of the balances and of the pending amounts of all
// instruments of the caller's account.
func (s *Server) totals(
	ctx context.Context, q *request, account ledger.AccountID, m holdfast.PaymentMethod,
) (total, pending money.Amount, err error) {
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		micro, err := tx.AccountBalance(account, q.caller.Sandbox)
		if err != nil {
			return err
		}
		moving, err := tx.PendingAggregates(q.caller.Owner, m, q.caller.Sandbox)
		total, pending = money.Micros(micro), money.Micros(moving)
		return err
	})
	return total, pending, err
}
