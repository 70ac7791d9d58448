package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A hold is settled in two parcels, a line is released, and all of it is refunded.
// Each call can be repeated.
func TestParcels(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := newWorldOn(t, db)
		id := w.do("POST", "/v1/holds", w.newHold("30.00")).want(http.StatusCreated, "").text("/id")
		settle := func(key, body string) answer {
			return w.do("POST", "/v1/holds/"+id+"/settle", body, header("Idempotency-Key", key))
		}
		first := settle("parcel-1", `{"amount":{"amount":"12.00","currency":"USD"}}`).want(http.StatusOK, "")
		again := settle("parcel-1", `{"amount":{"amount":"12.00","currency":"USD"}}`).want(http.StatusOK, "")
		if first.Body.String() != again.Body.String() || first.text("/hold/open/amount") != "18.00" ||
			first.text("/payments/0/amount/amount") != "12.00" || first.text("/payments/0/hold") != id {
			t.Errorf("the answers are %s and %s", first.Body, again.Body)
		}
		released := w.do("POST", "/v1/holds/"+id+"/release", `{"amount":{"amount":"3.00","currency":"USD"}}`)
		if released.want(http.StatusOK, "").text("/open/amount") != "15.00" || released.text("/state") != "held" {
			t.Errorf("after the release: %s", released.Body)
		}
		settle("too-much", `{"amount":{"amount":"15.01","currency":"USD"}}`).
			want(http.StatusUnprocessableEntity, "amount_above_hold")
		last := settle("parcel-2", `{"amount":{"amount":"10.00","currency":"USD"},"final":true}`).want(http.StatusOK, "")
		if last.text("/hold/state") != "settled" || last.text("/hold/settled/amount") != "22.00" ||
			last.text("/hold/released/amount") != "8.00" || last.field("/hold/deadline") != nil {
			t.Errorf("after the last parcel: %s", last.Body)
		}
		settle("late", "").want(http.StatusConflict, "hold_state")
		refunds := w.do("POST", "/v1/refunds", `{"hold":"`+id+`"}`).want(http.StatusCreated, "")
		if refunds.text("/data/0/amount/amount") != "12.00" || refunds.text("/data/1/amount/amount") != "10.00" {
			t.Errorf("the refunds are %s", refunds.Body)
		}
		w.do("POST", "/v1/refunds", `{"hold":"`+id+`"}`).want(http.StatusConflict, "already_refunded")
		full := w.do("GET", "/v1/holds/"+id+"?expand=token,payments", "").want(http.StatusOK, "")
		if full.text("/expanded/payments/1/refunded/amount") != "10.00" || full.text("/expanded/token/state") != "used" {
			t.Errorf("the hold in full is %s", full.Body)
		}
		paid := full.text("/payments/0")
		one := w.do("GET", "/v1/payments/"+paid+"?expand=hold,refunds,token", "").want(http.StatusOK, "")
		if one.text("/expanded/hold/id") != id || one.text("/expanded/refunds/0/payment") != paid {
			t.Errorf("the payment in full is %s", one.Body)
		}
		list := w.do("GET", "/v1/payments?hold="+id, "").want(http.StatusOK, "")
		if list.field("/data/1") == nil || list.field("/data/2") != nil {
			t.Errorf("the payments of the hold are %s", list.Body)
		}
		refund := refunds.text("/data/0/id")
		if got := w.do("GET", "/v1/refunds/"+refund+"?expand=payment", ""); got.text("/expanded/payment/id") != paid {
			t.Errorf("the refund in full is %s", got.Body)
		}
		w.CheckBooks()
	})
}

// A decline of a raise leaves the hold as it was, and the answer has the time left.
func TestDeclinedRaise(t *testing.T) {
	w := newWorld(t)
	body := strings.Replace(w.newHold("30.00"), `"30.00"`, `"20.00"`, 1)
	id := w.do("POST", "/v1/holds", body).want(http.StatusCreated, "").text("/id")
	w.Clock.Advance(time.Hour)
	w.Network.Next(holdfasttest.Reply{Decline: "TransactionDenied"})
	got := w.do("POST", "/v1/holds/"+id+"/raise", `{"amount":{"amount":"5.00","currency":"USD"}}`).want(http.StatusOK, "")
	if got.text("/change/state") != "failed" || got.text("/change/kind") != "raise" ||
		got.text("/hold/open/amount") != "20.00" ||
		got.field("/hold/seconds_left") != float64(7*24*3600-3600) { //nolint:forbidigo // not money
		t.Errorf("the answer is %s", got.Body)
	}
	member := w.do("POST", "/v1/holds/"+id+"/raise", `{"amount":{"amount":"5.00","currency":"USD"}}`).text("/change/id")
	got = w.do("POST", "/v1/holds/"+member+"/settle", `{"amount":{"amount":"1.00","currency":"USD"}}`).want(http.StatusOK, "")
	if got.text("/hold/id") != id || got.text("/hold/open/amount") != "24.00" {
		t.Errorf("a settle by the id of a member: %s", got.Body)
	}
	w.do("POST", "/v1/holds/"+id+"/raise", `{"amount":{"amount":"10.01","currency":"USD"}}`).
		want(http.StatusUnprocessableEntity, "token_mismatch")
	w.do("POST", "/v1/holds/"+id+"/renew", "").want(http.StatusUnprocessableEntity, "token_type_wrong")
}

// A payment is not a hold, a hold is not a refund, and so on.
func TestKindsAreNotMixed(t *testing.T) {
	w := newWorld(t)
	hold := w.do("POST", "/v1/holds", w.newHold("5.00")).want(http.StatusCreated, "").text("/id")
	paid := w.do("POST", "/v1/payments", w.newHold("5.00")).want(http.StatusCreated, "").text("/id")
	for _, path := range []string{
		"/v1/payments/" + hold, "/v1/refunds/" + hold, "/v1/holds/" + paid, "/v1/refunds/" + paid, "/v1/events/" + hold,
	} {
		w.do("GET", path, "").want(http.StatusNotFound, "not_found")
	}
	for _, action := range []string{"settle", "release", "renew"} {
		got := w.do("POST", "/v1/holds/"+paid+"/"+action, "")
		if got.Code != http.StatusNotFound && got.Code != http.StatusConflict {
			t.Errorf("%s of a payment: %d %s", action, got.Code, got.Body)
		}
	}
}

// The feed brings each event once. A cursor of another caller is refused.
func TestEvents(t *testing.T) {
	w := newWorld(t)
	id := w.do("POST", "/v1/holds", w.newHold("5.00")).want(http.StatusCreated, "").text("/id")
	w.do("POST", "/v1/holds/"+id+"/settle", "").want(http.StatusOK, "")
	if _, err := w.Processor.PlaceEvents(t.Context()); err != nil {
		t.Fatal(err)
	}
	var types []string
	next := ""
	for range 20 {
		page := w.do("GET", "/v1/events?limit=1&object="+id+"&after="+next, "").want(http.StatusOK, "")
		if kind := page.text("/data/0/type"); kind != "" {
			types = append(types, kind)
		}
		next = page.text("/next")
	}
	if got := strings.Join(types, " "); got != "hold.pending hold.held hold.settling hold.settled" {
		t.Errorf("the events are %s", got)
	}
	_, other := w.newKey(w.OtherShop().ID, allScopes...)
	w.do("GET", "/v1/events?after="+next, "", bearer(other)).want(http.StatusUnprocessableEntity, "invalid_cursor")
	w.do("GET", "/v1/events?types=nothing", "").want(http.StatusOK, "")
}
