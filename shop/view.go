package shop

import (
	"github.com/holdfast-pay/holdfast/money"
)

// A lineView is a line of an order with what has become of its pieces.
type lineView struct {
	Line
	Shipped, Withdrawn, Left int64
	Price                    money.Amount // of the pieces that are left, without tax
}

func (o Order) lineViews() []lineView {
	shipped, withdrawn, rest := o.shipped(), o.withdrawn(), o.rest()
	lines := make([]lineView, len(o.Lines))
	for i, l := range o.Lines {
		lines[i] = lineView{l, shipped[i], withdrawn[i], rest[i], l.Price.Times(rest[i])}
	}
	if o.State == Shipped { // what was left out of the last parcel was not available
		for i := range lines {
			lines[i].Withdrawn, lines[i].Left = lines[i].Withdrawn+lines[i].Left, 0
		}
	}
	return lines
}

// A parcelView is a parcel on a page.
type parcelView struct {
	Part
	Label    int64 // 1 for the first parcel
	Contents string
	Left     money.Amount // that can be refunded
}

// parcelViews lists the parcels of an order, and what other programs charged.
func (o Order) parcelViews() (views []parcelView) {
	for _, p := range o.Parts {
		if p.Kind == Withdrawal || p.State == PartRefused {
			continue
		}
		v := parcelView{Part: p, Label: int64(len(views)) + 1, Contents: o.Named(p.Pieces)}
		views = append(views, v)
	}
	return views
}
