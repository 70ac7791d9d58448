package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A NetworkAccountID names a merchant's account at a card network.
type NetworkAccountID = party.NetworkAccountID

// A NetworkKind is the card network that an account belongs to.
type NetworkKind string

// NetworkStripe is Stripe.
const NetworkStripe NetworkKind = "stripe"

// A NetworkMode says whether real money moves on an account.
type NetworkMode string

// The modes. In test mode the network behaves as in live mode, with test cards.
const (
	NetworkTest NetworkMode = "test"
	NetworkLive NetworkMode = "live"
)

// A NetworkAccount is a merchant's account at a card network. Its secrets are
// not here: see store.NetworkSecrets.
type NetworkAccount struct {
	ID    NetworkAccountID
	Kind  NetworkKind
	Mode  NetworkMode
	Owner party.ID // only callers of this party may use it
	Name  string   // for the operator
	// Remote is the network's own id of the account, such as "acct_…".
	Remote string
	// BaseURL replaces the network's address. It is for a fake network on this
	// machine, and empty otherwise.
	BaseURL         string
	StatementPrefix string  // that the network puts before each statement text
	Fees            FeeRate // the operator's fee for a payment; zero unless set
	PerSecond       int     // requests to one endpoint in a second, at most
	Default         bool    // the one that callers of the owner get in its mode
	// EventsSeen is the time of the newest event that was read by polling.
	EventsSeen time.Time
	// Stopped says why the network refuses the account's key. It is empty while
	// the key works.
	Stopped string
	Created time.Time
}

// A StoredCard names a card at its network.
type StoredCard struct {
	Account  NetworkAccountID
	Ref      string // the network's name for the card
	Customer string // the network's name for its holder; empty in the sandbox
}

// Real reports whether the card is at a card network, and not in the sandbox.
func (s StoredCard) Real() bool { return s.Account != "" }

// A Verdict is the kind of an answer of a network.
type Verdict int

// A network declines, approves, or accepts: it has taken the question, and tells
// the outcome later by itself. An accepted question is not in doubt.
const (
	Declined Verdict = iota
	Approved
	Accepted
)

// Details are what a network says in addition to its verdict. They are stored
// with the transaction, for the operator. The zero Details say nothing. Callers
// and senders are told none of them, except HoldUntil.
type Details struct {
	Reference          string    // the network's object: the hold, the charge or the refund
	Charge             string    // the network's object for the money that was taken or held
	Status             string    // the object's state, as the network spells it
	HoldUntil          time.Time // the network lets the hold go then; zero if it does not say
	AuthorizationCode  string    // the issuer's
	NetworkTransaction string    // the card scheme's own id of the payment
	DeclineCode        string    // the network's reason for a decline
	Advice             string    // after a decline: one of the Advice constants, or as the network spells it
	RequestID          string    // the network's id of the request, for its support
	// Attention says what a person must look at. Until then, the transaction is
	// not settled or cancelled. It is empty as a rule.
	Attention string
	// Action is the page where the buyer must confirm the payment at the bank. It is
	// empty unless the buyer is present and must act.
	Action string
}

// Advice after a decline that the processor acts on.
const (
	// AdviceNever: another payment with this card would be declined as well.
	AdviceNever = "do_not_try_again"
	// AdviceGone: the network no longer has the card.
	AdviceGone = "card_gone"
	// AdviceWithdrawn: the buyer has told the bank that the merchant may not charge
	// the card any more.
	AdviceWithdrawn = "permission_withdrawn"
)

// A NetworkPayment is what is known of a transaction at its card network. A
// transaction of the sandbox has none.
type NetworkPayment struct {
	Caller      party.CallerID
	Transaction holdfast.TransactionID
	Account     NetworkAccountID
	Details
	Updated time.Time
}
