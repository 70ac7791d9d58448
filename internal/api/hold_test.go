package api_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A hold is made once, however often its request is sent, and says how long it
// lasts. The Query API sees the same transaction.
func TestCreateHold(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := newWorldOn(t, db)
		body := w.newHold("12.50")
		made := w.do("POST", "/v1/holds", body, header("Idempotency-Key", "order-1001-hold")).want(http.StatusCreated, "")
		id := made.text("/id")
		for pointer, want := range map[string]any{
			"/state": "held", "/amount/amount": "12.50", "/amount/currency": "USD", "/open/amount": "12.50",
			"/settled/amount": "0.00", "/released/amount": "0.00", "/reference": "order-1001-hold",
			"/deadline": "2026-11-30T10:15:30Z", "/code": "Success",
			"/seconds_left": float64(7 * 24 * 3600), //nolint:forbidigo // a number of JSON, not money
		} {
			if got := made.field(pointer); got != want {
				t.Errorf("%s is %v, want %v", pointer, got, want)
			}
		}
		w.WantState(holdfast.TransactionID(id), payment.Reserved)
		w.Clock.Advance(time.Hour)
		again := w.do("POST", "/v1/holds", body, header("Idempotency-Key", "order-1001-hold")).want(http.StatusCreated, "")
		if again.text("/id") != id || again.field("/seconds_left") != float64(7*24*3600-3600) { //nolint:forbidigo // not money
			t.Errorf("the second answer is %s", again.Body)
		}
		if got := w.do("GET", "/v1/holds/"+id, ""); got.Body.String() != again.Body.String() {
			t.Errorf("the hold is shown as %s", got.Body)
		}
	})
}

// The same idempotency key with another request is refused, and the fields that
// differ are named.
func TestIdempotencyKeyReused(t *testing.T) {
	w := newWorld(t)
	key := header("Idempotency-Key", "order-1001")
	token := w.Authorize("20.00")
	const body = `{"token":%q,"amount":{"amount":%q,"currency":"USD"}%s}`
	w.do("POST", "/v1/holds", fmt.Sprintf(body, token, "12.50", ""), key).want(http.StatusCreated, "")
	w.do("POST", "/v1/holds", fmt.Sprintf("\n"+body, token, "12.50", " "), key).want(http.StatusCreated, "")
	got := w.do("POST", "/v1/holds", fmt.Sprintf(body, token, "12.51", `,"description":"x"`), key).
		want(http.StatusConflict, "idempotency_key_reused")
	if got.text("/errors/0/pointer") != "/amount/amount" || got.text("/errors/1/pointer") != "/description" {
		t.Errorf("the answer is %s", got.Body)
	}
}

// A decline is an answer about the hold, not a refusal.
func TestDeclinedHold(t *testing.T) {
	w := newWorld(t)
	w.Network.Next(holdfasttest.Reply{Decline: "TransactionDenied"})
	got := w.do("POST", "/v1/holds", w.newHold("12.50")).want(http.StatusCreated, "")
	if got.text("/state") != "failed" || got.text("/code") == "Success" || got.field("/deadline") != nil {
		t.Errorf("the answer is %s", got.Body)
	}
}

// A hold whose deadline has passed is expired at once, although no sweep has run.
func TestAHoldIsShownAtTheCallersTime(t *testing.T) {
	w := newWorld(t)
	id := w.do("POST", "/v1/holds", w.newHold("12.50")).want(http.StatusCreated, "").text("/id")
	w.Clock.Advance(7 * 24 * time.Hour)
	got := w.do("GET", "/v1/holds/"+id, "").want(http.StatusOK, "")
	if got.text("/state") != "expired" || got.text("/released/amount") != "12.50" || got.field("/seconds_left") != nil {
		t.Errorf("the answer is %s", got.Body)
	}
}
