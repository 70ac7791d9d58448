package queryapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// Each request is counted once, with its time, and under no name that a client
// made up.
func TestAnswersAreCounted(t *testing.T) {
	w := newWorld(t)
	w.token("A", payment.Token{})
	var counted []queryapi.Answered
	w.server.Answered = func(a queryapi.Answered) { counted = append(counted, a) }
	w.p.Hook = func(string) { w.wait(time.Millisecond) } // at the intent and at the outcome
	w.exchange("POST", "/", reserve(w))
	w.p.Hook = nil
	w.exchange("POST", "/", w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "Borrow"}}))
	w.exchange("GET", "/", holdfast.Params{{Name: "Action", Value: "settle"}})
	w.exchange("GET", "/sandbox/clock", w.signed("GET", "/sandbox/clock", "shop", nil))
	ctx, leave := context.WithCancel(t.Context())
	leave()
	w.server.Handler().ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(ctx, http.MethodGet,
		"http://"+testHost+"/?"+w.signed("GET", "/", "shop", holdfast.Params{{Name: "Action", Value: "GetAccountBalance"}}).Encode(), nil))
	want := []queryapi.Answered{
		{Action: "Reserve", Result: queryapi.Success, Took: 2 * time.Millisecond},
		{Result: queryapi.Refused, Code: holdfast.InvalidRequest},
		{Action: "Settle", Result: queryapi.Refused, Code: holdfast.AuthFailure},
		{Action: "Clock", Result: queryapi.Success},
		{Action: "GetAccountBalance", Result: queryapi.Gone, Code: holdfast.ServiceUnavailable},
	}
	if diff := cmp.Diff(want, counted); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}
