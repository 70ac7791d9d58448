package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// cancelToken gives a token up (Query API Reference, CancelToken). Its answer
// has no result.
var cancelToken = action{
	name: "CancelToken",
	parameters: []parameter{
		{name: "TokenId", required: true, rule: bytesMax(tokenIDMax)},
		{name: "ReasonText", rule: charactersMax(payment.DescriptionMax)},
		overrideIPNURL,
	},
	noResult: true,
	answer:   (*Server).cancelToken,
}

func (s *Server) cancelToken(ctx context.Context, q *request, _ *document) error {
	return s.Processor.CancelToken(ctx, q.caller, holdfast.CancelTokenRequest{
		TokenID:        holdfast.TokenID(q.params.Get("TokenId")),
		ReasonText:     q.params.Get("ReasonText"),
		OverrideIPNURL: q.params.Get("OverrideIPNURL"),
	})
}
