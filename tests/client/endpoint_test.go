package client_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

// A receiver is a program's address for webhooks.
type receiver struct {
	*httptest.Server
	mu       sync.Mutex
	verifier client.Verifier
	answer   int // its status; 0 means 200
	events   []client.Event
	refused  []error
}

func newReceiver(t *testing.T, now func() time.Time) *receiver {
	t.Helper()
	r := &receiver{verifier: client.Verifier{Now: now}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(w http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e, err := r.verifier.Read(request)
	if err != nil {
		r.refused = append(r.refused, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.answer != 0 {
		w.WriteHeader(r.answer)
		return
	}
	r.events = append(r.events, e)
}

// trust sets the secrets of the receiver.
func (r *receiver) trust(secrets ...string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verifier.Secrets = nil
	for _, s := range secrets {
		r.verifier.Secrets = append(r.verifier.Secrets, holdfast.NewSecretKey(s))
	}
}

func (r *receiver) set(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = status
}

// took returns the types of the events that were taken since the last call.
func (r *receiver) took() (types []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		types = append(types, e.Type)
	}
	r.events = nil
	return types
}

// deliver places the events and sends the webhooks that are due.
func (w *world) deliver() {
	w.T.Helper()
	sender := &webhook.Sender{
		Store: w.DB, Now: w.Clock.Now, Log: slog.New(slog.DiscardHandler), AllowPrivate: true,
	}
	_, err := w.Processor.PlaceEvents(w.T.Context())
	if err == nil {
		_, err = sender.RunOnce(w.T.Context())
	}
	if err != nil {
		w.T.Fatal(err)
	}
}

// manager gives the world's client a key that may manage endpoints and the clock.
func (w *world) manager() *client.Client {
	w.T.Helper()
	_, text := w.JSONKey(w.Shop, processor.NewKey{Name: "manager"})
	c := *w.client
	c.Key = holdfast.NewSecretKey(text)
	return &c
}

func wantTypes(t *testing.T, got []string, want ...string) {
	t.Helper()
	if slices.Sort(got); !slices.Equal(got, want) {
		t.Errorf("the receiver took %q, want %q", got, want)
	}
}

// An endpoint is added, changed, tested, rotated and removed at a real server, and
// the events that it gets are verified.
func TestEndpointsOfAServer(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.manager()
	to := newReceiver(t, w.Clock.Now)
	made := must[client.Endpoint](t)(c.CreateEndpoint(ctx, client.NewEndpoint{
		URL: to.URL + "/hook", Description: "The till", Types: []string{"hold.*"},
	}))
	if made.Secret == "" || made.State != "active" || !slices.Equal(made.Types, []string{"hold.*"}) {
		t.Errorf("the endpoint is %+v", made)
	}
	to.trust(made.Secret)
	if all := must[[]client.Endpoint](t)(c.Endpoints(ctx)); len(all) != 1 || all[0].ID != made.ID || all[0].Secret != "" {
		t.Errorf("the endpoints are %+v", all)
	}

	hold := must[client.Hold](t)(c.CreateHold(ctx, "hold-1", client.NewHold{
		Token: string(w.Authorize("20.00")), Amount: client.Of(holdfasttest.USD("20.00")),
	}))
	w.deliver()
	wantTypes(t, to.took(), "hold.held", "hold.pending")
	for d, err := range c.Deliveries(ctx, made.ID, "delivered") {
		if err != nil || d.Event.ObjectID != hold.ID || d.LastTry == nil || d.LastTry.Status != http.StatusOK ||
			d.Tries != 1 {
			t.Errorf("a delivery is %+v, %v", d, err)
		}
	}

	// It gets all types now. While it is paused, events wait.
	all, paused, name := []string{}, true, "The till and the office"
	changed := must[client.Endpoint](t)(c.UpdateEndpoint(ctx, made.ID, client.EndpointChange{
		Types: &all, Paused: &paused, Description: &name,
	}))
	if changed.State != "paused" || len(changed.Types) != 0 || changed.Description != name || changed.URL != made.URL {
		t.Errorf("the changed endpoint is %+v", changed)
	}
	must[client.SettledHold](t)(c.SettleHold(ctx, "settle-1", hold.ID, client.SettleHold{}))
	w.deliver()
	wantTypes(t, to.took())
	paused = false
	must[client.Endpoint](t)(c.UpdateEndpoint(ctx, made.ID, client.EndpointChange{Paused: &paused}))
	w.deliver()
	wantTypes(t, to.took(), "hold.settled", "hold.settling")

	// During a rotation, both secrets sign.
	rotated := must[client.Endpoint](t)(c.RotateSecret(ctx, made.ID, 1))
	test := must[client.Event](t)(c.TestEndpoint(ctx, made.ID))
	w.deliver()
	to.trust(rotated.Secret)
	must[client.Event](t)(c.TestEndpoint(ctx, made.ID))
	w.deliver()
	wantTypes(t, to.took(), "endpoint.test", "endpoint.test")
	if test.Type != "endpoint.test" || rotated.Secret == made.Secret || len(to.refused) > 0 {
		t.Errorf("the test is %+v; refused: %v", test, to.refused)
	}
	w.Clock.Advance(time.Hour)
	to.trust(made.Secret) // its hour is over
	must[client.Event](t)(c.TestEndpoint(ctx, made.ID))
	w.deliver()
	if wantTypes(t, to.took()); len(to.refused) != 1 {
		t.Errorf("signed with the old secret only: %v", to.refused)
	}

	if err := c.DeleteEndpoint(ctx, made.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Endpoint(ctx, made.ID); !client.IsCode(err, client.CodeNotFound) {
		t.Errorf("a removed endpoint: %v", err)
	}
}

// Events are sent again: one by its id, and all since a time.
func TestRedeliveriesOfAServer(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.manager()
	to := newReceiver(t, w.Clock.Now)
	made := must[client.Endpoint](t)(c.CreateEndpoint(ctx, client.NewEndpoint{URL: to.URL}))
	to.trust(made.Secret)
	hold := func(key string) {
		t.Helper()
		must[client.Hold](t)(c.CreateHold(ctx, key, client.NewHold{
			Token: string(w.Authorize("20.00")), Amount: client.Cents(20_00),
		}))
		w.deliver()
	}
	hold("hold-1")
	if len(to.took()) == 0 {
		t.Fatal("no event has come")
	}
	w.Clock.Advance(time.Hour)
	since := w.Clock.Now()
	to.set(http.StatusTooEarly) // not yet
	hold("hold-2")
	wantTypes(t, to.took())
	var waiting []client.Delivery
	for d, err := range c.Deliveries(ctx, made.ID, "waiting") {
		if err != nil || d.Tries != 1 || d.LastTry.Status != http.StatusTooEarly || !d.NextTry.After(since) {
			t.Errorf("a delivery that waits is %+v, %v", d, err)
		}
		waiting = append(waiting, d)
	}
	to.set(0)
	w.Clock.Advance(time.Hour)
	w.deliver()
	got := to.took()
	if len(got) == 0 || len(got) != len(waiting) {
		t.Fatalf("%d events wait, and %q came", len(waiting), got)
	}

	if err := c.RedeliverEvent(ctx, made.ID, waiting[0].Event.ID); err != nil {
		t.Fatal(err)
	}
	w.deliver()
	wantTypes(t, to.took(), waiting[0].Event.Type)
	queued := must[int](t)(c.RedeliverSince(ctx, made.ID, since))
	w.deliver()
	if again := to.took(); queued != len(waiting) || len(again) != queued {
		t.Errorf("since %v, %d events are queued and %q came, want %d", since, queued, again, len(waiting))
	}
	if none := must[int](t)(c.RedeliverSince(ctx, made.ID, w.Clock.Now().Add(time.Second))); none != 0 {
		t.Errorf("since now, %d events are queued", none)
	}
}

// Answers have the objects in full that the call has asked for.
func TestExpandAtAServer(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.client
	token := string(w.Authorize("20.00"))
	hold := must[client.Hold](t)(c.CreateHold(ctx, "hold-1", client.NewHold{Token: token, Amount: client.Cents(20_00)}))
	settled := must[client.SettledHold](t)(c.SettleHold(ctx, "settle-1", hold.ID,
		client.SettleHold{Amount: client.Cents(500)}))
	paid := settled.Payments[0].ID
	refunds := must[[]client.Refund](t)(c.CreateRefund(ctx, "refund-1", client.NewRefund{
		Payment: paid, Amount: client.Of(holdfasttest.USD("1.25")),
	}))

	plain := must[client.Hold](t)(c.Hold(ctx, hold.ID))
	full := must[client.Hold](t)(c.Hold(ctx, hold.ID, "token", "payments"))
	switch e := full.Expanded; {
	case plain.Expanded != nil:
		t.Errorf("nothing was asked for: %+v", plain.Expanded)
	case e == nil || e.Token == nil || e.Token.ID != token || len(e.Payments) != 1 || e.Payments[0].ID != paid:
		t.Errorf("the hold has %+v", e)
	}
	payment := must[client.Payment](t)(c.Payment(ctx, paid, "token", "hold", "refunds"))
	if e := payment.Expanded; e == nil || e.Hold == nil || e.Hold.ID != hold.ID || e.Token.ID != token ||
		len(e.Refunds) != 1 || e.Refunds[0].ID != refunds[0].ID || e.Refunds[0].Amount != client.Cents(125) {
		t.Errorf("the payment has %+v", e)
	}
	refund := must[client.Refund](t)(c.Refund(ctx, refunds[0].ID, "payment"))
	if e := refund.Expanded; e == nil || e.Payment == nil || e.Payment.ID != paid ||
		e.Payment.Refunded != client.Cents(125) {
		t.Errorf("the refund has %+v", e)
	}
	if _, err := c.Hold(ctx, hold.ID, "everything"); !client.IsCode(err, "invalid_request") {
		t.Errorf("an unknown object: %v", err)
	}
}

// The clock of a sandbox is moved, and put back.
func TestClockOfAServer(t *testing.T) {
	w := newWorld(t)
	ctx, c := t.Context(), w.manager()
	real := w.Clock.Now()
	if now := must[client.Clock](t)(c.Clock(ctx)); !now.Now.Equal(real) || now.OffsetSeconds != 0 {
		t.Errorf("at first the clock is %+v, want %v", now, real)
	}
	hold := must[client.Hold](t)(c.CreateHold(ctx, "hold-1", client.NewHold{
		Token: string(w.Authorize("20.00")), Amount: client.Cents(20_00),
	}))
	to := hold.Deadline.Add(time.Minute)
	if now := must[client.Clock](t)(c.MoveClock(ctx, to)); !now.Now.Equal(to) ||
		now.OffsetSeconds != int64(to.Sub(real)/time.Second) {
		t.Errorf("the moved clock is %+v", now)
	}
	w.Clock.Advance(2 * time.Second) // the server keeps a caller for a second
	if late := must[client.Hold](t)(c.Hold(ctx, hold.ID)); late.State != client.HoldExpired {
		t.Errorf("behind its deadline, the hold is %s", late.State)
	}
	if _, err := w.Processor.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if now := must[client.Clock](t)(c.ResetClock(ctx)); !now.Now.Equal(w.Clock.Now()) || now.OffsetSeconds != 0 {
		t.Errorf("the clock that was put back is %+v", now)
	}
	w.Clock.Advance(2 * time.Second)
	if late := must[client.Hold](t)(c.Hold(ctx, hold.ID)); late.State != client.HoldExpired {
		t.Errorf("after the clock was put back, the hold is %s", late.State)
	}
}
