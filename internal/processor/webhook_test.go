package processor_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const hookURL = "https://shop.example.test/hook"

// An endpoint belongs to its caller: no other can read, change or use it.
func TestEndpointsOfAnotherCaller(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		other := w.OtherShop()
		e, _, err := w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{URL: hookURL})
		if err != nil {
			t.Fatal(err)
		}
		ctx, p := t.Context(), w.Processor
		for name, err := range map[string]error{
			"update": hookError(p.UpdateEndpoint(ctx, other, e.ID, processor.EndpointChange{Paused: new(bool)})),
			"rotate": hookError3(p.RotateEndpointSecret(ctx, other, e.ID, 0, "")),
			"remove": p.RemoveEndpoint(ctx, other, e.ID),
			"test":   hookError(p.TestEndpoint(ctx, other, e.ID)),
			"redeliver": hookError(p.Redeliver(ctx, other, e.ID, processor.Redelivery{
				Since: w.Clock.Now(),
			})),
		} {
			if !errors.Is(err, processor.ErrNoEndpoint) {
				t.Errorf("%s: %v, want that there is no such endpoint", name, err)
			}
		}
		if got := endpointsOf(t, db, other.ID); len(got) != 0 {
			t.Errorf("the other caller has %v", got)
		}
		if got := endpointsOf(t, db, w.Shop.ID); len(got) != 1 || got[0].URL != hookURL || got[0].Pause != "" {
			t.Errorf("the caller has %v", got)
		}
		if _, err := p.Redeliver(ctx, w.Shop, e.ID, processor.Redelivery{Events: []payment.EventID{"evt_x_1_y"}}); !errors.Is(err,
			processor.ErrNoEvent) {
			t.Errorf("redelivering an unknown event: %v", err)
		}
		w.WantCode(hookError(p.Redeliver(ctx, w.Shop, e.ID, processor.Redelivery{})), holdfast.InvalidParams)
		w.WantCode(hookError(p.Redeliver(ctx, w.Shop, e.ID, processor.Redelivery{
			Events: make([]payment.EventID, processor.NoticesAgainMost+1),
		})), holdfast.InvalidParams)
	})
}

func hookError[T any](_ T, err error) error          { return err }
func hookError3[T, U any](_ T, _ U, err error) error { return err }

func endpointsOf(t *testing.T, db *store.DB, c party.CallerID) (all []payment.Endpoint) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Endpoints(c)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A wrong setting is refused when an endpoint is created and when it is changed, and changes
// nothing.
func TestEndpointSettings(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		_, _, err := w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{URL: "ftp://x/"})
		w.WantCode(err, holdfast.InvalidParams)
		e, secret, err := w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{
			URL: hookURL, Types: []string{"hold.*"}, Description: "the packing program", Ordered: true,
		})
		if err != nil {
			t.Fatal(err)
		}
		if key := string(secret.Reveal()); !strings.HasPrefix(key, "whsec_") || len(key) < 40 {
			t.Errorf("the secret has %d characters", len(key))
		}
		wrong := []string{"hold.exploded"}
		_, err = w.Processor.UpdateEndpoint(t.Context(), w.Shop, e.ID, processor.EndpointChange{Types: &wrong})
		w.WantCode(err, holdfast.InvalidParams)
		all, unordered := []string{}, false
		changed, err := w.Processor.UpdateEndpoint(t.Context(), w.Shop, e.ID, processor.EndpointChange{
			Types: &all, Ordered: &unordered,
		})
		if err != nil || len(changed.Types) != 0 || changed.Ordered || changed.Description != "the packing program" {
			t.Errorf("the endpoint is %+v, %v", changed, err)
		}
		for range payment.EndpointsMax - 1 {
			if _, _, err := w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{URL: hookURL}); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err = w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{URL: hookURL})
		w.WantCode(err, holdfast.InvalidParams)
	})
}

// At most three secrets sign at a time. An overlap is at most a week, and a shorter
// one also ends the secrets that are older.
func TestRotation(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		e, first, err := w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{URL: hookURL})
		if err != nil {
			t.Fatal(err)
		}
		rotate := func(overlap time.Duration) (holdfast.SecretKey, error) {
			_, secret, err := w.Processor.RotateEndpointSecret(t.Context(), w.Shop, e.ID, overlap, "")
			return secret, err
		}
		for _, wrong := range []time.Duration{-time.Second, 7*24*time.Hour + time.Second} {
			_, err := rotate(wrong)
			w.WantCode(err, holdfast.InvalidParams)
		}
		secrets := []holdfast.SecretKey{first}
		for range 2 {
			secret, err := rotate(24 * time.Hour)
			if err != nil {
				t.Fatal(err)
			}
			secrets = append(secrets, secret)
		}
		_, err = rotate(time.Hour)
		w.WantCode(err, holdfast.InvalidParams)
		live := func() (keys []string) {
			t.Helper()
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				e, _, err := tx.WebhookEndpoint(w.Shop.ID, e.ID)
				for _, s := range e.Live(w.Clock.Now()) {
					keys = append(keys, string(s.Key.Reveal()))
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return keys
		}
		if got := live(); len(got) != 3 || got[0] != string(secrets[2].Reveal()) || got[2] != string(first.Reveal()) {
			t.Errorf("%d secrets sign, want three, the newest first", len(got))
		}
		w.Clock.Advance(24 * time.Hour)
		if got := live(); len(got) != 1 || got[0] != string(secrets[2].Reveal()) {
			t.Errorf("a day later %d secrets sign, want the newest", len(got))
		}
		last, err := rotate(0)
		if got := live(); err != nil || len(got) != 1 || got[0] != string(last.Reveal()) {
			t.Errorf("without an overlap %d secrets sign, %v", len(got), err)
		}
	})
}
