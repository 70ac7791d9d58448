package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/holdfast-pay/holdfast"
)

// buyerReturns takes a buyer who comes back from the Co-Branded pages. Nothing
// of an unverified address is believed. Coming twice is coming once.
func (s *Shop) buyerReturns(w http.ResponseWriter, r *http.Request) error {
	back, err := s.verifier.ParseReturn(r.Context(), s.publicURL+returnPath+"?"+r.URL.RawQuery)
	if err != nil {
		return returnError(err)
	}
	o, err := orderByID(r.Context(), s.db, OrderID(back.CallerReference))
	if err != nil {
		return err
	}
	if asked, given := back.Params.Lookup("transactionAmount"); given && asked != o.Totals.Total.Decimal() {
		return returnError(fmt.Errorf("order %s is returned with another amount", o.ID))
	}
	// The buyer may close the browser now; what is known is kept all the same.
	ctx := context.WithoutCancel(r.Context())
	switch {
	case back.Authorised():
		err = s.authorised(ctx, o.ID, back.TokenID, back.Address, change{
			what: "The buyer authorised the payment (" + string(back.Status) + ")",
		})
		if err == nil {
			s.atOnce(ctx, "Reserve", o.ID, s.reserve)
		}
	case back.Status == holdfast.ReturnAbandoned:
		_, _, err = s.record(ctx, o.ID, change{event: BuyerLeft, what: "The buyer came back without paying (A)"})
	default:
		_, _, err = s.record(ctx, o.ID, change{
			event: BuyerTurnedAway, what: fmt.Sprintf("The payment pages sent the buyer back: %s %s", back.Status,
				back.ErrorMessage),
			note: turnedAwayWords(back.Status),
		})
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, orderPath(o.ID))
}

func returnError(err error) error {
	unverified, ok := errors.AsType[*holdfast.UnverifiedError](err)
	if ok && unverified.Unanswered {
		return &pageError{
			http.StatusServiceUnavailable, "One moment, please",
			"We could not ask the payment service whether this way back is genuine. Nothing is lost: load this page again in " +
				"a minute. If you authorised the payment, we will also find out by ourselves.",
		}
	}
	return &pageError{
		http.StatusBadRequest, "We could not verify this link",
		"It is not a genuine way back from the payment pages: the payment service did not make it, or it was changed on " +
			"the way. We did nothing with it, and nothing was charged. If you have just paid, go back to the payment page and " +
			"continue from there; we will also find out by ourselves.",
	}
}

// An orderView is an order as its buyer sees it.
type orderView struct {
	Order
	Heading string
	Words   string
	Thanks  bool   // the buyer has done all there is to do
	Waiting bool   // there will be news soon
	CartNow bool   // the cart is still as it was
	Again   bool   // the buyer can pay for the same pieces again
	Other   *Order // that was paid for in this one's place
	Steps   []orderStep
}

// An orderStep is one of the few steps that a buyer cares about.
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

// orderedAgain is the page of an order in whose place the buyer has paid for
// another one.
func orderedAgain(v orderView, other Order) orderView {
	v.Heading, v.Again, v.CartNow, v.Other = "This is order "+strconv.FormatInt(other.Number, 10)+" now", false, false,
		&other
	v.Words = fmt.Sprintf("Nothing was charged for order %d. You paid for the same pieces as order %d, and that is the "+
		"one that counts.", v.Number, other.Number)
	return v
}

func viewForBuyer(o Order) orderView {
	v := orderView{Order: o, Words: buyerWords(o)}
	steps := 0 // that are done
	switch o.State {
	case AwaitingAuthorisation:
		v.Heading, v.Waiting, v.CartNow = "Waiting for your payment", true, true
	case Abandoned:
		v.Heading, v.CartNow = "No harm done", true
	case NotAuthorised:
		v.Heading, v.CartNow = "The payment did not go through", true
	case Reserving, Pending:
		v.Heading, v.Thanks, v.Waiting, steps = "Thank you, nearly done", true, true, 1
	case ToShip, Shipping:
		v.Heading, v.Thanks, steps = "Thank you", true, 2
	case Shipped:
		v.Heading, v.Thanks, steps = "Thank you, it is on its way", true, 4
	case PaymentFailed:
		v.Heading, v.Again = "The payment did not go through", true
	case Cancelling, Cancelled:
		v.Heading, v.Again = "This order was cancelled", o.State == Cancelled
	case Lapsed:
		v.Heading, v.Again = "This order has to be paid again", true
	case NeedsAttention:
		v.Heading, v.Again = headingOfTrouble(o), o.chargeFailed()
	}
	if o.charged() && o.Charge.Given() && o.Refunded == o.Charge {
		v.Heading, v.Thanks = "This order was refunded", false
	}
	if v.Thanks {
		for i, name := range []string{"Ordered", "Amount set aside", "Shipped", "Charged"} {
			v.Steps = append(v.Steps, orderStep{Name: name, Done: i < steps, Now: i == steps})
		}
	}
	return v
}

func headingOfTrouble(o Order) string {
	switch {
	case o.chargeFailed():
		return "Please pay again"
	case !o.Done.IsZero():
		return "This order is settled"
	}
	return "We are looking into this order"
}
