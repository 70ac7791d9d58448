package payment

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// SingleUseLife is the time for which a single-use token can be used after it
// was made (Single-Use Token API: three hours, not adjustable).
const SingleUseLife = 3 * time.Hour

// A TokenUse is the purpose of a token.
type TokenUse string

// The uses. Tokens that pay, fund and settle belong to a sender; tokens that
// receive and refund, to a recipient. Tokens that call belong to the caller and
// have had no effect since 2008.
const (
	UsePay     TokenUse = "Pay"     // Pay and Reserve, also with a prepaid or credit instrument
	UseFund    TokenUse = "Fund"    // FundPrepaid
	UseSettle  TokenUse = "Settle"  // SettleDebt
	UseReceive TokenUse = "Receive" // RecipientTokenId
	UseRefund  TokenUse = "Refund"  // lets a marketplace refund from its recipient's balance
	UseCall    TokenUse = "Call"
)

// A Token is an authorisation that a party gave to one caller. A party gives it
// on the Co-Branded pages; the caller's owner can also give it with a payment
// instruction. Afterwards it can only be used, cancelled or replaced.
type Token struct {
	ID           holdfast.TokenID
	Caller       party.CallerID
	Use          TokenUse
	Type         holdfast.TokenType
	Reference    holdfast.CallerReference // of the request that made it; empty for a refund token without one
	FriendlyName string
	Reason       string // the paymentReason that the sender saw
	Installed    time.Time
	Starts       time.Time // zero means when it was installed
	Expires      time.Time // zero means never
	UsedBy       holdfast.TransactionID
	Cancelled    bool
	OldToken     holdfast.TokenID // that this token replaced
	Instruction  string           // with which it was installed
	Events       int              // how many events it has

	// Fields of tokens that pay, fund or settle.
	Sender     party.ID
	Instrument InstrumentID // a card, a bank account or the balance; empty when there is none
	Method     holdfast.PaymentMethod
	Aggregate  AggregateID // that it spends, funds or settles
	AmountType holdfast.AmountType
	Amount     money.Amount // for each payment, see AmountType; not given without a bound
	Period     Period       // of a recurring token
	// Recipient is the party to be paid, usually the caller's owner. If it is
	// empty, any party may be paid. Recipients are recipient tokens that may be
	// named instead.
	Recipient  party.ID
	Recipients []holdfast.TokenID

	// Fields of tokens that receive; Recipient is their holder. Methods are the
	// payment methods that the recipient accepts; none means all.
	Methods     []holdfast.PaymentMethod
	FeeCeiling  *FeeCeiling      // nil if the recipient agreed to no fee
	PaysFee     bool             // the recipient bears the operator's fee
	RefundToken holdfast.TokenID // made together with it
}

// A FeeCeiling is the highest fee that a recipient agreed to pay a marketplace
// for each payment (Recipient pipeline, maxFixedFee and maxVariableFee).
type FeeCeiling struct {
	Fixed    money.Amount
	Variable money.Rate
}

// Status is the token's status at the given time. A used, cancelled or expired
// token is Inactive; an expiry counts even if no row records it.
func (t Token) Status(now time.Time) holdfast.TokenStatus {
	if t.Cancelled || t.UsedBy != "" || t.expired(now) {
		return holdfast.TokenInactive
	}
	return holdfast.TokenActive
}

// A TokenState says why a token can or cannot be used.
type TokenState string

// The states. A token that was cancelled or used stays so when it expires.
const (
	TokenIsActive    TokenState = "Active"
	TokenIsUsed      TokenState = "Used" // a single-use token, by a payment
	TokenIsCancelled TokenState = "Cancelled"
	TokenIsExpired   TokenState = "Expired"
)

// State is the token's state at the given time.
func (t Token) State(now time.Time) TokenState {
	switch {
	case t.Cancelled:
		return TokenIsCancelled
	case t.UsedBy != "":
		return TokenIsUsed
	case t.expired(now):
		return TokenIsExpired
	}
	return TokenIsActive
}

func (t Token) expired(now time.Time) bool { return !t.Expires.IsZero() && !now.Before(t.Expires) }

// Begins is the time from which the token is valid.
func (t Token) Begins() time.Time {
	if t.Starts.IsZero() {
		return t.Installed
	}
	return t.Starts
}

// Holder is the party that gave the token.
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

// NameFor is the name under which people see a token that its caller did not
// name.
func NameFor(kind holdfast.TokenType, reason string, amount money.Amount) string {
	switch {
	case reason != "":
		return reason
	case kind == holdfast.TokenSingleUse && amount.Given():
		return "Single-use payment of " + amount.String()
	}
	return string(kind) + " token"
}

// usable refuses a sender token that cannot pay amount at now for use. The
// codes follow the error table of the Query API.
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

// purposes are the texts for a token's use in refusals.
var purposes = map[TokenUse]string{
	UsePay: "pay", UseFund: "fund a prepaid instrument", UseSettle: "settle a debt",
	UseReceive: "receive payments", UseRefund: "refund payments", UseCall: "make calls",
}

// bounded refuses an amount that the token does not allow for one payment.
func (t Token) bounded(amount money.Amount) error {
	if !t.Amount.Given() {
		return nil
	}
	var why string
	switch order := amount.Cmp(t.Amount); {
	case t.AmountType == holdfast.AmountExact && order != 0:
		why = fmt.Sprintf("%v is not the %v that the sender authorised for each payment", amount, t.Amount)
	case t.AmountType == holdfast.AmountMinimum && order < 0:
		why = fmt.Sprintf("%v is less than the minimum of %v that the sender authorised", amount, t.Amount)
	case t.AmountType == holdfast.AmountMaximum && order > 0:
		why = fmt.Sprintf("%v is more than the %v that the sender authorised", amount, t.Amount)
	default:
		return nil
	}
	return holdfast.Errorf(holdfast.IncompatibleTokens, "%s", cmp.Or(t.says(), why))
}

// receives refuses a recipient token that cannot be used together with a sender
// token at now.
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
// caller. The text is the original service's.
func FindRecipient(t Token, found bool, caller party.CallerID, id holdfast.TokenID) error {
	if !found || t.Caller != caller || t.Use != UseReceive {
		return holdfast.Errorf(holdfast.InvalidTokenIDRecipient,
			"recipientTokenId has to be a valid token ID. Specified value: %s", id)
	}
	return nil
}

// CancelToken cancels a token (Query API Reference, CancelToken). It refuses if
// the token is still needed to move the money or debt on its instrument.
func (t Token) CancelToken(a AggregateInstrument, now time.Time) (Token, error) {
	switch {
	case t.Cancelled:
		return t, holdfast.Errorf(holdfast.TokenNotActive, "the token is already cancelled")
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

// need says why the instrument still needs a token that moves its money.
func (a AggregateInstrument) need() string {
	switch {
	case a.Method != holdfast.MethodPrepaid:
		return fmt.Sprintf("settles a debt, of which %v is open", a.Balance)
	case a.Balance.Positive():
		return fmt.Sprintf("spends a prepaid balance, of which %v is left", a.Balance)
	}
	return fmt.Sprintf("spends a prepaid balance, to which %v is being added", a.Pending)
}

// FindToken refuses a token that does not belong to the caller.
func FindToken(t Token, found bool, caller party.CallerID, id holdfast.TokenID) error {
	if !found || t.Caller != caller {
		return holdfast.Errorf(holdfast.InvalidTokenID,
			"tokenId has to be the ID of a token that you installed. Specified value: %s", id)
	}
	return nil
}

// FindOwnToken refuses a token that the party did not give.
func FindOwnToken(t Token, found bool, owner party.ID, id holdfast.TokenID) error {
	if !found || t.Holder() != owner || t.Use == UseCall {
		return holdfast.Errorf(holdfast.InvalidTokenID,
			"tokenId has to be the ID of a token that you have given. Specified value: %s", id)
	}
	return nil
}

// stamp prints a time in messages.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }
