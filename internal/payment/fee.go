package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A FeeRate is what the operator charges for a payment: a share and a fixed
// part.
type FeeRate struct {
	Share money.Rate
	Fixed money.Amount
}

func (r FeeRate) fee(amount money.Amount) money.Amount {
	return amount.ShareHalfUpToCent(r.Share).Add(r.Fixed)
}

// A FeeSchedule is the operator's fee by how a payment is paid. Card payments
// below SmallBelow are charged by Small, payments from the balance below
// TinyBelow are charged Tiny. Spending a prepaid or a credit instrument is
// free: the fee is for funding and settling it.
type FeeSchedule struct {
	Card, Small FeeRate
	SmallBelow  money.Amount
	Bank        FeeRate
	Balance     FeeRate
	Tiny        money.Amount
	TinyBelow   money.Amount
}

// DefaultFees are the published fees of the time: 2.9 % + $0.30 for a card, 5.0
// % + $0.05 below $10; 2.0 % + $0.05 for a bank debit; 1.5 % + $0.01 out of the
// balance, and a quarter of a cent below five cents.
var DefaultFees = FeeSchedule{
	Card:       FeeRate{Share: 29_000, Fixed: money.Cents(30)},
	Small:      FeeRate{Share: 50_000, Fixed: money.Cents(5)},
	SmallBelow: money.Cents(10_00),
	Bank:       FeeRate{Share: 20_000, Fixed: money.Cents(5)},
	Balance:    FeeRate{Share: 15_000, Fixed: money.Cents(1)},
	Tiny:       money.Micros(2_500),
	TinyBelow:  money.Cents(5),
}

// Fee is the fee for a payment, rounded once, half up, to a cent.
func (f FeeSchedule) Fee(method holdfast.PaymentMethod, amount money.Amount) money.Amount {
	switch method {
	case holdfast.MethodACH:
		return f.Bank.fee(amount)
	case holdfast.MethodABT:
		if amount.Cmp(f.TinyBelow) < 0 {
			return f.Tiny
		}
		return f.Balance.fee(amount)
	case holdfast.MethodPrepaid, holdfast.MethodDebt:
		return money.Micros(0)
	case holdfast.MethodCC:
	}
	if amount.Cmp(f.SmallBelow) < 0 {
		return f.Small.fee(amount)
	}
	return f.Card.fee(amount)
}

// burden refuses a payment that the recipient's fees would eat up, in the words
// the service used.
func burden(by holdfast.Role, fee, commission, amount money.Amount) error {
	if by == holdfast.RoleRecipient {
		commission = commission.Add(fee)
	}
	if commission.Positive() && commission.Cmp(amount) >= 0 {
		return holdfast.Errorf(holdfast.InvalidParams, "Transaction amount must be greater than Recipient Fee liability.")
	}
	return nil
}

// callerBears refuses a payment whose fee its caller is to bear and cannot. The
// commission of the same payment counts, and so does what the caller pays as the
// sender.
func callerBears(by holdfast.Role, fee, commission, pays, balance money.Amount) error {
	if by == holdfast.RoleCaller && balance.Add(commission).Cmp(fee.Add(pays)) < 0 {
		return holdfast.Errorf(holdfast.InsufficientBalance,
			"the caller's balance of %v is less than the fee of %v that it bears", balance, fee)
	}
	return nil
}
