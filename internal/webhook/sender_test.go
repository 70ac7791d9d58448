package webhook_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

// A receiver verifies a webhook with the library of Standard Webhooks. Its body is
// the event as the feed has it.
func TestReceiversVerifyWhatIsSent(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, secret := h.endpoint(processor.NewEndpoint{URL: h.URL + "/hook?shop=7&sig=a%20b"})
		h.happen("a")
		if n := h.run(); n != 1 {
			t.Fatalf("%d events arrived, want 1", n)
		}
		got := h.arrivals()[0]
		if err := got.verify(secret); err != nil {
			t.Errorf("the library refuses the signature: %v", err)
		}
		forged := got
		forged.body = strings.Replace(got.body, `"state":"1"`, `"state":"2"`, 1)
		if forged.body == got.body || forged.verify(secret) == nil {
			t.Errorf("a forged body verifies: %s", forged.body)
		}
		if want := fmt.Sprint(h.Clock.Now().Unix()); got.header.Get("webhook-timestamp") != want {
			t.Errorf("the timestamp is %s, want %s", got.header.Get("webhook-timestamp"), want)
		}
		if got.path != "/hook" || got.query != "shop=7&sig=a%20b" || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("the request is %+v", got)
		}
		d := h.deliveries(e)[0]
		if got.id() != string(d.Event.ID) || got.body != string(d.Event.JSON()) || !json.Valid([]byte(got.body)) {
			t.Errorf("%s with id %s was sent, and the feed has %s", got.body, got.id(), d.Event.JSON())
		}
		if d.Outcome != store.WebhookDelivered || d.Tries != 1 || d.LastTry.Status != 200 || d.LastTry.Result != "200 OK" {
			t.Errorf("the delivery is %+v", d.WebhookDelivery)
		}
		h.Clock.Advance(time.Hour)
		if h.run(); len(h.arrivals()) != 0 {
			t.Error("what arrived comes again")
		}
	})
}

// During a rotation, the old and the new secret sign. Later, only the new one does.
func TestSecretsOverlap(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, first := h.endpoint(processor.NewEndpoint{})
		_, second, err := h.Processor.RotateEndpointSecret(t.Context(), h.Shop, e.ID, time.Hour, "")
		if err != nil {
			t.Fatal(err)
		}
		h.happen("a")
		h.run()
		got := h.arrivals()[0]
		if err := got.verify(first); err != nil {
			t.Errorf("with the old secret: %v", err)
		}
		if err := got.verify(second); err != nil {
			t.Errorf("with the new secret: %v", err)
		}
		h.Clock.Advance(time.Hour)
		h.happen("a")
		h.run()
		got = h.arrivals()[0]
		if got.verify(first) == nil || got.verify(second) != nil {
			t.Errorf("after the overlap, the signatures are %s", got.header.Get("webhook-signature"))
		}
		_, third, err := h.Processor.RotateEndpointSecret(t.Context(), h.Shop, e.ID, 0, "")
		if err != nil {
			t.Fatal(err)
		}
		h.happen("a")
		h.run()
		got = h.arrivals()[0]
		if got.verify(second) == nil || got.verify(third) != nil {
			t.Errorf("without an overlap, the signatures are %s", got.header.Get("webhook-signature"))
		}
	})
}

// A receiver that answers 500 gets an event again for three days, to the
// microsecond by the schedule, and always the same one.
func TestTriesBackOffForThreeDays(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, secret := h.endpoint(processor.NewEndpoint{})
		h.answers(http.StatusInternalServerError)
		h.happen("a")
		began := h.Clock.Now()
		h.run()
		first := h.arrivals()[0]
		for i, pause := range webhook.Pauses {
			h.Clock.Advance(pause - time.Microsecond)
			h.run()
			if early := h.arrivals(); len(early) != 0 {
				t.Fatalf("try %d came before %v were over", i+2, pause)
			}
			h.Clock.Advance(time.Microsecond)
			h.run()
			got := h.arrivals()
			if len(got) != 1 || got[0].body != first.body || got[0].id() != first.id() || got[0].verify(secret) != nil {
				t.Fatalf("try %d is %+v, want %+v", i+2, got, first)
			}
		}
		if past := h.Clock.Now().Sub(began); past < 71*time.Hour || past > 72*time.Hour {
			t.Errorf("the last try was %v after the first, want three days", past)
		}
		d := h.deliveries(e)[0]
		if d.Outcome != store.WebhookGivenUp || d.Tries != len(webhook.Pauses)+1 ||
			d.LastTry.Result != "500 Internal Server Error" {
			t.Errorf("in the end, the delivery is %+v", d.WebhookDelivery)
		}
		h.Clock.Advance(30 * 24 * time.Hour)
		if h.run(); len(h.arrivals()) != 0 {
			t.Error("an event that was given up is sent again")
		}
		if !strings.Contains(h.Log.Said(), "event given up") {
			t.Error("the log does not say that it was given up")
		}
	})
}

// A receiver that is not ready for an event gets it again soon. These answers count
// against nobody.
func TestNotYet(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, _ := h.endpoint(processor.NewEndpoint{})
		h.happen("a")
		for i, status := range []int{http.StatusTooEarly, http.StatusConflict, http.StatusTooEarly} {
			h.answers(status)
			h.run()
			if got := h.arrivals(); len(got) != 1 {
				t.Fatalf("try %d: %d requests", i+1, len(got))
			}
			h.Clock.Advance(time.Duration(2<<i)*time.Second - time.Microsecond)
			if h.run(); len(h.arrivals()) != 0 {
				t.Fatalf("after answer %d it came too early", i+1)
			}
			h.Clock.Advance(time.Microsecond)
		}
		h.answers(http.StatusOK)
		if n := h.run(); n != 1 {
			t.Errorf("%d events arrived, want 1", n)
		}
		if d := h.deliveries(e)[0]; d.Tries != 4 || d.Failures != 0 || d.Outcome != store.WebhookDelivered {
			t.Errorf("the delivery is %+v", d.WebhookDelivery)
		}
	})
}

// An ordered endpoint gets one event at a time. While the first one fails, the others
// wait. Another endpoint gets them all the same.
func TestOrderWithAFailingFirstEvent(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		h.endpoint(processor.NewEndpoint{URL: h.URL + "/ordered", Ordered: true})
		other := newReceiver(t)
		h.endpoint(processor.NewEndpoint{URL: other.URL})
		h.answersWith(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		for _, object := range []string{"a", "b", "a"} {
			h.happen(object)
		}
		h.run()
		h.happen("c")
		h.run()
		if got := objects(t, h.arrivals()); got != "a1" {
			t.Errorf("the ordered endpoint got %q, want only the first event", got)
		}
		if got := other.arrivals(); len(got) != 4 {
			t.Errorf("the other endpoint got %q", objects(t, got))
		}
		h.answersWith(nil)
		h.Clock.Advance(5 * time.Second)
		if n := h.run(); n != 4 {
			t.Errorf("%d events arrived, want 4", n)
		}
		if diff := cmp.Diff("a1 b1 a2 c1", objects(t, h.arrivals())); diff != "" {
			t.Errorf("the events came in another order (-want +got):\n%s", diff)
		}
	})
}

// An ordered endpoint does not skip an event that it has not taken for three days.
// It is paused, and goes on where it was.
func TestAnOrderedEndpointSkipsNothing(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, _ := h.endpoint(processor.NewEndpoint{Ordered: true})
		h.answers(http.StatusInternalServerError)
		h.happen("a", "b")
		h.run()
		for _, pause := range webhook.Pauses {
			h.Clock.Advance(pause)
			h.run()
		}
		if got := h.read(e.ID); got.Pause != payment.PausedFailing {
			t.Fatalf("after three days the endpoint is %+v, want it paused", got)
		}
		h.arrivals()
		h.answersWith(nil)
		h.Clock.Advance(time.Hour)
		h.happen("c")
		if h.run(); len(h.arrivals()) != 0 {
			t.Error("something is sent to a paused endpoint")
		}
		h.resume(e.ID)
		h.run()
		if got := objects(t, h.arrivals()); got != "a1 b1 c1" {
			t.Errorf("after the pause came %q, want everything in order", got)
		}
	})
}

// A receiver that answers 410 gets nothing more until its endpoint is resumed. Nothing is
// lost.
func TestGone(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, _ := h.endpoint(processor.NewEndpoint{Ordered: true})
		h.answers(http.StatusGone)
		h.happen("a", "b")
		h.run()
		h.Clock.Advance(24 * time.Hour)
		h.run()
		if got := objects(t, h.arrivals()); got != "a1" {
			t.Errorf("the receiver got %q, want one event", got)
		}
		if got := h.read(e.ID); got.Pause != payment.PausedGone {
			t.Errorf("the endpoint is %+v, want it paused", got)
		}
		h.answersWith(nil)
		h.resume(e.ID)
		h.run()
		if got := objects(t, h.arrivals()); got != "a1 b1" {
			t.Errorf("after the pause came %q", got)
		}
	})
}

// An event goes to the endpoints that want it when it is placed. A test event goes
// to one endpoint.
func TestWhoGetsWhat(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		late := newReceiver(t)
		h.endpoint(processor.NewEndpoint{Types: []string{"hold.*"}})
		refunds, _ := h.endpoint(processor.NewEndpoint{URL: h.URL + "/refunds", Types: []string{"refund.failed"}})
		h.happen("a")
		h.endpoint(processor.NewEndpoint{URL: late.URL})
		h.happen("b")
		if _, err := h.Processor.TestEndpoint(t.Context(), h.Shop, refunds.ID); err != nil {
			t.Fatal(err)
		}
		event, err := h.Processor.TestEndpoint(t.Context(), h.Shop, refunds.ID)
		if err != nil {
			t.Fatal(err)
		}
		h.place()
		h.run()
		got := map[string]int{}
		for _, r := range h.arrivals() {
			got[r.path]++
			if r.path == "/refunds" && !strings.Contains(r.body, `"type":"endpoint.test"`) {
				t.Errorf("the endpoint for refunds got %s", r.body)
			}
		}
		if got["/hook"] != 2 || got["/refunds"] != 2 {
			t.Errorf("the endpoints got %v", got)
		}
		if got := objects(t, late.arrivals()); got != "b1" {
			t.Errorf("the endpoint that came later got %q", got)
		}
		if all := h.deliveries(refunds); len(all) != 2 || all[1].Event.ID != event.ID || all[1].Event.Seq != 2 {
			t.Errorf("the tests are %+v", all)
		}
	})
}

// A hanging receiver delays neither another endpoint nor another caller.
func TestAHangingReceiverDelaysNobody(t *testing.T) {
	h := newHooked(t, oneStore(t))
	reached, end := make(chan struct{}, 100), make(chan struct{})
	h.answersWith(func(http.ResponseWriter, *http.Request) { reached <- struct{}{}; <-end })
	other := newReceiver(t)
	h.endpoint(processor.NewEndpoint{})
	h.endpoint(processor.NewEndpoint{URL: other.URL})
	var names []string
	for i := range 2 * webhook.Parallel {
		names = append(names, fmt.Sprint("o", i))
	}
	h.happen(names...)
	if n, err := h.Sender.Start(t.Context()); n != 2 || err != nil {
		t.Fatalf("%d endpoints are served, %v; want 2", n, err)
	}
	for range webhook.Parallel {
		<-reached
	}
	<-h.Sender.Freed() // of the other endpoint
	if got := other.arrivals(); len(got) != len(names) {
		t.Errorf("the other endpoint got %d events, want %d", len(got), len(names))
	}
	h.happen("late")
	if n, err := h.Sender.Start(t.Context()); n != 1 || err != nil {
		t.Errorf("%d endpoints are served, %v; want the other one", n, err)
	}
	select {
	case <-reached:
		t.Errorf("more than %d requests are under way to one endpoint", webhook.Parallel)
	default:
	}
	close(end)
	h.Sender.Wait()
}

// A server that stops between sending and writing the outcome leaves a lease. When it
// has ended, another server sends the same event: it is repeated, never lost.
func TestKilledBetweenSendAndOutcome(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			h := newHooked(t, holdfasttest.Open(t, at))
			e, secret := h.endpoint(processor.NewEndpoint{})
			h.happen("a")
			dying := holdfasttest.Open(t, at)
			sender := h.newSender(dying)
			h.answersWith(func(http.ResponseWriter, *http.Request) { dying.Close() })
			if n, err := sender.RunOnce(t.Context()); err == nil {
				t.Fatalf("a sender without a store delivered %d", n)
			}
			first := h.arrivals()
			h.answersWith(nil)
			h.Clock.Advance(time.Minute - time.Microsecond)
			if h.run(); len(h.arrivals()) != 0 {
				t.Fatal("the event was sent while the first server had its lease")
			}
			h.Clock.Advance(time.Microsecond)
			if n := h.run(); n != 1 {
				t.Fatalf("%d events arrived after the lease, want 1", n)
			}
			got := h.arrivals()
			if len(got) != 1 || got[0].id() != first[0].id() || got[0].body != first[0].body || got[0].verify(secret) != nil {
				t.Errorf("the second server sent %+v, the first one %+v", got, first)
			}
			if d := h.deliveries(e)[0]; d.Outcome != store.WebhookDelivered {
				t.Errorf("the delivery is %+v", d.WebhookDelivery)
			}
		})
	}
}

// A server that is told to stop while it waits for an answer counts no try, and
// leaves no lease.
func TestStopGivesBack(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, _ := h.endpoint(processor.NewEndpoint{})
		h.happen("a")
		ctx, stop := context.WithCancel(t.Context())
		h.answersWith(func(_ http.ResponseWriter, r *http.Request) {
			stop()
			<-r.Context().Done()
		})
		if n, err := h.Sender.RunOnce(ctx); n != 0 || err != nil {
			t.Fatalf("the stopped sender delivered %d, %v", n, err)
		}
		if d := h.deliveries(e)[0]; d.Tries != 0 || d.Outcome != store.WebhookWaiting {
			t.Errorf("the delivery is %+v", d.WebhookDelivery)
		}
		h.answersWith(nil)
		if n := h.run(); n != 1 {
			t.Errorf("%d events arrived after the restart, want 1", n)
		}
	})
}

// Two servers on one store send each event once, and never one at the same time.
func TestTwoServersShareTheWork(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			h := newHooked(t, holdfasttest.Open(t, at))
			second := h.newSender(holdfasttest.Open(t, at))
			const endpoints, events = 4, 40
			for i := range endpoints {
				h.endpoint(processor.NewEndpoint{URL: fmt.Sprint(h.URL, "/", i), Ordered: i%2 == 0})
			}
			for i := range events {
				h.add(fmt.Sprint("o", i))
			}
			h.place()
			var mu sync.Mutex
			under := map[string]bool{}
			h.answersWith(func(_ http.ResponseWriter, r *http.Request) {
				key := r.URL.Path + " " + r.Header.Get("webhook-id")
				mu.Lock()
				twice := under[key]
				under[key] = true
				mu.Unlock()
				if twice {
					t.Errorf("%s is sent twice at the same time", key)
				}
				mu.Lock()
				defer mu.Unlock()
				delete(under, key)
			})
			var sending sync.WaitGroup
			for _, sender := range []*webhook.Sender{h.Sender, second} {
				sending.Go(func() {
					for range 5 {
						if _, err := sender.RunOnce(t.Context()); err != nil {
							t.Error(err)
						}
					}
				})
			}
			sending.Wait()
			times := map[string]int{}
			for _, r := range h.arrivals() {
				times[r.path+" "+r.id()]++
			}
			if len(times) != endpoints*events {
				t.Errorf("%d deliveries arrived, want %d", len(times), endpoints*events)
			}
			for key, n := range times {
				if n != 1 {
					t.Errorf("%s arrived %d times", key, n)
				}
			}
		})
	}
}

// A change of a hold goes to the endpoint by itself: the event is in the commit of the
// change, and the jobs place and deliver it.
func TestAHoldIsTold(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		_, secret := h.endpoint(processor.NewEndpoint{Types: []string{"hold.*"}, Ordered: true})
		held := h.Reserved("25.00", "order-1")
		if _, err := h.Settle(held.ID, "20.00"); err != nil {
			t.Fatal(err)
		}
		if err := h.jobs().RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		var types []string
		for i, r := range h.arrivals() {
			m := r.message(t)
			if m.ObjectID != string(held.ID) || m.Seq != i+1 || r.verify(secret) != nil {
				t.Errorf("event %d is %s", i, r.body)
			}
			types = append(types, string(m.Type))
		}
		if diff := cmp.Diff([]string{"hold.pending", "hold.held", "hold.settling", "hold.settled"}, types); diff != "" {
			t.Errorf("the receiver was told (-want +got):\n%s", diff)
		}
	})
}

// Deliveries are deleted after 90 days. The events stay, and can be sent again.
func TestOldDeliveriesAreForgotten(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, _ := h.endpoint(processor.NewEndpoint{})
		began := h.Clock.Now()
		h.happen("a", "b")
		h.run()
		forget := func(want int) {
			t.Helper()
			if n, err := h.Processor.ForgetWebhooks(t.Context()); n != want || err != nil {
				t.Errorf("%d deliveries were forgotten, %v; want %d", n, err, want)
			}
		}
		h.Clock.Advance(90 * 24 * time.Hour)
		h.happen("c")
		forget(0)
		h.Clock.Advance(time.Hour)
		forget(2)
		forget(0)
		if left := h.deliveries(e); len(left) != 1 || left[0].Event.ObjectID != "c" {
			t.Errorf("left are %+v", left)
		}
		n, err := h.Processor.Redeliver(t.Context(), h.Shop, e.ID, processor.Redelivery{Since: began})
		if n != 3 || err != nil {
			t.Errorf("%d events are sent again, %v; want 3", n, err)
		}
	})
}
