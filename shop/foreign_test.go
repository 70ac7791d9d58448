package shop_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/shop"
)

// becomes changes a transaction's status without a notification.
func (st *stage) becomes(id string, status holdfast.TransactionStatus, code string) {
	st.Helper()
	st.fps.set(func(f *fakeFPS) { f.held[id].status, f.held[id].code = status, code })
}

// asked returns the requests to the payment service since the last call.
func (st *stage) asked() []string {
	var asked []string
	st.fps.set(func(f *fakeFPS) { asked, f.asked = f.asked, nil })
	return asked
}

func forCaller(caller string, p holdfast.Params) holdfast.Params {
	return append(p[:len(p):len(p)], holdfast.Param{Name: holdfast.CallerField, Value: caller})
}

// A genuine notification alone changes no order. Only the answer to the shop's
// own request does.
func TestANotificationIsOnlyAHint(t *testing.T) {
	for _, row := range []struct{ operation, status, code string }{
		{"RESERVE", "CANCELLED", "Canceled"},
		{"RESERVE", "CANCELLED", "Expired"},
		{"RESERVE", "FAILURE", "TransactionDenied"},
		{"SETTLE", "SUCCESS", "Success"},
		{"SETTLE", "FAILURE", "TransactionDenied"},
	} {
		st := newStage(t)
		id := st.paid("mug")
		h := st.fps.only(t)
		st.asked()
		if code := st.notify(h, row.operation, row.status, row.code); code != http.StatusOK {
			t.Errorf("%v: status %d", row, code)
		}
		st.wantState(id, shop.ToShip)
		if asked := st.asked(); !slices.Equal(asked, []string{"GetTransactionStatus " + h.id}) {
			t.Errorf("%v: asked %q", row, asked)
		}
		st.becomes(h.id, holdfast.StatusCancelled, "Canceled")
		if code := st.notify(h, row.operation, row.status, row.code); code != http.StatusOK {
			t.Errorf("%v: status %d", row, code)
		}
		st.wantState(id, shop.Cancelled)
	}
	st := newStage(t)
	id := st.paid("mug")
	st.fps.set(func(f *fakeFPS) { f.down = true })
	if code := st.notify(st.fps.only(t), "RESERVE", "CANCELLED", "Canceled"); code != http.StatusInternalServerError {
		t.Errorf("nobody to ask: status %d, want 500, so that it is delivered again", code)
	}
	st.wantState(id, shop.ToShip)
}

// A notification that does not fit the shop's request is ignored and causes no
// request.
func TestANotificationOfSomethingElseIsIgnored(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	other := st.paid("vase")
	var h, others hold
	st.fps.set(func(f *fakeFPS) {
		for _, held := range f.held {
			if held.reference == string(id) {
				h = *held
			} else {
				others = *held
			}
		}
	})
	changed := func(change func(*hold)) hold { c := h; change(&c); return c }
	st.asked()
	for name, row := range map[string]struct {
		h         hold
		operation string
	}{
		"another transaction under the order's reference": {changed(func(h *hold) {
			h.id = "TXNSTRANGE000000000000000000000000X"
		}), "RESERVE"},
		"another order's reference":   {changed(func(h *hold) { h.reference = others.reference }), "RESERVE"},
		"another order's transaction": {changed(func(h *hold) { h.id = others.id }), "RESERVE"},
		"another amount":              {changed(func(h *hold) { h.amount = "1.00" }), "RESERVE"},
		"another operation":           {h, "PAY"},
	} {
		if code := st.notify(row.h, row.operation, "CANCELLED", "Canceled"); code != http.StatusOK {
			t.Errorf("%s: status %d", name, code)
		}
		if asked := st.asked(); len(asked) > 0 {
			t.Errorf("%s: asked %q", name, asked)
		}
		for _, id := range []shop.OrderID{id, other} {
			st.wantState(id, shop.ToShip)
		}
	}
}

// While the answer to Reserve is missing, the order gets its transaction from
// the repeated request, never from a notification.
func TestATransactionIsLearnedFromTheAnswerAlone(t *testing.T) {
	st := newStage(t)
	st.fps.set(func(f *fakeFPS) { f.lose["Reserve"] = 1 })
	id := st.order("mug")
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(id, shop.Reserving)
	h := st.fps.only(t)
	strange := hold{id: "TXNSTRANGE000000000000000000000000X", reference: string(id), amount: "1.00"}
	st.asked()
	st.notify(strange, "RESERVE", "RESERVED", "Success")
	if asked := st.asked(); len(asked) > 0 || st.wantState(id, shop.Reserving).TransactionID != "" {
		t.Errorf("a stranger's dollar: asked %q", asked)
	}
	strange.amount = h.amount
	st.notify(strange, "RESERVE", "RESERVED", "Success")
	if asked := st.asked(); !slices.Equal(asked, []string{"Reserve " + string(id)}) {
		t.Errorf("asked %q", asked)
	}
	if o := st.wantState(id, shop.ToShip); string(o.TransactionID) != h.id {
		t.Errorf("the order's transaction is %s, and the shop's own is %s", o.TransactionID, h.id)
	}
}

// Messages for other callers, and forged ones, are refused.
func TestForeignAndForgedMessages(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	unpaid := st.order("vase")
	h := st.fps.only(t)
	cancelled := notification(h, "RESERVE", "CANCELLED", "Canceled")
	back := holdfast.Params{
		{Name: "callerReference", Value: string(unpaid)}, {Name: "status", Value: "SC"}, {Name: "tokenID", Value: testToken},
	}
	both := append(back[:len(back):len(back)], cancelled.Without("callerReference")...)
	st.asked()
	for name, body := range map[string]string{
		"another caller's notification": signed(http.MethodPost, publicURL+"/ipn",
			forCaller("COTHER", cancelled)),
		"a notification that names nobody": signed(http.MethodPost, publicURL+"/ipn", forCaller("", cancelled)),
		"a notification that names two": signed(http.MethodPost, publicURL+"/ipn",
			forCaller("COTHER", forCaller(testCaller, cancelled))),
		"a redirect with a notification's fields": signed(http.MethodGet, publicURL+"/ipn", cancelled),
		"a redirect with both kinds' fields":      signed(http.MethodGet, publicURL+"/ipn", both),
		"both kinds' fields":                      signed(http.MethodPost, publicURL+"/ipn", both),
		"a return URL":                            signed(http.MethodPost, publicURL+"/ipn", back),
		"a notification to another path":          signed(http.MethodPost, publicURL+"/ipn2", cancelled),
		"a notification to another host":          signed(http.MethodPost, "http://other.example.test/ipn", cancelled),
		"a notification that was changed on the way": strings.Replace(signed(http.MethodPost, publicURL+"/ipn",
			notification(h, "RESERVE", "RESERVED", "Success")), "RESERVED", "CANCELLED", 1),
		"a notification whose caller was changed": strings.Replace(signed(http.MethodPost, publicURL+"/ipn",
			forCaller("COTHER", cancelled)), "COTHER", testCaller, 1),
		"a notification to which a caller was added": signed(http.MethodPost, publicURL+"/ipn",
			forCaller("COTHER", cancelled)) + "&callerId=" + testCaller,
		"a notification with its caller in other case": signed(http.MethodPost, publicURL+"/ipn",
			forCaller(strings.ToLower(testCaller), cancelled)),
	} {
		if code := st.deliver(body); code != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403", name, code)
		}
	}
	for name, query := range map[string]string{
		"another caller's return":    signed(http.MethodGet, publicURL+"/return", forCaller("COTHER", back)),
		"a return that names nobody": signed(http.MethodGet, publicURL+"/return", forCaller("", back)),
		"a return with a notification's fields": signed(http.MethodGet, publicURL+"/return",
			append(back[:len(back):len(back)], cancelled[0])),
		"a notification":                     signed(http.MethodGet, publicURL+"/return", cancelled),
		"a return that was signed as a form": signed(http.MethodPost, publicURL+"/return", back),
		"a return with another order's reference": strings.Replace(signed(http.MethodGet, publicURL+"/return", back),
			string(unpaid), string(id), 1),
		"a return for another amount": signed(http.MethodGet, publicURL+"/return",
			append(back[:len(back):len(back)], holdfast.Param{Name: "transactionAmount", Value: "0.02"})),
	} {
		st.want(st.get("/return?"+query), http.StatusBadRequest, "We could not verify this link")
		if o := st.wantState(unpaid, shop.AwaitingAuthorisation); o.TokenID != "" {
			t.Errorf("%s: the order has the token %s", name, o.TokenID)
		}
	}
	if asked := st.asked(); len(asked) > 0 {
		t.Errorf("the payment service was asked %q", asked)
	}
	st.wantState(id, shop.ToShip)
	st.want(st.get("/return?"+
		signed(http.MethodGet, publicURL+"/return",
			append(back, holdfast.Param{Name: "transactionAmount", Value: st.load(unpaid).Totals.Total.Decimal()}))),
		http.StatusSeeOther)
	st.wantState(unpaid, shop.ToShip)
}

// A token that GetTokenByCaller finds is used only if it is active.
func TestNoInactiveTokenIsRecovered(t *testing.T) {
	st := newStage(t)
	id := st.order("mug")
	st.fps.set(func(f *fakeFPS) { f.tokens[string(id)], f.tokensAre = testToken, holdfast.TokenInactive })
	st.pass(time.Hour)
	st.work("recover_redirect")
	if o := st.wantState(id, shop.Abandoned); o.TokenID != "" {
		t.Errorf("the order has the token %s", o.TokenID)
	}
	if n := st.fps.times("Reserve"); n != 0 {
		t.Errorf("Reserve was asked %d times", n)
	}
}

// An order is never cancelled without asking for its status first.
func TestCancellingAsksFirst(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	packing := "/bench/orders/" + string(id)
	st.fps.set(func(f *fakeFPS) { f.down = true })
	st.want(st.post(packing+"/cancel"), http.StatusServiceUnavailable, "could not be asked for the state of the hold")
	st.wantState(id, shop.ToShip)
	st.fps.set(func(f *fakeFPS) { f.down = false })
	st.becomes(st.fps.only(t).id, holdfast.StatusSuccess, "Success")
	st.want(st.post(packing+"/cancel"), http.StatusConflict, "Not cancelled.")
	st.wantState(id, shop.NeedsAttention)
	if n := st.fps.times("Cancel"); n != 0 {
		t.Errorf("Cancel was asked %d times", n)
	}
}
