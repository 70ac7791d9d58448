package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// CommissionTerms are the marketplace's fee that a request asks for: an amount,
// and a share of the payment (Marketplace Guide, "Charging Marketplace Fees").
// The zero CommissionTerms mean no fee.
type CommissionTerms struct {
	Fixed    money.Amount // not given without a fixed part
	Variable money.Rate
}

func (m CommissionTerms) any() bool { return m.Fixed.Positive() || m.Variable > 0 }

// of is the fee for a payment of amount. It is rounded once, half up, to a
// cent.
func (m CommissionTerms) of(amount money.Amount) money.Amount {
	fee := amount.ShareHalfUpToCent(m.Variable)
	if m.Fixed.Given() {
		fee = fee.Add(m.Fixed)
	}
	return fee
}

// termsOf reads the fee of a request.
func termsOf(r holdfast.ReserveRequest) (CommissionTerms, error) {
	var terms CommissionTerms
	if r.MarketplaceFixedFee.Positive() {
		terms.Fixed = r.MarketplaceFixedFee
	}
	if r.MarketplaceVariableFee == "" {
		return terms, nil
	}
	rate, err := money.ParsePercent(r.MarketplaceVariableFee)
	if err != nil {
		return terms, holdfast.Errorf(holdfast.InvalidParams, "MarketplaceVariableFee: %v", err)
	}
	terms.Variable = rate
	return terms, nil
}

// checkCeiling refuses a fee above the recipient's limit.
func checkCeiling(terms CommissionTerms, recipient Token) error {
	ceiling := recipient.FeeCeiling
	switch {
	case !terms.any():
		return nil
	case ceiling == nil:
		return holdfast.Errorf(holdfast.IncompatibleTokens,
			"Maximum values of marketplace fees not defined in Recipient token or are unreadable.")
	case terms.Fixed.Given() && terms.Fixed.Cmp(ceiling.Fixed) > 0:
		return holdfast.Errorf(holdfast.IncompatibleTokens,
			"MarketplaceFixedFee of %v is more than the %v that the recipient agreed to", terms.Fixed, ceiling.Fixed)
	case terms.Variable > ceiling.Variable:
		return holdfast.Errorf(holdfast.IncompatibleTokens,
			"MarketplaceVariableFee of %s %% is more than the %s %% that the recipient agreed to", terms.Variable.Percent(),
			ceiling.Variable.Percent())
	}
	return nil
}

// takeCommission adds the marketplace's fee to the step in which the money
// moves. The fee is a separate transaction, from the recipient to the caller's
// owner.
func (c *Change) takeCommission() {
	t := c.After
	if !t.Commission.Positive() {
		return
	}
	fee := Transaction{
		ID: t.CommissionID, Caller: t.Caller, Kind: KindCommission, Reference: t.Reference, Parent: t.ID,
		Sender: t.Recipient, Recipient: t.Owner, Owner: t.Owner, Method: holdfast.MethodABT,
		Amount: t.Commission, FeeBy: holdfast.RoleRecipient, CallerDescription: t.CallerDescription, Received: c.At,
	}.withNoAmounts()
	also := fee.begun(VerbTransfer, c.At, holdfast.CodeSuccess, messageFee)
	also.Postings = move(fee.transferPostings())
	c.Also = append(c.Also, also)
}

// withNoAmounts sets the amounts that are not known yet to zero dollars.
func (t Transaction) withNoAmounts() Transaction {
	for _, a := range []*money.Amount{
		&t.Settled, &t.Taken, &t.Taking, &t.Lowered, &t.Fee, &t.Commission, &t.Refunded, &t.FeeReturned,
		&t.CommissionReturned,
	} {
		if !a.Given() {
			*a = money.Micros(0)
		}
	}
	return t
}

// marketplace refuses a caller that moves money between two other parties
// without being registered as a marketplace.
func marketplace(caller party.Caller, sender, recipient party.ID) error {
	if !caller.Marketplace && sender != caller.Owner && recipient != caller.Owner {
		return holdfast.Errorf(holdfast.NotMarketplaceApp,
			"this caller is not registered as a marketplace, and its owner is neither sender nor recipient")
	}
	return nil
}
