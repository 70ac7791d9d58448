package stripefake_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

// After a restart the fake has the same objects, and goes on with them.
func TestReplayOfAJournal(t *testing.T) {
	f := newFake(t)
	began := f.clock.Now()
	var journal bytes.Buffer
	f.Journal(&journal)
	f.Subscribe("http://127.0.0.1:1/events", false)
	lapses, captured := f.held("pm_card_visa", 500), f.held("pm_card_mastercard", 4250)
	f.get("/v1/payment_intents", "")
	f.clock.move(5 * 24 * time.Hour)
	f.post("/v1/payment_intents/"+captured+"/capture", "amount_to_capture=4000")
	n := f.post(sessionsPath, paymentParams())
	b := &browser{f: f}
	b.open(n.at("url").(string))
	b.types("Pay $42.50", "4000000000000002")
	b.types("Pay $42.50", "4000000000003220")
	b.follow(http.MethodPost, b.at, url.Values{"result": {"complete"}})
	f.clock.move(time.Hour)

	again := stripefake.NewAt(f.clock.Now, began)
	again.Set(func(s *stripefake.Settings) { s.PagesAt = f.URL() })
	if err := again.Replay(bytes.NewReader(append(slices.Clone(journal.Bytes()), `{"At":`...))); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{
		"payment_intent", "charge", "refund", "checkout.session", "customer", "payment_method", "event",
		"balance_transaction", "webhook_endpoint",
	} {
		want, got := f.Objects(kind), again.Objects(kind)
		for _, e := range append(slices.Clone(want), got...) {
			delete(e, "request")          // reading requests have ids, too
			delete(e, "pending_webhooks") // see below
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%s: want %d (-want +got):\n%s", kind, len(want), diff)
		}
	}
	if status := again.Object(lapses)["status"]; status != "canceled" {
		t.Errorf("the hold that lapsed is %v", status)
	}
	if left := len(again.Deliveries()); left != 0 || len(again.Holds()) != 1 {
		t.Errorf("%d deliveries, holds %v", left, again.Holds())
	}
	if amount := again.Object(again.Holds()[0].Intent)["amount"]; amount != json.Number("4250") {
		t.Errorf("the hold has %v", amount)
	}
}
