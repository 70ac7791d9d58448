package payment

import (
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// SingleUseLife is how long a single-use token can be used after it was made
// (Single-Use Token API: three hours, not adjustable).
const SingleUseLife = 3 * time.Hour

// A TokenUse is what a token may be used for.
type TokenUse string

// The uses. Tokens that pay, fund and settle are a sender's; those that receive
// and refund a recipient's; those that call are a caller's own and of no
// consequence since 2008.
const (
	UsePay     TokenUse = "Pay"     // Pay and Reserve; the balance of a prepaid or credit instrument, too
	UseFund    TokenUse = "Fund"    // FundPrepaid
	UseSettle  TokenUse = "Settle"  // SettleDebt
	UseReceive TokenUse = "Receive" // RecipientTokenId
	UseRefund  TokenUse = "Refund"  // lets a marketplace refund out of its recipient's balance
	UseCall    TokenUse = "Call"
)

// A Token is an authorisation that a party gave to one caller, on the
// Co-Branded pages or, its owner, by a payment instruction. It is not changed
// after, but for its being used, cancelled or replaced.
type Token struct {
	ID           holdfast.TokenID
	Caller       party.CallerID
	Use          TokenUse
	Type         holdfast.TokenType
	Reference    holdfast.CallerReference // of the request it was made by; empty for a refund token without one
	FriendlyName string
	Reason       string // the paymentReason that was read
	Installed    time.Time
	Starts       time.Time // zero means when it was installed
	Expires      time.Time // zero means never
	UsedBy       holdfast.TransactionID
	Cancelled    bool
	OldToken     holdfast.TokenID // that this one replaced
	Instruction  string           // that it was installed by

	// Of tokens that pay, fund or settle.
	Sender     party.ID
	Instrument InstrumentID // a card, a bank account or the balance; empty when there is none
	Method     holdfast.PaymentMethod
	Aggregate  AggregateID // that it spends, funds or settles
	AmountType holdfast.AmountType
	Amount     money.Amount // the bound; not given when there is none
	Period     Period       // of a recurring token
	// Recipient is who is paid: the caller's owner mostly, and anybody when
	// empty. Recipients, when there are any, are the recipient tokens that may
	// be named instead.
	Recipient  party.ID
	Recipients []holdfast.TokenID

	// Of tokens that receive; Recipient is whose they are. Methods are those
	// that the recipient takes, none meaning all.
	Methods     []holdfast.PaymentMethod
	FeeCeiling  *FeeCeiling      // nil when the recipient agreed to none
	PaysFee     bool             // the recipient bears the operator's fee
	RefundToken holdfast.TokenID // that came with it
}

// A FeeCeiling is the most that a recipient agreed to pay a marketplace for each
// payment (Recipient pipeline, maxFixedFee and maxVariableFee).
type FeeCeiling struct {
	Fixed    money.Amount
	Variable money.Rate
}

// Status is the token's status at a time: a used, cancelled or expired token is
// Inactive, whether or not anything has written so.
func (t Token) Status(now time.Time) holdfast.TokenStatus {
	if t.Cancelled || t.UsedBy != "" || t.expired(now) {
		return holdfast.TokenInactive
	}
	return holdfast.TokenActive
}

func (t Token) expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// Begins is from when on the token holds.
func (t Token) Begins() time.Time {
	if t.Starts.IsZero() {
		return t.Installed
	}
	return t.Starts
}

// Holder is whose token it is.
func (t Token) Holder() party.ID {
	if t.Sender != "" {
		return t.Sender
	}
	return t.Recipient
}

// Limited reports whether uses of the token are counted.
func (t Token) Limited() bool {
	return t.Type == holdfast.TokenMultiUse || t.Type == holdfast.TokenRecurring
}

// NameFor is how a token is listed for people when its caller named it nothing.
func NameFor(kind holdfast.TokenType, reason string, amount money.Amount) string {
	switch {
	case reason != "":
		return reason
	case kind == holdfast.TokenSingleUse && amount.Given():
		return "Single-use payment of " + amount.String()
	}
	return string(kind) + " token"
}

// usable refuses a sender token that cannot pay amount at now for use (error
// table of the Query API; which code for which cause is the table's own
// wording).
func (t Token) usable(caller party.CallerID, use TokenUse, amount money.Amount, now time.Time) error {
	switch {
	case t.Caller != caller:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender token was authorised for another caller")
	case t.Use != use:
		return holdfast.Errorf(holdfast.InvalidSenderRoleForAccountType,
			"the sender token cannot be used for this: it was authorised to %s", purposes[t.Use])
	case t.Cancelled:
		return holdfast.Errorf(holdfast.TokenNotActiveSender, "the sender token is cancelled")
	case t.UsedBy != "":
		return holdfast.Errorf(holdfast.SameTokenIDUsedMultipleTimes, "the sender token was already used by transaction %s",
			t.UsedBy)
	case t.expired(now) && t.Type == holdfast.TokenSingleUse:
		return holdfast.Errorf(holdfast.IncompatibleTokens,
			"the sender token expired at %s; a single-use token lives three hours", stamp(t.Expires))
	case t.expired(now):
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender token expired at %s", stamp(t.Expires))
	case now.Before(t.Starts):
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender token cannot be used before %s", stamp(t.Starts))
	}
	return t.bounded(amount)
}

// purposes say in a refusal what a token is for.
var purposes = map[TokenUse]string{
	UsePay: "pay", UseFund: "fund a prepaid instrument", UseSettle: "settle a debt",
	UseReceive: "receive payments", UseRefund: "refund payments", UseCall: "make calls",
}

// bounded holds an amount against what each payment may be.
func (t Token) bounded(amount money.Amount) error {
	if !t.Amount.Given() {
		return nil
	}
	cmp := amount.Cmp(t.Amount)
	breaks := t.AmountType == holdfast.AmountExact && cmp != 0 || t.AmountType == holdfast.AmountMinimum && cmp < 0 ||
		t.AmountType == holdfast.AmountMaximum && cmp > 0
	if breaks {
		if said := t.says(); said != "" {
			return holdfast.Errorf(holdfast.IncompatibleTokens, "%s", said)
		}
	}
	switch {
	case t.AmountType == holdfast.AmountExact && cmp != 0:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "%v is not the %v that the sender authorised for each payment",
			amount, t.Amount)
	case t.AmountType == holdfast.AmountMinimum && cmp < 0:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "%v is less than the %v that the sender authorised at least",
			amount, t.Amount)
	case t.AmountType == holdfast.AmountMaximum && cmp > 0:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "%v is more than the %v that the sender authorised", amount,
			t.Amount)
	}
	return nil
}

// receives refuses a recipient token that cannot be named beside a sender token
// at now.
func (t Token) receives(sender Token, now time.Time) error {
	switch {
	case t.Cancelled:
		return holdfast.Errorf(holdfast.TokenNotActiveRecipient, "the recipient token is cancelled")
	case t.expired(now):
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the recipient token expired at %s", stamp(t.Expires))
	case now.Before(t.Starts):
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the recipient token cannot be used before %s", stamp(t.Starts))
	case len(sender.Recipients) > 0 && !slices.Contains(sender.Recipients, t.ID):
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender did not authorise payments to this recipient")
	case len(sender.Recipients) == 0 && sender.Recipient != "" && sender.Recipient != t.Recipient:
		return holdfast.Errorf(holdfast.IncompatibleTokens, "the sender authorised payments to the caller only")
	case len(t.Methods) > 0 && !slices.Contains(t.Methods, sender.Method):
		return holdfast.Errorf(holdfast.InvalidPaymentMethod, "the recipient does not take %s", sender.Method)
	}
	return nil
}

// FindRecipient refuses a RecipientTokenId that is no recipient token of the
// caller's, in the recorded words.
func FindRecipient(t Token, found bool, caller party.CallerID, id holdfast.TokenID) error {
	if !found || t.Caller != caller || t.Use != UseReceive {
		return holdfast.Errorf(holdfast.InvalidTokenIDRecipient,
			"recipientTokenId has to be a valid token ID. Specified value: %s", id)
	}
	return nil
}

// CancelToken gives a token up (Query API Reference, CancelToken). One whose
// instrument still has somebody's money on it, or somebody's debt, stays.
func (t Token) CancelToken(a AggregateInstrument, now time.Time) (Token, error) {
	switch {
	case t.Cancelled:
		return t, holdfast.Errorf(holdfast.TokenNotActive, "the token is cancelled already")
	case t.UsedBy != "":
		return t, holdfast.Errorf(holdfast.TokenNotActive, "the token was used by transaction %s", t.UsedBy)
	case t.expired(now):
		return t, holdfast.Errorf(holdfast.TokenNotActive, "the token expired at %s", stamp(t.Expires))
	case t.Aggregate != "" && t.Use == a.MovedBy() && a.Busy():
		return t, holdfast.Errorf(holdfast.TokenAccessDenied, "the token %s", a.need())
	}
	t.Cancelled = true
	return t, nil
}

// need says what a token that moves it is needed for.
func (a AggregateInstrument) need() string {
	switch {
	case a.Method != holdfast.MethodPrepaid:
		return fmt.Sprintf("settles a debt, of which %v is open", a.Balance)
	case a.Balance.Positive():
		return fmt.Sprintf("spends a prepaid balance, of which %v is left", a.Balance)
	}
	return fmt.Sprintf("spends a prepaid balance, to which %v is being added", a.Pending)
}

// FindToken refuses a token that the caller did not install.
func FindToken(t Token, found bool, caller party.CallerID, id holdfast.TokenID) error {
	if !found || t.Caller != caller {
		return holdfast.Errorf(holdfast.InvalidTokenID,
			"tokenId has to be the ID of a token that you installed. Specified value: %s", id)
	}
	return nil
}

// FindOwnToken refuses a token that the party did not give.
func FindOwnToken(t Token, found bool, who party.ID, id holdfast.TokenID) error {
	if !found || t.Holder() != who || t.Use == UseCall {
		return holdfast.Errorf(holdfast.InvalidTokenID,
			"tokenId has to be the ID of a token that you have given. Specified value: %s", id)
	}
	return nil
}

// stamp prints a time in messages.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
