package payment

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A subscription is Simple Pay's name for a recurring token. Its id is the
// token's id. A token with a period in hours is no subscription, because the
// subscription actions have no unit for hours.

// FindSubscription refuses a token that is no subscription of the caller.
func FindSubscription(t Token, found bool, caller party.CallerID, id holdfast.TokenID) error {
	_, _, told := t.Period.Frequency()
	if !found || t.Caller != caller || t.Type != holdfast.TokenRecurring || t.Use != UsePay || !told {
		return holdfast.Errorf(holdfast.InvalidParams,
			"subscriptionId has to be a valid subscription ID. Specified value: %s", id)
	}
	return nil
}

// SubscriptionStatus is the subscription's status at a time.
func (t Token) SubscriptionStatus(now time.Time) holdfast.SubscriptionStatus {
	switch {
	case t.Cancelled:
		return holdfast.SubscriptionCancelled
	case t.expired(now):
		return holdfast.SubscriptionCompleted
	}
	return holdfast.SubscriptionActive
}

// NextPayment is the time of the next possible payment. It is now if the
// current period has no payment yet, and otherwise the start of the next
// period. ok is false if no payment is possible any more.
func (t Token) NextPayment(paidInPeriod bool, now time.Time) (next time.Time, ok bool) {
	next = now
	began := t.Begins()
	switch {
	case now.Before(began):
		next = began
	case paidInPeriod:
		next = t.Period.After(began, t.Period.count(began, now)+1)
	}
	return next, t.SubscriptionStatus(now) == holdfast.SubscriptionActive && !t.expired(next)
}

// CancelSubscription cancels a subscription. If it has already ended, the
// refusal is InvalidSubscriptionState (CancelSubscriptionAndRefund).
func (t Token) CancelSubscription(now time.Time) (Token, error) {
	if status := t.SubscriptionStatus(now); status != holdfast.SubscriptionActive {
		return t, holdfast.Errorf(holdfast.InvalidSubscriptionState, "the subscription is %s",
			strings.ToLower(string(status)))
	}
	t.Cancelled = true
	return t, nil
}
