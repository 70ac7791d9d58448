package webhook_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// flood adds many events of the shop in one commit, and places them.
func (h *hooked) flood(count int) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		for i := range count {
			err := tx.AddEvent(payment.Event{
				Caller: h.Shop.ID, Type: payment.EventHoldHeld, ObjectID: fmt.Sprintf("flood%04d", i), Seq: 1,
				At: h.CallerNow(), Data: `{}`,
			}, processor.Micro(h.Clock.Now()))
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for range count/1000 + 1 {
		h.place()
	}
}

// More events than one commit takes are sent again, each once, and more deliveries
// are resumed.
func TestManyAreResumedAndSentAgain(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		const count = 2_100
		h := newHooked(t, db)
		e, _ := h.endpoint(processor.NewEndpoint{})
		h.happen("before")
		h.Clock.Advance(time.Hour)
		since := h.Clock.Now()
		h.flood(count)
		paused := true
		if _, err := h.Processor.UpdateEndpoint(t.Context(), h.Shop, e.ID,
			processor.EndpointChange{Paused: &paused}); err != nil {
			t.Fatal(err)
		}
		h.delay(e, count+1)
		h.resume(e.ID)
		h.wantDue(e, count+1)

		h.delay(e, count+1)
		queued, err := h.Processor.Redeliver(t.Context(), h.Shop, e.ID, processor.Redelivery{Since: since})
		if err != nil || queued != count {
			t.Errorf("%d events are queued, %v; want %d", queued, err, count)
		}
		h.wantDue(e, count)
		_, err = h.Processor.Redeliver(t.Context(), h.Shop, e.ID, processor.Redelivery{Since: since, Most: count - 1})
		h.WantCode(err, holdfast.InvalidParams)
		queued, err = h.Processor.Redeliver(t.Context(), h.Shop, e.ID, processor.Redelivery{Since: since, Most: count})
		if err != nil || queued != count {
			t.Errorf("within the bound, %d events are queued, %v; want %d", queued, err, count)
		}
	})
}

// delay makes all deliveries to an endpoint wait for hours, after some failures.
func (h *hooked) delay(e payment.Endpoint, count int) {
	h.t.Helper()
	err := h.DB.Update(h.t.Context(), func(tx *store.Tx) error {
		all, _, err := tx.Webhooks(e, store.WebhookFilter{}, 10_000)
		if len(all) != count {
			h.t.Errorf("there are %d deliveries, want %d", len(all), count)
		}
		for _, d := range all {
			after := d.WebhookDelivery
			after.NextAt, after.Tries, after.Failures = h.Clock.Now().Add(10*time.Hour), 5, 5
			if err := tx.WebhookTried(d.WebhookDelivery, after); err != nil {
				return err
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// wantDue fails the test unless so many deliveries to an endpoint are due as new
// ones.
func (h *hooked) wantDue(e payment.Endpoint, count int) {
	h.t.Helper()
	err := h.DB.View(h.t.Context(), func(tx *store.ReadTx) error {
		due, err := tx.DueWebhooks(e, h.Clock.Now(), 10_000)
		for i, d := range due {
			if d.Tries != 0 || d.Failures != 0 || i > 0 && due[i-1].Position >= d.Position {
				h.t.Fatalf("delivery %d is %+v, after position %d", i, d.WebhookDelivery, due[max(i-1, 0)].Position)
			}
		}
		if len(due) != count {
			h.t.Errorf("%d deliveries are due, want %d", len(due), count)
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// The first event since a time is found whatever lies before and behind it.
func TestFirstEventSince(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		h := newHooked(t, db)
		h.endpoint(processor.NewEndpoint{})
		var times []time.Time
		for i := range 9 {
			h.Clock.Advance(time.Minute)
			times = append(times, h.Clock.Now())
			h.happen(fmt.Sprint("a", i), fmt.Sprint("b", i))
		}
		find := func(since time.Time) (first, last int64) {
			t.Helper()
			if err := h.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
				first, last, err = tx.FirstEventSince(h.Shop.ID, since)
				return err
			}); err != nil {
				t.Fatal(err)
			}
			return first, last
		}
		begin, end := find(time.Time{})
		for i, at := range times {
			for _, since := range []time.Time{at, at.Add(-time.Second)} {
				if first, last := find(since); first-begin != int64(2*i) && (i > 0 || first > begin) || last != end {
					t.Errorf("since %v: from %d to %d, want event %d", since, first, last, 2*i)
				}
			}
		}
		if first, last := find(times[8].Add(time.Second)); first != 0 || last != 0 {
			t.Errorf("since now: from %d to %d", first, last)
		}
	})
}
