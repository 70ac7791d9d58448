package processor_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Between the page and the click on Confirm, the address may be removed or
// another one chosen. No order is sent to an address that its owner has
// removed.
func TestAnAddressRemovedBeforeTheConfirmation(t *testing.T) {
	typed := holdfast.Address{Name: "Ann", Line1: "1 Main St", City: "Ames", Zip: "50010", Country: "US"}
	for name, remove := range map[string]func(w *holdfasttest.World, id party.AddressID) error{
		"removed": func(w *holdfasttest.World, id party.AddressID) error {
			return w.Processor.Identity.RemoveAddress(t.Context(), w.Buyer.ID, id)
		},
		"changed": func(w *holdfasttest.World, id party.AddressID) error {
			_, err := w.Processor.Identity.ChangeAddress(t.Context(), w.Buyer.ID, id, typed)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				id := visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5",
					"collectShippingAddress", "True")
				choose := func() processor.Shown {
					t.Helper()
					a, err := w.Processor.Identity.AddAddress(t.Context(), w.Buyer.ID, typed)
					if err != nil {
						t.Fatal(err)
					}
					v, err := w.Processor.ChooseAddress(t.Context(), id, w.Buyer.ID, a.ID)
					if err != nil {
						t.Fatal(err)
					}
					return processor.Shown{Instrument: v.Instrument, Address: v.Address}
				}
				if _, err := w.Processor.EnterVisit(t.Context(), id, w.Buyer.ID); err != nil {
					t.Fatal(err)
				}
				shown := choose()
				if err := remove(w, shown.Address); err != nil {
					t.Fatal(err)
				}
				v, err := w.Processor.ConfirmVisit(t.Context(), id, w.Buyer.ID, shown)
				wantErr(w, "to the old address", err, processor.ErrNotShown)
				if v.Over() {
					t.Errorf("the visit has ended: %+v", v)
				}
				if v, err = w.Processor.ConfirmVisit(t.Context(), id, w.Buyer.ID, choose()); err != nil || !v.Over() {
					t.Errorf("to another one: %+v, %v", v, err)
				}
			})
		})
	}
}

// A visit is removed after thirty days. A pipeline that its sender gave up
// stays given up: its reference cannot be used again.
func TestOldVisitsAreForgotten(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		start := func(ref string) payment.Visit {
			t.Helper()
			p := holdfast.Params{
				{Name: "pipelineName", Value: "SingleUse"},
				{Name: "callerReference", Value: ref},
				{Name: "transactionAmount", Value: "12.50"},
			}
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
		if _, err := w.Processor.EndVisit(t.Context(), givenUp, payment.Abandoned()); err != nil {
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
		_, err := w.Processor.StartVisit(t.Context(), w.Shop,
			payment.PipelineRequest{Pipeline: payment.PipelineSingleUse, Reference: "given-up"}, nil, false)
		if end, ok := errors.AsType[*payment.PipelineEnd](err); !ok || end.Status != holdfast.ReturnAccountProblem {
			t.Errorf("started again: %v", err)
		}
	})
}

// The signature of a link does not depend on the order of its parameters. So
// both orders open one visit, before and after the sender has signed in.
func TestTheOrderOfALinksParametersOpensNoVisit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		link := holdfast.Params{
			{Name: "pipelineName", Value: "SingleUse"},
			{Name: "callerReference", Value: "order-1"},
			{Name: "transactionAmount", Value: "12.50"},
		}
		open := func(p holdfast.Params) payment.VisitID {
			t.Helper()
			r, end := payment.ReadPipeline(p)
			if end != nil {
				t.Fatal(end)
			}
			v, err := w.Processor.OpenVisit(t.Context(), w.Shop, r, p, false)
			if err != nil {
				t.Fatal(err)
			}
			return v.ID
		}
		enter := func(id payment.VisitID) payment.VisitID {
			t.Helper()
			v, err := w.Processor.EnterVisit(t.Context(), id, w.Buyer.ID)
			if err != nil {
				t.Fatal(err)
			}
			return v.ID
		}
		first := open(link)
		turned := slices.Clone(link)
		slices.Reverse(turned)
		if again := open(turned); again != first {
			t.Errorf("the other order opened %s after %s", again, first)
		}
		dearer := slices.Clone(link)
		dearer[2].Value = "13.50"
		if other := open(dearer); other == first {
			t.Error("another amount opened the same visit")
		}
		enter(first)
		second := open(turned)
		if second == first {
			t.Error("the sender's visit was opened for a stranger")
		}
		if entered := enter(second); entered != first {
			t.Errorf("the sender entered %s, and has begun %s", entered, first)
		}
	})
}

// A request to end a visit was allowed before somebody else became its sender,
// or before its key changed. It does not end the visit.
func TestAVisitThatChangedHandsIsNotEnded(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		id := visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5")
		read := func() (v payment.Visit) {
			t.Helper()
			err := w.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
				v, _, err = tx.Visit(id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		free := read()
		bound, err := w.Processor.EnterVisit(t.Context(), id, w.Buyer.ID)
		if err != nil {
			t.Fatal(err)
		}
		noSender, oldKey := bound, bound
		noSender.Sender, oldKey.Key = "", free.Key
		for what, seen := range map[string]payment.Visit{"without the sender": noSender, "with the old key": oldKey} {
			_, err := w.Processor.EndVisit(t.Context(), seen, payment.Abandoned())
			wantErr(w, what, err, processor.ErrNotSender)
		}
		if read().Over() {
			t.Error("the visit has ended")
		}
		if v, err := w.Processor.EndVisit(t.Context(), bound, payment.Abandoned()); err != nil || !v.Over() {
			t.Errorf("as it is: %+v, %v", v, err)
		}
	})
}
