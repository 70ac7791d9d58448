package shop_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/money"
	"github.com/holdfast-pay/holdfast/shop"
)

// The table as text, with each step once. All other steps are refused.
const stepsText = `
Abandoned BuyerApproved Reserving
Abandoned PiecesGone SoldOut
AwaitingApproval BuyerApproved Reserving
AwaitingApproval BuyerLeft Abandoned
AwaitingApproval BuyerTurnedAway TurnedAway
AwaitingApproval PiecesGone SoldOut
Pending ChargedElsewhere NeedsAttention
Pending HoldFailed PaymentFailed
Pending HoldLapsed Lapsed
Pending HoldPlaced ToShip
Pending HoldReleased Cancelled
Releasing ChargedElsewhere NeedsAttention
Releasing HoldFailed PaymentFailed
Releasing HoldLapsed Lapsed
Releasing HoldReleased Cancelled
Releasing PiecesReleased ToShip
Releasing ReleaseRefused ToShip
Releasing RestReleased Shipped
Reserving ChargedElsewhere NeedsAttention
Reserving HoldFailed PaymentFailed
Reserving HoldLapsed Lapsed
Reserving HoldPending Pending
Reserving HoldPlaced ToShip
Reserving HoldReleased Cancelled
Shipping ChargedElsewhere NeedsAttention
Shipping HoldFailed ChargeFailed
Shipping HoldLapsed Lapsed
Shipping HoldReleased Cancelled
Shipping LastCharged Shipped
Shipping ParcelCharged ToShip
Shipping ParcelRefused ToShip
ToShip ChargedElsewhere NeedsAttention
ToShip HoldFailed ChargeFailed
ToShip HoldLapsed Lapsed
ToShip HoldReleased Cancelled
ToShip PackerShips Shipping
ToShip ShopWithdraws Releasing
`

func TestSteps(t *testing.T) {
	events := []shop.Event{
		shop.BuyerApproved, shop.BuyerLeft, shop.BuyerTurnedAway, shop.PiecesGone, shop.HoldPlaced, shop.HoldPending,
		shop.HoldFailed, shop.HoldReleased, shop.HoldLapsed, shop.ChargedElsewhere, shop.PackerShips, shop.ParcelCharged,
		shop.LastCharged, shop.ParcelRefused, shop.ShopWithdraws, shop.PiecesReleased, shop.RestReleased, shop.ReleaseRefused,
	}
	var got []string
	for _, state := range shop.AllStates() {
		for _, event := range events {
			if next, ok := state.After(event); ok {
				got = append(got, strings.Join([]string{string(state), string(event), string(next)}, " "))
			}
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(strings.Split(strings.TrimSpace(stepsText), "\n"), got); diff != "" {
		t.Errorf("the steps (-want +got):\n%s", diff)
	}
	if _, moves := shop.ToShip.After(""); moves {
		t.Error("no event moves an order")
	}
}

// Only an order with a hold can ship, and only through the state Shipping.
func TestNothingShipsWithoutAHold(t *testing.T) {
	for state, events := range shop.Steps {
		for event, next := range events {
			if next == shop.Shipping && state != shop.ToShip {
				t.Errorf("%s leads to Shipping by %s", state, event)
			}
			last := event == shop.LastCharged && state == shop.Shipping || event == shop.RestReleased && state == shop.Releasing
			if next == shop.Shipped && !last {
				t.Errorf("%s leads to Shipped by %s", state, event)
			}
		}
	}
}

func TestSchemaHasTheStates(t *testing.T) {
	text, err := shop.SchemaText()
	if err != nil {
		t.Fatal(err)
	}
	_, list, _ := strings.Cut(text, "CHECK (state IN (")
	list, _, _ = strings.Cut(list, "))")
	var got []shop.OrderState
	for name := range strings.SplitSeq(list, ",") {
		got = append(got, shop.OrderState(strings.Trim(strings.TrimSpace(name), "'")))
	}
	want := shop.AllStates()
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the CHECK (-want +got):\n%s", diff)
	}
}

func TestTotals(t *testing.T) {
	lines := func(pieces ...int64) (lines []shop.Line) {
		for i, n := range pieces {
			if n > 0 {
				p := shop.Catalogue[i]
				lines = append(lines, shop.Line{Product: p.ID, Name: p.Name, Price: p.Price, Quantity: n})
			}
		}
		return lines
	}
	for _, row := range []struct {
		pieces                      []int64 // mugs, bowls, plates, vases, jugs, teapots
		items, shipping, tax, total int64   // cents
	}{
		{[]int64{1}, 24_00, 6_50, 1_50, 32_00},
		{[]int64{2}, 48_00, 6_50, 3_00, 57_50},
		{[]int64{1, 1}, 56_00, 6_50, 3_50, 66_00},
		{[]int64{0, 1, 0, 0, 0, 1}, 120_00, 0, 7_50, 127_50},
		{[]int64{0, 0, 0, 0, 2}, 112_00, 6_50, 7_00, 125_50},
		{[]int64{9, 9, 9, 9, 9, 9}, 2592_00, 0, 162_00, 2754_00},
	} {
		want := shop.Totals{
			Items: money.Cents(row.items), Shipping: money.Cents(row.shipping), Tax: money.Cents(row.tax),
			Total: money.Cents(row.total),
		}
		if diff := cmp.Diff(want, shop.TotalsOf(lines(row.pieces...))); diff != "" {
			t.Errorf("%v (-want +got):\n%s", row.pieces, diff)
		}
	}
	// If an order has free shipping, a part of it also ships for free. Otherwise the
	// first parcel has the cost of shipping, whichever it is.
	free := shop.Order{Lines: lines(0, 1, 0, 0, 0, 1), Totals: shop.TotalsOf(lines(0, 1, 0, 0, 0, 1))}
	two := shop.Order{Lines: lines(1, 1), Totals: shop.TotalsOf(lines(1, 1))}
	for _, row := range []struct {
		order  shop.Order
		pieces []int64
		want   string
	}{
		{free, []int64{1, 0}, "34.00"},
		{free, []int64{0, 0}, "0.00"},
		{two, []int64{1, 0}, "32.00"},
		{two, []int64{0, 1}, "40.50"},
		{two, []int64{1, 1}, "66.00"},
	} {
		if got := row.order.PriceOf(row.pieces); got != row.want {
			t.Errorf("%v of %v cost %s, want %s", row.pieces, row.order.Lines, got, row.want)
		}
	}
}

// In the sandbox, amounts that end in .60 to .89 simulate failures. No cart
// with up to three pieces of each of two products has such a total.
func TestNoTotalSimulatesAFailure(t *testing.T) {
	for i, a := range shop.Catalogue {
		for _, b := range shop.Catalogue[i:] {
			for n := int64(1); n <= 3; n++ {
				for m := int64(0); m <= 3; m++ {
					lines := []shop.Line{{Price: a.Price, Quantity: n}, {Price: b.Price, Quantity: m}}
					total := shop.TotalsOf(lines).Total
					if tenth := total.Micro / 100_000 % 10; tenth >= 6 && tenth <= 8 {
						t.Errorf("%d × %s and %d × %s come to %v", n, a.ID, m, b.ID, total)
					}
				}
			}
		}
	}
}

func TestHowLong(t *testing.T) {
	for d, want := range map[time.Duration]string{
		7 * 24 * time.Hour:                       "7 days",
		7*24*time.Hour - time.Second:             "6 days 23 hours",
		24*time.Hour + 30*time.Minute:            "1 day",
		time.Hour + time.Minute:                  "1 hour 1 minute",
		59 * time.Minute:                         "59 minutes",
		59 * time.Second:                         "less than a minute",
		-time.Hour:                               "less than a minute",
		2*24*time.Hour + time.Hour + time.Second: "2 days 1 hour",
	} {
		if got := shop.HowLong(d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
