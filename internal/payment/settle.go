package payment

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Settle decides whether amount may be taken of what is held; an amount not
// given means all of it. Settling is done once: what is not taken is released,
// and nothing can be taken later (Query API Reference, Settle).
func (t Transaction) Settle(amount money.Amount, fees FeeSchedule, now time.Time) (Change, error) {
	amount = t.wanted(amount)
	switch {
	case !amount.Positive():
		return Change{}, holdfast.Errorf(holdfast.AmountOutOfRange, "TransactionAmount must be above zero")
	case t.AsOf(now).State == Failure:
		return Change{}, holdfast.Errorf(holdfast.OriginalTransactionFailed, "the transaction failed: %s", t.StatusMessage)
	}
	if err := t.AsOf(now).can(VerbSettle, "settled"); err != nil {
		return Change{}, err
	}
	if amount.Cmp(t.Amount) > 0 {
		return Change{}, holdfast.Errorf(holdfast.SettleAmountGreaterThanReserveAmount,
			"Settle Amount \"$%s\" is greater than the Reserve Amount \"$%s\"", amount.Value(), t.Amount.Value())
	}
	fee := fees.Fee(amount)
	if err := feeBelow(t.FeeBy, fee, amount); err != nil {
		return Change{}, err
	}
	t.Settled, t.Fee = amount, fee
	c := t.step(VerbSettle, now, holdfast.CodePendingNetworkResponse, messagePending)
	c.After.Completed = time.Time{}
	c.Ask = t.ask(StepCapture, amount)
	return c, nil
}

// SettledBefore reports whether a Settle for this amount is one that was
// already accepted: repeated, it is answered as it was the first time.
func (t Transaction) SettledBefore(amount money.Amount) bool {
	return (t.State == Settling || t.State == Success) && t.wanted(amount).Cmp(t.Settled) == 0
}

func (t Transaction) wanted(amount money.Amount) money.Amount {
	if !amount.Given() {
		return t.Amount
	}
	return amount
}

// captured moves the money: to the recipient, its fee to the operator, and what
// was held beyond it back.
func (t Transaction) captured(now time.Time) Change {
	c := t.step(VerbCapture, now, holdfast.CodeSuccess, messageSuccess)
	for _, p := range t.capturePostings() {
		c.Postings = append(c.Postings, ledger.Move(p.From, p.To, p.Amount))
	}
	return c
}

// capturePostings are what a capture calls for; an audit asks the same of rows
// that may be anything.
func (t Transaction) capturePostings() []ledger.Posting {
	recipient := ledger.Party(string(t.Recipient))
	postings := []ledger.Posting{{From: ledger.Held, To: recipient, Amount: t.Settled}}
	if t.Fee.Positive() {
		postings = append(postings, ledger.Posting{From: recipient, To: ledger.Fees, Amount: t.Fee})
	}
	if rest := t.Amount.Sub(t.Settled); rest.Positive() {
		postings = append(postings, ledger.Posting{From: ledger.Held, To: ledger.Network, Amount: rest})
	}
	return postings
}

// Cancel gives up a Reserved or Pending transaction (Query API Reference,
// Cancel).
func (t Transaction) Cancel(reason string, now time.Time) (Change, error) {
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

// can refuses a verb in words that tell the caller what happened instead.
func (t Transaction) can(v Verb, done string) error {
	if _, ok := t.State.After(v); ok {
		return nil
	}
	because := map[State]string{
		Pending:   "it is still pending",
		Reserved:  "it is reserved",
		Settling:  "it is being settled",
		Success:   "it was settled for " + t.Settled.String(),
		Failure:   "it failed: " + t.StatusMessage,
		Cancelled: "it was cancelled",
	}[t.State]
	if t.StatusCode == holdfast.CodeExpired {
		because = "its deadline was " + stamp(t.Deadline) + " and the amount was released"
	}
	return holdfast.Errorf(holdfast.InvalidTransactionState, "transaction %s cannot be %s: %s", t.ID, done, because)
}

// Find refuses a transaction that the caller does not have.
func Find(t Transaction, found bool, caller party.CallerID, id holdfast.TransactionID) error {
	if !found || t.Caller != caller {
		return holdfast.Errorf(holdfast.InvalidTransactionID, "transactionId has to be a valid transaction ID. Specified value: %s", id)
	}
	return nil
}
