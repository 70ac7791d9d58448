package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getTokenByCaller finds a token by its id or by the CallerReference of the
// Co-Branded request it was made with (Query API Reference, GetTokenByCaller).
var getTokenByCaller = action{
	name:      "GetTokenByCaller",
	spellings: []string{"GetTokensByCaller"},
	parameters: []parameter{
		{name: "TokenId", check: bytesMax(tokenIDMax)},
		{name: "CallerReference", check: bytesMax(payment.ReferenceMax)},
	},
	answer: (*Server).getTokenByCaller,
}

func (s *Server) getTokenByCaller(ctx context.Context, q *request, out *document) error {
	id := holdfast.TokenID(q.params.Get("TokenId"))
	reference := holdfast.CallerReference(q.params.Get("CallerReference"))
	if (id == "") == (reference == "") {
		return holdfast.Errorf(holdfast.InvalidParams, "Give either TokenId or CallerReference.")
	}
	var t payment.Token
	var found bool
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		if id != "" {
			t, found, err = tx.Token(id)
		} else {
			t, found, err = tx.TokenByReference(q.caller.ID, reference)
		}
		return err
	})
	switch {
	case err != nil:
		return err
	case found && t.Caller == q.caller.ID:
	case id != "":
		return holdfast.Errorf(holdfast.InvalidTokenID, "tokenId has to be the ID of a token that you installed. Specified value: %s", id)
	default:
		return holdfast.Errorf(holdfast.InvalidCallerReference, "There is no token with the CallerReference %s.", reference)
	}
	out.open("Token")
	out.text("TokenId", string(t.ID))
	out.text("FriendlyName", t.FriendlyName())
	out.text("TokenStatus", string(t.Status(q.now())))
	out.date("DateInstalled", t.Installed)
	out.text("CallerReference", string(t.Reference))
	out.text("TokenType", string(t.Type))
	out.text("PaymentReason", t.Reason)
	out.close("Token")
	return nil
}
