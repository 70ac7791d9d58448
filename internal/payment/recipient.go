package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// readRecipient reads the parameters of the Recipient pipeline (Marketplace
// Guide).
func readRecipient(in *paramReader, r *PipelineRequest) {
	const bearer = "recipientPaysFee"
	r.Reference = in.reference("callerReference")
	if r.Second = holdfast.CallerReference(in.text("callerReferenceRefund")); len(r.Second) > ReferenceMax ||
		r.Second != "" && r.Second == r.Reference {
		in.refuse("callerReferenceRefund")
	}
	in.required(bearer, pipelineParameterMax)
	r.PaysFee = in.flag(bearer)
	fixed, fixedSent := in.amount("maxFixedFee")
	variable, variableSent := in.percent("maxVariableFee")
	if fixedSent || variableSent {
		if !fixedSent {
			fixed = money.Micros(0)
		}
		r.FeeCeiling = &FeeCeiling{Fixed: fixed, Variable: variable}
	}
	if in.text("paymentMethod") != "" {
		r.Methods = in.methods(false)
	}
	readValidity(in, r)
}

// installRecipient makes two tokens: the one that payments to the seller name,
// and the one that lets the marketplace refund them from the seller's balance.
func (a Agreement) installRecipient() Installation {
	r := a.Request
	t := a.token(a.IDs[0], UseReceive, holdfast.TokenUnrestricted)
	t.Recipient, t.Methods, t.FeeCeiling, t.PaysFee = a.Party, r.Methods, r.FeeCeiling, r.PaysFee
	refund := a.token(a.IDs[1], UseRefund, holdfast.TokenUnrestricted)
	refund.Recipient, refund.Reference = a.Party, r.Second
	t.RefundToken = refund.ID
	return Installation{
		Tokens: []Token{t, refund}, Status: holdfast.ReturnSuccessRecipient,
		Answer: holdfast.Params{{Name: "tokenID", Value: string(t.ID)}, {Name: "refundTokenID", Value: string(refund.ID)}},
	}
}
