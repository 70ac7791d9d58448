package cardtest

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/networks"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// StripeAccount is the account of a bench at the fake of Stripe.
const StripeAccount payment.NetworkAccountID = "N1"

// Stripe is the bench of Stripe, over the fake.
func Stripe(t *testing.T, w *holdfasttest.World) *Bench {
	t.Helper()
	b, _ := AtFake(t, w)
	return b
}

// AtFake is Stripe with the fake itself.
func AtFake(t *testing.T, w *holdfasttest.World) (*Bench, *stripefake.Server) {
	t.Helper()
	fake, err := stripefake.Start(w.Clock.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	fake.Set(func(s *stripefake.Settings) { s.Validate = stripefake.ValidatorFromEnv() })
	UseFake(t, w, fake)
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

// UseFake gives the shop an account at a fake of Stripe, and the buyer a card
// there, which becomes w.Card.
func UseFake(t *testing.T, w *holdfasttest.World, fake *stripefake.Server) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(w.DB.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertNetworkAccount(store.NetworkAccount{
			NetworkAccount: payment.NetworkAccount{
				ID: StripeAccount, Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: w.Owner.ID, Name: "Kiln & Co",
				BaseURL: fake.URL(), StatementPrefix: "HOLDFAST", Fees: payment.FeeRate{Fixed: money.Micros(0)},
				PerSecond: 100_000, Created: w.Clock.Now(),
			},
			Secrets: store.NewNetworkSecrets(stripefake.TestKey, "whsec_first"),
		})
	}))
	router := Router(w.DB, w.Clock.Now, nil)
	w.Processor.Network = router
	client, err := router.Account(t.Context(), StripeAccount)
	must(err)
	customer, err := client.Customer(t.Context(), card.Holder{
		Account: StripeAccount, Party: string(w.Buyer.ID), Name: w.Buyer.Name, Email: w.Buyer.Email,
	})
	must(err)
	w.Card = payment.Instrument{
		ID: "I-network", Owner: w.Buyer.ID, Method: holdfast.MethodCC, Brand: "Visa", Last4: "4242", Holder: "Ann Buyer",
		ExpiryMonth: 12, ExpiryYear: 2031, NetworkRef: keepCard(t, fake, customer), Account: StripeAccount,
		Customer: customer, Verified: true, Created: w.Clock.Now(),
	}
	must(w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertInstrument(w.Card) }))
	w.Shop, err = w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.Network = StripeAccount
		return c, nil
	})
	must(err)
}

// keepCard keeps a test card for a customer, as Stripe's page does.
func keepCard(t *testing.T, fake *stripefake.Server, customer string) string {
	t.Helper()
	post := func(path string, form url.Values) map[string]any {
		t.Helper()
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, fake.URL()+path,
			strings.NewReader(form.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+stripefake.UnrestrictedKey)
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Idempotency-Key", "cardtest"+path)
		r.Header.Set("Stripe-Version", stripe.APIVersion)
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		var got map[string]any
		if err := json.NewDecoder(answer.Body).Decode(&got); err != nil || answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d, %v, %v", path, answer.StatusCode, got, err)
		}
		return got
	}
	made := post("/v1/payment_methods", url.Values{"type": {"card"}, "card[token]": {"tok_visa"}})
	id, _ := made["id"].(string)
	post("/v1/payment_methods/"+id+"/attach", url.Values{"customer": {customer}})
	return id
}
