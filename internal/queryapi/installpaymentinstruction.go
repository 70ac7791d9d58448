package queryapi

import (
	"context"

	"github.com/holdfast-pay/holdfast"
)

// installPaymentInstruction makes a token for the caller's owner (Query API
// Reference, InstallPaymentInstruction).
var installPaymentInstruction = action{
	name: "InstallPaymentInstruction",
	parameters: []parameter{
		{name: "PaymentInstruction", required: true},
		{name: "TokenFriendlyName", rule: bytesMax(friendlyNameMax)},
		callerReference,
		{name: "TokenType", required: true, rule: tokenType},
		{name: "PaymentReason", rule: charactersMax(paymentReasonMax)},
	},
	answer: (*Server).installPaymentInstruction,
}

const paymentReasonMax = 64 // characters of an instruction's

func (s *Server) installPaymentInstruction(ctx context.Context, q *request, out *document) error {
	p := q.params
	id, err := s.Processor.InstallPaymentInstruction(ctx, q.caller, holdfast.InstallPaymentInstructionRequest{
		PaymentInstruction: p.Get("PaymentInstruction"),
		TokenFriendlyName:  p.Get("TokenFriendlyName"),
		CallerReference:    holdfast.CallerReference(p.Get("CallerReference")),
		TokenType:          holdfast.TokenType(p.Get("TokenType")),
		PaymentReason:      p.Get("PaymentReason"),
	})
	if err != nil {
		return err
	}
	out.text("TokenId", string(id))
	return nil
}
