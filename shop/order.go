package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/money"
)

// An OrderID names an order, such as "order-4FZ3KXQ2…". It is also the order's
// reference at the payment service. Anyone who knows it can see the order, so it
// cannot be guessed.
type OrderID string

// An Order is a buyer's order and the state of its payment.
type Order struct {
	ID      OrderID
	Number  int64 // the order's number for people
	Session SessionID
	Cart    CartID // at most one order of a cart holds money
	State   OrderState
	Created time.Time
	Changed time.Time // when State was last changed
	Lines   []Line
	Totals  Totals
	Parts   []Part // the oldest first

	CheckoutID  string
	CheckoutURL string
	Token       string // that the buyer has approved
	HoldID      string
	HoldState   client.HoldState // as last reported by the payment service
	Deadline    time.Time        // by the payment service's clock; zero means unknown
	Refunded    money.Amount     // by this shop and other programs, pending refunds included
	Disputed    bool             // the buyer disputes a charge at the bank, and has not lost
	Reason      string           // of a cancellation
	Note        string           // for people: the state and what to do
	Done        time.Time        // when a packer closed an order that could not ship; zero means not yet
	Email       string
	Address     client.Address
}

// A Happening is an entry in an order's log.
type Happening struct {
	At        time.Time
	What      string
	RequestID string // of the payment service's refusal, for its operator
}

const (
	orderNumberFirst = 1001
	orderColumns     = `order_id, number, session_id, cart_id, state, created_at, changed_at, items, shipping, tax, total,
		checkout_id, checkout_url, token, hold_id, hold_state, deadline,
		(SELECT COALESCE(SUM(amount), 0) FROM refunds
			WHERE refunds.order_id = orders.order_id AND state NOT IN ('failed', 'cancelled')),
		EXISTS (SELECT 1 FROM disputes WHERE disputes.order_id = orders.order_id AND state IN ('open', 'lost')),
		reason, note, done_at, email,
		address_name, address_line1, address_line2, address_city, address_state, address_zip, address_country, address_phone`
)

var errNoOrder = errors.New("there is no such order")

func orderByID(ctx context.Context, q querier, id OrderID) (Order, error) {
	row := q.QueryRowContext(ctx, `SELECT `+orderColumns+` FROM orders WHERE order_id = ?`, id)
	return completeOrder(ctx, q, row)
}

func orderByHold(ctx context.Context, q querier, id string) (Order, error) {
	row := q.QueryRowContext(ctx, `SELECT `+orderColumns+` FROM orders WHERE hold_id = ? AND hold_id <> ''`, id)
	return completeOrder(ctx, q, row)
}

func orderByPayment(ctx context.Context, q querier, id string) (Order, error) {
	row := q.QueryRowContext(ctx, `
		SELECT `+orderColumns+` FROM orders
		WHERE order_id = (SELECT order_id FROM parts WHERE payment_id = ? AND payment_id <> '')`, id)
	return completeOrder(ctx, q, row)
}

// ordersIn lists orders in one state. Orders whose hold expires earlier come
// first.
func ordersIn(ctx context.Context, q querier, state OrderState, countMax int) ([]Order, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+orderColumns+`
		FROM orders
		WHERE state = ?
		ORDER BY CASE deadline WHEN 0 THEN 1 ELSE 0 END, deadline, number
		LIMIT ?`, state, countMax)
	return completeOrders(ctx, q, rows, err)
}

// ordersWhere lists the orders that a condition selects, the last changed
// first.
func ordersWhere(ctx context.Context, q querier, which string, args []any, countMax, skip int) ([]Order, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT `+orderColumns+`
		FROM orders
		WHERE `+which+`
		ORDER BY changed_at DESC, number DESC
		LIMIT ? OFFSET ?`, append(args, countMax, skip)...)
	return completeOrders(ctx, q, rows, err)
}

func completeOrder(ctx context.Context, q querier, row *sql.Row) (Order, error) {
	o, err := scanOrder(row.Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return Order{}, errNoOrder
	}
	if err != nil {
		return Order{}, fmt.Errorf("reading an order: %w", err)
	}
	return o, o.complete(ctx, q)
}

// complete reads the lines and the parts of an order.
func (o *Order) complete(ctx context.Context, q querier) (err error) {
	if o.Lines, err = orderLines(ctx, q, o.ID); err == nil {
		o.Parts, err = partsOf(ctx, q, o.ID, len(o.Lines))
	}
	return err
}

func completeOrders(ctx context.Context, q querier, rows *sql.Rows, err error) ([]Order, error) {
	if err != nil {
		return nil, fmt.Errorf("reading orders: %w", err)
	}
	defer rows.Close()
	var orders []Order
	for rows.Next() {
		o, err := scanOrder(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("reading orders: %w", err)
		}
		orders = append(orders, o)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading orders: %w", err)
	}
	// There is one connection: the rows are done before the lines are asked.
	for i := range orders {
		if err := orders[i].complete(ctx, q); err != nil {
			return nil, err
		}
	}
	return orders, nil
}

func scanOrder(scan func(...any) error) (Order, error) {
	var o Order
	var created, changed, items, shipping, tax, total, deadline, done, refunded int64
	a := &o.Address
	err := scan(
		&o.ID, &o.Number, &o.Session, &o.Cart, &o.State, &created, &changed, &items, &shipping, &tax, &total,
		&o.CheckoutID, &o.CheckoutURL, &o.Token, &o.HoldID, &o.HoldState, &deadline, &refunded, &o.Disputed,
		&o.Reason, &o.Note, &done, &o.Email,
		&a.Name, &a.Line1, &a.Line2, &a.City, &a.State, &a.Zip, &a.Country, &a.Phone,
	)
	o.Created, o.Changed, o.Deadline, o.Done = fromMicros(created), fromMicros(changed), fromMicros(deadline),
		fromMicros(done)
	o.Totals = Totals{
		Items: money.Micros(items), Shipping: money.Micros(shipping), Tax: money.Micros(tax), Total: money.Micros(total),
	}
	o.Refunded = money.Micros(refunded)
	return o, err
}

func orderLines(ctx context.Context, q querier, id OrderID) ([]Line, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT product_id, name, price, quantity
		FROM order_lines
		WHERE order_id = ?
		ORDER BY position`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the lines of order %s: %w", id, err)
	}
	defer rows.Close()
	var lines []Line
	for rows.Next() {
		var l Line
		var price int64
		if err := rows.Scan(&l.Product, &l.Name, &price, &l.Quantity); err != nil {
			return nil, fmt.Errorf("reading the lines of order %s: %w", id, err)
		}
		l.Price = money.Micros(price)
		lines = append(lines, l)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the lines of order %s: %w", id, err)
	}
	return lines, nil
}

// insertOrder stores a new order with its lines and returns its number.
func insertOrder(ctx context.Context, tx *sql.Tx, o Order) (int64, error) {
	t := o.Totals
	err := tx.QueryRowContext(ctx, `
		INSERT INTO orders (order_id, number, session_id, cart_id, state, created_at, changed_at, items, shipping, tax, total)
		SELECT ?, COALESCE(MAX(number) + 1, ?), ?, ?, ?, ?, ?, ?, ?, ?, ? FROM orders
		RETURNING number`,
		o.ID, orderNumberFirst, o.Session, o.Cart, o.State, micros(o.Created), micros(o.Changed),
		t.Items.Micro, t.Shipping.Micro, t.Tax.Micro, t.Total.Micro).Scan(&o.Number)
	if err != nil {
		return 0, fmt.Errorf("writing order %s: %w", o.ID, err)
	}
	for i, l := range o.Lines {
		_, err := tx.ExecContext(ctx, `
			INSERT INTO order_lines (order_id, position, product_id, name, price, quantity)
			VALUES (?, ?, ?, ?, ?, ?)`,
			o.ID, i, l.Product, l.Name, l.Price.Micro, l.Quantity)
		if err != nil {
			return 0, fmt.Errorf("writing the lines of order %s: %w", o.ID, err)
		}
	}
	return o.Number, nil
}

// updateOrder stores the changeable fields of an order. It fails if the stored
// state is not from.
func updateOrder(ctx context.Context, tx *sql.Tx, o Order, from OrderState) error {
	a := o.Address
	result, err := tx.ExecContext(ctx, `
		UPDATE orders
		SET state = ?, changed_at = ?, checkout_id = ?, checkout_url = ?, token = ?, hold_id = ?, hold_state = ?,
			deadline = ?, reason = ?, note = ?, done_at = ?, email = ?, address_name = ?, address_line1 = ?,
			address_line2 = ?, address_city = ?, address_state = ?, address_zip = ?, address_country = ?, address_phone = ?
		WHERE order_id = ? AND state = ?`,
		o.State, micros(o.Changed), o.CheckoutID, o.CheckoutURL, o.Token, o.HoldID, o.HoldState,
		micros(o.Deadline), o.Reason, o.Note, micros(o.Done), o.Email, a.Name, a.Line1,
		a.Line2, a.City, a.State, a.Zip, a.Country, a.Phone,
		o.ID, from)
	if err != nil {
		return fmt.Errorf("writing order %s: %w", o.ID, err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return fmt.Errorf("writing order %s: %d rows changed, want one in state %s (%w)", o.ID, n, from, err)
	}
	return writeParts(ctx, tx, o)
}

func insertHappening(ctx context.Context, tx *sql.Tx, id OrderID, h Happening) error {
	_, err := tx.ExecContext(ctx, `
		INSERT INTO order_log (order_id, position, at, what, request_id)
		SELECT ?, COUNT(*), ?, ?, ? FROM order_log WHERE order_id = ?`,
		id, micros(h.At), h.What, h.RequestID, id)
	if err != nil {
		return fmt.Errorf("writing the log of order %s: %w", id, err)
	}
	return nil
}

func happenings(ctx context.Context, q querier, id OrderID) ([]Happening, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT at, what, request_id
		FROM order_log
		WHERE order_id = ?
		ORDER BY position`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the log of order %s: %w", id, err)
	}
	defer rows.Close()
	var log []Happening
	for rows.Next() {
		var h Happening
		var at int64
		if err := rows.Scan(&at, &h.What, &h.RequestID); err != nil {
			return nil, fmt.Errorf("reading the log of order %s: %w", id, err)
		}
		h.At = fromMicros(at)
		log = append(log, h)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the log of order %s: %w", id, err)
	}
	return log, nil
}
