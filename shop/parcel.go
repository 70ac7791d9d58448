package shop

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/money"
)

// A parcel has the pieces of an order that the packer ships, and the amount
// that is charged for them.
type parcel struct {
	Lines  []Line
	Charge money.Amount
}

// parcelIn reads the form for shipping: the ticked lines, the pieces of each,
// and an optional amount. The complaint says what is wrong with the form. A
// form with an amount and no lines ships all lines.
func parcelIn(r *http.Request, o Order) (p parcel, complaint string) {
	if err := r.ParseForm(); err != nil {
		return parcel{}, "Not shipped: the form could not be read."
	}
	amount, complaint := amountIn(r, o)
	if complaint != "" {
		return parcel{}, complaint
	}
	all := amount.Given() && r.PostForm["line"] == nil && r.PostForm.Get("listed") == ""
	p.Lines = slices.Clone(o.Lines)
	var pieces int64
	for i := range p.Lines {
		l := &p.Lines[i]
		packed, ok := l.Quantity, true
		if !all {
			packed, ok = packedOf(r, i, *l)
		}
		if !ok {
			return parcel{}, fmt.Sprintf("Not shipped: pack between 1 and %d of %s, or untick it.", l.Quantity, l.Name)
		}
		l.LeftOut = l.Quantity - packed
		pieces += packed
	}
	if pieces == 0 {
		return parcel{}, "Not shipped: nothing is ticked as packed. To ship nothing, cancel the order."
	}
	o.Lines = p.Lines
	cost := o.packedTotals().Total
	if p.Charge = cost; amount.Given() {
		p.Charge = amount
	}
	if p.Charge.Cmp(cost) > 0 {
		return parcel{}, "Not shipped: " + dollars(amount) + " is more than the " + dollars(cost) +
			" that the ticked pieces cost."
	}
	return p, ""
}

// packedOf reads the number of pieces of a line that are in the parcel.
func packedOf(r *http.Request, i int, l Line) (packed int64, ok bool) {
	if !slices.Contains(r.PostForm["line"], lineName(i)) {
		return 0, true
	}
	text := r.PostForm.Get("pieces-" + lineName(i))
	if text == "" {
		return l.Quantity, true
	}
	packed, err := strconv.ParseInt(text, 10, 64)
	return packed, err == nil && packed >= 1 && packed <= l.Quantity
}

// lineName is the form value of an order's i-th line.
func lineName(i int) string { return strconv.Itoa(i) }

// amountIn reads the amount that the packer typed, if any.
func amountIn(r *http.Request, o Order) (amount money.Amount, complaint string) {
	text := dollarsTyped(r.PostForm.Get("amount"))
	if text == "" {
		return money.Amount{}, ""
	}
	amount, err := money.Parse(text, money.USD)
	switch {
	case err != nil:
		return money.Amount{}, "Not shipped: " + err.Error() + "."
	case !amount.Positive():
		return money.Amount{}, "Not shipped: to charge nothing, cancel the order."
	case amount.Cmp(o.Totals.Total) > 0:
		return money.Amount{}, "Not shipped: " + dollars(amount) + " is more than the " + dollars(o.Totals.Total) +
			" that is held."
	}
	return amount, ""
}

// dollarsTyped returns a typed amount without its dollar sign.
func dollarsTyped(text string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "$"))
}

// words describes the parcel for the order's log.
func (p parcel) words() string {
	words := "The packer ships and charges " + dollars(p.Charge)
	if names := leftOut(p.Lines); names != "" {
		words += "; not in the parcel: " + names
	}
	return words
}

// unship resets a parcel whose charge was refused.
func (o *Order) unship() {
	o.Charge = money.Amount{}
	for i := range o.Lines {
		o.Lines[i].LeftOut = 0
	}
}

// leftOut names the pieces that are not in the parcel: "Milk jug, 1 of 3 Morning mug".
func leftOut(lines []Line) string {
	var names []string
	for _, l := range lines {
		switch {
		case l.LeftOut == 0:
		case l.LeftOut == l.Quantity && l.Quantity == 1:
			names = append(names, l.Name)
		default:
			names = append(names, fmt.Sprintf("%d of %d × %s", l.LeftOut, l.Quantity, l.Name))
		}
	}
	return strings.Join(names, ", ")
}

// Missing names the pieces that are not in the parcel.
func (o Order) Missing() string { return leftOut(o.Lines) }

// MissingCost is the price of the missing pieces with tax.
func (o Order) MissingCost() money.Amount { return o.Totals.Total.Sub(o.packedTotals().Total) }

// Discount is the difference between the parcel's price and the charge.
func (o Order) Discount() money.Amount {
	if o.State != Shipping && o.State != Shipped {
		return money.Cents(0)
	}
	return o.packedTotals().Total.Sub(o.Charge)
}
