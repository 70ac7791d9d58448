package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// getTokenUsage returns a token's limits and how much of them was used in their
// present periods (Query API Reference, GetTokenUsage; data type
// TokenUsageLimit).
var getTokenUsage = action{
	name:       "GetTokenUsage",
	parameters: []parameter{{name: "TokenId", required: true, rule: bytesMax(tokenIDMax)}},
	byClock:    true,
	answer:     (*Server).getTokenUsage,
}

func (s *Server) getTokenUsage(ctx context.Context, q *request, out *document) error {
	t, err := s.token(ctx, q, "TokenId")
	if err != nil {
		return err
	}
	if t.Type == holdfast.TokenSingleUse {
		return holdfast.Errorf(holdfast.InvalidTokenType, "Type of token %s is invalid for this operation.", t.Type)
	}
	var limits []payment.Limit
	err = s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		limits, err = tx.Limits(string(q.caller.ID), string(t.ID))
		return err
	})
	if err != nil {
		return err
	}
	for _, l := range limits {
		l = l.At(q.now())
		out.open("TokenUsageLimits")
		if l.Kind == payment.LimitCount {
			out.count("Count", l.Value)
			out.count("LastResetCount", l.UsedCount)
		} else {
			out.amount("Amount", money.Micros(l.Value))
			out.amount("LastResetAmount", l.UsedAmount)
		}
		out.date("LastResetTimestamp", l.Window)
		out.close("TokenUsageLimits")
	}
	return nil
}
