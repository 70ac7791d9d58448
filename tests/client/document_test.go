package client_test

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
)

// A document is what the tests need of the OpenAPI document.
type document struct {
	Paths map[string]map[string]struct {
		OperationID string `json:"operationId"`
		Parameters  []struct {
			Name, In string
			Required bool
		}
	}
	Components struct {
		Schemas map[string]struct {
			Properties map[string]json.RawMessage
		}
	}
}

func readDocument(t *testing.T) (d document) {
	t.Helper()
	w := newWorld(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.server.URL+"/v1/openapi.json", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := w.server.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d
}

// calls has a call of each operation, with all parameters of its list.
var calls = map[string]func(context.Context, *client.Client) error{
	"create-hold": func(ctx context.Context, c *client.Client) error {
		return second(c.CreateHold(ctx, "KEY", client.NewHold{}))
	},
	"get-hold": func(ctx context.Context, c *client.Client) error {
		return second(c.Hold(ctx, "ID"))
	},
	"list-holds": func(ctx context.Context, c *client.Client) error {
		return first(c.Holds(ctx, client.HoldFilter{
			State: "x", Reference: "x", DeadlineFrom: someTime, DeadlineTo: someTime, CreatedFrom: someTime,
			CreatedTo: someTime, AmountFrom: client.Cents(1), AmountTo: client.Cents(1),
		}))
	},
	"settle-hold": func(ctx context.Context, c *client.Client) error {
		return second(c.SettleHold(ctx, "KEY", "ID", client.SettleHold{}))
	},
	"release-hold": func(ctx context.Context, c *client.Client) error {
		return second(c.ReleaseHold(ctx, "KEY", "ID", client.ReleaseHold{}))
	},
	"raise-hold": func(ctx context.Context, c *client.Client) error {
		return second(c.RaiseHold(ctx, "KEY", "ID", client.RaiseHold{}))
	},
	"renew-hold": func(ctx context.Context, c *client.Client) error {
		return second(c.RenewHold(ctx, "KEY", "ID", client.RenewHold{}))
	},
	"create-payment": func(ctx context.Context, c *client.Client) error {
		return second(c.CreatePayment(ctx, "KEY", client.NewPayment{}))
	},
	"get-payment":   func(ctx context.Context, c *client.Client) error { return second(c.Payment(ctx, "ID")) },
	"list-payments": func(ctx context.Context, c *client.Client) error { return first(c.Payments(ctx, paidFilter)) },
	"create-refund": func(ctx context.Context, c *client.Client) error {
		return second(c.CreateRefund(ctx, "KEY", client.NewRefund{}))
	},
	"get-refund":   func(ctx context.Context, c *client.Client) error { return second(c.Refund(ctx, "ID")) },
	"list-refunds": func(ctx context.Context, c *client.Client) error { return first(c.Refunds(ctx, paidFilter)) },

	"get-token":    func(ctx context.Context, c *client.Client) error { return second(c.Token(ctx, "ID")) },
	"cancel-token": func(ctx context.Context, c *client.Client) error { return second(c.CancelToken(ctx, "ID")) },
	"list-tokens": func(ctx context.Context, c *client.Client) error {
		return first(c.Tokens(ctx, client.TokenFilter{State: "x", Type: "x", Reference: "x"}))
	},
	"create-checkout": func(ctx context.Context, c *client.Client) error {
		return second(c.CreateCheckout(ctx, "KEY", client.NewCheckout{}))
	},
	"get-checkout":    func(ctx context.Context, c *client.Client) error { return second(c.Checkout(ctx, "ID")) },
	"cancel-checkout": func(ctx context.Context, c *client.Client) error { return second(c.CancelCheckout(ctx, "ID")) },
	"list-checkouts": func(ctx context.Context, c *client.Client) error {
		return first(c.Checkouts(ctx, client.CheckoutFilter{
			State: "x", Reference: "x", CreatedFrom: someTime, CreatedTo: someTime,
		}))
	},
	"get-balance":   func(ctx context.Context, c *client.Client) error { return second(c.Balance(ctx, "ID")) },
	"list-balances": func(ctx context.Context, c *client.Client) error { return first(c.Balances(ctx)) },
	"get-clock":     func(ctx context.Context, c *client.Client) error { return second(c.Clock(ctx)) },
	"move-clock":    func(ctx context.Context, c *client.Client) error { return second(c.MoveClock(ctx, someTime)) },

	"get-event": func(ctx context.Context, c *client.Client) error { return second(c.Event(ctx, "ID")) },
	"list-events": func(ctx context.Context, c *client.Client) error {
		return second(c.Events(ctx, "CURSOR", client.EventFilter{Types: []string{"x"}, ObjectID: "x"}))
	},
	"create-endpoint": func(ctx context.Context, c *client.Client) error {
		return second(c.CreateEndpoint(ctx, client.NewEndpoint{}))
	},
	"get-endpoint":   func(ctx context.Context, c *client.Client) error { return second(c.Endpoint(ctx, "ID")) },
	"list-endpoints": func(ctx context.Context, c *client.Client) error { return second(c.Endpoints(ctx)) },
	"update-endpoint": func(ctx context.Context, c *client.Client) error {
		return second(c.UpdateEndpoint(ctx, "ID", client.EndpointChange{}))
	},
	"delete-endpoint": func(ctx context.Context, c *client.Client) error { return c.DeleteEndpoint(ctx, "ID") },
	"rotate-endpoint-secret": func(ctx context.Context, c *client.Client) error {
		return second(c.RotateSecret(ctx, "ID", 1))
	},
	"test-endpoint":    func(ctx context.Context, c *client.Client) error { return second(c.TestEndpoint(ctx, "ID")) },
	"redeliver-events": func(ctx context.Context, c *client.Client) error { return c.RedeliverEvent(ctx, "ID", "x") },
	"list-deliveries":  func(ctx context.Context, c *client.Client) error { return first(c.Deliveries(ctx, "ID", "x")) },
}

var paidFilter = client.PaidFilter{
	State: "x", Reference: "x", CreatedFrom: someTime, CreatedTo: someTime, AmountFrom: client.Cents(1),
	AmountTo: client.Cents(1), Of: "x",
}

var someTime = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func second[T any](_ T, err error) error { return err }

// first is the error of the first object of a list.
func first[T any](all iter.Seq2[T, error]) error {
	next, stop := iter.Pull2(all)
	defer stop()
	_, err, _ := next()
	return err
}

// Every operation of the document has a call in the client, which sends the method,
// the path and the parameters of the document, and an idempotency key exactly if the
// document requires one.
func TestEveryOperationHasACall(t *testing.T) {
	d := readDocument(t)
	for path, methods := range d.Paths {
		for method, op := range methods {
			do, ok := calls[op.OperationID]
			if !ok {
				t.Errorf("the client has no call for %s: %s %s", op.OperationID, method, path)
				continue
			}
			var known []string
			keyed := false
			for _, p := range op.Parameters {
				if p.In == "query" {
					known = append(known, p.Name)
				}
				keyed = keyed || p.Name == "Idempotency-Key" && p.Required
			}
			sent := sentBy(t, do)
			if !holdfast.SameName(method, sent.Method) || !pathPattern(path).MatchString(sent.URL.Path) {
				t.Errorf("%s: sent %s %s, want %s %s", op.OperationID, sent.Method, sent.URL.Path, method, path)
			}
			if got := sent.Header.Get("Idempotency-Key") != ""; got != keyed {
				t.Errorf("%s: an idempotency key is sent: %v", op.OperationID, got)
			}
			for _, name := range slices.Sorted(maps.Keys(sent.URL.Query())) {
				if !slices.Contains(known, name) {
					t.Errorf("%s: there is no parameter %s", op.OperationID, name)
				}
			}
		}
	}
}

var placeholder = regexp.MustCompile(`\\\{[a-z_]+\\\}`)

// pathPattern matches the path of a call of an operation.
func pathPattern(path string) *regexp.Regexp {
	return regexp.MustCompile("^" + placeholder.ReplaceAllString(regexp.QuoteMeta(path), "[^/]+") + "$")
}

// sentBy is the first request of a call.
func sentBy(t *testing.T, do func(context.Context, *client.Client) error) (sent *http.Request) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if sent == nil {
			sent = r
		}
		http.Error(w, `{"code":"stop"}`, http.StatusTeapot)
	}))
	defer server.Close()
	c := &client.Client{Address: server.URL, Key: holdfast.NewSecretKey("hf_test_x"), HTTP: server.Client()}
	if err := do(t.Context(), c); !client.IsCode(err, "stop") {
		t.Fatalf("the call ends with %v", err)
	}
	return sent
}

// schemas are the types of the client by the names that the document has for them.
var schemas = map[string]reflect.Type{
	"Address":        reflect.TypeFor[client.Address](),
	"Balance":        reflect.TypeFor[client.Balance](),
	"Breakdown":      reflect.TypeFor[client.Breakdown](),
	"ChangedHold":    reflect.TypeFor[client.ChangedHold](),
	"Checkout":       reflect.TypeFor[client.Checkout](),
	"Clock":          reflect.TypeFor[client.Clock](),
	"Event":          reflect.TypeFor[client.Event](),
	"EventList":      reflect.TypeFor[client.EventPage](),
	"Delivery":       reflect.TypeFor[client.Delivery](),
	"Endpoint":       reflect.TypeFor[client.Endpoint](),
	"EndpointChange": reflect.TypeFor[client.EndpointChange](),
	"NewEndpoint":    reflect.TypeFor[client.NewEndpoint](),
	"Try":            reflect.TypeFor[client.Try](),
	"Expanded":       reflect.TypeFor[client.Expanded](),
	"Fault":          reflect.TypeFor[client.Fault](),
	"Hold":           reflect.TypeFor[client.Hold](),
	"MarketplaceFee": reflect.TypeFor[client.MarketplaceFee](),
	"Member":         reflect.TypeFor[client.Member](),
	"NewCheckout":    reflect.TypeFor[client.NewCheckout](),
	"NewHold":        reflect.TypeFor[client.NewHold](),
	"NewPayment":     reflect.TypeFor[client.NewPayment](),
	"NewRefund":      reflect.TypeFor[client.NewRefund](),
	"Payment":        reflect.TypeFor[client.Payment](),
	"Problem":        reflect.TypeFor[client.Error](),
	"RaiseHold":      reflect.TypeFor[client.RaiseHold](),
	"Refund":         reflect.TypeFor[client.Refund](),
	"ReleaseHold":    reflect.TypeFor[client.ReleaseHold](),
	"RenewHold":      reflect.TypeFor[client.RenewHold](),
	"SettleHold":     reflect.TypeFor[client.SettleHold](),
	"SettledHold":    reflect.TypeFor[client.SettledHold](),
	"Token":          reflect.TypeFor[client.Token](),
	"TokenLimit":     reflect.TypeFor[client.TokenLimit](),
	"UsageLimit":     reflect.TypeFor[client.UsageLimit](),
}

// arguments are objects of the document whose fields are arguments and results of
// the client's methods.
var arguments = []string{"Money", "MoveClock", "RotateEndpoint", "Redeliver", "Redelivered"}

// Every object of the document is a type of the client, which has all of its
// fields. The client may know more than an older server.
func TestEveryFieldIsInTheClient(t *testing.T) {
	d := readDocument(t)
	for name, schema := range d.Components.Schemas {
		if strings.HasPrefix(name, "List") || strings.HasPrefix(name, "Error") || slices.Contains(arguments, name) {
			continue
		}
		kind, ok := schemas[name]
		if !ok {
			t.Errorf("the client has no type for %s", name)
			continue
		}
		fields := fieldsOf(kind)
		for _, field := range slices.Sorted(maps.Keys(schema.Properties)) {
			if !slices.Contains(fields, field) {
				t.Errorf("the client has no field %s of %s", field, name)
			}
		}
	}
}

// fieldsOf are the names of the fields of a type in JSON.
func fieldsOf(kind reflect.Type) (names []string) {
	for i := range kind.NumField() {
		name, _, _ := strings.Cut(kind.Field(i).Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}
