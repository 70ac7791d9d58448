package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-pay/holdfast"
)

// payNow turns the cart into an order and sends the buyer to authorise it.
// The order is written first, under the name that the payment service will
// know it by: whatever happens to the browser then, it can be found again.
func (s *Shop) payNow(w http.ResponseWriter, r *http.Request) error {
	session, ok := sessionOf(r)
	if !ok {
		return seeOther(w, r, "/cart")
	}
	lines, err := cart(r.Context(), s.db, session)
	if err != nil {
		return err
	}
	if len(lines) == 0 {
		return seeOther(w, r, "/cart")
	}
	o := Order{
		ID: OrderID("order-" + s.newID()), Session: session, State: AwaitingAuthorisation,
		Created: s.now(), Changed: s.now(), Lines: lines, Totals: totalsOf(lines),
	}
	var address string
	err = inTx(r.Context(), s.db, func(tx *sql.Tx) error {
		if o.Number, err = insertOrder(r.Context(), tx, o); err != nil {
			return err
		}
		if address, err = s.authoriseURL(o); err != nil {
			return err
		}
		err := insertHappening(r.Context(), tx, o.ID, Happening{At: s.now(), What: "Ordered; the buyer was sent to authorise the payment"})
		if err != nil {
			return err
		}
		return s.enqueueFor(r.Context(), tx, o)
	})
	if err != nil {
		return fmt.Errorf("taking an order: %w", err)
	}
	return seeOther(w, r, address)
}

// authoriseURL is where a buyer authorises an order.
func (s *Shop) authoriseURL(o Order) (string, error) {
	address, err := s.client.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference:        o.ID.Reference(),
		ReturnURL:              s.publicURL + returnPath,
		TransactionAmount:      o.Totals.Total,
		PaymentReason:          s.paymentReason(o),
		PaymentMethods:         []holdfast.PaymentMethod{holdfast.MethodCC},
		Reserve:                true,
		ItemTotal:              o.Totals.Items,
		Shipping:               o.Totals.Shipping,
		Tax:                    o.Totals.Tax,
		CollectShippingAddress: true,
		WebsiteDescription:     s.name,
	})
	if err != nil {
		return "", fmt.Errorf("sending the buyer of order %s to pay: %w", o.ID, err)
	}
	return address, nil
}

func (s *Shop) paymentReason(o Order) string { return fmt.Sprintf("%s, order %d", s.name, o.Number) }

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
	// The buyer may close the browser now; what is known is kept all the same.
	ctx := context.WithoutCancel(r.Context())
	switch {
	case back.Authorised():
		err = s.authorised(ctx, o.ID, back.TokenID, back.Address, change{what: "The buyer authorised the payment (" + string(back.Status) + ")"})
		if err == nil {
			s.atOnce(ctx, "Reserve", o.ID, s.reserve)
		}
	case back.Status == holdfast.ReturnAbandoned:
		_, _, err = s.record(ctx, o.ID, change{event: BuyerLeft, what: "The buyer came back without paying (A)"})
	default:
		_, _, err = s.record(ctx, o.ID, change{
			event: BuyerTurnedAway, what: fmt.Sprintf("The payment pages sent the buyer back: %s %s", back.Status, back.ErrorMessage),
			note: turnedAwayWords(back.Status),
		})
	}
	if err != nil {
		return err
	}
	return seeOther(w, r, "/orders/"+string(o.ID))
}

func returnError(err error) error {
	unverified, ok := errors.AsType[*holdfast.UnverifiedError](err)
	if ok && unverified.Unanswered {
		return &pageError{
			http.StatusServiceUnavailable, "One moment, please",
			"We could not ask the payment service whether this way back is genuine. Nothing is lost: load this page again in a minute. If you authorised the payment, we will also find out by ourselves.",
		}
	}
	return &pageError{
		http.StatusBadRequest, "This is not a genuine way back",
		"The address that you followed was not made by the payment service, or it was changed on the way. We did nothing with it, and nothing was charged. If you have just paid, go back to the payment page and continue from there; we will also find out by ourselves.",
	}
}

// An orderView is an order as its buyer sees it.
type orderView struct {
	Order
	Heading string
	Words   string
	Thanks  bool // the buyer has done all there is to do
	Waiting bool // there will be news soon
	CartNow bool // the cart is still as it was
	Again   bool // the order can be put into the cart again
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
	return s.render(w, r, http.StatusOK, "order.html", viewForBuyer(o))
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
		v.Heading = "We are looking into this order"
	}
	if v.Thanks {
		for i, name := range []string{"Ordered", "Amount set aside", "Shipped", "Charged"} {
			v.Steps = append(v.Steps, orderStep{Name: name, Done: i < steps, Now: i == steps})
		}
	}
	return v
}

// payAgain puts an order's pieces into the cart, for the next try. That will
// be a new order with a reference of its own: the old one is used up.
func (s *Shop) payAgain(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	session := s.session(w, r)
	there, err := cart(r.Context(), s.db, session)
	if err != nil {
		return err
	}
	have := map[ProductID]int64{}
	for _, l := range there {
		have[l.Product] = l.Quantity
	}
	for _, l := range o.Lines {
		if _, sold := productByID(l.Product); !sold || have[l.Product] >= l.Quantity {
			continue
		}
		err := addToCart(r.Context(), s.db, session, l.Product, l.Quantity-have[l.Product], s.now())
		if err != nil {
			return err
		}
	}
	return seeOther(w, r, "/cart")
}
