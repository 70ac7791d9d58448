package payment

import "github.com/holdfast-pay/holdfast/money"

// A BreakdownLine is one part of the total.
type BreakdownLine struct {
	Part   BreakdownPart
	Amount money.Amount
}

// A BreakdownPart is the kind of a line. It is also the name of its parameter.
type BreakdownPart string

// The parts of a breakdown.
const (
	PartItems        BreakdownPart = "itemTotal"
	PartShipping     BreakdownPart = "shipping"
	PartHandling     BreakdownPart = "handling"
	PartGiftWrapping BreakdownPart = "giftWrapping"
	PartDiscount     BreakdownPart = "discount" // taken off the others
	PartTax          BreakdownPart = "tax"
)

// breakdownParts is in the order of display.
var breakdownParts = []BreakdownPart{PartItems, PartShipping, PartHandling, PartGiftWrapping, PartDiscount, PartTax}

// readBreakdown reads the lines that were sent.
func readBreakdown(in *paramReader) []BreakdownLine {
	var lines []BreakdownLine
	for _, part := range breakdownParts {
		if amount, sent := in.amount(string(part)); sent {
			lines = append(lines, BreakdownLine{Part: part, Amount: amount})
		}
	}
	return lines
}

// BreakdownSum adds up the lines that were sent, and reports whether the sum is
// the total. The payment does not depend on it: the caller's total is charged.
func (r PipelineRequest) BreakdownSum() (sum money.Amount, agrees bool) {
	sum = money.Micros(0)
	for _, line := range r.Breakdown {
		if line.Part == PartDiscount {
			sum = sum.Sub(line.Amount)
			continue
		}
		sum = sum.Add(line.Amount)
	}
	return sum, len(r.Breakdown) == 0 || sum.Cmp(r.Amount) == 0
}
