package queryapi

import (
	"context"
	"slices"

	"github.com/holdfast-pay/holdfast"
)

// writeOffDebt forgives the debt of a credit instrument (Query API Reference,
// WriteOffDebt).
var writeOffDebt = action{
	name: "WriteOffDebt",
	parameters: slices.Concat(
		[]parameter{{name: "CreditInstrumentId", required: true, rule: identifier}},
		amountParameters("AdjustmentAmount", true),
		[]parameter{callerReference, callerDescription},
	),
	answer: (*Server).writeOffDebt,
}

func (s *Server) writeOffDebt(ctx context.Context, q *request, out *document) error {
	p := q.params
	amount, err := amountOf(p, "AdjustmentAmount")
	if err != nil {
		return err
	}
	t, err := s.Processor.WriteOffDebt(ctx, q.caller, holdfast.WriteOffDebtRequest{
		CreditInstrumentID: holdfast.InstrumentID(p.Get("CreditInstrumentId")),
		AdjustmentAmount:   amount,
		CallerReference:    holdfast.CallerReference(p.Get("CallerReference")),
		CallerDescription:  p.Get("CallerDescription"),
	})
	return q.moved(t, err, out)
}
