package payment

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A subscription is what a recurring token is in the words of Simple Pay: its
// id is the token's. A period that is told in hours alone is none, since the
// subscription actions have no word for hours.

// FindSubscription refuses what is no subscription of the caller's.
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

// NextPayment is when the next period begins in which a payment can be made, or
// now, when this period's has not been made; ok is false when there is none.
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

// CancelSubscription gives a subscription up. One that has ended already is
// InvalidSubscriptionState (CancelSubscriptionAndRefund).
func (t Token) CancelSubscription(now time.Time) (Token, error) {
	if status := t.SubscriptionStatus(now); status != holdfast.SubscriptionActive {
		return t, holdfast.Errorf(holdfast.InvalidSubscriptionState, "the subscription is %s",
			strings.ToLower(string(status)))
	}
	t.Cancelled = true
	return t, nil
}
