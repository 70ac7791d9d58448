// Package card defines the operations of a card network that the processor
// uses. The packages below it implement networks.
package card

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Network verifies cards, and holds, captures, releases, charges and returns
// money on them.
type Network interface {
	// Verify checks a card before it is stored, and returns the data that may be
	// stored. It returns a *RefusedError for a card that cannot be used. Any other
	// error means that the network could not be reached.
	Verify(ctx context.Context, d Details) (Kept, error)

	// Ask sends one question, such as to hold, to capture or to release. A
	// question with the same key is the same question: the network does not repeat
	// the operation, and gives the first answer again. An error means that the
	// answer is not known. The question is then in doubt, and is sent again.
	Ask(ctx context.Context, q Question) (payment.Answer, error)
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
	Brand string // "Visa"
	Last4 string
	Ref   string // the network's own name for the card
}

// A RefusedError says why a card cannot be stored.
type RefusedError struct{ Problem payment.CardProblem }

func (r *RefusedError) Error() string { return "card refused: " + string(r.Problem) }

// A Question is one attempt. Its CardRef is the [Kept] card's Ref.
type Question struct{ payment.Attempt }
