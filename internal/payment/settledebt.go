package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// SettleDebt decides whether a settlement token may pay off a debt or a part of
// it. The recipient gets the amount less the operator's fee (Query API
// Reference, SettleDebt).
func SettleDebt(in Input, r holdfast.SettleDebtRequest) (Change, error) {
	c, err := in.onInstrument(settlementOf(r))
	if err != nil {
		return Change{}, err
	}
	if open := in.Aggregate.open(); r.SettlementAmount.Cmp(open) > 0 {
		return Change{}, holdfast.Errorf(holdfast.SettleAmountGreaterThanDebt,
			"SettlementAmount is %v, more than the debt of %v", r.SettlementAmount, open)
	}
	if err := in.strands(c); err != nil {
		return Change{}, err
	}
	return c, nil
}

// CheckSettleDebt refuses a request that is invalid whatever token it names.
// Such a request is not recorded.
func CheckSettleDebt(r holdfast.SettleDebtRequest, caller party.Caller) error {
	return settlementOf(r).check(caller)
}

func settlementOf(r holdfast.SettleDebtRequest) order {
	return order{
		kind: KindSettleDebt, use: UseSettle, name: "SettlementAmount",
		token: r.SenderTokenID, amount: r.SettlementAmount, reference: r.CallerReference,
		callerDescription: r.CallerDescription, statement: statement{r.SoftDescriptorType, r.SenderDescription},
		timeoutMins: r.TransactionTimeoutMins, ipnURL: r.OverrideIPNURL,
	}
}

// WriteOffDebt forgives a debt or a part of it. No money moves, and it cannot
// be undone (Query API Reference, WriteOffDebt).
func WriteOffDebt(in Input, r holdfast.WriteOffDebtRequest) (Change, error) {
	if err := CheckWriteOffDebt(r); err != nil {
		return Change{}, err
	}
	if err := onlyCards(in.Caller); err != nil {
		return Change{}, err
	}
	if err := in.Aggregate.of(in.Caller); err != nil {
		return Change{}, err
	}
	if err := active(in.Owner); err != nil {
		return Change{}, err
	}
	if open := in.Aggregate.open(); r.AdjustmentAmount.Cmp(open) > 0 {
		return Change{}, holdfast.Errorf(holdfast.SettleAmountGreaterThanDebt,
			"AdjustmentAmount is %v, more than the debt of %v", r.AdjustmentAmount, open)
	}
	t := in.transaction(KindWriteOffDebt, r.AdjustmentAmount)
	t.Sender, t.Recipient, t.Aggregate, t.Method = in.Aggregate.Sender, in.Aggregate.Recipient, in.Aggregate.ID,
		in.Aggregate.Method
	t.Reference, t.CallerDescription = r.CallerReference, r.CallerDescription
	c := t.begun(VerbTransfer, in.Now, holdfast.CodeSuccess, messageWritten)
	c.Postings = move(t.transferPostings())
	after := in.Aggregate
	after.Balance = after.raised(t.Amount)
	c.Aggregate = &AggregateChange{in.Aggregate, after}
	return c, nil
}

// CheckWriteOffDebt refuses a request that is invalid whatever instrument it
// names. Such a request is not recorded.
func CheckWriteOffDebt(r holdfast.WriteOffDebtRequest) error {
	return amountFor("AdjustmentAmount", "", r.AdjustmentAmount)
}
