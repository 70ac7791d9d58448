package payment

import "github.com/holdfast-pay/holdfast"

// readRecurring reads the parameters of the Recurring pipeline: one payment in
// each period.
func readRecurring(in *paramReader, r *PipelineRequest) {
	r.Reference = in.reference("callerReference")
	r.Amount, r.AmountType = in.total("transactionAmount"), holdfast.AmountExact
	r.Period = in.period("recurringPeriod", true)
	r.Recipients = in.recipients("recipientToken", 1)
	readSender(in, r)
	readValidity(in, r)
}

// installRecurring makes the token. The server never starts the payments; the
// caller requests each of them.
func (a Agreement) installRecurring() Installation {
	t := a.sending(a.IDs[0], UsePay, holdfast.TokenRecurring)
	t.Period = a.Request.Period
	made := a.one(t)
	made.Limits = a.limits(t, []UsageTerms{{Kind: LimitCount, Value: 1, Period: t.Period}})
	return made
}
