package payment

import "github.com/holdfast-pay/holdfast/money"

// A BreakdownLine is one line of what the total is made of. It is shown and
// never added up: the total is what the caller says.
type BreakdownLine struct {
	Label    string
	Amount   money.Amount
	Discount bool // taken off the others
}

// breakdownLines in the order in which they are shown.
var breakdownLines = []struct {
	name, label string
	discount    bool
}{
	{name: "itemTotal", label: "Items"},
	{name: "shipping", label: "Shipping"},
	{name: "handling", label: "Handling"},
	{name: "giftWrapping", label: "Gift wrapping"},
	{name: "discount", label: "Discount", discount: true},
	{name: "tax", label: "Tax"},
}

// readBreakdown reads the lines that were sent.
func readBreakdown(in *input) []BreakdownLine {
	var lines []BreakdownLine
	for _, line := range breakdownLines {
		if amount, sent := in.amount(line.name); sent {
			lines = append(lines, BreakdownLine{Label: line.label, Amount: amount, Discount: line.discount})
		}
	}
	return lines
}
