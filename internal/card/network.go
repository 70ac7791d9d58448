// Package card defines what the processor asks of a card network, and what a
// network says by itself. The packages below it implement networks.
package card

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Network holds, captures, releases, charges and returns money on cards.
type Network interface {
	// Ask sends one question, such as to hold, to capture or to release. A
	// question with the same key is the same question: the network does not repeat
	// the operation. An error means that the answer is not known. The question is
	// then in doubt, and is sent again. The error may be a *DoubtError, which has
	// what is known all the same.
	Ask(ctx context.Context, q Question) (payment.Answer, error)
}

// A Question is one attempt. Its Card is at the network that is asked.
type Question struct {
	payment.Attempt
	// Until is the deadline of the transaction. After it, a network finishes what it
	// began, and begins nothing new. Zero means that there is none.
	Until time.Time
	// HoldUntil is when the network lets the hold go by itself, if it said so when it
	// approved the hold. A network need not release a hold that ends soon anyway.
	HoldUntil time.Time
	// Expired says that a hold is released because its deadline has passed. Otherwise
	// the caller has asked for it.
	Expired bool
}

type backgroundKey struct{}

// Background marks requests that no caller waits for, such as the release of an
// expired hold. A network asks callers' questions first.
func Background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

// InBackground reports whether nobody waits for a request: see [Background].
func InBackground(ctx context.Context) bool {
	marked, _ := ctx.Value(backgroundKey{}).(bool)
	return marked
}

// A DoubtError is the error of a question whose outcome is not known.
type DoubtError struct {
	// Known has what the network said before the doubt, such as the reference of the
	// hold. It is stored, so that the next asking looks there. If the buyer must
	// confirm the payment at the bank, it has the bank's page as its Action.
	Known payment.Details
	// Retry is how long the network asks to wait. Zero leaves the pause to the
	// processor.
	Retry time.Duration
	// Alarm says that a person must act, for example because the network refuses
	// the account's key.
	Alarm bool
	// Payment says that the alarm is about the payment of the question, and not about the
	// account: only a person can end the doubt.
	Payment bool
	// Err is why the outcome is not known, without secrets.
	Err error
}

func (e *DoubtError) Error() string { return e.Err.Error() }

func (e *DoubtError) Unwrap() error { return e.Err }

// A Verifier checks typed cards before they are stored. Only the sandbox has
// one: a real network collects cards on its own page.
type Verifier interface {
	// Verify returns the data that may be stored. It returns a *RefusedError for a
	// card that cannot be used. Any other error means that the network could not be
	// reached.
	Verify(ctx context.Context, d Details) (Kept, error)
}

// A Collector collects cards on the network's own page.
type Collector interface {
	// Customer returns the network's name for a party. It makes one if the network
	// has none: the same party always gets the same one.
	Customer(ctx context.Context, h Holder) (string, error)
	// Open makes a page for the buyer, and returns where it is. A Collection with the
	// same Key is the same page. The error is ErrCustomerGone if the Customer is no
	// longer at the network.
	Open(ctx context.Context, c Collection) (Page, error)
	// Collected looks at what the buyer did on a page. The id may have come from a
	// browser: it is a *ForeignError if it is not one of the account's pages.
	Collected(ctx context.Context, page string) (Collected, error)
	// Close makes sure that nobody can finish a page any more. It does nothing if the
	// buyer has finished it already: see Collected.
	Close(ctx context.Context, page string) error
}

// A Client is one account at a card network, with all that the account can do.
type Client interface {
	Network
	Collector
	Teller
}

// Accounts finds the client of an account. A Network that routes questions to
// several accounts implements it.
type Accounts interface {
	// Account returns the client of an account, or ErrNoAccount.
	Account(ctx context.Context, id payment.NetworkAccountID) (Client, error)
}

// A Holder is the party that a network makes a customer for.
type Holder struct {
	Account payment.NetworkAccountID
	Party   string
	Name    string // empty for a guest
	Email   string // empty for a guest
}

// A Collection is one page of a network that collects a card.
type Collection struct {
	Key      string // names the page for ever, such as "visit/V01K…/1"
	Account  payment.NetworkAccountID
	Visit    payment.VisitID
	Caller   string // id of the caller
	Customer string // empty for a guest: the network then asks for name and e-mail
	// Hold is what the page holds on the card at once. Nil keeps the card for later.
	Hold *PageHold
	// Done and Back are where the network's page sends the browser. The network puts
	// the page's id in the place of "{PAGE}" in Done.
	Done, Back string
	Language   string    // of the page, such as "de"; empty means the browser's
	Until      time.Time // the page can be finished until then
	Title      string    // what the buyer pays for, such as the caller's name
}

// A PageHold is a hold that a network's page places.
type PageHold struct {
	Attempt payment.Attempt // its Key names the hold at the network
	// Keep keeps the card for later payments with the buyer present.
	Keep bool
}

// A Page is a network's page that collects a card.
type Page struct {
	ID    string
	URL   string
	Until time.Time
}

// A PageState says how far the buyer is on a network's page.
type PageState int

// The buyer can still finish an open page. Nobody can finish an expired one.
const (
	PageOpen PageState = iota
	PageComplete
	PageExpired
)

// A Collected is what a buyer did on a network's page. The fields after URL are
// zero unless the page is complete.
type Collected struct {
	State  PageState
	Visit  payment.VisitID // that the page was made for
	Key    string          // of the Collection
	URL    string          // of an open page
	Card   Kept
	Name   string // of the buyer, as the network knows it
	Email  string
	Held   *payment.Answer // of the PageHold; nil without one
	Reason string          // why the card could not be kept; empty as a rule
}

// A Teller says by itself what happened at a network.
type Teller interface {
	// Hear reads a message that came to the account's address. It is a
	// *MessageError if the message is not the network's, or not for this account.
	Hear(header map[string][]string, body []byte, now time.Time) (Event, error)
	// Events reads the events since a time, the oldest first. If there are very many,
	// it reads those of the first quarter of an hour at least.
	Events(ctx context.Context, since time.Time) ([]Event, error)
	// Look reads the present state of what an event is about.
	Look(ctx context.Context, e Event) (Finding, error)
}

// An Event says that something about an object has changed. It is a reason to
// look, and not a fact: events are lost, repeated and in any order.
type Event struct {
	ID      string
	Type    string // as the network spells it
	Object  string // id of the object that it is about
	Parent  string // id of the payment that the object belongs to; may be empty
	Key     string // that names our question or page, if the object carries one
	Created time.Time
}

// A Finding is the present state of a payment at a network, or of a page. It is
// about one thing. It is zero if the event is about nothing of ours.
type Finding struct {
	Payment *PaymentFound
	Page    *Collected
	PageID  string // of the Page
	// Removed is the network's name for a card that can no longer be used.
	Removed string
	// Payout is a payout of which the network has finished the list.
	Payout string
}

// The parts of a Finding are types of package payment, which decides what they
// mean.
type (
	PaymentFound = payment.PaymentFound
	RefundFound  = payment.RefundFound
	DisputeFound = payment.DisputeFound
)

// A Bookkeeper reads a network's own books, to compare ours with them.
type Bookkeeper interface {
	// Lines reads the lines that the network wrote from a time until before another.
	Lines(ctx context.Context, from, to time.Time) ([]payment.NetworkLine, error)
	// PayoutLines reads the lines that a payout has paid out, and its own line.
	PayoutLines(ctx context.Context, payout string) ([]payment.NetworkLine, error)
}

// A Number is a card's number. A function hides it, so that no formatter,
// logger or encoder can reach the digits.
type Number struct{ reveal func() string }

// NewNumber wraps typed digits without blanks and dashes.
func NewNumber(digits string) Number { return Number{reveal: func() string { return digits }} }

// Reveal returns the digits. Only a network may call it.
func (n Number) Reveal() string {
	if n.reveal == nil {
		return ""
	}
	return n.reveal()
}

func (Number) String() string { return "Number(hidden)" }

// GoString keeps %#v from printing more than String does.
func (Number) GoString() string { return "Number(hidden)" }

// Details are a card's data as the holder types them. They go to the network
// and are never stored.
type Details struct {
	Number       Number
	SecurityCode Number
	ExpiryMonth  int // 1 to 12
	ExpiryYear   int // four digits
	Holder       string
}

// Kept is the data of a card that may be stored and shown.
type Kept struct {
	Brand       string // "Visa"
	Last4       string
	Ref         string // the network's own name for the card
	Customer    string // the network's own name for its holder
	ExpiryMonth int    // 1 to 12
	ExpiryYear  int    // four digits
	Funding     string // "credit", "debit" or "prepaid"
	Country     string // of the issuer
	Fingerprint string // the same for the same number in one account
}

// A RefusedError says why a card cannot be stored.
type RefusedError struct{ Problem payment.CardProblem }

func (r *RefusedError) Error() string { return "card refused: " + string(r.Problem) }

// A MessageError refuses a message that came to an account's address.
type MessageError struct {
	Reason string // for the operator, without anything of the message
	// Foreign says that the message is the network's, but about another account or
	// the other mode. It is answered as if it was taken, and forgotten.
	Foreign bool
}

func (e *MessageError) Error() string { return "message refused: " + e.Reason }

// A ForeignError means that an object is not one of the account's.
type ForeignError struct{ Object string }

func (e *ForeignError) Error() string { return e.Object + " is not an object of this account" }

// ErrNotServed means that an account was added after the server started, and that
// the server does not serve it before it is started again.
var ErrNotServed = errors.New("this server was started before there was a live account; restart it")

// ErrNoAccount means that a question names an account that does not exist, or
// that the server has no key for.
var ErrNoAccount = errors.New("there is no such account at a card network")

// ErrCustomerGone means that the network no longer has a customer, for example
// because the merchant deleted it there. Another one can be made.
var ErrCustomerGone = errors.New("the customer is no longer at the card network")
