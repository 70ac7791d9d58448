package shop

import (
	"context"
	"fmt"
	"time"
)

// A SessionID names a buyer's browser: random text in its cookie.
type SessionID string

// cartLifeMax is how long a cart that nobody touches is kept.
const cartLifeMax = 30 * 24 * time.Hour

// cart returns what is in a session's cart, in the order of the shelf.
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

// addToCart puts more of a product into a cart, up to quantityMax of it.
func addToCart(ctx context.Context, q querier, session SessionID, id ProductID, more int64, now time.Time) error {
	_, err := q.ExecContext(ctx, `
		INSERT INTO cart_lines (session_id, product_id, quantity, changed_at)
		VALUES (?1, ?2, MIN(?3, ?4), ?5)
		ON CONFLICT (session_id, product_id) DO UPDATE SET quantity = MIN(quantity + ?3, ?4), changed_at = ?5`,
		session, id, more, quantityMax, micros(now))
	if err != nil {
		return fmt.Errorf("adding to a cart: %w", err)
	}
	return nil
}

// setInCart sets how many of a product are in a cart; none takes it out.
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

// takeFromCart removes what was ordered and leaves what was put in since.
func takeFromCart(ctx context.Context, q querier, session SessionID, ordered []Line) error {
	for _, l := range ordered {
		_, err := q.ExecContext(ctx, `
			DELETE FROM cart_lines
			WHERE session_id = ? AND product_id = ? AND quantity <= ?`,
			session, l.Product, l.Quantity)
		if err == nil {
			_, err = q.ExecContext(ctx, `
				UPDATE cart_lines
				SET quantity = quantity - ?
				WHERE session_id = ? AND product_id = ? AND quantity > ?`,
				l.Quantity, session, l.Product, l.Quantity)
		}
		if err != nil {
			return fmt.Errorf("taking an order out of its cart: %w", err)
		}
	}
	return nil
}

// forgetCarts removes carts that nobody has touched for a long time.
func forgetCarts(ctx context.Context, q querier, now time.Time) error {
	if _, err := q.ExecContext(ctx, `DELETE FROM cart_lines WHERE changed_at < ?`, micros(now.Add(-cartLifeMax))); err != nil {
		return fmt.Errorf("removing old carts: %w", err)
	}
	return nil
}
