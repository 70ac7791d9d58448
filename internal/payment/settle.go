package payment

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A SettleInput has everything that the decision on a Settle depends on in
// addition to the Reserve.
type SettleInput struct {
	Amount       money.Amount // not given means all
	Owner        party.Party  // the caller's owner
	OwnerBalance money.Amount // used if the owner bears the fee
	Fees         FeeSchedule
	Now          time.Time
}

// Settle decides whether an amount may be taken from the hold. A hold is
// settled once: the rest is released, and nothing can be taken later (Query API
// Reference, Settle).
func (t Transaction) Settle(in SettleInput) (Change, error) {
	amount := t.wanted(in.Amount)
	switch {
	case t.Kind != KindReserve:
		return Change{}, invalidTransaction(t.ID)
	case !amount.Positive():
		return Change{}, holdfast.Errorf(holdfast.AmountOutOfRange, "TransactionAmount must be above zero")
	case t.AsOf(in.Now).State == Failure:
		return Change{}, holdfast.Errorf(holdfast.OriginalTransactionFailed, "the transaction failed: %s", t.StatusMessage)
	}
	if err := active(in.Owner); err != nil {
		return Change{}, err
	}
	if err := t.AsOf(in.Now).can(VerbSettle, "settled"); err != nil {
		return Change{}, err
	}
	if amount.Cmp(t.Amount) > 0 {
		return Change{}, holdfast.Errorf(holdfast.SettleAmountGreaterThanReserveAmount,
			"Settle Amount \"$%s\" is greater than the Reserve Amount \"$%s\"", amount.Value(), t.Amount.Value())
	}
	fee, commission := in.Fees.Fee(t.Method, amount), t.Terms.of(amount)
	if err := burden(t.FeeBy, fee, commission, amount); err != nil {
		return Change{}, err
	}
	if err := callerBears(t.FeeBy, fee, commission, money.Micros(0), in.OwnerBalance); err != nil {
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
	return t.Kind == KindReserve && (t.State == Settling || t.State == Success) && t.wanted(amount).Cmp(t.Settled) == 0
}

func (t Transaction) wanted(amount money.Amount) money.Amount {
	if !amount.Given() {
		return t.Amount
	}
	return amount
}

// Cancel gives up a Reserved or Pending transaction that Reserve or Pay made
// (Query API Reference, Cancel).
func (t Transaction) Cancel(reason string, now time.Time) (Change, error) {
	if t.Kind != KindReserve && t.Kind != KindPay {
		return Change{}, invalidTransaction(t.ID)
	}
	if err := t.AsOf(now).can(VerbCancel, "cancelled"); err != nil {
		return Change{}, err
	}
	message := "The transaction was cancelled by the caller."
	if reason = strings.Join(strings.Fields(reason), " "); reason != "" {
		message = "The transaction was cancelled by the caller: " + reason
	}
	c := t.step(VerbCancel, now, holdfast.CodeCanceled, message)
	c.release()
	return c, nil
}

// can refuses a verb that the state does not allow. The message tells the
// caller what happened instead.
func (t Transaction) can(v Verb, done string) error {
	if _, ok := t.State.After(v); ok {
		return nil
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
