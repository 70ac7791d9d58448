package processor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A network may choose a pause of up to an hour. The time of a return's first error
// is kept, and comes back with each later question.
func TestADoubtOfAReturnKeepsItsPauseAndTheTimeOfItsError(t *testing.T) {
	for pause, want := range map[time.Duration]time.Duration{
		40 * time.Minute: 40 * time.Minute, 3 * time.Hour: time.Hour,
	} {
		atNetwork(t, func(w *holdfasttest.World) {
			reserved := reservedUntil(w, 5*24*time.Hour)
			if _, err := w.Settle(reserved.ID, ""); err != nil {
				t.Fatal(err)
			}
			impatient(w)
			failed := w.Clock.Now().UTC()
			w.Network.Next(
				holdfasttest.Reply{Lost: true, Doubt: &card.DoubtError{
					Known: payment.Details{FailedAt: failed}, Retry: pause, Err: errors.New("500"),
				}},
				holdfasttest.Reply{Lost: true, Doubt: &card.DoubtError{Err: errors.New("no refund yet")}})
			r, err := w.Refund(reserved.ID, "", "refund-1")
			if err != nil || r.State != payment.Pending {
				t.Fatalf("refund: %+v, %v", r, err)
			}
			known := func() payment.Details {
				p, _ := w.NetworkPayment(r.ID)
				return p.Details
			}
			waitUntil(w, func() bool { return known() != (payment.Details{}) }) // it is written after the answer
			wantKnown(w, r.ID, payment.Details{FailedAt: failed})
			before := len(w.Network.Asked())
			w.Clock.Advance(want - time.Second)
			if _, err := w.Processor.Resolve(t.Context()); err != nil || len(w.Network.Asked()) != before {
				t.Fatalf("it was asked before its time: %v", err)
			}
			for range 2 {
				w.Clock.Advance(time.Minute)
				if _, err := w.Processor.Resolve(t.Context()); err != nil {
					t.Fatal(err)
				}
				if q := lastAsked(w); q.Step != payment.StepReturn || !q.FailedAt.Equal(failed) {
					t.Fatalf("asked: %+v", q)
				}
			}
			w.WantState(r.ID, payment.Success)
		})
	}
}
