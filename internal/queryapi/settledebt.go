package queryapi

import (
	"context"
	"slices"

	"github.com/holdfast-pay/holdfast"
)

// settleDebt charges the debt of a credit instrument (Query API Reference,
// SettleDebt).
var settleDebt = action{
	name: "SettleDebt",
	parameters: slices.Concat(
		[]parameter{senderTokenID, {name: "CreditInstrumentId", required: true, rule: identifier}},
		amountParameters("SettlementAmount", true),
		[]parameter{callerReference, senderDescription, callerDescription},
		descriptorPolicy,
		[]parameter{timeoutInMins, overrideIPNURL},
	),
	answer: (*Server).settleDebt,
}

func (s *Server) settleDebt(ctx context.Context, q *request, out *document) error {
	p := q.params
	amount, err := amountOf(p, "SettlementAmount")
	if err != nil {
		return err
	}
	t, err := s.Processor.SettleDebt(ctx, q.caller, holdfast.SettleDebtRequest{
		SenderTokenID:          holdfast.TokenID(p.Get("SenderTokenId")),
		CreditInstrumentID:     holdfast.InstrumentID(p.Get("CreditInstrumentId")),
		SettlementAmount:       amount,
		CallerReference:        holdfast.CallerReference(p.Get("CallerReference")),
		SenderDescription:      p.Get("SenderDescription"),
		CallerDescription:      p.Get("CallerDescription"),
		SoftDescriptorType:     p.Get("DescriptorPolicy.SoftDescriptorType"),
		CSOwner:                p.Get("DescriptorPolicy.CSOwner"),
		TransactionTimeoutMins: timeout(p),
		OverrideIPNURL:         p.Get("OverrideIPNURL"),
	})
	return q.moved(t, err, out)
}
