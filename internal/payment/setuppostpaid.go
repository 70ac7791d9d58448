package payment

import "github.com/holdfast-pay/holdfast"

// readSetupPostpaid reads the parameters of the SetupPostpaid pipeline, which
// makes a credit instrument ("Aggregated Payments").
func readSetupPostpaid(in *paramReader, r *PipelineRequest) {
	r.Reference, r.Second = in.reference("callerReferenceSender"), in.reference("callerReferenceSettlement")
	if r.Second != "" && r.Second == r.Reference {
		in.refuse("callerReferenceSettlement")
	}
	r.Amount = in.limit("creditLimit")
	r.GlobalLimit = in.limit("globalAmountLimit")
	r.Usage = in.usage()
	readSender(in, r)
	readValidity(in, r)
}

// installSetupPostpaid makes the instrument without a debt, a token that spends
// the credit and a token that settles the debt. The usage limits apply to the
// first token. The total that may ever be charged limits the second.
func (a Agreement) installSetupPostpaid() Installation {
	instrument := a.instrument(holdfast.MethodDebt)
	spends, settles := a.spending(instrument), a.paying(instrument, UseSettle)
	return Installation{
		Tokens: []Token{spends, settles}, Aggregate: &instrument, Status: a.Instrument.ReturnStatus(),
		Limits: append(a.limits(spends, a.Request.Usage),
			a.limits(settles, []UsageTerms{{Kind: LimitAmount, Value: a.Request.GlobalLimit.Micro}})...),
		Answer: holdfast.Params{
			{Name: "creditInstrumentID", Value: string(instrument.ID)},
			{Name: "creditSenderTokenID", Value: string(spends.ID)},
			{Name: "settlementTokenID", Value: string(settles.ID)},
		},
	}
}
