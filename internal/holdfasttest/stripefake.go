package holdfasttest

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

// StripeFake starts a fake of Stripe for a test. Under "make test", stripe-mock
// checks every request to it. The test fails if a request was wrong: see
// stripefake.Server.Faults.
func StripeFake(t testing.TB, now func() time.Time) *stripefake.Server {
	t.Helper()
	fake, err := stripefake.Start(now)
	if err != nil {
		t.Fatal(err)
	}
	fake.Set(func(s *stripefake.Settings) { s.Validate = stripefake.ValidatorFromEnv() })
	t.Cleanup(func() {
		if err := fake.Close(); err != nil {
			t.Errorf("closing the fake of Stripe: %v", err)
		}
		for _, fault := range fake.Faults() {
			t.Errorf("a request to Stripe was wrong: %s", fault)
		}
	})
	return fake
}
