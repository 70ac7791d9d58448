package payment

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// An InstrumentID names a sender's way to pay, such as "I01K…".
type InstrumentID string

// An Instrument is a sender's way to pay: a card, a bank account or the balance
// at this server. For a card, only the data that may be shown and the network's
// own name are stored. The number and the security code never are.
type Instrument struct {
	ID          InstrumentID
	Owner       party.ID
	Method      holdfast.PaymentMethod // MethodCC, MethodACH or MethodABT
	Brand       string                 // "Visa"; the bank's name for MethodACH
	Last4       string                 // last four digits; empty for a balance
	Holder      string
	ExpiryMonth int    // 1 to 12; zero unless a card
	ExpiryYear  int    // four digits; zero unless a card
	NetworkRef  string // the network's name for a card
	// Account is the account at a card network that the card is kept at, and
	// Customer is its name for the owner. Both are empty in the sandbox.
	Account     NetworkAccountID
	Customer    string
	Funding     string // "credit", "debit" or "prepaid"; empty if the network does not say
	Country     string // of the issuer, such as "US"; empty if the network does not say
	Fingerprint string // the same for the same card number in one account; empty in the sandbox
	Unusable    string // why the network does not take the card any more; empty as a rule
	// GivenIn is the visit in which a guest gave the card. It is empty for the
	// instruments of accounts. The guest agreed to one payment, so no other visit may
	// use the card. This also holds after the guest got an account, because the owner
	// of the account's e-mail address may be a stranger.
	GivenIn  VisitID
	Default  bool
	Verified bool // a bank account is known to belong to the owner
	Removed  bool // by its owner: it cannot pay any more
	Created  time.Time
}

// Stored names the card at its network.
func (i Instrument) Stored() StoredCard { return StoredCard{i.Account, i.NetworkRef, i.Customer} }

// UsableAt reports whether a payment through an account at a card network may use
// the instrument. A card is kept at one account, or in the sandbox, and cannot be
// used elsewhere.
func (i Instrument) UsableAt(a NetworkAccountID) bool {
	return i.Method != holdfast.MethodCC || i.Account == a && i.Unusable == ""
}

// Lasting returns the instruments without the cards that a guest gave for one
// payment.
func Lasting(all []Instrument) (lasting []Instrument) {
	for _, i := range all {
		if i.GivenIn == "" {
			lasting = append(lasting, i)
		}
	}
	return lasting
}

// Expired reports whether a card has expired. It expires at the beginning of
// the month after the month printed on it.
func (i Instrument) Expired(now time.Time) bool {
	if i.Method != holdfast.MethodCC {
		return false
	}
	return !now.Before(time.Date(i.ExpiryYear, time.Month(i.ExpiryMonth)+1, 1, 0, 0, 0, 0, time.UTC))
}

// Expiry is MM/YYYY for a card, as in a return URL, and empty otherwise.
func (i Instrument) Expiry() string {
	if i.Method != holdfast.MethodCC {
		return ""
	}
	return fmt.Sprintf("%02d/%04d", i.ExpiryMonth, i.ExpiryYear)
}

// Declined reports whether a network declined to authorise or charge the
// payment.
func (t Transaction) Declined() bool {
	return t.State == Failure && t.StatusCode != holdfast.CodeExpired
}

// Name is the name that the owner sees, such as "Visa ending in 4242".
func (i Instrument) Name() string {
	if i.Method == holdfast.MethodABT {
		return "Account balance"
	}
	return fmt.Sprintf("%s ending in %s", i.Brand, i.Last4)
}

// ReturnStatus is the pipelines' success code for the instrument's method.
func (i Instrument) ReturnStatus() holdfast.ReturnStatus {
	switch i.Method {
	case holdfast.MethodABT:
		return holdfast.ReturnSuccessABT
	case holdfast.MethodACH:
		return holdfast.ReturnSuccessACH
	case holdfast.MethodCC, holdfast.MethodPrepaid, holdfast.MethodDebt: // a sender cannot choose the last two
	}
	return holdfast.ReturnSuccessCC
}

// A CardProblem is the reason why a card cannot be stored.
type CardProblem string

// The reasons.
const (
	CardNumberMissing   CardProblem = "number missing"
	CardNumberForm      CardProblem = "number not of 12 to 19 digits"
	CardNumberMistyped  CardProblem = "number mistyped"
	CardNotForTests     CardProblem = "not a test card" // in the sandbox
	CardExpiryForm      CardProblem = "expiry date unreadable"
	CardExpired         CardProblem = "expired"
	CardExpiredByIssuer CardProblem = "expired, according to its issuer"
	CardCodeThree       CardProblem = "security code not of three digits"
	CardCodeFour        CardProblem = "security code not of four digits"
	CardCodeWrong       CardProblem = "security code wrong"
)
