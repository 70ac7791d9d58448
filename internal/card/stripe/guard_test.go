package stripe

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

type testSecrets struct{ key string }

func (s testSecrets) Key() string    { return s.key }
func (testSecrets) Events() []string { return nil }

// newClient is a client of a server that is no Stripe.
func newClient(t *testing.T, handler http.HandlerFunc, changes ...func(*Config)) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	config := Config{
		Account: payment.NetworkAccount{ID: "N1", Mode: payment.NetworkTest, BaseURL: server.URL, PerSecond: 100_000},
		Secrets: testSecrets{"rk_test_of_a_test"}, Version: "1.2.3", Now: func() time.Time { return start },
	}
	for _, change := range changes {
		change(&config)
	}
	return New(config)
}

func TestPostWithoutAKeyIsNotSent(t *testing.T) {
	c := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") })
	for _, ctx := range []context.Context{t.Context(), withExchange(t.Context(), &exchange{})} {
		if _, err := c.api.V1Customers.Create(ctx, nil); !errors.Is(err, errNoKey) {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestKeyOfTheOtherModeIsNotUsed(t *testing.T) {
	for _, key := range []string{"rk_live_of_a_test", "sk_live_of_a_test", "pk_test_of_a_test", ""} {
		c := newClient(t, func(http.ResponseWriter, *http.Request) { t.Error("a request was sent") },
			func(c *Config) { c.Secrets = testSecrets{key} })
		_, err := c.Ask(t.Context(), question(payment.StepAuthorize))
		doubt, ok := errors.AsType[*card.DoubtError](err)
		if !ok || !doubt.Alarm || key != "" && strings.Contains(err.Error(), key) {
			t.Errorf("key %s: %v", key, err)
		}
	}
}

func TestRequestsSayWhoSendsThem(t *testing.T) {
	var got http.Header
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		_, _ = w.Write([]byte(`{"id":"cus_1"}`))
	})
	if _, err := c.Customer(t.Context(), card.Holder{Account: "N1", Party: "P1"}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"User-Agent": "Holdfast/1.2.3", "Stripe-Version": APIVersion, "Authorization": "Bearer rk_test_of_a_test",
		"X-Stripe-Client-User-Agent": "", "X-Stripe-Client-Telemetry": "", "Stripe-Account": "",
	} {
		if got.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Get(name), want)
		}
	}
	if keys := got.Values("Idempotency-Key"); len(keys) != 1 || !strings.HasPrefix(keys[0], "customer/P1/N1/") {
		t.Errorf("the keys are %q", keys)
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	requests := 0
	c := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if _, f := c.get(t.Context(), "pi_1"); f == nil || requests != 1 {
		t.Errorf("after %d requests: %v", requests, f)
	}
}

// Nothing of a body reaches an error, whatever the answer is.
func TestErrorsHoldNoSecrets(t *testing.T) {
	const secret = "pi_1_secret_XYZ"
	for _, body := range []string{
		`{"error":{"type":"card_error","code":"card_declined","message":"` + secret + ` rk_test_of_a_test 4242424242424242",
		 "payment_intent":{"id":"pi_1","client_secret":"` + secret + `","status":"requires_payment_method"}}}`,
		`{"error":{"type":"` + secret + ` <>","code":"a ` + secret + `","decline_code":"x ` + secret + `","param":"y ` + secret + `"}}`,
		`{"error":"` + secret + `"}`, `<html>` + secret, `{"client_secret":"` + secret + `"`, ``, `[]`, `null`, `{"id":{"x":"` + secret + `"}}`,
	} {
		for _, status := range []int{200, 201, 302, 400, 401, 402, 403, 404, 409, 429, 500, 503} {
			c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Request-Id", "req_1 "+secret)
				w.WriteHeader(status)
				_, _ = w.Write([]byte(body))
			})
			for _, step := range []payment.Step{
				payment.StepAuthorize, payment.StepCapture, payment.StepRelease, payment.StepReturn,
			} {
				answer, err := c.Ask(t.Context(), question(step))
				text := answer.Message + answer.Details.Attention + answer.Details.DeclineCode + answer.Details.RequestID
				if err != nil {
					text += err.Error()
				}
				for _, word := range []string{"secret", "rk_test", "4242"} {
					if strings.Contains(text, word) {
						t.Errorf("%d %s: %s", status, body, text)
					}
				}
				if err == nil && answer.Approved() {
					t.Errorf("%d %s: approved", status, body)
				}
				if err == nil && (status != 402 || !strings.Contains(body, "card_error")) {
					t.Errorf("%s: %d %s is taken for a decline: %+v", step, status, body, answer)
				}
			}
		}
	}
}

func TestRequestsWithoutAnAnswer(t *testing.T) {
	var seen Request
	c := newClient(t, func(http.ResponseWriter, *http.Request) {}, func(c *Config) {
		c.Account.BaseURL, c.Observe = "http://127.0.0.1:1", func(r Request) { seen = r }
	})
	if _, f := c.get(t.Context(), "pi_1"); f == nil || seen.Endpoint == "" || seen.Status != 0 {
		t.Errorf("observed %+v, the failure is %+v", seen, f)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c = newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		cancel()
		w.WriteHeader(http.StatusOK)
	})
	if _, f := c.get(ctx, "pi_1"); f == nil {
		t.Error("a request that was given up has no failure")
	}
}

// An account that is settled in another currency cannot be compared with our books.
func TestLinesOfAnotherCurrency(t *testing.T) {
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"object":"list","has_more":false,"data":[{"id":"txn_1","currency":"eur","type":"charge"}]}`))
	})
	if _, err := c.Lines(t.Context(), start, start.Add(time.Hour)); err == nil || !strings.Contains(err.Error(), "EUR") {
		t.Errorf("the error is %v", err)
	}
}

func TestObserve(t *testing.T) {
	var seen []Request
	c := newClient(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) },
		func(c *Config) { c.Observe = func(r Request) { seen = append(seen, r) } })
	_, _ = c.Ask(t.Context(), question(payment.StepCapture))
	want := Request{Account: "N1", Endpoint: "POST /v1/payment_intents/{}/capture", Status: 503}
	if len(seen) != 1 || seen[0] != want {
		t.Errorf("observed %+v", seen)
	}
}

func TestEndpointOf(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/payment_intents":                 "/v1/payment_intents",
		"/v1/payment_intents/pi_1/confirm":    "/v1/payment_intents/{}/confirm",
		"/v1/checkout/sessions/cs_test_a1":    "/v1/checkout/sessions/{}",
		"/v1/balance_transactions":            "/v1/balance_transactions",
		"/v1/radar/early_fraud_warnings/is_1": "/v1/radar/early_fraud_warnings/{}",
		"/v1/account":                         "/v1/account",
	} {
		if got := endpointOf(path); got != want {
			t.Errorf("%s is %s, want %s", path, got, want)
		}
	}
}

func TestBreaker(t *testing.T) {
	const confirm, cancel = "POST confirm", "POST cancel"
	var b breaker
	now := start
	ask := func(endpoint string, h health) bool {
		if b.admit(endpoint, now) != nil {
			return false
		}
		b.hear(endpoint, h, now)
		return true
	}
	ask(confirm, keyRefused)
	if ask(cancel, healthy) {
		t.Error("a refused key does not stop the account")
	}
	now = now.Add(refusedPause)
	if b.admit(confirm, now) != nil {
		t.Fatal("no trial")
	}
	if b.admit(cancel, now) == nil {
		t.Error("two trials at once")
	}
	b.hear(confirm, keyRefused, now)
	now = now.Add(refusedPause)
	if ask(confirm, healthy) {
		t.Error("the second pause is not longer than the first")
	}
	now = now.Add(refusedPauseMax)
	if !ask(confirm, healthy) || !ask(cancel, healthy) {
		t.Error("a good answer does not start the account again")
	}

	ask(cancel, rightMissing)
	if ask(cancel, healthy) || !ask(confirm, healthy) {
		t.Error("a missing right stops more or less than its endpoint")
	}
	now = now.Add(refusedPause)
	for range 2 {
		if !ask(cancel, healthy) {
			t.Error("a right that was given does not count")
		}
	}

	for range brokenMax {
		if !ask(confirm, broken) {
			t.Fatal("the account is stopped too soon")
		}
	}
	if ask(confirm, healthy) {
		t.Error("a Stripe that is down is asked all the time")
	}
	now = now.Add(brokenPause)
	if b.admit(confirm, now) != nil {
		t.Fatal("no trial")
	}
	if b.check(confirm, now) == nil {
		t.Error("a second request may try as well")
	}
	b.hear(confirm, unheard, now)
	if b.check(confirm, now) != nil || !ask(confirm, unheard) || !ask(confirm, healthy) {
		t.Error("a trial that was given up blocks the account")
	}
	for range brokenMax - 1 {
		ask(confirm, broken)
	}
	ask(confirm, healthy)
	if ask(confirm, broken); !ask(confirm, healthy) {
		t.Error("failures that do not follow each other count together")
	}
}

// Callers go before background work, and neither starves.
func TestGate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		if err := g.enter(t.Context(), false, 1); err != nil {
			t.Fatal(err)
		}
		order := make(chan string)
		join := func(name string, background bool, n int) {
			for range n {
				go func() {
					if g.enter(t.Context(), background, 1) == nil {
						order <- name
					}
				}()
				synctest.Wait() // it stands in the queue
			}
		}
		join("b", true, 3)
		join("c", false, 20)
		var got []string
		for range 23 {
			g.leave(true)
			got = append(got, <-order)
		}
		if want := strings.Split("cccccccbcccccccbccccccb", ""); !slices.Equal(got, want) {
			t.Errorf("they pass in the order %s", strings.Join(got, ""))
		}
		g.leave(true)
		if g.busy() {
			t.Error("an empty gate is taken")
		}
	})
}

func TestGateIsLeft(t *testing.T) {
	var g gate
	_ = g.enter(t.Context(), false, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := g.enter(ctx, false, 1); err == nil {
		t.Fatal("a request that was given up passes")
	}
	g.leave(true)
	if g.busy() || len(g.callers) != 0 {
		t.Error("the gate waits for a request that was given up")
	}
}

func TestBucketSlowsAndRecovers(t *testing.T) {
	b := newBuckets(payment.NetworkAccount{Mode: payment.NetworkLive})
	if b.perSecond != perSecondLive || b.all.full != 4*perSecondLive {
		t.Errorf("a live account has %d a second", b.perSecond)
	}
	test := newBuckets(payment.NetworkAccount{Mode: payment.NetworkTest})
	if test.perSecond != perSecondTest || test.all.full != 20 {
		t.Errorf("a test account has %d a second", test.perSecond)
	}
	tooFast := &exchange{status: 429, header: http.Header{"Stripe-Rate-Limited-Reason": {"endpoint-rate"}}}
	b.hear("GET x", tooFast)
	if got := b.of("GET x").limiter.Limit(); got != perSecondLive/2 {
		t.Errorf("slowed to %v", got)
	}
	for range 20 {
		b.hear("GET x", tooFast)
	}
	if got := b.of("GET x").limiter.Limit(); got != perSecondLive/16.0 {
		t.Errorf("slowed to %v", got)
	}
	b.hear("GET x", &exchange{status: 429}) // an object is locked
	for range recovery {
		b.hear("GET x", &exchange{status: 200})
	}
	if got := b.of("GET x").limiter.Limit(); got != perSecondLive {
		t.Errorf("recovered to %v", got)
	}
	if got := b.of("GET y").limiter.Limit(); got != perSecondLive {
		t.Errorf("another endpoint has %v", got)
	}
}

func TestBucketGivesUpInTime(t *testing.T) {
	b := newBucket(1)
	_ = b.wait(t.Context(), false)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := b.wait(ctx, false); err == nil || reason(err) != "too many requests to Stripe are waiting" {
		t.Errorf("the error is %v", err)
	}
}
