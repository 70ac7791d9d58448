package queryapi

import (
	"context"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getTokens lists the caller's tokens (Query API Reference, GetTokens).
var getTokens = action{
	name: "GetTokens",
	parameters: []parameter{
		{name: "TokenStatus", rule: oneOf(string(holdfast.TokenActive), string(holdfast.TokenInactive))},
		{name: "TokenType", rule: tokenType},
		{name: "CallerReference", rule: bytesMax(payment.ReferenceMax)},
		{name: "TokenFriendlyName", rule: bytesMax(friendlyNameMax)},
	},
	byClock: true,
	answer:  (*Server).getTokens,
}

const (
	tokensMax       = 1000 // that are listed
	friendlyNameMax = 128  // bytes
)

var tokenType = oneOf(
	string(holdfast.TokenSingleUse), string(holdfast.TokenMultiUse), string(holdfast.TokenRecurring),
	string(holdfast.TokenUnrestricted),
)

func (s *Server) getTokens(ctx context.Context, q *request, out *document) error {
	var all []payment.Token
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		all, err = q.tokens(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, t := range all {
		q.token(t, out)
	}
	return nil
}

// tokens returns the tokens that the request selects, the newest first.
func (q *request) tokens(tx *store.ReadTx) (all []payment.Token, err error) {
	status := holdfast.TokenStatus(q.params.Get("TokenStatus"))
	if status == "" {
		status = holdfast.TokenActive
	}
	reference := holdfast.CallerReference(q.params.Get("CallerReference"))
	switch {
	case reference != "":
		t, found, err := tx.TokenByReference(q.caller.ID, reference)
		if err != nil || !found {
			return nil, err
		}
		all = append(all, t)
	case status == holdfast.TokenActive:
		all, err = tx.ActiveTokens(q.caller.ID, q.now(), tokensMax)
	default:
		all, err = tx.InactiveTokens(q.caller.ID, q.now(), tokensMax)
	}
	kind, name := holdfast.TokenType(q.params.Get("TokenType")), q.params.Get("TokenFriendlyName")
	all = slices.DeleteFunc(all, func(t payment.Token) bool {
		return t.Status(q.now()) != status || kind != "" && t.Type != kind || name != "" && t.FriendlyName != name
	})
	slices.SortStableFunc(all, func(a, b payment.Token) int { return b.Installed.Compare(a.Installed) })
	return all, err
}
