package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A PageHoldID names a hold that was placed on a page, such as "H01K…".
type PageHoldID string

// A PageHoldState is the state of a page hold.
type PageHoldState string

// The states of a page hold. An Asking hold may or may not be there. An Action
// hold waits for the buyer at the bank. An Adopted hold belongs to a transaction.
// A Releasing hold may still be there, and the network is asked to release it.
const (
	PageHoldAsking    PageHoldState = "Asking"
	PageHoldAction    PageHoldState = "Action"
	PageHoldHeld      PageHoldState = "Held"
	PageHoldDeclined  PageHoldState = "Declined"
	PageHoldAdopted   PageHoldState = "Adopted"
	PageHoldReleasing PageHoldState = "Releasing"
	PageHoldReleased  PageHoldState = "Released"
)

// A PageHold is a hold that was placed while the buyer was on a page, before the
// caller's Reserve or Pay. A payment with the token adopts the hold.
type PageHold struct {
	ID         PageHoldID
	Caller     party.CallerID
	Visit      VisitID
	Party      party.ID
	Instrument InstrumentID
	Account    NetworkAccountID
	Token      holdfast.TokenID // empty until the token is installed
	Amount     money.Amount
	Descriptor string
	Reference  string    // the network's object; empty until it is known
	HoldUntil  time.Time // the network lets the hold go then; zero if it is not known
	// Action is the page where the buyer must confirm the payment at the bank. Its
	// address has a secret, so it is not stored: the network is asked for it.
	Action      string
	ReturnURL   string // where the bank's page sends the browser
	DeclineCode string // the network's reason for a decline
	State       PageHoldState
	Asked       int       // number of times that the network was asked
	NextAt      time.Time // from then on the server acts by itself
	Transaction holdfast.TransactionID
	Created     time.Time
	// Finding is why a person must look at the hold at the network, such as that somebody
	// has captured it there; empty if nobody must. Acknowledged is when a person has said
	// that this is known; zero if nobody has.
	Finding      string
	Acknowledged time.Time
}

// NeedsPerson notes why a person must look at the hold. It reports whether that is new: the
// network says the same each time that it is asked.
func (h PageHold) NeedsPerson(why string) (after PageHold, fresh bool) {
	if h.Finding == why {
		return h, false
	}
	h.Finding, h.Acknowledged = why, time.Time{}
	return h, true
}

// WaitsForPerson reports whether a person must still look at the hold.
func (h PageHold) WaitsForPerson() bool {
	switch h.State {
	case PageHoldAsking, PageHoldAction, PageHoldHeld, PageHoldReleasing:
		return h.Finding != "" && h.Acknowledged.IsZero()
	case PageHoldDeclined, PageHoldAdopted, PageHoldReleased:
	}
	return false
}

// Key names the question that places the hold.
func (h PageHold) Key() string { return string(h.ID) + "/" + string(StepAuthorize) }

// Adopt gives the hold to a payment, whose question then finds it at the network.
// It reports false if the payment needs a hold of its own.
func (h PageHold) Adopt(t Transaction) (PageHold, bool) {
	if h.State != PageHoldHeld || h.Reference == "" || h.Token != t.Token || h.Instrument != t.Instrument ||
		t.Amount.Cmp(h.Amount) > 0 {
		return h, false
	}
	h.State, h.Transaction, h.NextAt = PageHoldAdopted, t.ID, time.Time{}
	return h, true
}
