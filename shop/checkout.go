package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/client"
)

// payNow turns the cart into an order and sends the buyer to the payment pages.
// If the buyer presses the button twice, or in two tabs, there is still only
// one order.
func (s *Shop) payNow(w http.ResponseWriter, r *http.Request) error {
	session, ok := sessionOf(r)
	if !ok {
		return seeOther(w, r, "/cart")
	}
	shown := CartID(r.PostFormValue("cart"))
	var next whereTo
	err := inTx(r.Context(), s.db, func(tx *sql.Tx) error {
		cartID, err := ensureCart(r.Context(), tx, session, CartID(s.newID()))
		if err != nil {
			return err
		}
		if shown != "" && shown != cartID {
			// The page is old: an order has already taken its cart.
			next.path, err = ordered(r.Context(), tx, shown)
			return err
		}
		lines, err := cart(r.Context(), tx, session)
		if err != nil {
			return err
		}
		short, err := missing(r.Context(), tx, lines)
		if err != nil || len(lines) == 0 || len(short) > 0 {
			next.path = "/cart" // which says what is missing
			return err
		}
		next, err = s.checkOut(r.Context(), tx, session, cartID, lines)
		return err
	})
	if err != nil {
		return fmt.Errorf("taking an order: %w", err)
	}
	return s.sendTo(w, r, next)
}

// A whereTo is the next page of a buyer: a page of the shop, or the payment pages of
// an order.
type whereTo struct {
	path string
	pay  OrderID
}

// sendTo sends the buyer on. The checkout is made here, after the order is stored, so
// that the order can be found whatever happens next.
func (s *Shop) sendTo(w http.ResponseWriter, r *http.Request, next whereTo) error {
	if next.pay == "" {
		return seeOther(w, r, next.path)
	}
	asking, done := context.WithTimeout(r.Context(), atOnceMax)
	defer done()
	address, err := s.checkoutURL(asking, next.pay)
	if err != nil {
		s.log.WarnContext(r.Context(), "making a checkout", "order", next.pay, "err", err)
		return &pageError{
			http.StatusServiceUnavailable, "One moment, please",
			"We could not reach the payment service. Nothing was charged, and your cart is as you left it. Please press " +
				"“Pay now” again in a minute.",
		}
	}
	return seeOther(w, r, address)
}

// checkoutURL returns the address at which the buyer pays for an order. The same call
// with the same idempotency key makes only one checkout.
func (s *Shop) checkoutURL(ctx context.Context, id OrderID) (string, error) {
	o, err := orderByID(ctx, s.db, id)
	if err != nil || o.CheckoutURL != "" {
		return o.CheckoutURL, err
	}
	made, err := s.client.CreateCheckout(ctx, string(id)+"-checkout", client.NewCheckout{
		Type: "single_use", Amount: client.Of(o.Totals.Total), Reserve: true, Reference: string(id),
		Description: s.paymentReason(o), ReturnURL: s.publicURL + orderPath(id) + "/paid", SiteName: s.name,
		LogoURL: s.logoURL, CollectEmail: true, CollectAddress: true,
		Breakdown: &client.Breakdown{
			Items: client.Of(o.Totals.Items), Shipping: client.Of(o.Totals.Shipping), Tax: client.Of(o.Totals.Tax),
		},
	})
	if err != nil {
		return "", fmt.Errorf("making the checkout of order %s: %w", id, err)
	}
	_, _, err = s.record(ctx, id, change{facts: func(o *Order) { o.CheckoutID, o.CheckoutURL = made.ID, made.URL }})
	return made.URL, err
}

// checkoutLifeMax is how long a buyer can approve a checkout.
const checkoutLifeMax = 3 * time.Hour

// ordered returns the page of the order that has taken a cart, or the cart's
// page if there is none.
func ordered(ctx context.Context, q querier, id CartID) (string, error) {
	o, found, err := liveOrderOf(ctx, q, id)
	if err != nil || !found {
		return "/cart", err
	}
	return orderPath(o.ID), nil
}

// checkOut makes an order from a cart and returns where the buyer goes next.
//
// At most one order of a cart holds money. A second click continues the order
// of the first click. If the cart was changed in between, a new order replaces
// the first one.
func (s *Shop) checkOut(
	ctx context.Context, tx *sql.Tx, session SessionID, id CartID, lines []Line,
) (next whereTo, err error) {
	if o, found, err := liveOrderOf(ctx, tx, id); err != nil || found {
		return whereTo{path: orderPath(o.ID)}, err
	}
	waiting, err := waitingOrdersOf(ctx, tx, id)
	if err != nil {
		return next, err
	}
	o := Order{
		ID: OrderID("order-" + s.newID()), Session: session, Cart: id, State: AwaitingApproval,
		Created: s.now(), Changed: s.now(), Lines: lines, Totals: totalsOf(lines),
	}
	for _, w := range waiting {
		if slices.Equal(w.Lines, lines) && w.Totals == o.Totals && s.now().Before(w.Created.Add(checkoutLifeMax)) {
			return whereTo{pay: w.ID}, nil
		}
		_, err := s.recordIn(ctx, tx, &w, change{
			event: BuyerLeft, what: "The buyer changed the cart and went to pay for it again",
			note: "The buyer changed the cart and paid for it with a new order. Nothing was charged for this one.",
		})
		if err != nil {
			return next, err
		}
	}
	if o.Number, err = insertOrder(ctx, tx, o); err != nil {
		return next, err
	}
	err = insertHappening(ctx, tx, o.ID, Happening{At: s.now(), What: "Ordered; the buyer was sent to pay"})
	return whereTo{pay: o.ID}, err
}

func (s *Shop) paymentReason(o Order) string { return fmt.Sprintf("%s, order %d", s.name, o.Number) }

func orderPath(id OrderID) string { return "/orders/" + string(id) }

// payAgain lets the buyer of an order that is over pay for the pieces that did not
// ship. This makes a new order, because the reference of the old one is used up.
func (s *Shop) payAgain(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if !o.payableAgain() {
		return seeOther(w, r, orderPath(o.ID))
	}
	session := s.session(w, r)
	lines := o.soldStill()
	var next whereTo
	err = inTx(r.Context(), s.db, func(tx *sql.Tx) error {
		short, err := missing(r.Context(), tx, lines)
		if err != nil {
			return err
		}
		if len(lines) == 0 || len(short) > 0 {
			return &pageError{
				http.StatusConflict, "No longer for sale",
				"We do not have all of these pieces any more, so they cannot be ordered again. Nothing was charged for them.",
			}
		}
		next, err = s.checkOut(r.Context(), tx, session, o.Cart, lines)
		return err
	})
	if err != nil {
		return fmt.Errorf("taking order %s again: %w", o.ID, err)
	}
	return s.sendTo(w, r, next)
}

// payableAgain reports whether an order is over and has pieces that did not ship.
func (o Order) payableAgain() bool {
	switch o.State {
	case PaymentFailed, Cancelled, Lapsed, Abandoned, TurnedAway, SoldOut, ChargeFailed:
		return true
	case AwaitingApproval, Reserving, Pending, ToShip, Shipping, Releasing, Shipped, NeedsAttention:
	}
	return false
}

// soldStill returns the lines of an order that did not ship and are still sold, at
// current prices.
func (o Order) soldStill() (lines []Line) {
	shipped := o.shipped()
	for i, l := range o.Lines {
		p, sold := productByID(l.Product)
		if left := l.Quantity - shipped[i]; sold && left > 0 {
			lines = append(lines, Line{Product: p.ID, Name: p.Name, Price: p.Price, Quantity: left})
		}
	}
	return lines
}

// liveStates are the states in which an order has the buyer's money, holds it
// or is asking for it. A unique index prevents two such orders of one cart.
const liveStates = `('Reserving', 'Pending', 'ToShip', 'Shipping', 'Releasing', 'Shipped')`

// liveOrderOf returns the order of a cart that is in one of the liveStates.
func liveOrderOf(ctx context.Context, q querier, id CartID) (o Order, found bool, err error) {
	row := q.QueryRowContext(ctx, `SELECT `+orderColumns+` FROM orders WHERE cart_id = ? AND state IN `+liveStates, id)
	o, err = completeOrder(ctx, q, row)
	if errors.Is(err, errNoOrder) {
		return Order{}, false, nil
	}
	return o, err == nil, err
}

// waitingOrdersOf returns the orders of a cart that wait for the buyer to approve
// them.
func waitingOrdersOf(ctx context.Context, q querier, id CartID) ([]Order, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+orderColumns+`
		FROM orders
		WHERE cart_id = ? AND state = ?
		ORDER BY number`, id, AwaitingApproval)
	return completeOrders(ctx, q, rows, err)
}
