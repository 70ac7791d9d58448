package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// SingleUseLife is how long a single-use token can be used after it was made
// (Single-Use Token API: three hours, not adjustable).
const SingleUseLife = 3 * time.Hour

// A Token is a sender's authorisation, given on the Co-Branded pages to one
// caller, to be paid from one instrument.
type Token struct {
	ID         holdfast.TokenID
	Caller     party.CallerID
	Sender     party.ID
	Recipient  party.ID // who is paid: the caller's owner, unless a marketplace said otherwise
	Instrument InstrumentID
	Method     holdfast.PaymentMethod
	Type       holdfast.TokenType
	Reference  holdfast.CallerReference // of the Co-Branded request
	Amount     money.Amount             // the most that may be taken
	Reason     string                   // the paymentReason the sender read
	Installed  time.Time
	Expires    time.Time
	UsedBy     holdfast.TransactionID // empty until used
	Cancelled  bool
}

// Status is the token's status at a time: a used, cancelled or expired token is
// Inactive, whether or not anything has written so.
func (t Token) Status(now time.Time) holdfast.TokenStatus {
	if t.Cancelled || t.UsedBy != "" || t.expired(now) {
		return holdfast.TokenInactive
	}
	return holdfast.TokenActive
}

func (t Token) expired(now time.Time) bool { return !now.Before(t.Expires) }

// FriendlyName is how the token is listed for people.
func (t Token) FriendlyName() string {
	if t.Reason != "" {
		return t.Reason
	}
	return "Single-use payment of " + t.Amount.String()
}

// usable refuses a token that cannot pay amount at now (error table of the
// Query API; which code for which cause is the table's own wording).
func (t Token) usable(caller party.CallerID, amount money.Amount, now time.Time) error {
	switch {
	case t.Caller != caller:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender token was authorised for another caller")
	case t.Cancelled:
		return holdfast.Errorf(holdfast.TokenNotActiveSender, "the sender token is cancelled")
	case t.UsedBy != "":
		return holdfast.Errorf(holdfast.SameTokenIDUsedMultipleTimes, "the sender token was already used by transaction %s", t.UsedBy)
	case t.expired(now):
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender token expired at %s; a single-use token lives three hours", stamp(t.Expires))
	case amount.Cmp(t.Amount) > 0:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "%v is more than the %v that the sender authorised", amount, t.Amount)
	}
	return nil
}

// stamp prints a time in messages.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
