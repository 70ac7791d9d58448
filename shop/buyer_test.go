package shop_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/shop"
)

func TestBuyerPays(t *testing.T) {
	st := newStage(t)
	st.want(st.get("/"), http.StatusOK, "Morning mug", "/static/teapot.svg")
	st.want(st.get("/products/mug"), http.StatusOK, `id="add-to-cart"`)
	st.want(st.post("/cart", "product", "mug", "quantity", "2"), http.StatusSeeOther)
	st.want(st.get("/cart"), http.StatusOK, `id="pay-now"`, "$57.50")

	w := st.post("/pay")
	st.want(w, http.StatusSeeOther)
	link, err := url.Parse(w.Header().Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	asked := link.Query()
	id := shop.OrderID(asked.Get("callerReference"))
	for name, want := range map[string]string{
		"pipelineName": "SingleUse", "transactionAmount": "57.50", "itemTotal": "48.00", "shipping": "6.50", "tax": "3.00",
		"reserve": "True", "paymentMethod": "CC", "collectShippingAddress": "True", "returnURL": publicURL + "/return",
		"paymentReason": "Fen Pottery, order 1001", "websiteDescription": "Fen Pottery",
	} {
		if got := asked.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	st.wantState(id, shop.AwaitingAuthorisation)

	back := st.returnPath(id, holdfast.ReturnSuccessCC)
	w = st.get(back)
	st.want(w, http.StatusSeeOther)
	page := w.Header().Get("Location")
	st.want(st.get(page), http.StatusOK, `<h1 id="thank-you">`, "Nothing is charged until your parcel ships", "Ann Buyer")
	o := st.wantState(id, shop.ToShip)
	if o.TokenID != testToken || o.TransactionID == "" || o.TransactionStatus != holdfast.StatusReserved {
		t.Errorf("kept: token %q, transaction %q %s", o.TokenID, o.TransactionID, o.TransactionStatus)
	}
	if want := testNow.Add(7 * 24 * time.Hour); !o.Deadline.Equal(want) {
		t.Errorf("deadline %v, want %v", o.Deadline, want)
	}
	log, err := st.shop.Log(t.Context(), id)
	if err != nil || !strings.HasPrefix(log[len(log)-1].RequestID, "request-") {
		t.Errorf("the log ends with %+v, %v; want Reserve's RequestId", log, err)
	}
	st.want(st.get("/cart"), http.StatusOK, "Your cart is empty")

	// Loading the return URL again sends no further request.
	st.want(st.get(back), http.StatusSeeOther)
	st.want(st.get(page), http.StatusOK, `id="thank-you"`)
	st.pass(time.Minute)
	st.work("fulfil", "reserve")
	if n := st.fps.times("Reserve"); n != 1 {
		t.Errorf("Reserve was asked %d times, want once", n)
	}
}

func TestForgedReturnChangesNothing(t *testing.T) {
	st := newStage(t)
	id := st.order("mug")
	genuine := st.returnPath(id, holdfast.ReturnSuccessCC)
	for name, forged := range map[string]string{
		"unsigned":      "/return?status=SC&tokenID=X&callerReference=" + string(id),
		"changed":       strings.Replace(genuine, "status=SC", "status=SA", 1),
		"extended":      genuine + "&more=1",
		"doubled":       genuine + "&status=A",
		"bad signature": strings.Replace(genuine, "signature=", "signature=AAAA", 1),
		"no parameters": "/return",
	} {
		w := st.get(forged)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "We could not verify this link") {
			t.Errorf("%s: status %d", name, w.Code)
		}
	}
	st.wantState(id, shop.AwaitingAuthorisation)
	if n := st.fps.times("Reserve"); n != 0 {
		t.Errorf("Reserve was asked %d times for forged returns", n)
	}
}

func TestBuyerCancels(t *testing.T) {
	st := newStage(t)
	id := st.order("bowl")
	w := st.get(st.returnPath(id, holdfast.ReturnAbandoned))
	st.want(w, http.StatusSeeOther)
	st.want(st.get(w.Header().Get("Location")), http.StatusOK, "No harm done", "Go to your cart")
	st.wantState(id, shop.Abandoned)
	st.want(st.get("/cart"), http.StatusOK, "Breakfast bowl")

	// The buyer goes back in the browser and authorises.
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(id, shop.ToShip)
	// The old return URL, loaded again, does not undo it.
	st.want(st.get(st.returnPath(id, holdfast.ReturnAbandoned)), http.StatusSeeOther)
	st.wantState(id, shop.ToShip)
}

func TestBuyerIsTurnedAway(t *testing.T) {
	for status, words := range map[holdfast.ReturnStatus]string{
		holdfast.ReturnSystemError:    "The payment service had a problem",
		holdfast.ReturnCallerError:    "The fault is ours",
		holdfast.ReturnPaymentError:   "add another card",
		holdfast.ReturnAccountProblem: "You can fix it there",
		holdfast.ReturnNotMarketplace: "The fault is ours",
	} {
		t.Run(string(status), func(t *testing.T) {
			st := newStage(t)
			id := st.order("mug")
			w := st.get(st.returnPath(id, status))
			st.want(w, http.StatusSeeOther)
			st.want(st.get(w.Header().Get("Location")), http.StatusOK, words, "Nothing was charged")
			st.wantState(id, shop.NotAuthorised)
		})
	}
}

func TestRedirectLost(t *testing.T) {
	st := newStage(t)
	id := st.order("vase")
	st.pass(time.Hour)
	st.work("recover_redirect")
	st.wantState(id, shop.AwaitingAuthorisation)

	st.fps.set(func(f *fakeFPS) { f.tokens[string(id)] = testToken })
	st.pass(time.Hour)
	st.work("recover_redirect")
	o := st.wantState(id, shop.ToShip)
	if o.TokenID != testToken {
		t.Errorf("token %q", o.TokenID)
	}

	// Without the return there is no address, so the packer must ask for it before
	// shipping.
	st.want(st.get("/bench/orders/"+string(id)), http.StatusOK, "ann@example.test", `id="keep-address"`)
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "line", "0"), http.StatusConflict, "no shipping address")
	st.want(st.post("/bench/orders/"+string(id)+"/address", "name", "Ann", "line1", "1 Kiln Lane", "city", "Ely"),
		http.StatusSeeOther)
	st.want(st.get("/bench/orders/"+string(id)), http.StatusOK, `id="ship"`, "1 Kiln Lane")
}

func TestBuyerNeverComesBack(t *testing.T) {
	st := newStage(t)
	id := st.order("vase")
	for range 2 {
		st.pass(time.Hour)
		st.work("recover_redirect")
		st.wantState(id, shop.AwaitingAuthorisation)
	}
	st.pass(time.Hour)
	st.work("recover_redirect")
	st.wantState(id, shop.Abandoned)
	st.pass(time.Hour)
	st.work()
}

func TestReserveAnswerLost(t *testing.T) {
	st := newStage(t)
	st.fps.set(func(f *fakeFPS) { f.lose["Reserve"] = 2 })
	id := st.order("mug")
	w := st.get(st.returnPath(id, holdfast.ReturnSuccessCC))
	st.want(w, http.StatusSeeOther)
	st.wantState(id, shop.Reserving)
	st.want(st.get(w.Header().Get("Location")), http.StatusOK, `id="thank-you"`, "sends the same request again")
	first := st.fps.only(t)

	st.restart() // the job is on disk
	st.pass(time.Minute)
	st.work("reserve failed")
	st.wantState(id, shop.Reserving)
	st.work("reserve")
	o := st.wantState(id, shop.ToShip)
	if string(o.TransactionID) != first.id || st.fps.only(t).amount != "32.00" {
		t.Errorf("transaction %s for %s, want the first one, %s, for 32.00", o.TransactionID, st.fps.only(t).amount, first.id)
	}
}

func TestReservePendingThenReserved(t *testing.T) {
	st := newStage(t)
	st.fps.set(func(f *fakeFPS) { f.reserveAs = holdfast.StatusPending })
	id := st.order("mug")
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(id, shop.Pending)
	st.pass(10 * time.Second)
	st.work("await_hold")
	st.wantState(id, shop.Pending)
	h := st.fps.only(t)
	st.fps.set(func(f *fakeFPS) { f.held[h.id].status = holdfast.StatusReserved })
	st.work("await_hold")
	st.wantState(id, shop.ToShip)
	st.work("fulfil")
}

func TestReserveFails(t *testing.T) {
	st := newStage(t)
	st.fps.set(func(f *fakeFPS) { f.reserveAs, f.reserveCode = holdfast.StatusFailure, "InactiveInstrument" })
	id := st.order("mug")
	w := st.get(st.returnPath(id, holdfast.ReturnSuccessCC))
	st.want(st.get(w.Header().Get("Location")), http.StatusOK, "has expired", `id="pay-again"`)
	st.wantState(id, shop.PaymentFailed)
	st.want(st.get("/cart"), http.StatusOK, "Morning mug")
	// Paying again makes a new order, because the old reference is used up.
	st.want(st.post("/orders/"+string(id)+"/again"), http.StatusSeeOther)
	if again := st.order(); again == id {
		t.Error("the second try has the first one's reference")
	}
}

func TestReserveRefused(t *testing.T) {
	for code, want := range map[string]shop.OrderState{
		"InvalidTokenId_Sender": shop.PaymentFailed,
		"DuplicateRequest":      shop.PaymentFailed,
		"ServiceUnavailable":    shop.Reserving, // its job asks again
		"SignatureDoesNotMatch": shop.Reserving, // continues when the keys are fixed
	} {
		t.Run(code, func(t *testing.T) {
			st := newStage(t)
			st.fps.set(func(f *fakeFPS) { f.refuse["Reserve"] = code })
			id := st.order("mug")
			st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
			st.wantState(id, want)
		})
	}
}

func TestFormsOfOtherSitesAreRefused(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	for _, path := range []string{"/pay", "/cart", "/bench/orders/" + string(id) + "/ship", "/bench/orders/" + string(id) +
		"/cancel"} {
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
	for _, path := range []string{"/", "/cart", "/bench", "/nothing", "/static/mug.svg", "/orders/order-unknown"} {
		w := st.get(path)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") ||
			!strings.Contains(policy, "form-action 'self' http://pay.example.test:8080") {
			t.Errorf("%s: policy %q", path, policy)
		}
		if strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Body.String(), " style=") {
			t.Errorf("%s has script or style of its own", path)
		}
	}
	st.want(st.get("/nothing"), http.StatusNotFound, "Page not found")
	st.want(st.get("/orders/order-unknown"), http.StatusNotFound, "no such order")
	st.want(st.post("/cart", "product", "mug", "quantity", "10"), http.StatusUnprocessableEntity, "How many pieces?")
	st.want(st.post("/cart", "product", "anvil"), http.StatusNotFound)
}
