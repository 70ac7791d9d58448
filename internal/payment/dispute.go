package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A Dispute is a buyer's complaint about a payment to the issuer of the card, as
// the network has told of it. In an inquiry no money moves. A real dispute takes
// the amount from the recipient at once: Booked is that transaction. Returned is
// the one that gives it back.
type Dispute struct {
	Account     NetworkAccountID
	ID          string // the network's
	Caller      party.CallerID
	Transaction holdfast.TransactionID // the payment
	Amount      money.Amount
	Reason      string // as the network spells it
	Status      string // as the network spells it
	Open        bool   // not decided
	Won         bool   // decided for the recipient; a closed inquiry is not won
	Due         time.Time
	// Booked is empty for an inquiry, and for a dispute that was won before it was heard of.
	Booked   holdfast.TransactionID
	Returned holdfast.TransactionID // empty unless the recipient has won
	Opened   time.Time
	Updated  time.Time
}

// warningStatus is the status of a Dispute that stands for the issuer's warning
// of fraud. It keeps the letter and the event about it from being written twice.
const warningStatus = "warning"

// Disputes are all disputes of one payment.
type Disputes []Dispute

// Open reports whether the network has taken the money of a dispute that is not
// decided.
func (all Disputes) Open() bool {
	for _, d := range all {
		if d.Open && d.Booked != "" {
			return true
		}
	}
	return false
}

// Lost is the sum of the disputes that the recipient has lost.
func (all Disputes) Lost() money.Amount {
	sum := money.Micros(0)
	for _, d := range all {
		if !d.Open && d.Booked != "" && d.Returned == "" {
			sum = sum.Add(d.Amount)
		}
	}
	return sum
}

// Find returns the dispute with the network's id. Without one, it is zero.
func (all Disputes) Find(id string) (Dispute, bool) {
	for _, d := range all {
		if d.ID == id {
			return d, true
		}
	}
	return Dispute{}, false
}

// A DisputeData is a dispute in an event.
type DisputeData struct {
	ID      string      `json:"id"`
	State   string      `json:"state"` // warned, inquiry, closed, open, won or lost
	Amount  EventAmount `json:"amount"`
	Reason  string      `json:"reason,omitempty"` // as the network spells it
	Payment string      `json:"payment"`
	Hold    string      `json:"hold,omitempty"` // that the payment was taken from
	Due     string      `json:"due,omitempty"`  // until when evidence can be sent
}

// Event is an event of the dispute, at a time of its caller. hold is the hold that
// the payment was taken from, or empty. The event has no number yet.
func (d Dispute) Event(kind EventType, hold holdfast.TransactionID, at time.Time) Event {
	data := DisputeData{
		ID: d.ID, State: disputeStates[kind], Amount: eventAmount(d.Amount), Reason: d.Reason,
		Payment: string(d.Transaction), Hold: string(hold),
	}
	if kind == EventDisputeOpened || kind == EventDisputeInquiry {
		data.Due = eventTime(d.Due)
	}
	return Event{Caller: d.Caller, Type: kind, ObjectID: d.ID, At: at, Data: encoded(data)}
}

var disputeStates = map[EventType]string{
	EventDisputeWarned: "warned", EventDisputeInquiry: "inquiry", EventDisputeInquiryClosed: "closed",
	EventDisputeOpened: "open", EventDisputeWon: "won", EventDisputeLost: "lost",
}

// eventType is the type of the event that tells the state of the dispute.
func (d Dispute) eventType() EventType {
	switch {
	case d.Status == warningStatus:
		return EventDisputeWarned
	case d.Won || d.Returned != "":
		return EventDisputeWon
	case d.Booked == "" && d.Open:
		return EventDisputeInquiry
	case d.Booked == "":
		return EventDisputeInquiryClosed
	case d.Open:
		return EventDisputeOpened
	}
	return EventDisputeLost
}

// Tells returns the types of the events of a step. before is the dispute before the
// step; its ID is empty if there was none. A dispute that was won before it was heard
// of tells nothing: no money has moved here.
func (d Dispute) Tells(before Dispute) []EventType {
	now := d.eventType()
	switch {
	case before.ID != "" && before.eventType() == now:
		return nil
	case now == EventDisputeWon && before.ID == "":
		return nil
	case now == EventDisputeLost && before.Booked == "":
		return []EventType{EventDisputeOpened, now}
	}
	return []EventType{now}
}
