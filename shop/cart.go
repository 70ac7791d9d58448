package shop

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// A SessionID names a buyer's browser: random text in its cookie.
type SessionID string

// A CartID names the contents of a session's cart. When an order takes the
// contents, the cart gets a new id.
type CartID string

// cartLifeMax is how long an unused cart is kept.
const cartLifeMax = 30 * 24 * time.Hour

// cart returns the lines of a session's cart, in the order of the catalogue.
func cart(ctx context.Context, q querier, session SessionID) ([]Line, error) {
	rows, err := q.QueryContext(ctx, `SELECT product_id, quantity FROM cart_lines WHERE session_id = ?`, session)
	if err != nil {
		return nil, fmt.Errorf("reading a cart: %w", err)
	}
	defer rows.Close()
	quantities := map[ProductID]int64{}
	for rows.Next() {
		var id ProductID
		var quantity int64
		if err := rows.Scan(&id, &quantity); err != nil {
			return nil, fmt.Errorf("reading a cart: %w", err)
		}
		quantities[id] = quantity
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading a cart: %w", err)
	}
	var lines []Line
	for _, p := range catalogue {
		if n := quantities[p.ID]; n > 0 {
			lines = append(lines, Line{Product: p.ID, Name: p.Name, Price: p.Price, Quantity: n})
		}
	}
	return lines, nil
}

// ensureCart returns the id of a session's cart. A session without a cart gets
// the id fresh.
func ensureCart(ctx context.Context, q querier, session SessionID, fresh CartID) (id CartID, err error) {
	_, err = q.ExecContext(ctx, `
		INSERT INTO carts (session_id, cart_id)
		VALUES (?, ?)
		ON CONFLICT (session_id) DO NOTHING`, session, fresh)
	if err == nil {
		err = q.QueryRowContext(ctx, `SELECT cart_id FROM carts WHERE session_id = ?`, session).Scan(&id)
	}
	if err != nil {
		return "", fmt.Errorf("naming a cart: %w", err)
	}
	return id, nil
}

// cartID returns the id of a session's cart, or "".
func cartID(ctx context.Context, q querier, session SessionID) (id CartID, err error) {
	err = q.QueryRowContext(ctx, `SELECT cart_id FROM carts WHERE session_id = ?`, session).Scan(&id)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", fmt.Errorf("reading a cart's name: %w", err)
	}
	return id, nil
}

// addToCart adds pieces of a product to a cart, up to quantityMax. It reports
// whether all pieces were added.
func addToCart(
	ctx context.Context, q querier, session SessionID, id ProductID, more int64, now time.Time,
) (all bool, err error) {
	var had int64
	err = q.QueryRowContext(ctx, `SELECT quantity FROM cart_lines WHERE session_id = ? AND product_id = ?`, session,
		id).Scan(&had)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return false, fmt.Errorf("adding to a cart: %w", err)
	}
	_, err = q.ExecContext(ctx, `
		INSERT INTO cart_lines (session_id, product_id, quantity, changed_at)
		VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (session_id, product_id) DO UPDATE SET quantity = ?3, changed_at = ?4`,
		session, id, min(had+more, quantityMax), micros(now))
	if err != nil {
		return false, fmt.Errorf("adding to a cart: %w", err)
	}
	return had+more <= quantityMax, nil
}

// setInCart sets the quantity of a product in a cart. Zero removes it.
func setInCart(ctx context.Context, q querier, session SessionID, id ProductID, quantity int64, now time.Time) error {
	var err error
	if quantity <= 0 {
		_, err = q.ExecContext(ctx, `DELETE FROM cart_lines WHERE session_id = ? AND product_id = ?`, session, id)
	} else {
		_, err = q.ExecContext(ctx, `
			UPDATE cart_lines
			SET quantity = MIN(?, ?), changed_at = ?
			WHERE session_id = ? AND product_id = ?`,
			quantity, quantityMax, micros(now), session, id)
	}
	if err != nil {
		return fmt.Errorf("changing a cart: %w", err)
	}
	return nil
}

// takeFromCart removes the ordered pieces from their cart. Pieces that were
// added since then stay, in a cart with a new id. If an order has already taken
// the cart, takeFromCart does nothing.
func takeFromCart(ctx context.Context, q querier, id CartID, ordered []Line) error {
	var session SessionID
	err := q.QueryRowContext(ctx, `DELETE FROM carts WHERE cart_id = ? RETURNING session_id`, id).Scan(&session)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	for _, l := range ordered {
		if err == nil {
			_, err = q.ExecContext(ctx, `
				DELETE FROM cart_lines
				WHERE session_id = ? AND product_id = ? AND quantity <= ?`,
				session, l.Product, l.Quantity)
		}
		if err == nil {
			_, err = q.ExecContext(ctx, `
				UPDATE cart_lines
				SET quantity = quantity - ?
				WHERE session_id = ? AND product_id = ? AND quantity > ?`,
				l.Quantity, session, l.Product, l.Quantity)
		}
	}
	if err != nil {
		return fmt.Errorf("taking an order out of its cart: %w", err)
	}
	return nil
}

// forgetCarts removes carts that were not used for cartLifeMax.
func forgetCarts(ctx context.Context, q querier, now time.Time) error {
	_, err := q.ExecContext(ctx, `DELETE FROM cart_lines WHERE changed_at < ?`, micros(now.Add(-cartLifeMax)))
	if err == nil {
		_, err = q.ExecContext(ctx, `DELETE FROM carts WHERE session_id NOT IN (SELECT session_id FROM cart_lines)`)
	}
	if err != nil {
		return fmt.Errorf("removing old carts: %w", err)
	}
	return nil
}
