package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// readSetupPrepaid reads the parameters of the SetupPrepaid pipeline, which
// makes a prepaid instrument ("Aggregated Payments"). One old client sends the
// largest balance as transactionAmount.
func readSetupPrepaid(in *paramReader, r *PipelineRequest) {
	r.Reference, r.Second = in.reference("callerReferenceSender"), in.reference("callerReferenceFunding")
	if r.Second != "" && r.Second == r.Reference {
		in.refuse("callerReferenceFunding")
	}
	name := "fundingAmount"
	if in.text(name) == "" && in.text("transactionAmount") != "" {
		name = "transactionAmount"
	}
	r.Amount = in.limit(name)
	readSender(in, r)
	readValidity(in, r)
}

// installSetupPrepaid makes the empty instrument, a token that spends its
// balance and a token that funds it.
func (a Agreement) installSetupPrepaid() Installation {
	instrument := a.instrument(holdfast.MethodPrepaid)
	spends, funds := a.spending(instrument), a.paying(instrument, UseFund)
	return Installation{
		Tokens: []Token{spends, funds}, Aggregate: &instrument, Status: a.Instrument.ReturnStatus(),
		Answer: holdfast.Params{
			{Name: "prepaidInstrumentID", Value: string(instrument.ID)},
			{Name: "prepaidSenderTokenID", Value: string(spends.ID)},
			{Name: "fundingTokenID", Value: string(funds.ID)},
		},
	}
}

// instrument makes the empty instrument of both setups. It is between the
// sender and the caller's owner.
func (a Agreement) instrument(m holdfast.PaymentMethod) AggregateInstrument {
	return AggregateInstrument{
		ID: AggregateID(a.IDs[2]), Caller: a.Caller.ID, Sender: a.Party, Recipient: a.Caller.Owner, Method: m,
		Limit: a.Request.Amount, Installed: a.Now, Expires: a.Request.Expires, Balance: money.Micros(0),
		Pending: money.Micros(0),
	}
}

// spending makes the token that spends an instrument. It has no limit for each
// payment.
func (a Agreement) spending(i AggregateInstrument) Token {
	t := a.sending(a.IDs[0], UsePay, holdfast.TokenMultiUse)
	t.Instrument, t.Method, t.Aggregate = "", i.Method, i.ID
	t.Amount, t.AmountType = money.Amount{}, ""
	return t
}

// paying makes the token that funds or settles an instrument, with the sender's
// chosen way to pay.
func (a Agreement) paying(i AggregateInstrument, use TokenUse) Token {
	t := a.sending(a.IDs[1], use, holdfast.TokenMultiUse)
	t.Reference, t.Aggregate = a.Request.Second, i.ID
	t.Amount, t.AmountType = money.Amount{}, ""
	return t
}
