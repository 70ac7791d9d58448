package payment

import "github.com/holdfast-pay/holdfast/money"

// A BreakdownLine is one line of what the total is made of.
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
func readBreakdown(in *paramReader) []BreakdownLine {
	var lines []BreakdownLine
	for _, part := range breakdownParts {
		if amount, sent := in.amount(string(part)); sent {
			lines = append(lines, BreakdownLine{Part: part, Amount: amount})
		}
	}
	return lines
}

// BreakdownSum adds up the lines that were sent, and reports whether they make
// the total. Nothing rests on it: the total is what the caller says.
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
