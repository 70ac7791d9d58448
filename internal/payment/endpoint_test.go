package payment_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

func TestEndpointsThatCannotBe(t *testing.T) {
	good := payment.Endpoint{URL: "https://shop.example.com/hooks?shop=7", Types: []string{"hold.*", "refund.failed"}}
	if err := payment.CheckEndpoint(good, true); err != nil {
		t.Errorf("a good endpoint is refused: %v", err)
	}
	plain := good
	plain.URL = "http://localhost:3000/hook"
	if err := payment.CheckEndpoint(plain, false); err != nil {
		t.Errorf("http in the sandbox is refused: %v", err)
	}
	for name, change := range map[string]func(*payment.Endpoint){
		"no URL":                  func(e *payment.Endpoint) { e.URL = "" },
		"no host":                 func(e *payment.Endpoint) { e.URL = "https:///hooks" },
		"a port and no host":      func(e *payment.Endpoint) { e.URL = "https://:443/hooks" },
		"a path":                  func(e *payment.Endpoint) { e.URL = "/hooks" },
		"another scheme":          func(e *payment.Endpoint) { e.URL = "ftp://shop.example.com/" },
		"no URL at all":           func(e *payment.Endpoint) { e.URL = "https://shop example/" },
		"a password":              func(e *payment.Endpoint) { e.URL = "https://a:b@shop.example.com/" },
		"a fragment":              func(e *payment.Endpoint) { e.URL = "https://shop.example.com/#x" },
		"too long":                func(e *payment.Endpoint) { e.URL += strings.Repeat("x", 2048) },
		"plain for real money":    func(e *payment.Endpoint) { e.URL = "http://shop.example.com/" },
		"an unknown type":         func(e *payment.Endpoint) { e.Types = []string{"hold.exploded"} },
		"all types of nothing":    func(e *payment.Endpoint) { e.Types = []string{"order.*"} },
		"a star alone":            func(e *payment.Endpoint) { e.Types = []string{"*"} },
		"an empty type":           func(e *payment.Endpoint) { e.Types = []string{""} },
		"too many types":          func(e *payment.Endpoint) { e.Types = make([]string, 33) },
		"a description of 2 rows": func(e *payment.Endpoint) { e.Description = "a\nb" },
		"a long description":      func(e *payment.Endpoint) { e.Description = strings.Repeat("x", 201) },
	} {
		t.Run(name, func(t *testing.T) {
			e := good
			change(&e)
			holdfasttest.WantCode(t, payment.CheckEndpoint(e, true), holdfast.InvalidParams)
		})
	}
}

func TestWhichEventsAnEndpointGets(t *testing.T) {
	of := func(t payment.EventType) payment.Event {
		return payment.Event{Caller: "C1", Type: t, ObjectID: "W1"}
	}
	for _, row := range []struct {
		name     string
		endpoint payment.Endpoint
		event    payment.Event
		want     bool
	}{
		{"all", payment.Endpoint{}, of(payment.EventHoldHeld), true},
		{"another caller's", payment.Endpoint{Caller: "C2"}, of(payment.EventHoldHeld), false},
		{"its type", payment.Endpoint{Types: []string{"hold.held"}}, of(payment.EventHoldHeld), true},
		{"another type", payment.Endpoint{Types: []string{"hold.held"}}, of(payment.EventHoldSettled), false},
		{"all types of its object", payment.Endpoint{Types: []string{"hold.*"}}, of(payment.EventHoldSettled), true},
		{"another object", payment.Endpoint{Types: []string{"hold.*"}}, of(payment.EventRefundPending), false},
		{"a test of it", payment.Endpoint{ID: "W1", Types: []string{"hold.*"}}, of(payment.EventEndpointTest), true},
		{"a test of another one", payment.Endpoint{ID: "W2"}, of(payment.EventEndpointTest), false},
	} {
		if row.endpoint.Caller == "" {
			row.endpoint.Caller = "C1"
		}
		if got := row.endpoint.Wants(row.event); got != row.want {
			t.Errorf("%s: %v, want %v", row.name, got, row.want)
		}
	}
}
