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

// A FeeSchedule is the operator's fee for card payments. Payments below
// SmallBelow are charged by Small.
type FeeSchedule struct {
	Card, Small FeeRate
	SmallBelow  money.Amount
}

// DefaultFees are the published card fees of the time: 2.9 % + $0.30, and 5.0 %
// + $0.05 below $10.
var DefaultFees = FeeSchedule{
	Card:       FeeRate{Share: 29_000, Fixed: money.Cents(30)},
	Small:      FeeRate{Share: 50_000, Fixed: money.Cents(5)},
	SmallBelow: money.Cents(10_00),
}

// Fee is the fee for a payment, rounded once, half up, to a cent.
func (f FeeSchedule) Fee(amount money.Amount) money.Amount {
	rate := f.Card
	if amount.Cmp(f.SmallBelow) < 0 {
		rate = f.Small
	}
	return amount.ShareHalfUpToCent(rate.Share).Add(rate.Fixed)
}

// feeBelow refuses a payment that its own fee would eat up, in the words the
// service used.
func feeBelow(by holdfast.Role, fee, amount money.Amount) error {
	if by == holdfast.RoleRecipient && fee.Cmp(amount) >= 0 {
		return holdfast.Errorf(holdfast.InvalidParams, "Transaction amount must be greater than Recipient Fee liability.")
	}
	return nil
}
