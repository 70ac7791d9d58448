package webhook_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/jobs"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

// A hooked is a world whose shop has a receiver of webhooks.
type hooked struct {
	*holdfasttest.World
	*receiver
	t      *testing.T
	Sender *webhook.Sender
	Log    holdfasttest.Log
	seqs   map[string]int
}

func newHooked(t *testing.T, db *store.DB) *hooked {
	t.Helper()
	h := &hooked{
		World: holdfasttest.NewWorld(t, db), receiver: newReceiver(t), t: t, seqs: map[string]int{},
	}
	h.Sender = h.newSender(db)
	return h
}

func (h *hooked) newSender(db *store.DB) *webhook.Sender {
	return &webhook.Sender{
		Store: db, Now: h.Clock.Now, Log: slog.New(slog.NewTextHandler(&h.Log, nil)), AllowPrivate: true,
	}
}

// jobs are the background work of a server.
func (h *hooked) jobs() *jobs.Runner {
	return &jobs.Runner{
		Processor: h.Processor, Webhooks: h.Sender, Now: h.Clock.Now, Log: slog.New(slog.DiscardHandler),
	}
}

// endpoint adds an endpoint at the receiver.
func (h *hooked) endpoint(n processor.NewEndpoint) (payment.Endpoint, holdfast.SecretKey) {
	h.t.Helper()
	if n.URL == "" {
		n.URL = h.URL + "/hook"
	}
	e, secret, err := h.Processor.CreateEndpoint(h.t.Context(), h.Shop, n)
	if err != nil {
		h.t.Fatal(err)
	}
	return e, secret
}

// happen adds events of the shop, each about the object with a name, and places
// them in the feed.
func (h *hooked) happen(objects ...string) {
	h.t.Helper()
	h.add(objects...)
	h.place()
}

// add adds events without positions.
func (h *hooked) add(objects ...string) {
	h.t.Helper()
	for _, object := range objects {
		h.seqs[object]++
		err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
			return tx.AddEvent(payment.Event{
				Caller: h.Shop.ID, Type: payment.EventHoldHeld, ObjectID: object, Seq: h.seqs[object], At: h.CallerNow(),
				Data: fmt.Sprintf(`{"id":%q,"state":"%d"}`, object, h.seqs[object]),
			}, processor.Micro(h.Clock.Now()))
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *hooked) place() {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		_, err := tx.PlaceEvents(processor.Micro(h.Clock.Now()), 1000)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// run delivers what is due, and returns how many events arrived.
func (h *hooked) run() int {
	h.t.Helper()
	n, err := h.Sender.RunOnce(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	return n
}

// deliveries reads the deliveries to an endpoint, the oldest first.
func (h *hooked) deliveries(e payment.Endpoint) (all []store.EventDelivery) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), func(tx *store.ReadTx) (err error) {
		all, _, err = tx.Webhooks(e, store.WebhookFilter{}, 1000)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	slices.Reverse(all)
	return all
}

// read reads an endpoint.
func (h *hooked) read(id payment.EndpointID) (e payment.Endpoint) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), func(tx *store.ReadTx) (err error) {
		e, _, err = tx.Endpoint(h.Shop.ID, id)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return e
}

// resume ends the pause of an endpoint.
func (h *hooked) resume(id payment.EndpointID) {
	h.t.Helper()
	_, err := h.Processor.UpdateEndpoint(h.t.Context(), h.Shop, id, processor.EndpointChange{Paused: new(bool)})
	if err != nil {
		h.t.Fatal(err)
	}
}

// A request is what arrived at a receiver.
type request struct {
	path, query, body string
	header            http.Header
}

func (r request) id() string { return r.header.Get("webhook-id") }

// message is the event in a request.
func (r request) message(t testing.TB) (m payment.EventMessage) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), &m); err != nil {
		t.Errorf("the body is no event: %v", err)
	}
	return m
}

// verify verifies a request with the library of Standard Webhooks. The library's
// clock is real, so the time is not verified.
func (r request) verify(secret holdfast.SecretKey) error {
	verifier, err := standardwebhooks.NewWebhook(string(secret.Reveal()))
	if err != nil {
		return err
	}
	return verifier.VerifyIgnoringTimestamp([]byte(r.body), r.header)
}

// A receiver takes webhooks.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	got    []request
	answer http.HandlerFunc
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{}
	r.Server = httptest.NewServer(r)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r.mu.Lock()
	r.got = append(r.got, request{q.URL.Path, q.URL.RawQuery, string(body), q.Header})
	answer := r.answer
	r.mu.Unlock()
	if answer != nil {
		q.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, q)
	}
}

// answers makes the receiver answer with a status from now on.
func (r *receiver) answers(status int) {
	r.answersWith(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
}

func (r *receiver) answersWith(answer http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answer = answer
}

// arrivals returns what arrived since the last call.
func (r *receiver) arrivals() []request {
	r.mu.Lock()
	defer r.mu.Unlock()
	got := r.got
	r.got = nil
	return got
}

// objects are the objects of some requests with the numbers of their events, such
// as "a1 b1".
func objects(t testing.TB, all []request) string {
	t.Helper()
	var names []string
	for _, one := range all {
		m := one.message(t)
		names = append(names, fmt.Sprint(m.ObjectID, m.Seq))
	}
	return strings.Join(names, " ")
}

func oneStore(t *testing.T) *store.DB {
	t.Helper()
	return holdfasttest.Open(t, t.TempDir()+"/world.db")
}
