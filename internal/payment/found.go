package payment

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A PaymentFound is the state of a payment at a card network when it was looked
// at. It may be newer than what the books have.
type PaymentFound struct {
	Reference string         // of the payment
	Key       string         // of our question that made it; empty if it is not ours
	Caller    party.CallerID // that the question was for; empty if it is not ours
	Status    string         // as the network spells it
	Held      int64          // micro-dollars that are held and can be captured
	Captured  int64          // micro-dollars that were taken
	Ended     bool           // nothing is held, and nothing was or can be taken
	At        time.Time
	Refunds   []RefundFound
	Disputes  []DisputeFound
	// Warned says that the issuer suspects fraud: a refund now may avoid a dispute.
	Warned bool
}

// Kept is the amount that was taken and not given back, in micro-units.
func (f PaymentFound) Kept() int64 {
	kept := f.Captured
	for _, r := range f.Refunds {
		if !r.Failed && !r.Rest {
			kept -= r.Micro
		}
	}
	return kept
}

// A RefundFound is the state of a refund at a card network.
type RefundFound struct {
	Reference string
	Key       string // of our question; empty if the refund was made elsewhere
	Status    string
	Micro     int64
	Failed    bool // the money did not reach the buyer, and is the merchant's again
	Paid      bool
	// Rest says that the network made it by itself, for the part of a hold that was
	// not captured. It gives no money back.
	Rest bool
	At   time.Time
}

// A DisputeFound is the state of a dispute at a card network.
type DisputeFound struct {
	Reference string
	Status    string
	Reason    string // as the network spells it
	Micro     int64
	Inquiry   bool // no money has moved
	Won, Lost bool
	Closed    bool      // ended without a decision, and without moving money
	Due       time.Time // until when the merchant can answer
	At        time.Time
}

// A LineType says what a line of a network's own books is about.
type LineType string

// The types of lines. A rest is the part of a hold that was not captured: the
// network books the whole hold as a charge and the rest as a refund.
const (
	LineCharge        LineType = "charge"
	LineRest          LineType = "rest"
	LineRefund        LineType = "refund"
	LineRefundFailure LineType = "refund_failure"
	LineDispute       LineType = "dispute" // money taken back, or given back after the dispute
	LineFee           LineType = "fee"     // of the network, charged apart from a payment
	LinePayout        LineType = "payout"
	LineOther         LineType = "other"
)

// A NetworkLine is a line of a network's own books.
type NetworkLine struct {
	Account NetworkAccountID
	ID      string
	Type    LineType
	Micro   int64  // what the line changes the merchant's balance by, before the fee
	Fee     int64  // micro-dollars that the network keeps of it
	Source  string // the network's object that the line is about
	Payment string // the network's payment that it belongs to; empty for payouts and fees
	Payout  string // that has paid the line out; empty if it is not known
	Created time.Time
}
