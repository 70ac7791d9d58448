package stripe_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// checked checks an account with a key.
func (s *stand) checked(key string) stripe.Report {
	s.t.Helper()
	config := s.config
	config.Secrets = secrets{key: key}
	report, err := stripe.New(config).Check(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	s.texts = append(s.texts, strings.Join(report.Problems, " "))
	return report
}

func TestCheck(t *testing.T) {
	s := newStand(t)
	if r := s.checked(stripefake.TestKey); len(r.Problems) > 0 || r.Mode != payment.NetworkTest || !r.Restricted {
		t.Errorf("a good key: %+v", r)
	}
	if r := s.checked(stripefake.UnrestrictedKey); len(r.Problems) != 1 || r.Restricted || r.Remote == "" || r.Currency != "USD" {
		t.Errorf("a full key: %+v", r)
	}
	if r := s.checked(stripefake.LiveKey); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "live mode") {
		t.Errorf("a live key: %+v", r)
	}
	if r := s.checked("whatever"); len(r.Problems) != 1 {
		t.Errorf("no key: %+v", r)
	}
	if r := s.checked("rk_test_unheardof"); len(r.Problems) != 1 || !strings.Contains(r.Problems[0], "does not know the key") {
		t.Errorf("a key that Stripe does not know: %+v", r)
	}
	if len(s.fake.Objects("payment_intent"))+len(s.fake.Objects("refund"))+len(s.fake.Objects("customer")) > 0 {
		t.Error("a check has made something")
	}
}

// Each right that is missing is named.
func TestCheckNamesMissingRights(t *testing.T) {
	s := newStand(t)
	all := stripefake.HoldfastRights()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		less := maps.Clone(all)
		delete(less, name)
		s.fake.SetKey("rk_test_lessrights", less)
		r := s.checked("rk_test_lessrights")
		if len(r.Missing) != 1 || len(r.Problems) != 1 || !strings.Contains(r.Problems[0], r.Missing[0]) {
			t.Errorf("without %s: %+v", name, r)
		}
		if less[name] = "read"; all[name] == "write" {
			s.fake.SetKey("rk_test_lessrights", less)
			if r := s.checked("rk_test_lessrights"); len(r.Missing) != 1 {
				t.Errorf("with %s to read only: %+v", name, r)
			}
		}
	}
}

func TestCheckOfTheClock(t *testing.T) {
	s := newStand(t)
	config := s.config
	config.Now = func() time.Time { return s.clock.Now().Add(10 * time.Minute) }
	r, err := stripe.New(config).Check(context.Background())
	if err != nil || r.Clock != 10*time.Minute || len(r.Problems) != 1 {
		t.Errorf("a clock that is ahead: %+v, %v", r, err)
	}
}
