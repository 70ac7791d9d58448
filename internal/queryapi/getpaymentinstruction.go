package queryapi

import "context"

// getPaymentInstruction returns a token's limits as a payment instruction: the
// one that installed it, or one that would have (Query API Reference,
// GetPaymentInstruction).
var getPaymentInstruction = action{
	name:       "GetPaymentInstruction",
	parameters: []parameter{{name: "TokenId", required: true, rule: bytesMax(tokenIDMax)}},
	answer:     (*Server).getPaymentInstruction,
}

func (s *Server) getPaymentInstruction(ctx context.Context, q *request, out *document) error {
	t, err := s.token(ctx, q, "TokenId")
	if err != nil {
		return err
	}
	q.token(t, out)
	out.text("PaymentInstruction", t.InstructionText())
	out.text("CallerReference", string(t.Reference))
	out.text("TokenFriendlyName", t.FriendlyName)
	return nil
}
