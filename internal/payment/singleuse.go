package payment

import "github.com/holdfast-pay/holdfast"

// readSingleUse reads the parameters of the SingleUse pipeline (Basic Guide,
// "Single-Use Token API").
func readSingleUse(in *paramReader, r *PipelineRequest) {
	r.Reference = in.reference("callerReference")
	r.Amount, r.AmountType = in.total("transactionAmount"), holdfast.AmountMaximum
	r.Reserve = in.flag("reserve")
	r.Breakdown = readBreakdown(in)
	r.Recipients = in.recipients("recipientToken", 1)
	readSender(in, r)
}

// installSingleUse makes the token. It always expires after three hours.
func (a Agreement) installSingleUse() Installation {
	t := a.sending(a.IDs[0], UsePay, holdfast.TokenSingleUse)
	t.Expires = a.Now.Add(SingleUseLife)
	return a.one(t)
}
