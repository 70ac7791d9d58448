package stripefake_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

// Each request goes to the validator first, as it was sent. What the validator
// refuses is a fault.
func TestRequestsAreValidated(t *testing.T) {
	var seen string
	mock := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		seen = r.Method + " " + r.RequestURI + " " + string(body) + " " + r.Header.Get("Authorization")
		if r.URL.Path == "/v1/refunds" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":{"message":"additional properties are not allowed"}}`))
		}
	}))
	defer mock.Close()
	t.Setenv(stripefake.MockVariable, mock.URL+"/")
	f := newFake(t)
	f.post(customersPath, "name=Ann&metadata[a]=b+c")
	if want := "POST /v1/customers name=Ann&metadata[a]=b+c Bearer sk_test_123"; seen != want {
		t.Errorf("the validator saw %q, want %q", seen, want)
	}
	f.get("/v1/refunds", "limit=3&expand[]=data.charge")
	if want := "GET /v1/refunds?limit=3&expand[]=data.charge  Bearer sk_test_123"; seen != want {
		t.Errorf("the validator saw %q, want %q", seen, want)
	}
	f.wantFaults("stripe-mock refuses the request: additional properties are not allowed")
	mock.Close()
	f.get("/v1/refunds", "")
	f.wantFaults("validating by stripe-mock")
}

func TestNoValidator(t *testing.T) {
	t.Setenv(stripefake.MockVariable, "")
	if stripefake.ValidatorFromEnv() != nil {
		t.Error("there is a validator without an address")
	}
}
