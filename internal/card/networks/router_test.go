package networks_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/networks"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A client approves everything in the name of its key.
type client struct {
	card.Client
	key string
}

func (c client) Ask(context.Context, card.Question) (payment.Answer, error) {
	return payment.Answer{Verdict: payment.Approved, Authorization: c.key}, nil
}

// A scene is a router over accounts that a test changes.
type scene struct {
	*networks.Router
	t     *testing.T
	clock *holdfasttest.Clock

	mu          sync.Mutex
	accounts    map[payment.NetworkAccountID]store.NetworkAccount
	reads, made int
	findError   error
}

func newScene(t *testing.T) *scene {
	s := &scene{t: t, clock: holdfasttest.NewClock(), accounts: map[payment.NetworkAccountID]store.NetworkAccount{}}
	s.Router = &networks.Router{
		Sandbox: &holdfasttest.Network{}, Now: s.clock.Now,
		Find: func(_ context.Context, id payment.NetworkAccountID) (store.NetworkAccount, bool, error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.reads++
			a, found := s.accounts[id]
			return a, found, s.findError
		},
		Make: func(a store.NetworkAccount) (card.Client, error) {
			s.made++
			if a.Secrets.Key() == "" {
				return nil, errors.New("the key is empty")
			}
			return client{key: a.Secrets.Key()}, nil
		},
	}
	return s
}

func (s *scene) set(id payment.NetworkAccountID, key string, change func(*store.NetworkAccount)) {
	a := store.NetworkAccount{
		NetworkAccount: payment.NetworkAccount{ID: id, Kind: payment.NetworkStripe, Mode: payment.NetworkTest, PerSecond: 20},
		Secrets:        store.NewNetworkSecrets(key, "whsec_1"),
	}
	if change != nil {
		change(&a)
	}
	s.accounts[id] = a
}

func (s *scene) ask(id payment.NetworkAccountID) (payment.Answer, error) {
	return s.Ask(s.t.Context(), card.Question{Attempt: payment.Attempt{
		Transaction: "T1", Step: payment.StepAuthorize, Amount: money.Cents(100), Card: payment.StoredCard{Account: id},
	}})
}

func (s *scene) wantBy(id payment.NetworkAccountID, key string) {
	s.t.Helper()
	if a, err := s.ask(id); err != nil || a.Authorization != key {
		s.t.Fatalf("the answer is %q, %v; want one by %q", a.Authorization, err, key)
	}
}

func TestAQuestionGoesToItsAccount(t *testing.T) {
	s := newScene(t)
	s.set("N1", "one", nil)
	s.set("N2", "two", nil)
	s.wantBy("N1", "one")
	s.wantBy("N2", "two")
	s.wantBy("", "auth-T1") // the sandbox
}

// A question about an account that does not exist is never declined, and a person
// must act.
func TestAnUnknownAccountIsADoubt(t *testing.T) {
	s := newScene(t)
	s.set("N2", "", nil) // its client cannot be made
	for id, want := range map[payment.NetworkAccountID]error{"N1": card.ErrNoAccount, "N2": nil} {
		_, err := s.ask(id)
		doubt, ok := errors.AsType[*card.DoubtError](err)
		if !ok || !doubt.Alarm || want != nil && !errors.Is(err, want) {
			t.Errorf("%s: %v", id, err)
		}
	}
	s.set("N1", "added later", nil)
	s.wantBy("N1", "added later")
	s.Sandbox = nil
	_, err := s.ask("")
	if doubt, ok := errors.AsType[*card.DoubtError](err); !ok || !doubt.Alarm {
		t.Errorf("without a sandbox: %v", err)
	}
	if _, err := s.Verify(t.Context(), card.Details{}); err == nil {
		t.Error("a server without a sandbox has taken a typed card")
	}
}

// A key that was replaced works within a second. The client stays the same if only
// its account's books have changed.
func TestARotatedKeyWorksWithoutARestart(t *testing.T) {
	s := newScene(t)
	s.set("N1", "old", nil)
	s.wantBy("N1", "old")
	s.set("N1", "new", nil)
	s.wantBy("N1", "old")
	s.clock.Advance(time.Second)
	s.wantBy("N1", "new")
	made := s.made
	s.set("N1", "new", func(a *store.NetworkAccount) {
		a.EventsSeen, a.Name, a.Default, a.Stopped = s.clock.Now(), "Shop", true, "401"
		a.Fees = payment.FeeRate{Fixed: money.Cents(10)}
	})
	s.clock.Advance(time.Minute)
	s.wantBy("N1", "new")
	if s.made != made {
		t.Error("the client was made again, and has forgotten the network's pace")
	}
	s.set("N1", "new", func(a *store.NetworkAccount) { a.PerSecond = 5 })
	s.clock.Advance(time.Minute)
	s.wantBy("N1", "new")
	if s.made != made+1 {
		t.Error("a changed pace has no effect")
	}
	delete(s.accounts, "N1")
	s.clock.Advance(time.Minute)
	if _, err := s.ask("N1"); !errors.Is(err, card.ErrNoAccount) {
		t.Errorf("an account that was removed: %v", err)
	}
}

// Many questions at once read the account once. A read that fails is not kept.
func TestQuestionsShareARead(t *testing.T) {
	s := newScene(t)
	s.set("N1", "one", nil)
	s.findError = errors.New("no database")
	if _, err := s.ask("N1"); err == nil {
		t.Fatal("it was answered without a database")
	}
	s.findError, s.reads = nil, 0
	var asking sync.WaitGroup
	for range 50 {
		asking.Go(func() {
			if _, err := s.ask("N1"); err != nil {
				t.Error(err)
			}
		})
	}
	asking.Wait()
	if s.reads != 1 || s.made != 1 {
		t.Errorf("the account was read %d times, and %d clients were made", s.reads, s.made)
	}
}

// A database that fails for a while, or is slow, does not make the client forget
// the network's pace.
func TestAFailedOrSlowReadKeepsTheClient(t *testing.T) {
	s := newScene(t)
	s.set("N1", "one", nil)
	s.wantBy("N1", "one")
	s.clock.Advance(time.Second)
	s.findError = errors.New("no database")
	if _, err := s.ask("N1"); err == nil {
		t.Fatal("it was answered without a database")
	}
	s.findError = nil
	s.wantBy("N1", "one")

	s.clock.Advance(time.Second)
	find, slow, begun := s.Find, make(chan struct{}), make(chan struct{})
	s.Find = func(ctx context.Context, id payment.NetworkAccountID) (store.NetworkAccount, bool, error) {
		close(begun)
		<-slow
		return find(ctx, id)
	}
	var asking sync.WaitGroup
	asking.Go(func() {
		if _, err := s.ask("N1"); err != nil {
			t.Error(err)
		}
	})
	<-begun
	s.Find = find
	s.clock.Advance(time.Second)
	s.wantBy("N1", "one")
	close(slow)
	asking.Wait()
	if s.made != 1 {
		t.Errorf("%d clients were made", s.made)
	}
}
