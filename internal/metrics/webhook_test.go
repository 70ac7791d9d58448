package metrics_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The age leaves out what waits for a paused endpoint.
func TestWaitingWebhooks(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		s := newSet(w.Clock)
		s.Watch(db.Reader)
		want := func(when, want string) {
			t.Helper()
			w.Clock.Advance(time.Minute) // the store is read every few seconds
			got := scraped(t, s, "holdfast_webhook_endpoints_paused", "holdfast_webhook_waiting", "holdfast_webhooks")
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		var ids []payment.EndpointID
		for range 2 {
			e, _, err := w.Processor.CreateEndpoint(t.Context(), w.Shop, processor.NewEndpoint{URL: "https://shop.example/"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Processor.TestEndpoint(t.Context(), w.Shop, e.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := w.Processor.PlaceEvents(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.Clock.Advance(time.Hour)
			ids = append(ids, e.ID)
		}
		want("two that wait", `holdfast_webhook_endpoints_paused{reason="failing"} 0
holdfast_webhook_endpoints_paused{reason="gone"} 0
holdfast_webhook_endpoints_paused{reason="paused"} 0
holdfast_webhook_waiting_seconds 7260
holdfast_webhooks_given_up 0
holdfast_webhooks_waiting 2
`)
		paused := true
		_, err := w.Processor.UpdateEndpoint(t.Context(), w.Shop, ids[0], processor.EndpointChange{Paused: &paused})
		if err != nil {
			t.Fatal(err)
		}
		want("the older one of a paused endpoint", `holdfast_webhook_endpoints_paused{reason="failing"} 0
holdfast_webhook_endpoints_paused{reason="gone"} 0
holdfast_webhook_endpoints_paused{reason="paused"} 1
holdfast_webhook_waiting_seconds 3720
holdfast_webhooks_given_up 0
holdfast_webhooks_waiting 2
`)
	})
}
