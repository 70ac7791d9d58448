package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getTokenByCaller finds a token by its id or by the CallerReference of the
// request it was made with (Query API Reference, GetTokenByCaller).
var getTokenByCaller = action{
	name:      "GetTokenByCaller",
	spellings: []string{"GetTokensByCaller"},
	parameters: []parameter{
		{name: "TokenId", rule: bytesMax(tokenIDMax)},
		{name: "CallerReference", rule: bytesMax(payment.ReferenceMax)},
	},
	byClock: true,
	answer:  (*Server).getTokenByCaller,
}

func (s *Server) getTokenByCaller(ctx context.Context, q *request, out *document) error {
	id := holdfast.TokenID(q.params.Get("TokenId"))
	reference := holdfast.CallerReference(q.params.Get("CallerReference"))
	if (id == "") == (reference == "") {
		return holdfast.Errorf(holdfast.InvalidParams, "Give either TokenId or CallerReference.")
	}
	if id != "" {
		t, err := s.token(ctx, q, "TokenId")
		if err != nil {
			return err
		}
		q.token(t, out)
		return nil
	}
	var t payment.Token
	var found bool
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		t, found, err = tx.TokenByReference(q.caller.ID, reference)
		return err
	})
	if err != nil {
		return err
	}
	if !found {
		return holdfast.Errorf(holdfast.InvalidCallerReference, "There is no token with the CallerReference %s.", reference)
	}
	q.token(t, out)
	return nil
}

// token reads the token that a request names, which must be the caller's.
func (s *Server) token(ctx context.Context, q *request, name string) (t payment.Token, err error) {
	id := holdfast.TokenID(q.params.Get(name))
	var found bool
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		t, found, err = tx.Token(id)
		return err
	})
	if err != nil {
		return t, err
	}
	return t, payment.FindToken(t, found, q.caller.ID, id)
}

// token writes a Token in the schema's order.
func (q *request) token(t payment.Token, out *document) {
	out.open("Token")
	out.text("TokenId", string(t.ID))
	out.text("FriendlyName", t.FriendlyName)
	out.text("TokenStatus", string(t.Status(q.now())))
	out.date("DateInstalled", t.Installed)
	out.text("CallerReference", string(t.Reference))
	out.text("TokenType", string(t.Type))
	out.text("OldTokenId", string(t.OldToken))
	out.text("PaymentReason", t.Reason)
	out.close("Token")
}
