// Package card is the door outward: what a card network must be able to do for
// the processor. Below it are the networks themselves.
package card

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Network verifies cards and answers questions about money on them.
type Network interface {
	// Verify looks at a card before it is kept, and returns what may be kept of
	// it. A card that cannot be used is a *RefusedError; any other error means that
	// the network could not be asked.
	Verify(ctx context.Context, d Details) (Kept, error)

	// Ask puts one question: to hold, to capture or to release. Questions with
	// one key are one question, however often it is asked: what was done for it
	// is not done again, and the answer is the first one. An error means that
	// the answer is not known: the question is in doubt, and is asked again.
	Ask(ctx context.Context, q Question) (payment.Answer, error)
}

// A Number is a card's number. It is held behind a function so that no
// formatter, logger or encoder can reach the digits.
type Number struct{ reveal func() string }

// NewNumber wraps digits as they were typed, blanks and dashes taken out.
func NewNumber(digits string) Number { return Number{reveal: func() string { return digits }} }

// Reveal returns the digits, for the network alone.
func (n Number) Reveal() string {
	if n.reveal == nil {
		return ""
	}
	return n.reveal()
}

func (Number) String() string { return "Number(hidden)" }

// GoString keeps %#v from printing more than String does.
func (Number) GoString() string { return "Number(hidden)" }

// Details are a card as its holder types it in. They are passed on and never
// stored.
type Details struct {
	Number       Number
	SecurityCode Number
	ExpiryMonth  int // 1 to 12
	ExpiryYear   int // four digits
	Holder       string
}

// Kept is what may be stored and shown of a card.
type Kept struct {
	Brand string // "Visa"
	Last4 string
	Ref   string // the network's own name for the card
}

// A RefusedError says why a card cannot be kept.
type RefusedError struct{ Problem payment.CardProblem }

func (r *RefusedError) Error() string { return "card refused: " + string(r.Problem) }

// A Question is one attempt. Its CardRef is the [Kept] card's Ref.
type Question struct{ payment.Attempt }
