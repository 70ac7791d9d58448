package cardtest

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/networks"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// Stripe is the bench of Stripe, over the fake.
func Stripe(t *testing.T, w *holdfasttest.World) *Bench {
	t.Helper()
	b, _ := AtFake(t, w)
	return b
}

// AtFake is Stripe with the fake itself.
func AtFake(t *testing.T, w *holdfasttest.World) (*Bench, *stripefake.Server) {
	t.Helper()
	fake := w.AtStripe("http://holdfast.example.test/networks/N1/events")
	cents := func(n int64) money.Amount { return money.Cents(n) }
	b := &Bench{
		World: w,
		Lose: func(step payment.Step, l Loss) {
			trouble := map[Loss]stripefake.Trouble{LostQuestion: stripefake.LoseRequest, LostAnswer: stripefake.LoseReply}[l]
			fake.Next(http.MethodPost, paths[step], trouble)
		},
		Decline: func(d Decline) {
			reason := "generic_decline"
			if d == DeclinedForFunds {
				reason = "insufficient_funds"
			}
			fake.DeclineNext(stripefake.Decline{DeclineCode: reason, Advice: "try_again_later"})
		},
		Held: func() (held []money.Amount) {
			for _, h := range fake.Holds() {
				held = append(held, cents(h.Amount))
			}
			return held
		},
		Taken:      func() money.Amount { return cents(fake.Captured()) },
		Returned:   func() money.Amount { return cents(fake.Refunded()) },
		ForgetKeys: fake.ForgetKeys,
		LetGo: func(r payment.Transaction) {
			if err := fake.Lapse(r.Authorization); err != nil {
				t.Fatal(err)
			}
		},
		Faults: func() []string {
			return slices.DeleteFunc(fake.Faults(), func(fault string) bool {
				return strings.Contains(fault, context.Canceled.Error()) // the test has ended before the answer
			})
		},
	}
	return b, fake
}

// paths are where each step has its effect.
var paths = map[payment.Step]string{
	payment.StepAuthorize: "/v1/payment_intents/*/confirm",
	payment.StepCharge:    "/v1/payment_intents/*/confirm",
	payment.StepCapture:   "/v1/payment_intents/*/capture",
	payment.StepRelease:   "/v1/payment_intents/*/cancel",
	payment.StepReturn:    "/v1/refunds",
}

// Router is a router to the accounts of a store, which are at fakes of Stripe.
// transport may be nil.
func Router(db *store.DB, now func() time.Time, transport http.RoundTripper) *networks.Router {
	return &networks.Router{
		Find: db.NetworkAccount, Now: now,
		Make: func(a store.NetworkAccount) (card.Client, error) {
			return stripe.New(stripe.Config{
				Account: a.NetworkAccount, Secrets: a.Secrets, Version: "test", Now: now, Transport: transport,
			}), nil
		},
	}
}
