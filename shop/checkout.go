package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
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
	var address string
	err := inTx(r.Context(), s.db, func(tx *sql.Tx) error {
		cartID, err := ensureCart(r.Context(), tx, session, CartID(s.newID()))
		if err != nil {
			return err
		}
		if shown != "" && shown != cartID {
			// The page is old: an order has already taken its cart.
			address, err = ordered(r.Context(), tx, shown)
			return err
		}
		lines, err := cart(r.Context(), tx, session)
		if err != nil {
			return err
		}
		if len(lines) == 0 {
			address = "/cart"
			return nil
		}
		address, err = s.checkOut(r.Context(), tx, session, cartID, lines)
		return err
	})
	if err != nil {
		return fmt.Errorf("taking an order: %w", err)
	}
	return seeOther(w, r, address)
}

// ordered returns the page of the order that has taken a cart, or the cart's
// page if there is none.
func ordered(ctx context.Context, q querier, id CartID) (string, error) {
	o, found, err := liveOrderOf(ctx, q, id)
	if err != nil || !found {
		return "/cart", err
	}
	return orderPath(o.ID), nil
}

// checkOut makes an order from a cart and returns the page to which the buyer
// goes next. The order is stored first, with its CallerReference, so that it
// can be found whatever happens to the browser.
//
// At most one order of a cart holds money. A second click continues the order
// of the first click. If the cart was changed in between, a new order replaces
// the first one.
func (s *Shop) checkOut(
	ctx context.Context, tx *sql.Tx, session SessionID, id CartID, lines []Line,
) (address string, err error) {
	if o, found, err := liveOrderOf(ctx, tx, id); err != nil || found {
		return orderPath(o.ID), err
	}
	waiting, err := waitingOrdersOf(ctx, tx, id)
	if err != nil {
		return "", err
	}
	o := Order{
		ID: OrderID("order-" + s.newID()), Session: session, Cart: id, State: AwaitingAuthorisation,
		Created: s.now(), Changed: s.now(), Lines: lines, Totals: totalsOf(lines),
	}
	for _, w := range waiting {
		if slices.Equal(w.Lines, lines) && w.Totals == o.Totals && s.now().Before(w.Created.Add(redirectAwaitedMax)) {
			return s.authoriseURL(w)
		}
		_, err := s.recordIn(ctx, tx, &w, change{
			event: BuyerLeft, what: "The buyer changed the cart and went to pay for it again",
			note: "The buyer changed the cart and paid for it with a new order. Nothing was charged for this one.",
		})
		if err != nil {
			return "", err
		}
	}
	if o.Number, err = insertOrder(ctx, tx, o); err != nil {
		return "", err
	}
	err = insertHappening(ctx, tx, o.ID, Happening{
		At: s.now(), What: "Ordered; the buyer was sent to authorise the payment",
	})
	if err != nil {
		return "", err
	}
	if err := s.enqueueFor(ctx, tx, o); err != nil {
		return "", err
	}
	return s.authoriseURL(o)
}

// authoriseURL returns the address of the payment pages for an order.
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
		CobrandingURL:          s.logoURL,
		WebsiteDescription:     s.name,
	})
	if err != nil {
		return "", fmt.Errorf("sending the buyer of order %s to pay: %w", o.ID, err)
	}
	return address, nil
}

func (s *Shop) paymentReason(o Order) string { return fmt.Sprintf("%s, order %d", s.name, o.Number) }

func orderPath(id OrderID) string { return "/orders/" + string(id) }

// payAgain lets the buyer of a failed order pay for the same pieces again. This
// makes a new order with a new reference, because the old reference is used up.
func (s *Shop) payAgain(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	if !o.payableAgain() {
		return seeOther(w, r, orderPath(o.ID))
	}
	lines := soldStill(o.Lines)
	if len(lines) == 0 {
		return &pageError{
			http.StatusConflict, "No longer for sale",
			"We do not make these pieces any more, so they cannot be ordered again. Nothing was charged.",
		}
	}
	session := s.session(w, r)
	var address string
	err = inTx(r.Context(), s.db, func(tx *sql.Tx) error {
		address, err = s.checkOut(r.Context(), tx, session, o.Cart, lines)
		return err
	})
	if err != nil {
		return fmt.Errorf("taking order %s again: %w", o.ID, err)
	}
	return seeOther(w, r, address)
}

// payableAgain reports whether an order is over and nothing was charged.
func (o Order) payableAgain() bool {
	switch o.State {
	case PaymentFailed, Cancelled, Lapsed, Abandoned, NotAuthorised:
		return true
	case NeedsAttention:
		return o.chargeFailed()
	case AwaitingAuthorisation, Reserving, Pending, ToShip, Shipping, Shipped, Cancelling:
	}
	return false
}

// soldStill returns the lines of an order that are still sold, at current
// prices.
func soldStill(ordered []Line) (lines []Line) {
	for _, l := range ordered {
		if p, sold := productByID(l.Product); sold {
			lines = append(lines, Line{Product: p.ID, Name: p.Name, Price: p.Price, Quantity: l.Quantity})
		}
	}
	return lines
}

// liveStates are the states in which an order has the buyer's money, holds it
// or is asking for it. A unique index prevents two such orders of one cart.
const liveStates = `('Reserving', 'Pending', 'ToShip', 'Shipping', 'Shipped', 'Cancelling')`

// liveOrderOf returns the order of a cart that is in one of the liveStates.
func liveOrderOf(ctx context.Context, q querier, id CartID) (o Order, found bool, err error) {
	row := q.QueryRowContext(ctx, `SELECT `+orderColumns+` FROM orders WHERE cart_id = ? AND state IN `+liveStates, id)
	o, err = completeOrder(ctx, q, row)
	if errors.Is(err, errNoOrder) {
		return Order{}, false, nil
	}
	return o, err == nil, err
}

// waitingOrdersOf returns the orders of a cart that wait for the buyer to
// authorise them.
func waitingOrdersOf(ctx context.Context, q querier, id CartID) ([]Order, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+orderColumns+`
		FROM orders
		WHERE cart_id = ? AND state = ?
		ORDER BY number`, id, AwaitingAuthorisation)
	return completeOrders(ctx, q, rows, err)
}
