package client

import "time"

// A DisputeState is the state of a dispute in an event.
type DisputeState string

// The states of disputes. No money moves before DisputeOpen.
const (
	DisputeWarned  DisputeState = "warned"  // the issuer warns of fraud
	DisputeInquiry DisputeState = "inquiry" // the issuer asks about the payment
	DisputeClosed  DisputeState = "closed"  // an inquiry has ended without a dispute
	DisputeOpen    DisputeState = "open"    // the card network has taken the amount
	DisputeWon     DisputeState = "won"     // the amount is back
	DisputeLost    DisputeState = "lost"
)

// A Dispute is a buyer's complaint about a payment to the issuer of the card, as
// events of the object "dispute" have it. Read it with [Event.Into].
type Dispute struct {
	ID      string       `json:"id"` // the card network's
	State   DisputeState `json:"state"`
	Amount  Amount       `json:"amount"`
	Reason  string       `json:"reason"` // as the card network spells it
	Payment string       `json:"payment"`
	Hold    string       `json:"hold"` // that the payment was taken from
	Due     time.Time    `json:"due"`  // until when evidence can be sent; zero if there is no such time
}
