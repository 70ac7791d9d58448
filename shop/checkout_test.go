package shop_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/shop"
)

var cartField = regexp.MustCompile(`name="cart" value="([^"]*)"`)

// cartShown returns the cart's id in the form of the cart page.
func (st *stage) cartShown() string {
	st.Helper()
	found := cartField.FindStringSubmatch(st.get("/cart").Body.String())
	if len(found) != 2 || found[1] == "" {
		st.Fatal("the cart's page does not name its cart")
	}
	return found[1]
}

func TestBuyerPays(t *testing.T) {
	st := newStage(t)
	st.want(st.get("/"), http.StatusOK, "Morning mug", "/static/teapot.svg")
	st.want(st.get("/products/mug"), http.StatusOK, `id="add-to-cart"`)
	st.want(st.post("/cart", "product", "mug", "quantity", "2"), http.StatusSeeOther)
	st.want(st.get("/cart"), http.StatusOK, `id="pay-now"`, "$57.50")
	id := st.order()
	o := st.wantState(id, shop.AwaitingApproval)
	checkout, err := st.other().Checkout(t.Context(), o.CheckoutID)
	if err != nil || checkout.Amount.Decimal() != "57.50" || !checkout.Reserve || checkout.Reference != string(id) {
		t.Errorf("the checkout is %+v, %v", checkout, err)
	}

	st.approve(id)
	st.want(st.back(id), http.StatusOK, `<h1 id="thank-you">`, "Nothing is charged until your parcel ships", "Ann Buyer")
	o = st.wantState(id, shop.ToShip)
	if want := st.world.Clock.Now().Add(7 * 24 * time.Hour); !o.Deadline.Equal(want) {
		t.Errorf("the deadline is %v, want %v", o.Deadline, want)
	}
	if o.Email != st.world.Buyer.Email {
		t.Errorf("the buyer's address is %q", o.Email)
	}
	st.want(st.get("/cart"), http.StatusOK, "Your cart is empty")

	// Loading the page again, the job and the events ask for no second hold.
	st.back(id)
	st.pass(time.Minute)
	st.catchUp()
	st.wantState(id, shop.ToShip)
	if n := st.way.times("hold"); n != 1 {
		t.Errorf("%d holds were asked for, want one", n)
	}
	st.wantCharges(id)
}

// The browser can say anything. Only the payment service knows what the buyer did.
func TestForgedReturnChangesNothing(t *testing.T) {
	st := newStage(t)
	id := st.order("mug")
	for _, query := range []string{"", "?status=SC&tokenID=X", "?checkout=someone-elses", "?status=A"} {
		st.get("/orders/" + string(id) + "/paid" + query)
		st.wantState(id, shop.AwaitingApproval)
	}
	st.want(st.get("/orders/order-unknown/paid"), http.StatusNotFound, "no such order")
	if n := st.way.times("hold"); n != 0 {
		t.Errorf("%d holds were asked for", n)
	}
}

func TestBuyerLeaves(t *testing.T) {
	st := newStage(t)
	id := st.order("bowl")
	visit := payment.VisitID(st.load(id).CheckoutID)
	v, err := st.world.Processor.EnterVisit(t.Context(), visit, st.world.Buyer.ID)
	if err == nil {
		_, err = st.world.Processor.EndVisit(t.Context(), v, payment.Abandoned())
	}
	if err != nil {
		t.Fatal(err)
	}
	st.want(st.back(id), http.StatusOK, "No harm done", "Go to your cart")
	st.wantState(id, shop.Abandoned)
	st.want(st.get("/cart"), http.StatusOK, "Breakfast bowl")
}

// The shop's own cancellation is not the buyer's doing.
func TestBuyerIsTurnedAway(t *testing.T) {
	st := newStage(t)
	id := st.order("mug")
	if _, err := st.other().CancelCheckout(t.Context(), st.load(id).CheckoutID); err != nil {
		t.Fatal(err)
	}
	st.catchUp()
	st.wantState(id, shop.TurnedAway)
	st.want(st.get("/orders/"+string(id)), http.StatusOK, "The fault is ours", "Nothing was charged")
}

// A buyer approves and never comes back. The shop hears of it, with the address.
func TestReturnLost(t *testing.T) {
	st := newStage(t)
	id := st.order("vase")
	st.catchUp()
	st.wantState(id, shop.AwaitingApproval)
	st.approve(id)
	st.catchUp()
	st.wantState(id, shop.ToShip)
	st.want(st.get(bench(id)), http.StatusOK, `id="ship"`, "1 Kiln Lane", "ann@example.test")
}

func TestBuyerNeverComesBack(t *testing.T) {
	st := newStage(t)
	id := st.order("vase")
	st.pass(3*time.Hour - time.Second)
	st.catchUp()
	st.wantState(id, shop.AwaitingApproval)
	st.pass(time.Second)
	st.catchUp()
	st.wantState(id, shop.Abandoned)
}

// The answer about the checkout is lost. Pressing the button again makes no second
// one.
func TestCheckoutAnswerLost(t *testing.T) {
	st := newStage(t)
	st.want(st.post("/cart", "product", "mug"), http.StatusSeeOther)
	st.way.set(func(y *way) { y.lose["checkout"] = 1 })
	st.want(st.post("/pay"), http.StatusServiceUnavailable, "Nothing was charged")
	id := st.order()
	all := 0
	for c, err := range st.other().Checkouts(t.Context(), client.CheckoutFilter{}) {
		if err != nil || c.Reference != string(id) {
			t.Errorf("the checkout is %+v, %v", c, err)
		}
		all++
	}
	if all != 1 {
		t.Errorf("there are %d checkouts, want one", all)
	}
}

// A double click and a second tab lead to one order.
func TestOneCartIsOneOrder(t *testing.T) {
	st := newStage(t)
	st.want(st.post("/cart", "product", "mug"), http.StatusSeeOther)
	tab := st.cartShown()
	first, second := st.sent(st.post("/pay", "cart", tab)), st.sent(st.post("/pay", "cart", tab))
	if first != second {
		t.Fatalf("two clicks made the orders %s and %s", first, second)
	}
	st.approve(first)
	st.back(first)
	st.wantState(first, shop.ToShip)

	// The other tab still shows the old cart, while the buyer fills a new one.
	st.want(st.post("/cart", "product", "bowl"), http.StatusSeeOther)
	w := st.post("/pay", "cart", tab)
	if got := w.Header().Get("Location"); got != "/orders/"+string(first) {
		t.Errorf("the cart that was paid for leads to %s", got)
	}
	if next := st.sent(st.post("/pay", "cart", st.cartShown())); next == first {
		t.Error("a new cart is the old order")
	}
	if n := st.way.times("hold"); n != 1 {
		t.Errorf("%d holds were asked for, want one", n)
	}
}

// While the hold has no answer, the cart keeps its contents, but must not be paid
// for again.
func TestACartThatIsBeingPaidIsNotPaidAgain(t *testing.T) {
	st := newStage(t)
	id := st.reserving()
	w := st.post("/pay", "cart", st.cartShown())
	if got := w.Header().Get("Location"); got != "/orders/"+string(id) {
		t.Errorf("Pay now leads to %s, want the order's page", got)
	}
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

func TestAChangedCartTakesTheFirstOrdersPlace(t *testing.T) {
	st := newStage(t)
	first := st.order("mug")
	second := st.order("bowl")
	if first == second {
		t.Fatal("a cart with more in it is the same order")
	}
	st.wantState(first, shop.Abandoned)
	st.approve(second)
	st.back(second)
	st.wantState(second, shop.ToShip)

	// The first tab is still on the payment pages, and the buyer also approves there.
	// That approval is given up, so that it holds no money.
	st.approve(first)
	st.back(first)
	st.wantState(first, shop.Abandoned)
	if n := st.way.times("hold"); n != 1 {
		t.Errorf("%d holds were asked for, want one", n)
	}
	st.work()
	token, err := st.other().Token(t.Context(), st.load(first).Token)
	if err != nil || token.State != "cancelled" {
		t.Errorf("the unused token is %s, %v", token.State, err)
	}

	// The unused approval counts once. It is of no use either when the other order ends.
	log := len(st.logOf(first))
	st.back(first)
	if again := len(st.logOf(first)); again != log {
		t.Errorf("the log has %d entries, and had %d", again, log)
	}
	st.want(st.get("/orders/"+string(first)), http.StatusOK, "You paid for this as order 1002", "/orders/"+string(second))
	st.want(st.post(bench(second, "cancel")), http.StatusSeeOther)
	st.wantState(second, shop.Cancelled)
	st.back(first)
	st.wantState(first, shop.Abandoned)
}

func TestAnOldOrderIsNotPaidForInANewTab(t *testing.T) {
	st := newStage(t)
	first := st.order("mug")
	st.pass(3 * time.Hour)
	if second := st.order(); second == first {
		t.Error("a link of three hours ago is used again")
	}
	st.wantState(first, shop.Abandoned)
}

func TestPayingAgain(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug", "bowl")
	st.pass(8 * 24 * time.Hour)
	st.catchUp()
	st.wantState(id, shop.Lapsed)
	st.want(st.get("/bench"), http.StatusOK, `id="do-not-ship"`)
	st.want(st.post("/cart", "product", "mug"), http.StatusSeeOther) // a cart for a friend

	page := "/orders/" + string(id)
	st.want(st.get(page), http.StatusOK, `id="pay-again"`, "Pay again")
	again := st.sent(st.post(page + "/again"))
	if twice := st.sent(st.post(page + "/again")); twice != again || again == id {
		t.Fatalf("paying again is order %s, and %s the second time", again, twice)
	}
	if o := st.load(again); len(o.Lines) != 2 || o.Totals.Total.Decimal() != "66.00" {
		t.Errorf("paid again is %+v for %v", o.Lines, o.Totals.Total)
	}
	st.approve(again)
	st.back(again)
	st.wantState(again, shop.ToShip)
	st.want(st.get("/cart"), http.StatusOK, "Morning mug")

	// The first order asks for nothing more.
	w := st.get(page)
	st.want(w, http.StatusOK, "order 1002")
	st.wantNot(w, `id="pay-again"`)
	if got := st.post(page + "/again").Header().Get("Location"); got != "/orders/"+string(again) {
		t.Errorf("paying a third time leads to %s", got)
	}
	st.wantNot(st.get("/bench"), `id="do-not-ship"`)
	st.want(st.get(bench(id)), http.StatusOK, "has paid for these pieces with another order", "order 1002")
}

func TestOnlyAnOrderThatIsOverIsPaidAgain(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	if got := st.post("/orders/" + string(id) + "/again").Header().Get("Location"); got != "/orders/"+string(id) {
		t.Errorf("an order whose money is held is paid again at %s", got)
	}
}

// A buyer who adds more than the maximum sees what is in the cart.
func TestAFullCartSaysSo(t *testing.T) {
	st := newStage(t)
	st.want(st.post("/cart", "product", "mug", "quantity", "6"), http.StatusSeeOther)
	st.wantNot(st.get("/cart"), `id="full"`)
	w := st.post("/cart", "product", "mug", "quantity", "5")
	st.want(w, http.StatusSeeOther)
	st.want(st.get(w.Header().Get("Location")), http.StatusOK, `id="full"`, "at most 9 pieces", "Morning mug")
	st.wantNot(st.get("/cart?full=bowl"), `id="full"`)
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	for _, path := range []string{"/pay", "/cart", bench(id, "ship"), bench(id, "cancel"), "/bench/stock/mug"} {
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("line=0"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if w := st.do(r); w.Code != http.StatusForbidden {
			t.Errorf("%s from elsewhere: status %d, want 403", path, w.Code)
		}
	}
	st.wantState(id, shop.ToShip)
}

func TestPagesAreGuarded(t *testing.T) {
	st := newStage(t)
	for _, path := range []string{"/", "/cart", "/bench", "/bench/stock", "/nothing", "/static/mug.svg", "/orders/order-unknown"} {
		w := st.get(path)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") ||
			!strings.Contains(policy, "form-action 'self' https://pay.example.test") {
			t.Errorf("%s: policy %q", path, policy)
		}
		st.wantNot(w, "<script", " style=")
	}
	st.want(st.get("/nothing"), http.StatusNotFound, "Page not found")
	st.want(st.get("/orders/order-unknown"), http.StatusNotFound, "no such order")
	st.want(st.post("/cart", "product", "mug", "quantity", "10"), http.StatusUnprocessableEntity, "How many pieces?")
	st.want(st.post("/cart", "product", "anvil"), http.StatusNotFound)
}
