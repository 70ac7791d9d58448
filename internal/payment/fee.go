package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A FeeRate is the operator's fee for a payment: a share and a fixed part.
type FeeRate struct {
	Share money.Rate
	Fixed money.Amount
}

func (r FeeRate) fee(amount money.Amount) money.Amount {
	return amount.ShareHalfUpToCent(r.Share).Add(r.Fixed)
}

// A FeeSchedule has the operator's fees for each payment method. Small is the
// rate for card payments below SmallBelow. Tiny is the fee for balance payments
// below TinyBelow. Spending a prepaid or credit instrument is free: the fee is
// taken when it is funded or settled.
type FeeSchedule struct {
	Card, Small FeeRate
	SmallBelow  money.Amount
	Bank        FeeRate
	Balance     FeeRate
	Tiny        money.Amount
	TinyBelow   money.Amount
}

// DefaultFees are Amazon's published fees. A card payment costs 2.9 % + $0.30,
// or 5.0 % + $0.05 below $10. A bank debit costs 2.0 % + $0.05. A balance
// payment costs 1.5 % + $0.01, or a quarter of a cent below five cents.
var DefaultFees = FeeSchedule{
	Card:       FeeRate{Share: 29_000, Fixed: money.Cents(30)},
	Small:      FeeRate{Share: 50_000, Fixed: money.Cents(5)},
	SmallBelow: money.Cents(10_00),
	Bank:       FeeRate{Share: 20_000, Fixed: money.Cents(5)},
	Balance:    FeeRate{Share: 15_000, Fixed: money.Cents(1)},
	Tiny:       money.Micros(2_500),
	TinyBelow:  money.Cents(5),
}

// NetworkFees are the operator's fees for card payments through an account at a
// card network, whose own fees the merchant pays there.
func NetworkFees(r FeeRate) FeeSchedule {
	return FeeSchedule{Card: r, SmallBelow: money.Micros(0), TinyBelow: money.Micros(0)}
}

// Fee is the fee for a payment. It is rounded once, half up, to a cent.
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

// burden refuses a payment whose fees would take all of it from the recipient.
// The text is the original service's.
func burden(by holdfast.Role, fee, commission, amount money.Amount) error {
	if by == holdfast.RoleRecipient {
		commission = commission.Add(fee)
	}
	if commission.Positive() && commission.Cmp(amount) >= 0 {
		return holdfast.Errorf(holdfast.InvalidParams, "Transaction amount must be greater than Recipient Fee liability.")
	}
	return nil
}

// callerBears refuses a payment if the caller bears the fee and its balance is
// too small. The commission of the same payment is added to the balance. If the
// caller is also the sender, its payment is subtracted.
func callerBears(by holdfast.Role, fee, commission, pays, balance money.Amount) error {
	if by == holdfast.RoleCaller && balance.Add(commission).Cmp(fee.Add(pays)) < 0 {
		return holdfast.Errorf(holdfast.InsufficientBalance,
			"the caller's balance of %v is less than the fee of %v that it bears", balance, fee)
	}
	return nil
}
