package queryapi

import "context"

// getPaymentInstruction tells what a token allows, as the instruction it was
// installed by or would have been (Query API Reference, GetPaymentInstruction).
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
