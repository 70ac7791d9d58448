package shop

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
)

// buyerReturns handles a buyer's return from the payment pages. The address names
// only the order. What the buyer did there, the shop reads at the payment service: a
// browser can be made to say anything. Loading the address again changes nothing.
func (s *Shop) buyerReturns(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if o.State == AwaitingApproval || o.State == Abandoned {
		s.atOnce(r.Context(), "looking at a checkout", o.ID, func(ctx context.Context, _ OrderID) error {
			return s.lookAtCheckout(ctx, o)
		})
	}
	return seeOther(w, r, orderPath(o.ID))
}

// An orderView is an order on the buyer's page.
type orderView struct {
	Order
	Heading string
	Words   string
	Thanks  bool   // the buyer need not do anything more
	Waiting bool   // the state will change soon
	CartNow bool   // the cart still has its contents
	Again   bool   // the buyer can pay for the same pieces again
	Other   *Order // the order that the buyer paid for instead
	Lines   []lineView
	Parcels []parcelView
	Steps   []orderStep
}

// An orderStep is one of the steps of an order on the buyer's page.
type orderStep struct {
	Name      string
	Done, Now bool
}

func (s *Shop) thankYou(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	v := viewForBuyer(o)
	if o.payableAgain() {
		other, found, err := liveOrderOf(r.Context(), s.db, o.Cart)
		if err != nil {
			return err
		}
		if found {
			v = orderedAgain(v, other)
		}
	}
	return s.render(w, r, http.StatusOK, "order.html", v)
}

// orderedAgain returns the page of an order that the buyer has replaced by
// paying for another one.
func orderedAgain(v orderView, other Order) orderView {
	v.Heading, v.Again, v.CartNow, v.Other = "You paid for this as order "+strconv.FormatInt(other.Number, 10), false,
		false,
		&other
	v.Words = fmt.Sprintf("Nothing was charged for order %d. You paid for the same pieces with order %d, which is the "+
		"valid one.", v.Number, other.Number)
	return v
}

func viewForBuyer(o Order) orderView {
	v := orderView{Order: o, Words: buyerWords(o), Lines: o.lineViews(), Parcels: o.parcelViews()}
	steps := 0 // steps that are complete
	switch o.State {
	case AwaitingApproval:
		v.Heading, v.Waiting, v.CartNow = "Waiting for your payment", true, true
	case Abandoned:
		v.Heading, v.CartNow = "No harm done", true
	case TurnedAway:
		v.Heading, v.CartNow = "The payment did not go through", true
	case SoldOut:
		v.Heading, v.CartNow = "Sorry, sold out", true
	case Reserving, Pending:
		v.Heading, v.Thanks, v.Waiting, steps = "Thank you, nearly done", true, true, 1
	case ToShip, Shipping, Releasing:
		v.Heading, v.Thanks, steps = "Thank you", true, 2
		if o.Charged().Positive() {
			v.Heading = "Thank you, the first part is on its way"
		}
	case Shipped:
		v.Heading, v.Thanks, steps = "Thank you, it is on its way", true, 4
	case PaymentFailed:
		v.Heading, v.Again = "The payment did not go through", true
	case Cancelled:
		v.Heading, v.Again = "This order was cancelled", true
	case Lapsed:
		v.Heading, v.Again = "Please pay for this order again", true
		if o.Charged().Positive() {
			v.Heading = "Please pay for the rest again"
		}
	case ChargeFailed:
		v.Heading, v.Again = "Please pay again", true
	case NeedsAttention:
		v.Heading = "We are looking into this order"
		if !o.Done.IsZero() {
			v.Heading = "This order is settled"
		}
	}
	if charged := o.Charged(); charged.Positive() && o.Refunded == charged && !o.State.Open() {
		v.Heading, v.Thanks = "This order was refunded", false
	}
	if v.Thanks {
		for i, name := range []string{"Ordered", "Amount set aside", "Shipped", "Charged"} {
			v.Steps = append(v.Steps, orderStep{Name: name, Done: i < steps, Now: i == steps})
		}
	}
	return v
}
