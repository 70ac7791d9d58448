package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A SettleInput has everything that the decision on a Settle depends on in
// addition to the Reserve.
type SettleInput struct {
	Amount       money.Amount // not given means all
	Earlier      Earlier      // from other members of the hold; zero if there are none
	Owner        party.Party  // the caller's owner
	OwnerBalance money.Amount // used if the owner bears the fee
	Fees         FeeSchedule
	Now          time.Time
}

// Settle decides whether an amount may be taken from the hold. A hold is
// settled once: the rest is released, and nothing can be taken later (Query API
// Reference, Settle). A hold with parts is settled by [SettlePart].
func (t Transaction) Settle(in SettleInput) (Change, error) {
	amount := t.wanted(in.Amount)
	if err := t.settleable(amount, in.Owner, in.Now); err != nil {
		return Change{}, err
	}
	if t.Parted() {
		return Change{}, holdfast.Errorf(holdfast.InvalidTransactionState,
			"transaction %s cannot be settled: parts of it were settled by the JSON API, which also settles the rest", t.ID)
	}
	earlier := in.Earlier
	if earlier == (Earlier{}) {
		earlier.Terms = t.Terms
	}
	fee, commission := earlier.fees(t, in.Fees, amount)
	if err := t.affords(fee, commission, amount, in.OwnerBalance); err != nil {
		return Change{}, err
	}
	t.Settled, t.Fee, t.Commission = amount, fee, commission
	t = t.withAside()
	c := t.step(VerbSettle, in.Now, holdfast.CodePendingNetworkResponse, messagePending)
	c.After.Completed = time.Time{}
	c.Postings = move(t.stepPostings(VerbSettle, t.State))
	c.ask(StepCapture)
	if t.FeeBy == holdfast.RoleCaller {
		c.Spends = []party.ID{t.Owner}
	}
	return c, nil
}

// active refuses a caller whose account is suspended or closed.
func active(owner party.Party) error {
	switch owner.Standing {
	case party.Closed:
		return holdfast.Errorf(holdfast.AccountClosed, "the caller's account is closed")
	case party.Suspended:
		return holdfast.Errorf(holdfast.InvalidAccountStateCaller, "the caller's account is suspended")
	case party.Active:
	}
	return nil
}

// CanAccess refuses access to an account that is closed, suspended or missing
// (error table, AccountClosed and AccessFailure).
func CanAccess(owner party.Party, found bool) error {
	switch {
	case !found || owner.Standing == party.Suspended:
		return holdfast.Errorf(holdfast.AccessFailure, "the account cannot be accessed: it is suspended")
	case owner.Standing == party.Closed:
		return holdfast.Errorf(holdfast.AccountClosed, "the account is closed")
	}
	return nil
}

// SettledBefore reports whether a Settle for this amount was accepted before. A
// repeated Settle gets the first answer again.
func (t Transaction) SettledBefore(amount money.Amount) bool {
	return t.Kind == KindReserve && !t.Parted() && (t.State == Settling || t.State == Success) &&
		t.wanted(amount).Cmp(t.Settled) == 0
}

// wanted is the amount to settle. If none is given and nothing is left, it is the
// whole amount, so that the state of the hold says why it cannot be settled.
func (t Transaction) wanted(amount money.Amount) money.Amount {
	switch rest := t.rest(); {
	case amount.Given():
		return amount
	case rest.Positive():
		return rest
	}
	return t.Amount
}

// Cancel gives up a Reserved or Pending transaction that Reserve or Pay made
// (Query API Reference, Cancel). If parts of a hold were settled, it releases the
// rest.
func (t Transaction) Cancel(reason string, now time.Time) (Change, error) {
	if t.Kind != KindReserve && t.Kind != KindPay {
		return Change{}, invalidTransaction(t.ID)
	}
	if err := t.AsOf(now).can(VerbCancel, "cancelled"); err != nil {
		return Change{}, err
	}
	if t.Parted() {
		return t.closed(now, because("The rest was released by the caller", reason)), nil
	}
	c := t.step(VerbCancel, now, holdfast.CodeCanceled, because("The transaction was cancelled by the caller", reason))
	c.release()
	return c, nil
}

// can refuses a verb that the state does not allow. The message tells the
// caller what happened instead.
func (t Transaction) can(v Verb, done string) error {
	if _, ok := t.State.After(v); ok {
		return t.underWay(done)
	}
	because := map[State]string{
		Pending:   "it is still pending",
		Reserved:  "it is reserved",
		Settling:  "it is being settled",
		Success:   "it was paid: " + t.Amount.String(),
		Failure:   "it failed: " + t.StatusMessage,
		Cancelled: "it was cancelled",
	}[t.State]
	switch {
	case t.State == Cancelled && t.StatusCode == holdfast.CodeExpired && t.Completed.Before(t.Deadline):
		because = "the card network let the hold go on " + stamp(t.Completed)
	case t.State == Cancelled && t.StatusCode == holdfast.CodeExpired:
		because = "its deadline was " + stamp(t.Deadline) + " and the amount was released"
	case t.State == Success && t.Hold():
		because = "it was settled for " + t.Settled.String()
	}
	return holdfast.Errorf(holdfast.InvalidTransactionState, "transaction %s cannot be %s: %s", t.ID, done, because)
}

// Find refuses a transaction that the caller does not have.
func Find(t Transaction, found bool, id holdfast.TransactionID) error {
	if !found || t.Private() {
		return invalidTransaction(id)
	}
	return nil
}

func invalidTransaction(id holdfast.TransactionID) error {
	return holdfast.Errorf(holdfast.InvalidTransactionID,
		"transactionId has to be a valid transaction ID. Specified value: %s", id)
}
