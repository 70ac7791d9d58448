package shop_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/shop"
)

func (st *stage) wantStock(id shop.ProductID, want int64) {
	st.Helper()
	got, err := st.shop.Stock(context.WithoutCancel(st.Context()))
	if err != nil || got[id] != want {
		st.Errorf("there are %d free pieces of %s, want %d (%v)", got[id], id, want, err)
	}
}

// setStock leaves a number of pieces of a product.
func (st *stage) setStock(id shop.ProductID, pieces int64) {
	st.Helper()
	got, err := st.shop.Stock(st.Context())
	if err != nil {
		st.Fatal(err)
	}
	st.want(st.post("/bench/stock/"+string(id), "pieces", strconv.FormatInt(pieces-got[id], 10)), http.StatusSeeOther)
	st.wantStock(id, pieces)
}

// An order has its pieces as long as its hold lasts.
func TestStockFollowsTheHold(t *testing.T) {
	for _, row := range []struct {
		name string
		ends func(*stage, shop.OrderID)
		want int64 // of ten mugs, after an order of two mugs and a jug
	}{
		{"ships", func(st *stage, id shop.OrderID) { st.ships(id) }, 8},
		{"lapses", func(st *stage, _ shop.OrderID) { st.pass(7 * 24 * time.Hour); st.catchUp() }, 10},
		{"is cancelled", func(st *stage, id shop.OrderID) { st.post(bench(id, "cancel")) }, 10},
		{"lapses after a parcel", func(st *stage, id shop.OrderID) {
			st.ships(id, "listed", "1", "line", "0", "pieces-0", "1", "rest", "later")
			st.pass(7 * 24 * time.Hour)
			st.catchUp()
		}, 9},
		{"is cancelled after a parcel", func(st *stage, id shop.OrderID) {
			st.ships(id, "listed", "1", "line", "0", "pieces-0", "1", "rest", "later")
			st.post(bench(id, "cancel"))
		}, 9},
		{"a piece is not there", func(st *stage, id shop.OrderID) { st.post(bench(id, "withdraw"), "missing-0", "1") }, 8},
		{"a piece is left out", func(st *stage, id shop.OrderID) {
			st.ships(id, "listed", "1", "line", "0", "pieces-0", "1", "rest", "release")
		}, 8},
	} {
		t.Run(row.name, func(t *testing.T) {
			st := newStage(t)
			st.setStock("mug", 10)
			id := st.threePieces()
			st.wantStock("mug", 8)
			row.ends(st, id)
			st.wantStock("mug", row.want)
			st.catchUp() // nothing returns twice
			st.wantStock("mug", row.want)
		})
	}
}

// Two buyers pay for the last mug. One of them gets it, and nothing is held for the
// other one.
func TestTheLastPieceIsSoldOnce(t *testing.T) {
	st := newStage(t)
	st.setStock("mug", 1)
	st.want(st.get("/products/mug"), http.StatusOK, "Only 1 left")
	first := st.order("mug")
	st.cookie = "" // another browser
	second := st.order("mug")
	st.approve(first)
	st.approve(second)
	st.back(first)
	st.want(st.back(second), http.StatusOK, "Sorry, sold out", "Morning mug", "Nothing was charged")
	st.wantState(first, shop.ToShip)
	st.wantState(second, shop.SoldOut)
	st.wantStock("mug", 0)
	if n := st.way.times("hold"); n != 1 {
		t.Errorf("%d holds were asked for, want one", n)
	}
	st.work()
	if token, err := st.other().Token(t.Context(), st.load(second).Token); err != nil || token.State != "cancelled" {
		t.Errorf("the unused token is %s, %v", token.State, err)
	}
	w := st.get("/products/mug")
	st.want(w, http.StatusOK, `id="sold-out"`)
	st.wantNot(w, `id="add-to-cart"`)
	st.want(st.get("/cart"), http.StatusOK, `id="short"`, "disabled")
	st.want(st.post("/pay"), http.StatusSeeOther)
	st.want(st.post("/orders/"+string(second)+"/again"), http.StatusConflict, "No longer for sale")
}

func TestStockPage(t *testing.T) {
	st := newStage(t)
	st.setStock("mug", 10)
	st.threePieces()
	st.want(st.get("/bench/stock"), http.StatusOK, `data-product="mug"`, "8 free</strong>, 2 ordered and not shipped")
	st.want(st.post("/bench/stock/mug", "pieces", "-9"), http.StatusConflict, "The stock is as it was")
	st.want(st.post("/bench/stock/mug", "pieces", "many"), http.StatusUnprocessableEntity)
	st.want(st.post("/bench/stock/anvil", "pieces", "1"), http.StatusNotFound)
	st.wantStock("mug", 8)
}

// Many buyers drain the stock at the same time, while the packer ships, cancels and
// lets holds lapse. No piece is sold twice, and none is lost.
func TestManyBuyersNeverOversell(t *testing.T) {
	const buyers, pieces = 24, 20
	st := newStage(t)
	st.world.Unchecked = true
	st.setStock("mug", pieces)
	var all sync.WaitGroup
	orders := make(chan shop.OrderID, buyers)
	for n := range buyers {
		all.Go(func() {
			if id := st.buys(n, 1+n%3); id != "" {
				orders <- id
			}
		})
	}
	all.Wait()
	close(orders)
	random := rand.New(rand.NewPCG(8, 16))
	var sold, held int64
	for id := range orders {
		o := st.load(id)
		if o.State != shop.ToShip {
			if o.State != shop.SoldOut {
				t.Errorf("an order is %s", o.State)
			}
			continue
		}
		switch n := o.Lines[0].Quantity; random.IntN(3) {
		case 0:
			st.ships(id)
			sold += n
		case 1:
			st.want(st.post(bench(id, "cancel")), http.StatusSeeOther)
		default:
			held += n
		}
	}
	if sold+held > pieces || sold == 0 {
		t.Errorf("of %d pieces, %d are sold and %d ordered", pieces, sold, held)
	}
	st.wantStock("mug", pieces-sold-held)
	st.pass(7 * 24 * time.Hour)
	st.catchUp()
	st.wantStock("mug", pieces-sold)
	st.world.CheckBooks()
}

// buys lets a buyer in a browser of its own order some mugs and pay for them. It
// returns no order if the shop has too few.
func (st *stage) buys(n, pieces int) shop.OrderID {
	cookie := fmt.Sprintf("shop_cart=buyer-%d", n)
	do := func(r *http.Request) *httptest.ResponseRecorder {
		r.Header.Set("Cookie", cookie)
		r.Host = strings.TrimPrefix(publicURL, "http://")
		w := httptest.NewRecorder()
		st.handler.ServeHTTP(w, r)
		return w
	}
	ctx := context.WithoutCancel(st.Context())
	do(postOf("/cart", "product", "mug", "quantity", strconv.Itoa(pieces)))
	address := do(postOf("/pay")).Header().Get("Location")
	id, err := st.shop.OrderOfCheckout(ctx, address)
	if err != nil {
		if address != "/cart" {
			st.Errorf("the buyer is sent to %s: %v", address, err)
		}
		return ""
	}
	o, err := st.shop.Order(ctx, id)
	if err != nil {
		st.Error(err)
		return ""
	}
	if err := st.approves(ctx, o); err != nil {
		st.Error(err)
	}
	do(httptest.NewRequest(http.MethodGet, "/orders/"+string(id)+"/paid", nil))
	return id
}
