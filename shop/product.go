package shop

import (
	"github.com/holdfast-pay/holdfast/money"
)

// A ProductID names a product and its picture, such as "mug".
type ProductID string

// A Product is something the shop sells.
type Product struct {
	ID      ProductID
	Name    string
	Price   money.Amount // without tax
	Short   string       // one line, for the catalogue
	Text    string
	Details []string
	Picture string // what the picture shows, for people who cannot see it
	Pieces  int64  // that a new shop has
}

// catalogue has the products in the order in which the shop shows them. Prices
// are multiples of 8.00; see taxRate.
var catalogue = []Product{
	{
		ID: "mug", Name: "Morning mug", Price: money.Cents(24_00), Pieces: 60,
		Short: "Holds a proper coffee, and the warmth.",
		Text: "Thrown a little thicker than it needs to be, so that the second half of the coffee is still hot. The " +
			"handle takes three fingers.",
		Details: []string{"350 ml", "Stoneware, speckled clay", "Dishwasher safe"},
		Picture: "A round mug with a teal glaze over speckled clay, and steam rising from it",
	},
	{
		ID: "bowl", Name: "Breakfast bowl", Price: money.Cents(32_00), Pieces: 40,
		Short: "Deep enough for porridge, wide enough for fruit.",
		Text: "A bowl for the first meal of the day. The rim is left bare where the fingers hold it; the glaze pools to " +
			"a darker blue at the bottom.",
		Details: []string{"16 cm across", "Stoneware, blue glaze", "Oven safe to 220 °C"},
		Picture: "A wide bowl with a deep blue glaze and a bare rim, filled with oranges",
	},
	{
		ID: "plate", Name: "Supper plate", Price: money.Cents(40_00), Pieces: 40,
		Short: "Flat, calm and hard to chip.",
		Text: "The foot is trimmed wide so that it sits still on a crowded table. No two have the same ring, since each " +
			"is drawn while the wheel turns.",
		Details: []string{"26 cm across", "Stoneware, oat glaze", "Stacks well"},
		Picture: "A plate seen from above, with rings in oat and rust colours and a sprig of leaves",
	},
	{
		ID: "vase", Name: "Bud vase", Price: money.Cents(48_00), Pieces: 30,
		Short:   "For one stem, or three at most.",
		Text:    "A narrow neck that keeps a single branch upright, and a heavy foot that keeps the vase upright, too.",
		Details: []string{"18 cm tall", "Stoneware, rust glaze", "Watertight"},
		Picture: "A narrow-necked vase with a rust-coloured glaze, holding one flowering branch",
	},
	{
		ID: "jug", Name: "Milk jug", Price: money.Cents(56_00), Pieces: 30,
		Short: "Pours without a drip. We tried.",
		Text: "The lip is pulled with a wet finger and tested with water before it is fired. Milk, gravy, or a handful " +
			"of daisies.",
		Details: []string{"700 ml", "Stoneware, cream glaze", "Dishwasher safe"},
		Picture: "A cream-coloured jug with a curved handle, a pouring lip and a teal band",
	},
	{
		ID: "teapot", Name: "Two-cup teapot", Price: money.Cents(88_00), Pieces: 20,
		Short: "Two cups, and then two more.",
		Text: "The strainer is part of the pot, the lid stays on when you pour, and the bamboo handle stays cool. The " +
			"most difficult thing we make.",
		Details: []string{"800 ml", "Stoneware, charcoal glaze", "Bamboo handle"},
		Picture: "A round teapot with a charcoal glaze, an arched bamboo handle and a small knob on its lid",
	},
}

func productByID(id ProductID) (Product, bool) {
	for _, p := range catalogue {
		if p.ID == id {
			return p, true
		}
	}
	return Product{}, false
}

const (
	// taxRate is 6.25 % of the goods. The tax on a multiple of 8.00 is a multiple
	// of 0.50, so every total of this shop ends in .00 or .50. In the sandbox of
	// the payment service, amounts that end in .60 to .89 simulate failures. A
	// shop with other prices will see these failures, but only in the sandbox.
	taxRate money.Rate = 62_500

	quantityMax = 9 // pieces of one product in a cart
)

var (
	shippingFlat = money.Cents(6_50)
	shippingFree = money.Cents(120_00) // from this price of the goods on, shipping is free
)

// A Line is a number of pieces of one product, with the price of a piece.
type Line struct {
	Product  ProductID
	Name     string
	Price    money.Amount
	Quantity int64
}

// Amount is the line's price without tax.
func (l Line) Amount() money.Amount { return l.Price.Times(l.Quantity) }

// Totals is the amount that a buyer pays, and its parts.
type Totals struct {
	Items, Shipping, Tax, Total money.Amount
}

// totalsOf computes the price of the lines, of which there must be at least
// one.
func totalsOf(lines []Line) Totals {
	items := itemsOf(lines)
	shipping := shippingFlat
	if items.Cmp(shippingFree) >= 0 {
		shipping = money.Cents(0)
	}
	return totalsWith(items, shipping)
}

func itemsOf(lines []Line) money.Amount {
	items := money.Cents(0)
	for _, l := range lines {
		items = items.Add(l.Amount())
	}
	return items
}

func totalsWith(items, shipping money.Amount) Totals {
	tax := items.ShareHalfUpToCent(taxRate)
	return Totals{Items: items, Shipping: shipping, Tax: tax, Total: items.Add(shipping).Add(tax)}
}

// priceOf is the price of some pieces of an order, a number for each line. The cost
// of shipping stays as agreed, even if the pieces would be too few for free
// shipping. It is not the buyer's fault that something is out of stock.
//
// The price of a parcel is the price of everything with it, less the price of
// everything before it. So shipping is charged once, with the first parcel, and all
// parcels together cost exactly what the order does, whatever is rounded.
func (o Order) priceOf(pieces []int64) money.Amount {
	lines, none := make([]Line, len(o.Lines)), true
	for i, l := range o.Lines {
		l.Quantity = pieces[i]
		lines[i], none = l, none && l.Quantity == 0
	}
	if none {
		return money.Cents(0)
	}
	return totalsWith(itemsOf(lines), o.Totals.Shipping).Total
}
