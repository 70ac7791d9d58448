package stripe

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// The first of several requests leaves time for the others.
func TestPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limited := func(d time.Duration) context.Context {
			ctx, cancel := context.WithTimeout(t.Context(), d)
			t.Cleanup(cancel)
			return ctx
		}
		for _, test := range []struct {
			ctx         context.Context
			many        bool
			first, next time.Duration
		}{
			{t.Context(), false, 5 * time.Second, 5 * time.Second},
			{limited(15 * time.Second), false, 5 * time.Second, 5 * time.Second},
			{limited(15 * time.Second), true, 11 * time.Second, 5 * time.Second},
			{limited(3 * time.Second), true, 2200 * time.Millisecond, time.Second},
		} {
			ctx := planned(test.ctx, test.many)
			if got := needed(ctx); got != test.first {
				t.Errorf("the first request needs %v, want %v", got, test.first)
			}
			noteSent(ctx)
			if got := needed(ctx); got != test.next {
				t.Errorf("the next request needs %v, want %v", got, test.next)
			}
		}
	})
}

// A request is not sent if too little time is left for its answer.
func TestRequestsWithoutTimeAreNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBuckets(payment.NetworkAccount{PerSecond: 1})
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		ctx = planned(ctx, false)
		if err := b.wait(ctx, "GET x", false); err != nil {
			t.Error(err)
		}
		time.Sleep(10*time.Second + 1)
		if err := b.wait(ctx, "GET x", false); !errors.Is(err, errBusy) {
			t.Errorf("the error is %v", err)
		}
	})
}

// A gate refuses a request whose turn would come too late, instead of letting it
// wait in vain.
func TestGateRefusesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g gate
		if err := g.enter(t.Context(), false, 2); err != nil {
			t.Fatal(err)
		}
		begin := time.Now() //nolint:forbidigo // the bubble's
		enter := func(background bool) error {
			ctx, cancel := context.WithTimeoutCause(t.Context(), 5*time.Second, errBusy) // ten turns
			defer cancel()
			return g.enter(ctx, background, 2)
		}
		answers := make(chan error, 10)
		for i := range 10 {
			go func() { answers <- enter(i == 0) }()
		}
		synctest.Wait()
		for _, background := range []bool{false, true} {
			if err := enter(background); !errors.Is(err, errBusy) {
				t.Errorf("one more, background %v: %v", background, err)
			}
		}
		if !time.Now().Equal(begin) || len(answers) > 0 { //nolint:forbidigo // the bubble's
			t.Error("a request that fits was refused, or another one had to wait")
		}
		for range 10 { // the turn never comes
			if err := <-answers; !errors.Is(err, errBusy) {
				t.Errorf("a request that has waited in vain: %v", err)
			}
		}
		g.leave(true)
		if g.busy() {
			t.Error("the gate waits for requests that have left")
		}
	})
}

// A turn that was not used does not take the background's share away.
func TestUnusedTurnsDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gate{taken: true, passed: backgroundShare - 1}
		turns := make(chan bool, 4)
		for _, background := range []bool{false, false, true, true} {
			go func() {
				_ = g.enter(t.Context(), background, 1)
				turns <- background
			}()
		}
		synctest.Wait()
		for i, want := range []bool{true, true, false} {
			g.leave(i != 1)
			if got := <-turns; got != want {
				t.Errorf("turn %d: background %v, want %v", i, got, want)
			}
		}
		g.leave(true)
		<-turns
	})
}

// Our own deadline says nothing about Stripe, unless Stripe had its full time.
func TestDeadlineAndHealth(t *testing.T) {
	const too = brokenMax + 5
	for _, test := range []struct {
		time time.Duration
		open bool
	}{{6 * time.Second, false}, {9 * time.Second, false}, {15 * time.Second, true}} {
		synctest.Test(t, func(t *testing.T) {
			c := New(Config{
				Account: payment.NetworkAccount{ID: "N1", Mode: payment.NetworkTest, PerSecond: 100_000},
				Secrets: testSecrets{"rk_test_of_a_test"}, Now: time.Now, Transport: hanging{}, //nolint:forbidigo // the bubble's
			})
			sent := 0
			for range too {
				ctx, cancel := context.WithTimeout(t.Context(), test.time)
				_, f := c.get(ctx, "pi_1")
				cancel()
				if f == nil {
					t.Fatal("no failure")
				}
				if errors.Is(f, context.DeadlineExceeded) {
					sent++
				}
			}
			if open := sent < too; open != test.open {
				t.Errorf("with %v for each: %d of %d were sent", test.time, sent, too)
			}
		})
	}
}

// A hanging network never answers.
type hanging struct{}

func (hanging) RoundTrip(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}
