package payment

import "github.com/holdfast-pay/holdfast"

// readMultiUse reads the parameters of the MultiUse pipeline (Advanced Guide).
func readMultiUse(in *paramReader, r *PipelineRequest) {
	r.Reference = in.reference("callerReference")
	r.GlobalLimit = in.limit("globalAmountLimit")
	in.oneOf("amountType", string(holdfast.AmountExact), string(holdfast.AmountMaximum), string(holdfast.AmountMinimum))
	if r.Amount, _ = in.amount("transactionAmount"); r.Amount.Given() {
		if r.AmountType = holdfast.AmountType(in.text("amountType")); r.AmountType == "" {
			r.AmountType = holdfast.AmountExact
		}
		if !r.Amount.Positive() || r.Amount.Cmp(amountMax) > 0 || r.AmountType != holdfast.AmountMaximum &&
			r.Amount.Cmp(r.GlobalLimit) > 0 {
			in.refuse("transactionAmount") // no payment of this amount could ever be made
		}
	}
	r.Usage = in.usage()
	r.Recipients = in.recipients("recipientTokenList", recipientsMax)
	readSender(in, r)
	readValidity(in, r)
}

// installMultiUse makes the token. It expires after a year unless the request
// says otherwise. It has at most three limits: one for all payments together,
// and the two that the request may set.
func (a Agreement) installMultiUse() Installation {
	t := a.sending(a.IDs[0], UsePay, holdfast.TokenMultiUse)
	if t.Expires.IsZero() {
		t.Expires = t.Begins().Add(multiUseLife)
	}
	made := a.one(t)
	made.Limits = a.limits(t,
		append([]UsageTerms{{Kind: LimitAmount, Value: a.Request.GlobalLimit.Micro}}, a.Request.Usage...))
	return made
}
