package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// networkHealth has the last answers and failures of card networks that this server saw.
type networkHealth struct {
	mu       sync.Mutex
	accounts map[payment.NetworkAccountID]*accountHealth
}

type accountHealth struct {
	store.NetworkHealth
	changed bool
	written time.Time
	tested  time.Time // by a member
}

func (h *networkHealth) of(id payment.NetworkAccountID) *accountHealth {
	if h.accounts == nil {
		h.accounts = make(map[payment.NetworkAccountID]*accountHealth)
	}
	if h.accounts[id] == nil {
		h.accounts[id] = &accountHealth{}
	}
	return h.accounts[id]
}

// asked notes a request to a network. A refusal that says something about the payment
// is an answer like any other.
func (h *networkHealth) asked(r stripe.Request, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.of(r.Account)
	a.changed = true
	switch {
	case r.Status == 0:
		a.Failed, a.Failure = now, r.Endpoint+": no answer"
	case r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden, r.Status == http.StatusTooManyRequests,
		r.Status >= http.StatusInternalServerError:
		a.Answered, a.Failed, a.Failure = now, now, fmt.Sprintf("%s: HTTP %d", r.Endpoint, r.Status)
	default:
		a.Answered = now
	}
}

// healthEvery is how often the health of an account is written.
const healthEvery = time.Minute

// due returns the health of the accounts for which it must be written now.
func (h *networkHealth) due(now time.Time) map[payment.NetworkAccountID]store.NetworkHealth {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make(map[payment.NetworkAccountID]store.NetworkHealth)
	for id, a := range h.accounts {
		if since := now.Sub(a.written); a.changed && (since >= healthEvery || since < 0) {
			a.changed, a.written = false, now
			all[id] = a.NetworkHealth
		}
	}
	return all
}

// noteHealth writes the health of the networks. If that fails, it is written after the
// next answer.
func (s *server) noteHealth(ctx context.Context) {
	for id, h := range s.networks.due(s.Now()) {
		if err := s.Store.NoteNetworkHealth(ctx, id, h); err != nil && ctx.Err() == nil {
			s.Log.Warn("the health of an account at a card network was not written", "account", id, "error", err)
		}
	}
}

// Limits of a test that a member begins.
const (
	testTimeout = 20 * time.Second
	testEvery   = 10 * time.Second
)

// testNetwork asks the network about an account, as holdfast network check does. It
// changes nothing there.
func (s *server) testNetwork(ctx context.Context, id payment.NetworkAccountID) (t console.NetworkTest, err error) {
	if s.paused() {
		return t, holdfast.Errorf(holdfast.InvalidParams,
			"the store is paused, so no card network is asked; holdfast resume ends the pause")
	}
	account, found, err := s.Store.NetworkAccount(ctx, id)
	if err != nil {
		return t, err
	}
	if !found {
		return t, holdfast.Errorf(holdfast.InvalidParams,
			"there is no such account at a card network; see holdfast network list")
	}
	if account.Mode == payment.NetworkLive && !s.Processor.Live {
		return t, holdfast.Errorf(holdfast.InvalidParams,
			"the server was started before there was a live account: restart the server")
	}
	if !s.networks.mayTest(id, s.Now()) {
		return t, holdfast.Errorf(holdfast.InvalidParams, "the account was tested just now; wait ten seconds")
	}
	client, err := networkClient(account, stripe.Config{Now: s.Now, Observe: s.networkAsked()})
	if err != nil {
		return t, err
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	report, err := client.Check(ctx)
	t = console.NetworkTest{Mode: report.Mode, Clock: report.Clock, Missing: report.Missing, Problems: report.Problems}
	if err != nil {
		s.Log.Warn("a test of an account at a card network failed", "account", id, "error", err)
		t.Failed = true
	}
	return t, nil
}

// mayTest reports whether an account was not tested in the last seconds, and notes the
// test.
func (h *networkHealth) mayTest(id payment.NetworkAccountID, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := h.of(id)
	if since := now.Sub(a.tested); since >= 0 && since < testEvery {
		return false
	}
	a.tested = now
	return true
}

// networkAsked notes each request to a card network, and counts it.
func (s *server) networkAsked() func(stripe.Request) {
	count := s.Monitor.networkAsked()
	return func(r stripe.Request) {
		s.networks.asked(r, s.Now())
		if count != nil {
			count(r)
		}
	}
}
