package shop_test

import (
	"database/sql"
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/shop"
)

// A database of the first version is migrated and keeps its orders.
func TestADatabaseOfTheFirstVersion(t *testing.T) {
	st := newStage(t)
	if err := st.shop.Close(); err != nil {
		t.Fatal(err)
	}
	st.file += ".first"
	db, err := sql.Open("sqlite", st.file)
	if err != nil {
		t.Fatal(err)
	}
	first, err := shop.SchemaText()
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec(first + `;
		INSERT INTO orders (order_id, number, session_id, state, created_at, changed_at, items, shipping, tax, total, token_id, transaction_id, transaction_status, charge)
			VALUES ('order-old', 1001, 'session', 'Shipped', 1, 1, 24000000, 6500000, 1500000, 32000000, 'T', 'X', 'Success', 32000000),
				('order-older', 1002, 'session', 'Shipped', 1, 1, 24000000, 6500000, 1500000, 32000000, 'U', 'Y', 'Success', 32000000);
		INSERT INTO order_lines (order_id, position, product_id, name, price, quantity) VALUES ('order-old', 0, 'mug', 'Morning mug', 24000000, 1);
		INSERT INTO cart_lines (session_id, product_id, quantity, changed_at) VALUES ('old', 'bowl', 2, 9000000000000000);
		PRAGMA user_version = 1`)
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	st.open()
	st.want(st.get("/orders/order-old"), http.StatusOK, "was charged $32.00", "Morning mug")
	st.cookie = "shop_cart=old"
	st.want(st.get("/cart"), http.StatusOK, "Breakfast bowl")
	st.want(st.post("/pay"), http.StatusSeeOther)
}

// The database itself prevents two live orders of a cart.
func TestTheDatabaseKeepsOneLiveOrderOfACart(t *testing.T) {
	st := newStage(t)
	first, second := st.paid("mug"), st.paid("bowl")
	_, err := st.shop.Database().ExecContext(t.Context(), `
		UPDATE orders SET cart_id = (SELECT cart_id FROM orders WHERE order_id = ?)
		WHERE order_id = ?`, first, second)
	if err == nil || !strings.Contains(err.Error(), "UNIQUE") {
		t.Errorf("two orders of one cart hold money: %v", err)
	}
}
