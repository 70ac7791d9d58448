package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// An AggregateID names a prepaid or a credit instrument.
type AggregateID = holdfast.InstrumentID

// An AggregateInstrument adds up many small payments between a sender and a
// recipient ("Aggregated Payments"). A prepaid instrument is funded first and
// spent afterwards. A credit instrument collects a debt that is settled
// afterwards. Spending moves no money between accounts.
type AggregateInstrument struct {
	ID                AggregateID
	Caller            party.CallerID
	Sender, Recipient party.ID
	Method            holdfast.PaymentMethod // MethodPrepaid or MethodDebt
	Limit             money.Amount           // largest balance or debt
	Installed         time.Time
	Expires           time.Time // zero means never

	// Balance is the amount that can be spent, or the debt. Pending is the amount
	// that is being funded or settled.
	Balance, Pending money.Amount
}

// An AggregateChange is the change of an instrument in one step.
type AggregateChange struct{ Before, After AggregateInstrument }

// open is the part of the debt that is not being settled.
func (a AggregateInstrument) open() money.Amount { return a.Balance.Sub(a.Pending) }

// Account is the instrument's own account in the books. A debt is a balance
// below zero.
func (a AggregateInstrument) Account() ledger.AccountID {
	return aggregateAccount(a.Method, a.ID)
}

func aggregateAccount(m holdfast.PaymentMethod, id AggregateID) ledger.AccountID {
	if m == holdfast.MethodPrepaid {
		return ledger.Prepaid(string(id))
	}
	return ledger.Debt(string(id))
}

func (a AggregateInstrument) expired(now time.Time) bool {
	return !a.Expires.IsZero() && !now.Before(a.Expires)
}

// FindAggregate refuses an instrument that does not exist or is of another
// kind. It also refuses one of which owner is neither sender nor recipient
// (GetPrepaidBalance).
func FindAggregate(a AggregateInstrument, found bool, m holdfast.PaymentMethod, id AggregateID, owner party.ID) error {
	name := "PrepaidInstrumentId"
	if m == holdfast.MethodDebt {
		name = "CreditInstrumentId"
	}
	switch {
	case !found || a.Method != m:
		return holdfast.Errorf(holdfast.InvalidParams, "%s : %s is invalid", name, id)
	case a.Recipient != owner && a.Sender != owner:
		return holdfast.Errorf(holdfast.InstrumentAccessDenied, "the caller's owner is no party to the instrument")
	}
	return nil
}

// of refuses an instrument that the caller did not set up for its owner. Only
// the recipient's caller can have it funded, settled or written off.
func (a AggregateInstrument) of(caller party.Caller) error {
	if a.Caller != caller.ID || a.Recipient != caller.Owner {
		return holdfast.Errorf(holdfast.InstrumentAccessDenied, "only the recipient of the instrument may do this")
	}
	return nil
}

// spend takes amount off a prepaid balance, or adds it to a debt. A refusal
// because of the amount can be retried: the balance may be funded, or the debt
// settled.
func (in *Input) spend(amount money.Amount) (*AggregateChange, error) {
	a := in.Aggregate
	after := a
	if a.Method == holdfast.MethodPrepaid {
		if after.Balance = a.Balance.Sub(amount); after.Balance.Micro < 0 {
			return nil, holdfast.Errorf(holdfast.InsufficientBalance, "the prepaid balance of %v is less than %v", a.Balance,
				amount)
		}
		return &AggregateChange{a, after}, nil
	}
	if after.Balance = a.Balance.Add(amount); after.Balance.Cmp(a.Limit) > 0 {
		return nil, holdfast.Errorf(holdfast.AccountLimitsExceeded,
			"the debt of %v and %v more are above the credit limit of %v", a.Balance, amount, a.Limit)
	}
	if err := a.takes(amount, in.Movers, in.Now); err != nil {
		return nil, err
	}
	return &AggregateChange{a, after}, nil
}

// begin records that amount is being funded or settled.
func (a AggregateInstrument) begin(amount money.Amount) *AggregateChange {
	after := a
	after.Pending = a.Pending.Add(amount)
	return &AggregateChange{a, after}
}

// giveUp undoes begin.
func (a AggregateInstrument) giveUp(amount money.Amount) *AggregateChange {
	after := a
	after.Pending = a.Pending.Sub(amount)
	return &AggregateChange{a, after}
}

// finish adds a funded amount to the balance, or takes a settled amount off the
// debt.
func (a AggregateInstrument) finish(amount money.Amount) *AggregateChange {
	c := a.giveUp(amount)
	c.After.Balance = a.raised(amount)
	return c
}

// raised is the balance plus amount, or the debt minus amount.
func (a AggregateInstrument) raised(amount money.Amount) money.Amount {
	if a.Method == holdfast.MethodPrepaid {
		return a.Balance.Add(amount)
	}
	return a.Balance.Sub(amount)
}
