package webhook_test

import (
	"database/sql"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

func TestReceiversThatDoNotTakeIt(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("a redirect was followed")
	}))
	defer elsewhere.Close()
	for _, row := range []struct {
		name   string
		answer http.HandlerFunc
		status int
		result string
	}{
		{"moved", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusPermanentRedirect)
		}, 308, "308 Permanent Redirect: redirects are not followed"},
		{"not found", http.NotFound, 404, "404 Not Found"},
		{"nobody's status", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) }, 599, "599"},
		{"hangs up", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 0, "EOF"},
		{"hangs", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, 0, "no answer within 100ms"},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Long", strings.Repeat("x", 64<<10))
		}, 0, "net/http: HTTP/1.x transport connection broken: " +
			"net/http: server response headers exceeded 32768 bytes; aborted"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newHooked(t, oneStore(t))
			if row.name == "hangs" {
				h.Sender.Timeout = 100 * time.Millisecond
			}
			h.answersWith(row.answer)
			e, _ := h.endpoint(processor.NewEndpoint{})
			h.happen("a")
			if n := h.run(); n != 0 {
				t.Errorf("%d events arrived, want none", n)
			}
			d := h.deliveries(e)[0]
			if d.Outcome != store.WebhookWaiting || d.Failures != 1 || d.LastTry.Status != row.status ||
				d.LastTry.Result != row.result {
				t.Errorf("the delivery is %+v, want a failure with %q", d.WebhookDelivery, row.result)
			}
		})
	}
}

// Of an answer with 100 MB, 64 kB are read and 1 kB is kept. The event has arrived.
func TestHugeAnswerIsCut(t *testing.T) {
	h := newHooked(t, oneStore(t))
	written := make(chan int64, 1)
	h.answersWith(func(w http.ResponseWriter, _ *http.Request) {
		n, _ := io.Copy(w, io.LimitReader(endless{}, 100<<20)) // fails when the sender hangs up
		written <- n
	})
	e, _ := h.endpoint(processor.NewEndpoint{})
	h.happen("a")
	if n := h.run(); n != 1 {
		t.Errorf("%d events arrived, want 1", n)
	}
	if d := h.deliveries(e)[0]; len(d.LastTry.Answer) != 1<<10 || d.Outcome != store.WebhookDelivered {
		t.Errorf("%d bytes of the answer are kept, and the event is %s", len(d.LastTry.Answer), d.Outcome)
	}
	if n := <-written; n > 16<<20 {
		t.Errorf("the receiver could write %d bytes", n)
	}
}

// endless is text without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// What a receiver answers can be stored in both databases, and shown.
func TestAnswersThatAreNoText(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		h.answersWith(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte("no\x00 \x1b[31mred\xff\nbad ünder€" + strings.Repeat("€", 400)))
		})
		e, _ := h.endpoint(processor.NewEndpoint{})
		h.happen("a")
		h.run()
		want := "no   [31mred\nbad ünder€"
		if got := h.deliveries(e)[0].LastTry; !strings.HasPrefix(got.Answer, want) || len(got.Answer) > 1<<10 {
			t.Errorf("the answer is kept as %q, want %q…", got.Answer, want)
		}
	})
}

func TestPrivateNetworksAreRefused(t *testing.T) {
	for _, host := range []string{
		"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254", "10.0.0.1",
	} {
		t.Run(host, func(t *testing.T) {
			h := newHooked(t, oneStore(t))
			h.Sender.AllowPrivate = false
			_, port, err := net.SplitHostPort(strings.TrimPrefix(h.URL, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			e, _ := h.endpoint(processor.NewEndpoint{URL: "http://" + host + ":" + port + "/hook"})
			h.happen("a")
			if n := h.run(); n != 0 || len(h.arrivals()) != 0 {
				t.Errorf("%d events arrived inside", n)
			}
			if d := h.deliveries(e)[0]; d.LastTry.Result != "not sent: the address is not public" {
				t.Errorf("the result is %q", d.LastTry.Result)
			}
		})
	}
}

// A receiver may say when it wants the next try, up to eight hours.
func TestRetryAfter(t *testing.T) {
	for said, want := range map[string]time.Duration{
		"":                              5 * time.Second,
		"1":                             5 * time.Second,
		"600":                           10 * time.Minute,
		"999999999":                     8 * time.Hour,
		"99999999999999999999":          5 * time.Second,
		"-5":                            5 * time.Second,
		"soon":                          5 * time.Second,
		"Wed, 21 Oct 2015 07:28:00 GMT": 5 * time.Second,
	} {
		h := newHooked(t, oneStore(t))
		h.answersWith(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", said)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		e, _ := h.endpoint(processor.NewEndpoint{})
		h.happen("a")
		h.run()
		if got := h.deliveries(e)[0].NextAt.Sub(h.Clock.Now()); got != want {
			t.Errorf("after Retry-After %q the next try is in %v, want %v", said, got, want)
		}
	}
}

// The answers of a receiver that is never ready end after about three days.
func TestNeverReady(t *testing.T) {
	d, now := store.WebhookDelivery{Outcome: store.WebhookWaiting}, holdfasttest.Start
	began := now
	for result := webhook.NotYet; result == webhook.NotYet; now = d.NextAt {
		d, result = webhook.Outcome(payment.Endpoint{}, d, store.WebhookTry{At: now}, webhook.Answer{Status: 409})
		if result == webhook.Failed {
			break
		}
	}
	if d.Tries != webhook.NotYetMax+1 || now.Sub(began) < 72*time.Hour || now.Sub(began) > 80*time.Hour {
		t.Errorf("%d tries in %v, then a failure", d.Tries, now.Sub(began))
	}
}

// A new URL also counts for what waits.
func TestANewURLReachesWhatWaits(t *testing.T) {
	h := newHooked(t, oneStore(t))
	e, secret := h.endpoint(processor.NewEndpoint{URL: "http://127.0.0.1:1/"})
	h.happen("a")
	h.run()
	url := h.URL + "/right"
	if _, err := h.Processor.UpdateEndpoint(t.Context(), h.Shop, e.ID, processor.EndpointChange{URL: &url}); err != nil {
		t.Fatal(err)
	}
	h.Clock.Advance(5 * time.Second)
	h.run()
	if got := h.arrivals(); len(got) != 1 || got[0].path != "/right" || got[0].verify(secret) != nil {
		t.Errorf("at the new URL arrived %+v", got)
	}
}

// What was delivered, was given up or is older than the endpoint can be sent again.
func TestRedelivery(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		h.endpoint(processor.NewEndpoint{URL: h.URL + "/first"})
		h.happen("a")
		h.Clock.Advance(time.Hour)
		since := h.Clock.Now()
		h.happen("b", "c")
		h.Clock.Advance(time.Hour)
		e, _ := h.endpoint(processor.NewEndpoint{URL: h.URL + "/late", Ordered: true})
		h.happen("d")
		h.run()
		h.arrivals()
		redeliver := func(r processor.Redelivery, want string) {
			t.Helper()
			n, err := h.Processor.Redeliver(t.Context(), h.Shop, e.ID, r)
			if err != nil {
				t.Fatal(err)
			}
			h.run()
			if got := objects(t, h.arrivals()); got != want || n != len(strings.Fields(want)) {
				t.Errorf("%d events were queued and %q arrived, want %q", n, got, want)
			}
		}
		redeliver(processor.Redelivery{Since: since}, "b1 c1 d1")
		all := h.deliveries(e)
		redeliver(processor.Redelivery{Events: []payment.EventID{all[1].Event.ID}}, "c1")
		redeliver(processor.Redelivery{
			Events: []payment.EventID{all[0].Event.ID, all[1].Event.ID, all[0].Event.ID},
		}, "b1 c1")
		redeliver(processor.Redelivery{Since: h.Clock.Now().Add(-3 * time.Hour)}, "a1 b1 c1 d1")
		redeliver(processor.Redelivery{Since: h.Clock.Now().Add(time.Second)}, "")
		if d := h.deliveries(e)[0]; d.Tries != 1 || d.Outcome != store.WebhookDelivered {
			t.Errorf("after the redelivery it is %+v", d.WebhookDelivery)
		}
	})
}

// An endpoint that is removed while an event is under way leaves nothing behind.
func TestRemovedWhileAnEventIsUnderWay(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		e, _ := h.endpoint(processor.NewEndpoint{})
		h.happen("a", "b")
		h.answersWith(func(w http.ResponseWriter, r *http.Request) {
			if err := h.Processor.RemoveEndpoint(r.Context(), h.Shop, e.ID); err != nil &&
				!errors.Is(err, processor.ErrNoEndpoint) {
				t.Error(err)
			}
			w.WriteHeader(http.StatusInternalServerError)
		})
		h.run()
		if n, err := h.Processor.ForgetWebhooks(t.Context()); n != 2 || err != nil {
			t.Errorf("%d deliveries are forgotten (%v), want 2", n, err)
		}
		if left := h.deliveries(e); len(left) != 0 {
			t.Errorf("deliveries are left: %+v", left)
		}
	})
}

// Events, secrets and queries of URLs reach no log.
func TestLogsSayNothingOfWhatIsSent(t *testing.T) {
	h := newHooked(t, oneStore(t))
	e, secret := h.endpoint(processor.NewEndpoint{URL: h.URL + "/?password=" + url.QueryEscape(holdfasttest.Password)})
	h.answers(http.StatusInternalServerError)
	h.happen("a")
	for range 30 {
		h.run()
		h.Clock.Advance(8 * time.Hour)
	}
	got := h.arrivals()
	log := h.Log.Said()
	if len(got) == 0 || !strings.Contains(log, string(e.ID)) {
		t.Fatal("nothing was sent or logged")
	}
	for _, word := range []string{"password", "state", string(secret.Reveal()), got[0].header.Get("webhook-signature")} {
		if strings.Contains(log, word) {
			t.Errorf("the log has %q", word)
		}
	}
}

// Each try is counted with its result.
func TestTriesAreCounted(t *testing.T) {
	h := newHooked(t, oneStore(t))
	var got []webhook.Result
	h.Sender.Tried = func(r webhook.Result) { got = append(got, r) }
	e, _ := h.endpoint(processor.NewEndpoint{Ordered: true})
	for _, status := range []int{409, 500, 410, 200} {
		h.answers(status)
		h.happen("a")
		h.run()
		h.Clock.Advance(time.Minute)
		if status == 410 {
			h.resume(e.ID)
		}
	}
	want := []webhook.Result{
		webhook.NotYet, webhook.Failed, webhook.Gone, webhook.Delivered, webhook.Delivered, webhook.Delivered,
		webhook.Delivered,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("counted (-want +got):\n%s", diff)
	}
}

// An endpoint whose secrets cannot be read delays no other, and is tried again after
// a minute.
func TestSecretsThatCannotBeRead(t *testing.T) {
	file := t.TempDir() + "/broken.db"
	h := newHooked(t, holdfasttest.Open(t, file))
	broken, _ := h.endpoint(processor.NewEndpoint{})
	h.endpoint(processor.NewEndpoint{URL: h.URL + "/whole"})
	raw, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(), `UPDATE webhook_endpoints SET secrets = x'00' WHERE endpoint_id = $1`,
		string(broken.ID)); err != nil {
		t.Fatal(err)
	}
	h.happen("a")
	for range 2 {
		if _, err := h.Sender.RunOnce(t.Context()); err != nil && !strings.Contains(err.Error(), string(broken.ID)) {
			t.Errorf("the error does not name the endpoint: %v", err)
		}
	}
	if got := h.arrivals(); len(got) != 1 || got[0].path != "/whole" {
		t.Errorf("%d events arrived, want that of the other endpoint", len(got))
	}
	if n, err := h.Sender.RunOnce(t.Context()); n != 0 || err != nil {
		t.Errorf("the broken endpoint is tried again at once: %v", err)
	}
	h.Clock.Advance(time.Minute)
	if _, err := h.Sender.RunOnce(t.Context()); err == nil {
		t.Error("the broken endpoint is not tried again")
	}
}
