package stripefake_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

// A door takes events, and checks their signatures.
type door struct {
	mu      sync.Mutex
	status  int // of its answers
	secret  string
	clock   *clock
	t       *testing.T
	got     []map[string]any
	arrived chan struct{}
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	d.mu.Lock()
	defer d.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		d.t.Error(err)
	}
	at := d.clock.Now().Unix()
	mac := hmac.New(sha256.New, []byte(d.secret))
	mac.Write([]byte(fmt.Sprint(at) + "." + string(body)))
	if want := fmt.Sprintf("t=%d,v1=%s", at, hex.EncodeToString(mac.Sum(nil))); r.Header.Get("Stripe-Signature") != want {
		d.t.Errorf("signature is %s, want %s", r.Header.Get("Stripe-Signature"), want)
	}
	var event map[string]any
	if err := json.Unmarshal(body, &event); err != nil {
		d.t.Error(err)
	}
	d.got = append(d.got, event)
	w.WriteHeader(d.status)
	select {
	case d.arrived <- struct{}{}:
	default:
	}
}

func (d *door) types() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	var types []string
	for _, e := range d.got {
		types = append(types, e["type"].(string))
	}
	return strings.Join(types, " ")
}

func newDoor(t *testing.T, f *fake) *door {
	t.Helper()
	d := &door{status: http.StatusOK, clock: f.clock, t: t, arrived: make(chan struct{}, 1)}
	at := httptest.NewServer(d)
	t.Cleanup(at.Close)
	d.secret = f.Subscribe(at.URL, false)
	return d
}

const holdEvents = "customer.created payment_method.attached payment_intent.created charge.succeeded " +
	"payment_intent.amount_capturable_updated"

func TestEventsAreDelivered(t *testing.T) {
	f := newFake(t)
	d := newDoor(t, f)
	id := f.held("pm_card_visa", 500)
	if err := f.Deliver(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d.types() != holdEvents {
		t.Errorf("events are %q", d.types())
	}
	last := reply{body: d.got[4]}
	f.want(last, "object", "event", "livemode", false, "data.object.id", id, "data.object.status", "requires_capture",
		"request.idempotency_key", "key-4", "api_version", "2026-08-26.dahlia")
	if len(f.Deliveries()) != 0 {
		t.Errorf("%d deliveries are left", len(f.Deliveries()))
	}

	// An event shows its object as it was then.
	f.post("/v1/payment_intents/"+id+"/cancel", "")
	event := f.get("/v1/events", "type=payment_intent.created").list()[0]
	f.want(f.get("/v1/events/"+event["id"].(string), ""), "data.object.status", "requires_confirmation",
		"pending_webhooks", 0)
}

// Held back, doubled, dropped and shuffled.
func TestEventsInAnyOrder(t *testing.T) {
	f := newFake(t)
	d := newDoor(t, f)
	f.held("pm_card_visa", 500)
	waiting := f.Deliveries()
	if len(waiting) != 5 || d.types() != "" {
		t.Fatalf("%d deliveries wait, and %q came", len(waiting), d.types())
	}
	f.Drop(waiting[0])
	stripefake.Shuffle(waiting[1:], rand.New(rand.NewPCG(1, 2)))
	for _, delivery := range append(waiting[1:], waiting[1]) {
		if status, err := f.Send(t.Context(), delivery); err != nil || status != 200 {
			t.Errorf("%d %v", status, err)
		}
	}
	if types := strings.Fields(d.types()); len(types) != 5 || types[0] != types[4] || strings.Contains(d.types(),
		"customer.created") ||
		d.types() == holdEvents {
		t.Errorf("events are %q", d.types())
	}
	undelivered := f.get("/v1/events", "delivery_success=false").list()
	if len(undelivered) != 1 || undelivered[0]["type"] != "customer.created" {
		t.Errorf("undelivered are %v", undelivered)
	}
}

func TestFailedDeliveriesAreTriedAgain(t *testing.T) {
	f := newFake(t)
	d := newDoor(t, f)
	d.status = http.StatusInternalServerError
	f.post(customersPath, "")
	for range 3 {
		if err := f.Deliver(t.Context()); err == nil {
			t.Error("a failed delivery is no error")
		}
		if err := f.Deliver(t.Context()); err != nil {
			t.Errorf("tried again at once: %v", err)
		}
		f.clock.move(time.Hour)
	}
	d.status = http.StatusOK
	if err := f.Deliver(t.Context()); err != nil || len(d.got) != 3 || len(f.Deliveries()) != 0 {
		t.Errorf("%v: tried %d times, %d are left", err, len(d.got), len(f.Deliveries()))
	}
}

func TestRunDeliversByItself(t *testing.T) {
	f := newFake(t)
	d := newDoor(t, f)
	ended := make(chan struct{})
	ctx := t.Context()
	go func() {
		defer close(ended)
		f.Run(ctx)
	}()
	t.Cleanup(func() { <-ended })
	f.post(customersPath, "")
	<-d.arrived
	if d.types() != "customer.created" {
		t.Errorf("events are %q", d.types())
	}
}

func TestWebhookEndpoints(t *testing.T) {
	f := newFake(t)
	f.key = stripefake.UnrestrictedKey
	const path = "/v1/webhook_endpoints"
	e := f.post(path, "url=https://hf.example/networks/N1/events&enabled_events[]=refund.failed"+
		"&enabled_events[]=payout.created&enabled_events[]=payout.paid"+
		"&enabled_events[]=payout.reconciliation_completed&api_version=2026-08-26.dahlia")
	secret, _ := e.at("secret").(string)
	if !strings.HasPrefix(secret, "whsec_") {
		t.Errorf("endpoint is %s", e.text)
	}
	f.want(f.get(path+"/"+e.id(), ""), "secret", nil, "status", "enabled", "livemode", false)
	f.post(customersPath, "")
	f.Payout(false)
	f.Payout(true)
	var types []string
	for _, d := range f.Deliveries() {
		types = append(types, d.Type)
	}
	if strings.Join(types, " ") != "payout.created payout.paid payout.reconciliation_completed" {
		t.Errorf("deliveries are %q", types)
	}
	f.want(f.post(path+"/"+e.id(), "disabled=true"), "status", "disabled")
	f.Payout(false)
	if len(f.Deliveries()) != 3 {
		t.Error("a disabled endpoint gets events")
	}
	f.want(f.do(200, "DELETE", path+"/"+e.id(), ""), "deleted", true)
	if len(f.Deliveries()) != 0 || len(f.get(path, "").list()) != 0 {
		t.Error("the endpoint is still there")
	}
	f.do(400, "POST", path, "url=nowhere&enabled_events[]=*")
}

func TestEventsAreForgotten(t *testing.T) {
	f := newFake(t)
	f.post(customersPath, "name=Ann")
	first := f.get("/v1/events", "").list()[0]["id"].(string)
	f.clock.move(24 * time.Hour)
	f.post(customersPath, "name=Bob")
	if n := len(f.get("/v1/events", "types[]=customer.created&types[]=refund.failed").list()); n != 2 {
		t.Errorf("%d events", n)
	}
	f.clock.move(29 * 24 * time.Hour)
	if n := len(f.get("/v1/events", "").list()); n != 2 {
		t.Errorf("%d events after 30 days", n)
	}
	f.clock.move(time.Second)
	if n := len(f.get("/v1/events", "").list()); n != 1 {
		t.Errorf("%d events after more than 30 days", n)
	}
	f.do(404, "GET", "/v1/events/"+first, "")
	f.get("/v1/events", strings.Repeat("types[]=refund.failed&", 20))
	f.want(f.do(400, "GET", "/v1/events", strings.Repeat("types[]=refund.failed&", 21)), "error.param", "types")
}

func TestQuietMakesNoEvents(t *testing.T) {
	f := newFake(t)
	f.Set(func(s *stripefake.Settings) { s.Quiet = true })
	f.held("pm_card_visa", 500)
	if n := len(f.get("/v1/events", "").list()); n != 0 {
		t.Errorf("%d events", n)
	}
}
