package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/holdfast-pay/holdfast"
)

// buyerReturns handles a buyer's return from the Co-Branded pages. It uses
// nothing from a URL that is not verified. Loading the URL a second time
// changes nothing.
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
		return returnError(fmt.Errorf("the return URL of order %s has another amount", o.ID))
	}
	// Even if the buyer closes the browser now, the result is stored.
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
			"We could not ask the payment service whether this link is genuine. Nothing is lost: load this page again in " +
				"a minute. If you authorised the payment, we will also notice that by ourselves.",
		}
	}
	return &pageError{
		http.StatusBadRequest, "We could not verify this link",
		"Either the payment service did not make this link, or somebody changed it afterwards. We did " +
			"nothing, and nothing was charged. If you have just paid, go back to the payment page and " +
			"continue from there. We will also notice by ourselves that you paid.",
	}
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
	v := orderView{Order: o, Words: buyerWords(o)}
	steps := 0 // steps that are complete
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
		v.Heading, v.Again = "Please pay for this order again", true
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
