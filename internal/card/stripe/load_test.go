package stripe_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A slowFake answers every request of a client after a time, without a network.
type slowFake struct {
	fake  *stripefake.Server
	after time.Duration
	asked sync.Map // *atomic.Int64 by status
}

func (s *slowFake) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := sleep(r.Context(), s.after); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	s.fake.ServeHTTP(w, r)
	count, _ := s.asked.LoadOrStore(w.Code, new(atomic.Int64))
	count.(*atomic.Int64).Add(1)
	return w.Result(), nil
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *slowFake) answered(status int) int64 {
	count, ok := s.asked.Load(status)
	if !ok {
		return 0
	}
	return count.(*atomic.Int64).Load()
}

// newBusy makes a live client of a fake that answers after 300 ms and takes 25
// requests a second at each endpoint, as Stripe does. Both go by the bubble's
// time.
func newBusy(t *testing.T) (*stand, *slowFake) {
	t.Helper()
	slow := &slowFake{fake: stripefake.New(time.Now), after: 300 * time.Millisecond} //nolint:forbidigo // the bubble's
	slow.fake.Set(func(settings *stripefake.Settings) { settings.PerSecond, settings.Quiet = 25, true })
	s := &stand{t: t, fake: slow.fake, net: &cable{left: -1}}
	t.Cleanup(s.check)
	s.config = stripe.Config{
		Account: payment.NetworkAccount{ID: "N1", Kind: payment.NetworkStripe, Mode: payment.NetworkLive, PerSecond: 20},
		Secrets: secrets{key: stripefake.LiveKey}, Version: "1.2.3", Now: time.Now, Transport: slow, //nolint:forbidigo // the bubble's
	}
	s.client = stripe.New(s.config)
	return s, slow
}

// kept keeps a card of the live account.
func (s *slowFake) kept(t *testing.T, c *stripe.Client) payment.StoredCard {
	t.Helper()
	customer, err := c.Customer(t.Context(), card.Holder{Account: "N1", Party: "P1", Name: "Ann"})
	if err != nil {
		t.Fatal(err)
	}
	post := func(path, form string) (made struct{ ID string }) {
		t.Helper()
		r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
		r.Header.Set("Authorization", "Bearer "+stripefake.UnrestrictedLive)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", path)
		r.Header.Set("Stripe-Version", stripe.APIVersion)
		w := httptest.NewRecorder()
		s.fake.ServeHTTP(w, r)
		if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		return made
	}
	id := post("/v1/payment_methods", "type=card&card[token]=tok_visa").ID
	post("/v1/payment_methods/"+id+"/attach", "customer="+customer)
	return payment.StoredCard{Account: "N1", Ref: id, Customer: customer}
}

// load asks for holds on some connections until a time, and returns how many were
// approved after a warm-up.
func (s *stand) load(c payment.StoredCard, connections int, warm, until time.Time) (approved int64) {
	var holds, order atomic.Int64
	var asking sync.WaitGroup
	for range connections {
		asking.Go(func() {
			for time.Now().Before(until) { //nolint:forbidigo // the bubble's
				q := s.numbered(payment.StepAuthorize, c, order.Add(1), "")
				answer, err := s.client.Ask(context.Background(), q)
				switch {
				case err != nil || !answer.Approved():
					s.t.Errorf("%s: %+v, %v", q.Transaction, answer, err)
					return
				case time.Now().After(warm): //nolint:forbidigo // the bubble's
					holds.Add(1)
				}
			}
		})
	}
	asking.Wait()
	return holds.Load()
}

func (s *stand) numbered(step payment.Step, c payment.StoredCard, n int64, authorization string) card.Question {
	return card.Question{Attempt: payment.Attempt{
		Caller: "C1", Transaction: holdfast.TransactionID(fmt.Sprint("T", n)), Step: step, Amount: money.Cents(1000), Card: c,
		Descriptor: "HF*BOOKS", Asked: 1, Since: time.Now(), Authorization: authorization, //nolint:forbidigo // the bubble's
	}}
}

const (
	warmUp = 10 * time.Second
	busy   = 60 * time.Second
)

// With a network that answers after 300 ms, 64 connections get at least 95 % of
// the holds that the account's rate allows, and the network never says that it is
// asked too fast. A hold takes two requests to different endpoints, so an account
// of 20 requests a second takes 20 holds a second.
func TestConnectionsGetTheAccountsRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, slow := newBusy(t)
		kept := slow.kept(t, s.client)
		begin := time.Now() //nolint:forbidigo // the bubble's
		got := s.load(kept, 64, begin.Add(warmUp), begin.Add(warmUp+busy))
		want := int64(s.config.Account.PerSecond) * int64(busy/time.Second) * 95 / 100
		t.Logf("%d holds in %v, at least %d are wanted", got, busy, want)
		if got < want {
			t.Errorf("%d holds in %v, want at least %d", got, busy, want)
		}
		if slowed := slow.answered(http.StatusTooManyRequests); slowed > 0 {
			t.Errorf("the network said %d times that it is asked too fast", slowed)
		}
	})
}

// Releases in the background do not slow callers down. They get their own
// endpoint's rate.
func TestReleasesDoNotStarveCallers(t *testing.T) {
	const storm = 400
	synctest.Test(t, func(t *testing.T) {
		s, slow := newBusy(t)
		kept := slow.kept(t, s.client)
		held := make([]string, storm)
		var holding sync.WaitGroup
		for i := range held {
			holding.Go(func() {
				answer, err := s.client.Ask(context.Background(), s.numbered(payment.StepAuthorize, kept, int64(-1-i), ""))
				if held[i] = answer.Authorization; err != nil {
					t.Error(err)
				}
			})
		}
		holding.Wait()
		begin := time.Now() //nolint:forbidigo // the bubble's
		var releasing sync.WaitGroup
		var last atomic.Int64
		for i, reference := range held {
			releasing.Go(func() {
				q := s.numbered(payment.StepRelease, kept, int64(-1-i), reference)
				if answer, err := s.client.Ask(card.Background(context.Background()), q); err != nil || !answer.Approved() {
					t.Errorf("%+v, %v", answer, err)
				}
				last.Store(int64(time.Since(begin))) //nolint:forbidigo // the bubble's
			})
		}
		const under = 15 * time.Second // all releases take longer
		got := s.load(kept, 64, begin.Add(time.Second), begin.Add(time.Second+under))
		releasing.Wait()
		want := int64(s.config.Account.PerSecond) * int64(under/time.Second) * 95 / 100
		t.Logf("%d holds in %v, at least %d are wanted; %d releases took %v", got, under, want, storm,
			time.Duration(last.Load()))
		if got < want {
			t.Errorf("%d holds in %v, want at least %d", got, under, want)
		}
		if took, most := time.Duration(last.Load()), 30*time.Second; took > most {
			t.Errorf("%d releases took %v, want at most %v", storm, took, most)
		}
		if slowed := slow.answered(http.StatusTooManyRequests); slowed > 0 {
			t.Errorf("the network said %d times that it is asked too fast", slowed)
		}
	})
}
