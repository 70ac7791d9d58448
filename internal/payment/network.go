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
	// FailedAt is when a return was first seen to have an error at the network that
	// repeats for its key, though the return may still be made. It is zero as a rule.
	FailedAt time.Time
	// Attention says what a person must look at. Until then, the transaction is
	// not settled or cancelled. It is empty as a rule.
	Attention string
	// Action is the page where the buyer must confirm the payment at the bank. It is
	// empty unless the buyer is present and must act. Its address may hold a secret of
	// the network: it goes to the buyer's browser, and into no log.
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

// holdMargin is the time before the network lets a hold go in which it cannot be
// settled any more: a Capture in doubt is asked several times.
const holdMargin = time.Hour

const messageTooShort = "The card network would hold the amount for less than an hour. Nothing is held."

// tooShort reports whether the network lets an approved hold go so soon that it
// cannot be settled. A hold that is gone already is another case.
func (a Answer) tooShort(now time.Time) bool {
	until := a.Details.HoldUntil
	return !a.Gone && !until.IsZero() && !until.Add(-holdMargin).After(now)
}

// heldUntil moves the deadline forward to the time until which the network holds
// the amount, less a margin. It returns the message of the reserved transaction,
// which says why.
func (t *Transaction) heldUntil(a Answer) string {
	until := a.Details.HoldUntil
	last := until.Add(-holdMargin)
	if a.Gone || until.IsZero() || !last.Before(t.Deadline) {
		return messageReserved
	}
	t.Deadline = last
	return messageReserved + " The card network holds it until " + stamp(until) + "."
}

// giveUpHold asks for the release of a hold that is no longer needed. If the
// network has let it go already, there is nothing to ask.
func (c *Change) giveUpHold(gone bool) {
	if gone {
		c.After.Answers = c.After.Answers.with(StepRelease, AttemptApproved)
		return
	}
	c.ask(StepRelease)
}

// Gone ends a hold that the network has let go. There is nothing to release.
func (t Transaction) Gone(now time.Time) Change {
	c := Change{Before: t, After: t}
	c.giveUpHold(true)
	if t.Taken.Positive() {
		c.close(now, messageGone)
		return c
	}
	c.done(VerbExpire, now, holdfast.CodeExpired, messageGone)
	return c
}

// LeftToLapse reports whether the network lets go of an expired hold so soon that
// it is not asked for the release. One later question makes sure.
func (c *Change) LeftToLapse() bool {
	ends := c.Verb == VerbExpire || c.Verb == VerbClose
	return ends && c.Ask != nil && c.Ask.Step == StepRelease && c.Ask.LapsesBy(c.At)
}

// LapsesBy reports whether the network lets the hold go by itself soon after a
// deadline.
func (a Attempt) LapsesBy(deadline time.Time) bool {
	return !a.Lapses.IsZero() && !a.Lapses.After(deadline.Add(holdMargin))
}

// Knowing is the question with what is known of its transaction at the network.
func (a Attempt) Knowing(p NetworkPayment) Attempt {
	a.Lapses = p.HoldUntil
	if a.Step == StepReturn {
		a.FailedAt = p.FailedAt
	}
	if a.Step != StepReturn || p.Reference != a.Authorization { // a return has an object of its own
		a.Reference = p.Reference
	}
	return a
}

// Said is what an answer or a doubt about a transaction adds to what is known of
// it at its network.
func (a Attempt) Said(d Details, of Kind, now time.Time) NetworkPayment {
	switch {
	case a.Step != StepReturn:
	case of != KindRefund:
		d.Reference, d.Status = "", "" // those of the payment stay
	case d.Reference == a.Authorization:
		d.Reference = "" // it is the payment's, not the refund's
	}
	return NetworkPayment{
		Caller: a.Caller, Transaction: a.Transaction, Account: a.Card.Account, Details: d, Updated: now,
	}
}

// Unusable is why a card must not be used again after an answer, or empty.
func (a Answer) Unusable() string {
	if a.Verdict != Declined {
		return ""
	}
	switch a.Details.Advice {
	case AdviceNever:
		return "its bank declines every payment"
	case AdviceGone:
		return "the card network no longer has it"
	case AdviceWithdrawn:
		return "its owner has withdrawn the permission at the bank"
	}
	return ""
}

// Attended refuses to settle or cancel a transaction before a person has looked
// at it. done is "settled" or "cancelled".
func (p NetworkPayment) Attended(done string) error {
	if p.Attention == "" {
		return nil
	}
	return holdfast.Errorf(holdfast.InvalidTransactionState,
		"transaction %s cannot be %s before the operator has looked at it: its state at the card network is not as expected",
		p.Transaction, done)
}
