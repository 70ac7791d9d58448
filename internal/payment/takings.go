package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Takings are the sums that an account was paid as a seller, and their costs.
type Takings struct {
	Gross      money.Amount // paid, before anything was taken from it
	Refunded   money.Amount
	Commission money.Amount // kept by marketplaces, less what they gave back
	Fees       money.Amount // of the operator, less what it gave back
}

// Net is the amount left after refunds and fees.
func (k Takings) Net() money.Amount {
	return k.Gross.Sub(k.Refunded).Sub(k.Commission).Sub(k.Fees)
}

// NoTakings are Takings of zero dollars.
func NoTakings() Takings {
	zero := money.Micros(0)
	return Takings{Gross: zero, Refunded: zero, Commission: zero, Fees: zero}
}

// With adds a transaction of the account. Deposits, and payments of the account
// as a buyer, do not count. Purchases from a prepaid balance or on credit do
// not count either, because the account is paid when the balance is funded or
// the debt is settled. A fee that a marketplace pays to itself is no cost.
func (k Takings) With(t Transaction, account party.ID) Takings {
	if t.State != Success || t.Parted() { // its parts count
		return k
	}
	k.Fees = k.Fees.Add(t.FeeFrom(account))
	ofInstrument := t.OfInstrument()
	switch {
	case t.Kind == KindDeposit || t.Kind == KindWriteOffDebt || t.toItself():
	case t.Kind == KindRefund && t.Policy == holdfast.RefundMarketplaceOnly:
		if t.Sender == account {
			k.Commission = k.Commission.Sub(t.Amount)
		} else if t.Recipient == account {
			k.Refunded = k.Refunded.Add(t.Amount)
		}
	case t.Kind == KindRefund:
		if t.Recipient == account && !ofInstrument {
			k.Refunded = k.Refunded.Add(t.Amount)
		}
		if t.Recipient == account && t.Owner != account {
			k.Commission = k.Commission.Add(t.Commission)
		}
		if t.Owner == account && t.Recipient != account {
			k.Refunded = k.Refunded.Sub(t.Commission)
		}
	case t.Kind.FromNetwork():
		if t.Recipient == account {
			k.Refunded = k.Refunded.Sub(t.Amount.Times(int64(t.Flow(account))))
		}
	case t.Kind == KindCommission && t.Sender == account:
		k.Commission = k.Commission.Add(t.Amount)
	case t.Recipient == account && !ofInstrument:
		k.Gross = k.Gross.Add(t.Current())
	}
	return k
}

// OfInstrument reports whether a purchase or its refund changed only a prepaid
// or credit instrument, and moved no money of an account.
func (t Transaction) OfInstrument() bool {
	return t.Method == holdfast.MethodPrepaid || t.Method == holdfast.MethodDebt
}

// FeeFrom is the operator's fee that an account bears. It is below zero if the
// fee was given back.
func (t Transaction) FeeFrom(account party.ID) money.Amount {
	bears := t.Recipient
	if t.FeeBy == holdfast.RoleCaller {
		bears = t.Owner
	}
	if bears != account {
		return money.Micros(0)
	}
	return t.FeeCharged()
}
