package shop

import (
	"context"
	"database/sql"
	"fmt"
	"net/http"
	"strconv"
)

// An order takes its pieces out of the stock in the transaction that asks for its
// hold, and keeps them as long as the hold lasts. Pieces that did not ship return
// when the hold ends. So the shop sells no piece twice, and holds no money for a
// piece that it does not have.

// stockMax is the largest number of pieces of a product.
const stockMax = 1_000_000

// stockShelf gives new products their first pieces.
func stockShelf(ctx context.Context, db *sql.DB, products []Product) error {
	for _, p := range products {
		_, err := db.ExecContext(ctx, `
			INSERT INTO stock (product_id, pieces) VALUES (?, ?)
			ON CONFLICT (product_id) DO NOTHING`, p.ID, p.Pieces)
		if err != nil {
			return fmt.Errorf("stocking %s: %w", p.ID, err)
		}
	}
	return nil
}

// stock returns how many pieces of each product nobody has ordered.
func stock(ctx context.Context, q querier) (map[ProductID]int64, error) {
	rows, err := q.QueryContext(ctx, `SELECT product_id, pieces FROM stock`)
	if err != nil {
		return nil, fmt.Errorf("reading the stock: %w", err)
	}
	defer rows.Close()
	pieces := map[ProductID]int64{}
	for rows.Next() {
		var id ProductID
		var n int64
		if err := rows.Scan(&id, &n); err != nil {
			return nil, fmt.Errorf("reading the stock: %w", err)
		}
		pieces[id] = n
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the stock: %w", err)
	}
	return pieces, nil
}

// missing returns the lines of which the stock has too few pieces.
func missing(ctx context.Context, q querier, lines []Line) (short []Line, err error) {
	free, err := stock(ctx, q)
	for _, l := range lines {
		if free[l.Product] < l.Quantity {
			short = append(short, l)
		}
	}
	return short, err
}

// takeFromStock takes all pieces of an order out of the stock, or none. It returns
// the lines of which there are too few.
func takeFromStock(ctx context.Context, tx *sql.Tx, lines []Line) (short []Line, err error) {
	if short, err = missing(ctx, tx, lines); err != nil || len(short) > 0 {
		return short, err
	}
	for _, l := range lines {
		if err := addToStock(ctx, tx, l.Product, -l.Quantity); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// addToStock puts pieces back, or takes them if there are fewer than zero. The
// database refuses to take more than there are.
func addToStock(ctx context.Context, tx *sql.Tx, id ProductID, pieces int64) error {
	if pieces == 0 {
		return nil
	}
	_, err := tx.ExecContext(ctx, `UPDATE stock SET pieces = pieces + ? WHERE product_id = ?`, pieces, id)
	if err != nil {
		return fmt.Errorf("changing the stock of %s: %w", id, err)
	}
	return nil
}

// restock puts the pieces back that a change of an order has set free: withdrawn
// pieces that are still good, and the pieces that are left when the hold is gone.
func restock(ctx context.Context, tx *sql.Tx, before, after Order) error {
	for i, l := range after.Lines {
		back := after.withdrawnToStock(i) - before.withdrawnToStock(i)
		if before.State.HasPieces() && after.State.freesPieces() {
			back += after.left(i)
		}
		if err := addToStock(ctx, tx, l.Product, back); err != nil {
			return err
		}
	}
	return nil
}

// A stockRow is a product on the page of the stock.
type stockRow struct {
	Product
	Free    int64
	Ordered int64 // pieces of open orders that have not shipped
}

func (s *Shop) stockPage(w http.ResponseWriter, r *http.Request) error {
	free, err := stock(r.Context(), s.db)
	if err != nil {
		return err
	}
	ordered := map[ProductID]int64{}
	for _, state := range []OrderState{Reserving, Pending, ToShip, Shipping, Releasing} {
		orders, err := ordersIn(r.Context(), s.db, state, packingRowsMax)
		if err != nil {
			return err
		}
		for _, o := range orders {
			for i, l := range o.Lines {
				ordered[l.Product] += o.left(i)
			}
		}
	}
	var rows []stockRow
	for _, p := range catalogue {
		rows = append(rows, stockRow{Product: p, Free: free[p.ID], Ordered: ordered[p.ID]})
	}
	return s.render(w, r, http.StatusOK, "stock.html", rows)
}

// addStock adds pieces to the stock. It adds and does not set, because orders take
// pieces at the same time.
func (s *Shop) addStock(w http.ResponseWriter, r *http.Request) error {
	p, ok := productByID(ProductID(r.PathValue("id")))
	if !ok {
		return errNoPage
	}
	more, err := strconv.ParseInt(r.PostFormValue("pieces"), 10, 64)
	if err != nil || more < -stockMax || more > stockMax {
		return &pageError{
			http.StatusUnprocessableEntity, "How many pieces?",
			fmt.Sprintf("Enter a whole number of at most %d. Go back and try again.", stockMax),
		}
	}
	changed := false
	err = inTx(r.Context(), s.db, func(tx *sql.Tx) error {
		free, err := stock(r.Context(), tx)
		if err != nil || free[p.ID]+more < 0 || free[p.ID]+more > stockMax {
			return err
		}
		changed = true
		return addToStock(r.Context(), tx, p.ID, more)
	})
	if err != nil {
		return err
	}
	if !changed {
		return &pageError{
			http.StatusConflict, "The stock is as it was",
			"It cannot have fewer than zero or more than a million pieces of a product. Pieces that were ordered are not in it.",
		}
	}
	return seeOther(w, r, "/bench/stock")
}
