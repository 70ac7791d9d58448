package shop_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
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

func asked(t *testing.T, w *httptest.ResponseRecorder) shop.OrderID {
	t.Helper()
	u, err := url.Parse(w.Header().Get("Location"))
	if err != nil || !strings.HasPrefix(u.String(), coBranded+"?") {
		t.Fatalf("the buyer is sent to %s, %v", u, err)
	}
	return shop.OrderID(u.Query().Get("callerReference"))
}

// A double click and a second tab lead to one order.
func TestOneCartIsOneOrder(t *testing.T) {
	st := newStage(t)
	st.want(st.post("/cart", "product", "mug"), http.StatusSeeOther)
	tab := st.cartShown()
	first, second := asked(t, st.post("/pay", "cart", tab)), asked(t, st.post("/pay", "cart", tab))
	if first != second {
		t.Fatalf("two clicks made the orders %s and %s", first, second)
	}
	st.want(st.get(st.returnPath(first, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(first, shop.ToShip)

	// The other tab still shows the old cart, while the buyer fills a new one.
	st.want(st.post("/cart", "product", "bowl"), http.StatusSeeOther)
	w := st.post("/pay", "cart", tab)
	if got := w.Header().Get("Location"); got != "/orders/"+string(first) {
		t.Errorf("the cart that was paid for leads to %s", got)
	}
	if next := asked(t, st.post("/pay", "cart", st.cartShown())); next == first {
		t.Error("a new cart is the old order")
	}
	if n := st.fps.times("Reserve"); n != 1 {
		t.Errorf("Reserve was asked %d times, want once", n)
	}
}

// While Reserve has no answer, the cart keeps its contents, but must not be
// paid for again.
func TestACartThatIsBeingPaidIsNotPaidAgain(t *testing.T) {
	st := newStage(t)
	id := st.reserving()
	w := st.post("/pay", "cart", st.cartShown())
	if got := w.Header().Get("Location"); got != "/orders/"+string(id) {
		t.Errorf("Pay now leads to %s, want the order's page", got)
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
	st.wantState(second, shop.AwaitingAuthorisation)
	st.want(st.get(st.returnPath(second, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(second, shop.ToShip)

	// The first tab is still on the payment pages, and the buyer also authorises
	// there.
	st.want(st.get(st.returnPath(first, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	o := st.wantState(first, shop.Abandoned)
	if n := st.fps.times("Reserve"); n != 1 || o.TokenID != "" {
		t.Errorf("Reserve was asked %d times, and the token is %q", n, o.TokenID)
	}
	st.want(st.get("/orders/"+string(first)), http.StatusOK, "You paid for this as order 1002", "/orders/"+string(second))

	// The same holds when the return was lost.
	st.fps.set(func(f *fakeFPS) { f.tokens[string(first)] = testToken })
	st.pass(time.Hour)
	st.work("fulfil", "reserve", "recover_redirect", "recover_redirect")
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
	st.fps.set(func(f *fakeFPS) { f.now = f.now.Add(8 * 24 * time.Hour) })
	st.want(st.get("/bench"), http.StatusOK, `id="do-not-ship"`)
	st.wantState(id, shop.Lapsed)
	st.want(st.post("/cart", "product", "mug"), http.StatusSeeOther) // a cart for a friend

	page := "/orders/" + string(id)
	st.want(st.get(page), http.StatusOK, `id="pay-again"`, "Pay again")
	again := asked(t, st.post(page+"/again"))
	if twice := asked(t, st.post(page+"/again")); twice != again || again == id {
		t.Fatalf("paying again is order %s, and %s the second time", again, twice)
	}
	o := st.load(again)
	if len(o.Lines) != 2 || o.Totals.Total.Decimal() != "66.00" {
		t.Errorf("paid again is %+v for %v", o.Lines, o.Totals.Total)
	}
	st.want(st.get(st.returnPath(again, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(again, shop.ToShip)
	st.want(st.get("/cart"), http.StatusOK, "Morning mug")

	// The first order asks for nothing more.
	if w := st.get(page); strings.Contains(w.Body.String(), `id="pay-again"`) ||
		!strings.Contains(w.Body.String(), "order 1002") {
		t.Errorf("the first order's page:\n%s", w.Body)
	}
	if got := st.post(page + "/again").Header().Get("Location"); got != "/orders/"+string(again) {
		t.Errorf("paying a third time leads to %s", got)
	}
	if w := st.get("/bench"); strings.Contains(w.Body.String(), `id="do-not-ship"`) {
		t.Errorf("the packing bench still lists the order:\n%s", w.Body)
	}
	st.want(st.get("/bench/orders/"+string(id)), http.StatusOK, "has paid for these pieces with another order",
		"order 1002")
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
	if w := st.get("/cart"); strings.Contains(w.Body.String(), `id="full"`) {
		t.Error("six mugs are too many")
	}
	w := st.post("/cart", "product", "mug", "quantity", "5")
	st.want(w, http.StatusSeeOther)
	st.want(st.get(w.Header().Get("Location")), http.StatusOK, `id="full"`, "at most 9 pieces", "Morning mug")
	if w := st.get("/cart?full=bowl"); strings.Contains(w.Body.String(), `id="full"`) {
		t.Error("what is not in the cart is full")
	}
}
