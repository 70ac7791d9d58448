package processor_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A visit is forgotten after thirty days, but what a sender gave up stays given
// up: its reference does not come alive again.
func TestOldVisitsAreForgotten(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		start := func(ref string) payment.Visit {
			t.Helper()
			p := holdfast.Params{{Name: "pipelineName", Value: "SingleUse"}, {Name: "callerReference", Value: ref}, {Name: "transactionAmount", Value: "12.50"}}
			r, end := payment.ReadPipeline(p)
			if end != nil {
				t.Fatal(end)
			}
			v, err := w.Processor.StartVisit(t.Context(), w.Shop, r, p, false)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		gone := start("gone")
		givenUp := start("given-up")
		if _, err := w.Processor.EndVisit(t.Context(), givenUp.ID, payment.Abandoned()); err != nil {
			t.Fatal(err)
		}
		forget := func(want int) {
			t.Helper()
			if n, err := w.Processor.ForgetVisits(t.Context()); err != nil || n != want {
				t.Fatalf("forgot %d visits, %v; want %d", n, err, want)
			}
		}
		w.Clock.Advance(30 * 24 * time.Hour)
		forget(0)
		recent := start("recent")
		w.Clock.Advance(time.Microsecond)
		forget(1)
		if _, err := w.Processor.EnterVisit(t.Context(), gone.ID, w.Buyer.ID); !errors.Is(err, processor.ErrNoVisit) {
			t.Errorf("a forgotten visit: %v", err)
		}
		if _, err := w.Processor.EnterVisit(t.Context(), recent.ID, w.Buyer.ID); err != nil {
			t.Errorf("a recent visit: %v", err)
		}
		_, err := w.Processor.StartVisit(t.Context(), w.Shop, payment.PipelineRequest{Pipeline: payment.PipelineSingleUse, Reference: "given-up"}, nil, false)
		if end, ok := errors.AsType[*payment.PipelineEnd](err); !ok || end.Status != holdfast.ReturnAccountProblem {
			t.Errorf("started again: %v", err)
		}
	})
}
