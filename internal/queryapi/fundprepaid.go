package queryapi

import (
	"context"
	"slices"

	"github.com/holdfast-pay/holdfast"
)

// fundPrepaid raises the balance of a prepaid instrument (Query API Reference,
// FundPrepaid).
var fundPrepaid = action{
	name: "FundPrepaid",
	parameters: slices.Concat(
		[]parameter{senderTokenID, {name: "PrepaidInstrumentId", required: true, rule: identifier}},
		amountParameters("FundingAmount", true),
		[]parameter{callerReference, senderDescription, callerDescription},
		descriptorPolicy,
		[]parameter{timeoutInMins, overrideIPNURL},
	),
	answer: (*Server).fundPrepaid,
}

func (s *Server) fundPrepaid(ctx context.Context, q *request, out *document) error {
	p := q.params
	amount, err := amountOf(p, "FundingAmount")
	if err != nil {
		return err
	}
	t, err := s.Processor.FundPrepaid(ctx, q.caller, holdfast.FundPrepaidRequest{
		SenderTokenID:          holdfast.TokenID(p.Get("SenderTokenId")),
		PrepaidInstrumentID:    holdfast.InstrumentID(p.Get("PrepaidInstrumentId")),
		FundingAmount:          amount,
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
