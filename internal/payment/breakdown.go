package payment

import "github.com/holdfast-pay/holdfast/money"

// A BreakdownLine is one line of what the total is made of. It is shown and
// never added up: the total is what the caller says.
type BreakdownLine struct {
	Part   BreakdownPart
	Amount money.Amount
}

// A BreakdownPart is what a line is for, as its parameter is called.
type BreakdownPart string

// The parts there are.
const (
	PartItems        BreakdownPart = "itemTotal"
	PartShipping     BreakdownPart = "shipping"
	PartHandling     BreakdownPart = "handling"
	PartGiftWrapping BreakdownPart = "giftWrapping"
	PartDiscount     BreakdownPart = "discount" // taken off the others
	PartTax          BreakdownPart = "tax"
)

// breakdownParts in the order in which they are shown.
var breakdownParts = []BreakdownPart{PartItems, PartShipping, PartHandling, PartGiftWrapping, PartDiscount, PartTax}

// readBreakdown reads the lines that were sent.
func readBreakdown(in *input) []BreakdownLine {
	var lines []BreakdownLine
	for _, part := range breakdownParts {
		if amount, sent := in.amount(string(part)); sent {
			lines = append(lines, BreakdownLine{Part: part, Amount: amount})
		}
	}
	return lines
}
