package shop_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/shop"
)

func TestNotificationBeforeTheAnswer(t *testing.T) {
	st := newStage(t)
	st.fps.set(func(f *fakeFPS) { f.lose["Reserve"] = 1 })
	id := st.order("mug")
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	st.wantState(id, shop.Reserving)
	h := st.fps.only(t)
	if code := st.notify(h, "RESERVE", "RESERVED", "Success"); code != http.StatusOK {
		t.Errorf("status %d", code)
	}
	o := st.wantState(id, shop.ToShip)
	if string(o.TransactionID) != h.id {
		t.Errorf("transaction %q, want %q", o.TransactionID, h.id)
	}
}

func TestNotificationBeforeTheRow(t *testing.T) {
	st := newStage(t)
	unheard := hold{id: "TXN99999999999999999999999999999999", reference: "order-unheard", amount: "32.00"}
	if code := st.notify(unheard, "RESERVE", "RESERVED", "Success"); code != http.StatusOK {
		t.Errorf("a transaction of no order here: status %d, want 200, so that it is not delivered for a day", code)
	}
	id := st.order("mug")
	unheard.reference = string(id)
	if code := st.notify(unheard, "RESERVE", "RESERVED", "Success"); code != http.StatusInternalServerError {
		t.Errorf("an order that has asked for nothing yet: status %d, want 500, so that it is delivered again", code)
	}
	st.wantState(id, shop.AwaitingAuthorisation)
}

func TestNotificationsComeTwiceAndLate(t *testing.T) {
	st := newStage(t)
	st.fps.set(func(f *fakeFPS) { f.reserveAs = holdfast.StatusPending })
	id := st.order("mug")
	st.want(st.get(st.returnPath(id, holdfast.ReturnSuccessCC)), http.StatusSeeOther)
	h := st.fps.only(t)
	for _, step := range []struct {
		operation, status, code string
		news                    bool // the transaction has just changed to this status
		stands                  holdfast.TransactionStatus
		want                    shop.OrderState
	}{
		{"RESERVE", "RESERVED", "Success", true, holdfast.StatusReserved, shop.ToShip},
		{"RESERVE", "RESERVED", "Success", false, "", shop.ToShip},
		{"RESERVE", "PENDING", "PendingNetworkResponse", false, "", shop.ToShip},
		{"RESERVE", "CANCELLED", "Expired", true, holdfast.StatusCancelled, shop.Lapsed},
		{"RESERVE", "RESERVED", "Success", false, "", shop.Lapsed},
	} {
		if step.news {
			st.becomes(h.id, step.stands, step.code)
		}
		if code := st.notify(h, step.operation, step.status, step.code); code != http.StatusOK {
			t.Errorf("%+v: status %d", step, code)
		}
		st.wantState(id, step.want)
	}
	log, err := st.shop.Log(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	told := 0
	for _, line := range log {
		if strings.HasPrefix(line.What, "GetTransactionStatus") {
			told++
		}
	}
	if told != 2 {
		t.Errorf("the log has %d answers, want the two that moved the order: %+v", told, log)
	}
}

func TestForgedNotification(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug")
	h := st.fps.only(t)
	body := "notificationType=TransactionStatus&transactionStatus=CANCELLED&transactionId=" + h.id
	r := httptest.NewRequest(http.MethodPost, publicURL+"/ipn", strings.NewReader(body))
	w := httptest.NewRecorder()
	st.handler.ServeHTTP(w, r)
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d, want 403", w.Code)
	}
	st.wantState(id, shop.ToShip)
}

func TestSettledForAnotherAmount(t *testing.T) {
	st := newStage(t)
	id := st.paid("mug", "bowl")
	st.fps.set(func(f *fakeFPS) { f.refuse["Settle"] = "ServiceUnavailable" })
	st.want(st.post("/bench/orders/"+string(id)+"/ship", "amount", "40.00"), http.StatusSeeOther)
	st.wantState(id, shop.Shipping)
	h := st.fps.only(t)
	st.fps.set(func(f *fakeFPS) {
		delete(f.refuse, "Settle")
		f.held[h.id].status, f.held[h.id].settled = holdfast.StatusSuccess, "41.00"
	})
	h.amount = "41.00"
	if code := st.notify(h, "SETTLE", "SUCCESS", "Success"); code != http.StatusOK {
		t.Errorf("status %d", code)
	}
	st.wantState(id, shop.NeedsAttention)
}
