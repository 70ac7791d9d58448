package queryapi

import (
	"context"
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// getRecipientVerificationStatus tells whether the account behind a recipient
// token can be paid (Query API Reference, GetRecipientVerificationStatus).
var getRecipientVerificationStatus = action{
	name:       "GetRecipientVerificationStatus",
	parameters: []parameter{{name: "RecipientTokenId", required: true, rule: bytesMax(tokenIDMax)}},
	answer:     (*Server).getRecipientVerificationStatus,
}

func (s *Server) getRecipientVerificationStatus(ctx context.Context, q *request, out *document) error {
	id := holdfast.TokenID(q.params.Get("RecipientTokenId"))
	var recipient party.Party
	err := s.Store.View(ctx, func(tx *store.ReadTx) error {
		t, found, err := tx.Token(id)
		if err != nil {
			return err
		}
		if err := payment.FindRecipient(t, found, q.caller.ID, id); err != nil {
			return err
		}
		if recipient, found, err = tx.Party(t.Recipient); err == nil && !found {
			err = fmt.Errorf("party %s of a token is missing", t.Recipient)
		}
		return err
	})
	if err != nil {
		return err
	}
	out.text("RecipientVerificationStatus", string(recipient.Verification()))
	return nil
}
