package processor_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// checkoutFor are the parameters of a checkout for $12.50, with some changed.
func checkoutFor(reference string, changed ...string) holdfast.Params {
	all := holdfast.Params{
		{Name: "pipelineName", Value: "SingleUse"},
		{Name: "callerReference", Value: reference},
		{Name: "transactionAmount", Value: "12.50"},
		{Name: "returnURL", Value: "https://shop.example.test/thanks"},
		{Name: "reserve", Value: "True"},
	}
	for i := 0; i < len(changed); i += 2 {
		all = append(all.Without(changed[i]), holdfast.Param{Name: changed[i], Value: changed[i+1]})
	}
	return all
}

func checkout(w *holdfasttest.World, reference string, changed ...string) payment.Visit {
	w.T.Helper()
	v, err := askForCheckout(w, reference, changed...)
	if err != nil {
		w.T.Fatalf("making a checkout: %v", err)
	}
	return v
}

func askForCheckout(w *holdfasttest.World, reference string, changed ...string) (payment.Visit, error) {
	w.T.Helper()
	return w.Processor.CreateCheckout(w.T.Context(), w.Shop, w.Call(w.IDs.Other("call-"), "POST /v1/checkouts", nil),
		processor.CreateCheckout{Params: checkoutFor(reference, changed...)})
}

// readCheckout is the checkout as it is stored.
func readCheckout(w *holdfasttest.World, caller party.CallerID, id payment.VisitID) (v payment.Visit, found bool) {
	w.T.Helper()
	if err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		v, found, err = tx.Checkout(caller, id)
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
	return v, found
}

// approve goes the way of a buyer who has a card.
func approve(w *holdfasttest.World, id payment.VisitID) payment.Visit {
	w.T.Helper()
	v, err := w.Processor.EnterVisit(w.T.Context(), id, w.Buyer.ID)
	if err == nil && !v.Over() {
		v, err = w.Processor.ConfirmVisit(w.T.Context(), id, w.Buyer.ID, processor.Shown{Instrument: v.Instrument})
	}
	if err != nil {
		w.T.Fatalf("approving checkout %s: %v", id, err)
	}
	return v
}

func TestACheckoutIsApproved(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		made := checkout(w, "order-1")
		if stored, found := readCheckout(w, w.Shop.ID, made.ID); !found || stored != made ||
			made.Checkout != payment.CheckoutOpen || !made.Expires.Equal(w.CallerNow().Add(3*time.Hour)) {
			t.Fatalf("the new checkout is %+v (found %t)", stored, found)
		}
		if _, found := readCheckout(w, w.OtherShop().ID, made.ID); found {
			t.Error("another caller can read it")
		}
		v := approve(w, made.ID)
		if v.Checkout != payment.CheckoutApproved || v.TokenOf() == "" {
			t.Fatalf("the approved checkout is %+v", v)
		}
		if hold, err := w.Reserve(v.TokenOf(), "12.50", "hold-1"); err != nil || hold.State != payment.Reserved {
			t.Errorf("the hold is %s, %v", hold.State, err)
		}
		if _, err := w.Processor.CancelCheckout(t.Context(), w.Shop, made.ID); !isState(err, payment.CheckoutApproved) {
			t.Errorf("cancelling it then: %v", err)
		}
		_, err := askForCheckout(w, "order-1")
		wantReferenceInUse(w, err)
	})
}

func wantReferenceInUse(w *holdfasttest.World, err error) {
	w.T.Helper()
	refused, ok := errors.AsType[*payment.CallError](err)
	if !ok || refused.Code != payment.CallReferenceInUse || !slices.Equal(refused.Fields, []string{"/reference"}) {
		w.T.Errorf("another checkout with the reference: %v", err)
	}
}

func isState(err error, want payment.CheckoutState) bool {
	refused, ok := errors.AsType[*payment.CheckoutStateError](err)
	return ok && refused.State == want
}

// Without a reference, the idempotency key is the token's reference. The same call
// again gets the same checkout, whatever became of it.
func TestTheSameCheckoutAgain(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		call := w.Call("order-1", "POST /v1/checkouts", map[string]string{"type": "single_use"})
		call.Metadata = payment.Metadata{"cart": "7"}
		ask := func(call *processor.Call) (payment.Visit, error) {
			return w.Processor.CreateCheckout(t.Context(), w.Shop, call, processor.CreateCheckout{Params: checkoutFor("")})
		}
		made, err := ask(call)
		if err != nil || made.Reference != holdfast.CallerReference(call.Idempotency) {
			t.Fatalf("%+v, %v", made, err)
		}
		approved := approve(w, made.ID)
		if again, err := ask(call); err != nil || again != approved {
			t.Errorf("the same call gets %+v, %v", again, err)
		}
		other := *call
		other.Body = `{"type":"recurring"}`
		_, err = ask(&other)
		if refused, ok := errors.AsType[*payment.CallError](err); !ok || refused.Code != payment.CallKeyReused {
			t.Errorf("another body: %v", err)
		}
		key, _ := w.JSONKey(w.Shop, processor.NewKey{Scopes: "read"})
		_, err = ask(w.CallWith(key, "order-2", "POST /v1/checkouts", nil))
		if refused, ok := errors.AsType[*payment.CallError](err); !ok || refused.Code != payment.CallScopeMissing {
			t.Errorf("a key that may only read: %v", err)
		}
		var kept map[string]payment.Metadata
		if err := w.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
			kept, err = tx.Metadata(w.Shop.ID, string(made.ID))
			return err
		}); err != nil || kept[string(made.ID)]["cart"] != "7" {
			t.Errorf("the metadata is %v, %v", kept, err)
		}
	})
}

func TestRefusedCheckoutsLeaveNoTrace(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		for _, row := range []struct {
			name    string
			changed []string
			want    string
		}{
			{"malformed", []string{"transactionAmount", "0"}, "transactionAmount"},
			{"time that is over", []string{
				"pipelineName", "MultiUse", "globalAmountLimit", "100", "validityExpiry", "2001-01-01",
			}, "validityExpiry"},
		} {
			_, err := askForCheckout(w, "order-1", row.changed...)
			if end, ok := errors.AsType[*payment.PipelineEnd](err); !ok || !slices.Equal(end.Names(), []string{row.want}) {
				t.Errorf("%s: %v", row.name, err)
			}
		}
		_, err := askForCheckout(w, "order-1", "recipientToken", "T1")
		if end, ok := errors.AsType[*payment.PipelineEnd](err); !ok || end.Status != holdfast.ReturnNotMarketplace {
			t.Errorf("a recipient of a caller that is no marketplace: %v", err)
		}
		if all := checkouts(w, store.CheckoutFilter{}, "", 10); len(all) != 0 {
			t.Errorf("the refused checkouts left %v", all)
		}
	})
}

// A buyer who leaves uses the reference up, as after a signed link. The caller's
// own cancellation and an expiry do not.
func TestReferencesAfterACheckout(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		cancelled := checkout(w, "order-1")
		for range 2 { // the second time changes nothing
			v, err := w.Processor.CancelCheckout(t.Context(), w.Shop, cancelled.ID)
			if err != nil || v.Checkout != payment.CheckoutCancelled || v.Status != holdfast.ReturnCallerError {
				t.Fatalf("cancelling: %+v, %v", v, err)
			}
		}
		if v := approve(w, cancelled.ID); v.Checkout != payment.CheckoutCancelled {
			t.Fatalf("a cancelled checkout can be approved: %+v", v)
		}
		lapsed := checkout(w, "order-1")
		w.Clock.Advance(payment.CheckoutLife)
		if v := approve(w, lapsed.ID); v.Checkout != payment.CheckoutExpired || v.Status != holdfast.ReturnAbandoned {
			t.Fatalf("an expired checkout can be approved: %+v", v)
		}
		left := checkout(w, "order-1")
		if _, err := w.Processor.EndVisit(t.Context(), left, payment.Abandoned()); err != nil {
			t.Fatal(err)
		}
		_, err := askForCheckout(w, "order-1")
		wantReferenceInUse(w, err)
	})
}

func TestNobodyElseCancelsACheckout(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		made := checkout(w, "order-1")
		other := w.OtherShop()
		for _, id := range []payment.VisitID{made.ID, "V0", ""} {
			if _, err := w.Processor.CancelCheckout(t.Context(), other, id); !errors.Is(err, processor.ErrNoCheckout) {
				t.Errorf("another caller cancels %q: %v", id, err)
			}
		}
		byLink := visit(w, "pipelineName", "SingleUse", "callerReference", "order-2", "transactionAmount", "5")
		if _, err := w.Processor.CancelCheckout(t.Context(), w.Shop, byLink); !errors.Is(err, processor.ErrNoCheckout) {
			t.Errorf("cancelling the visit of a signed link: %v", err)
		}
		if v, _ := readCheckout(w, w.Shop.ID, made.ID); v != made {
			t.Errorf("the checkout has changed to %+v", v)
		}
	})
}

// The sweep writes expiries by each caller's clock, once. A clock that is put back
// makes no checkout open again.
func TestCheckoutsExpire(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		first, second := checkout(w, "order-1"), checkout(w, "order-2")
		sweep := func(want int) {
			t.Helper()
			if n, err := w.Processor.Sweep(t.Context()); err != nil || n != want {
				t.Fatalf("the sweep ended %d, %v; want %d", n, err, want)
			}
		}
		advance := func(by time.Duration) {
			t.Helper()
			if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, by); err != nil {
				t.Fatal(err)
			}
		}
		advance(payment.CheckoutLife - time.Microsecond)
		sweep(0)
		third := checkout(w, "order-3")
		advance(time.Microsecond)
		if _, err := w.Processor.CancelCheckout(t.Context(), w.Shop, second.ID); !isState(err, payment.CheckoutExpired) {
			t.Errorf("cancelling an expired checkout: %v", err)
		}
		if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
			t.Fatal(err)
		}
		sweep(2)
		sweep(0)
		for _, v := range []payment.Visit{first, second} {
			if v, _ = readCheckout(w, w.Shop.ID, v.ID); v.Checkout != payment.CheckoutExpired || !v.Over() {
				t.Errorf("checkout %s is %+v", v.ID, v)
			}
		}
		if v := approve(w, third.ID); v.Checkout != payment.CheckoutApproved {
			t.Errorf("the third checkout is %s", v.Checkout)
		}
	})
}

// A checkout is one visit: two of the same request stay two, and the first party
// to enter one has it for itself.
func TestACheckoutIsOneVisit(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		first, second := checkout(w, "order-1"), checkout(w, "order-1")
		for _, made := range []payment.Visit{first, second} {
			v, err := w.Processor.EnterVisit(t.Context(), made.ID, w.Buyer.ID)
			if err != nil || v.ID != made.ID || v.Key == made.Key {
				t.Fatalf("entering %s: %+v, %v", made.ID, v, err)
			}
		}
		other := w.Party("Bob", "bob@example.test")
		if _, err := w.Processor.EnterVisit(t.Context(), first.ID, other.ID); !errors.Is(err, processor.ErrNotSender) {
			t.Errorf("another party enters it: %v", err)
		}
		if v := approve(w, first.ID); v.Checkout != payment.CheckoutApproved {
			t.Errorf("the first is %s", v.Checkout)
		}
		if v := approve(w, second.ID); v.Checkout != payment.CheckoutCancelled || v.Status != holdfast.ReturnCallerError {
			t.Errorf("the second, whose reference has a token, is %+v", v)
		}
	})
}

// Callers can read their checkouts after the visits of that time are forgotten.
func TestCheckoutsAreKept(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		made := approve(w, checkout(w, "order-1").ID)
		w.Clock.Advance(31 * 24 * time.Hour)
		if n, err := w.Processor.ForgetVisits(t.Context()); err != nil || n != 0 {
			t.Errorf("forgot %d, %v", n, err)
		}
		if v, found := readCheckout(w, w.Shop.ID, made.ID); !found || v != made {
			t.Errorf("it is %+v (found %t)", v, found)
		}
	})
}

func checkouts(
	w *holdfasttest.World, f store.CheckoutFilter, after payment.VisitID, limit int,
) (ids []payment.VisitID) {
	w.T.Helper()
	f.Now = w.CallerNow()
	if err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		all, _, err := tx.Checkouts(w.Shop.ID, f, after, limit)
		for _, v := range all {
			ids = append(ids, v.ID)
		}
		return err
	}); err != nil {
		w.T.Fatal(err)
	}
	return ids
}

func TestListOfCheckouts(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		visit(w, "pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5") // not one
		lapsed := checkout(w, "order-1").ID
		w.Clock.Advance(payment.CheckoutLife)
		noon := w.CallerNow()
		approved := approve(w, checkout(w, "order-2").ID).ID
		open, other := checkout(w, "order-3").ID, checkout(w, "order-4").ID
		if _, err := w.Processor.CancelCheckout(t.Context(), w.Shop, other); err != nil {
			t.Fatal(err)
		}
		for _, row := range []struct {
			name   string
			filter store.CheckoutFilter
			after  payment.VisitID
			limit  int
			want   []payment.VisitID
		}{
			{"all", store.CheckoutFilter{}, "", 10, []payment.VisitID{other, open, approved, lapsed}},
			{"first page", store.CheckoutFilter{}, "", 2, []payment.VisitID{other, open}},
			{"second page", store.CheckoutFilter{}, open, 2, []payment.VisitID{approved, lapsed}},
			{"open", store.CheckoutFilter{State: payment.CheckoutOpen}, "", 10, []payment.VisitID{open}},
			{"expired, not swept", store.CheckoutFilter{State: payment.CheckoutExpired}, "", 10, []payment.VisitID{lapsed}},
			{"cancelled", store.CheckoutFilter{State: payment.CheckoutCancelled}, "", 10, []payment.VisitID{other}},
			{"reference", store.CheckoutFilter{Reference: "order-2"}, "", 10, []payment.VisitID{approved}},
			{"before noon", store.CheckoutFilter{Before: noon}, "", 10, []payment.VisitID{lapsed}},
			{"from noon", store.CheckoutFilter{From: noon}, "", 10, []payment.VisitID{other, open, approved}},
		} {
			if diff := cmp.Diff(row.want, checkouts(w, row.filter, row.after, row.limit)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", row.name, diff)
			}
		}
	})
}

// A checkout tells that it was made, and how it ended, once.
func TestWhatACheckoutTells(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.StartEvents()
		approved, left, cancelled := checkout(w, "order-1"), checkout(w, "order-2"), checkout(w, "order-3")
		approve(w, approved.ID)
		if _, err := w.Processor.EndVisit(t.Context(), left, payment.Abandoned()); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if _, err := w.Processor.CancelCheckout(t.Context(), w.Shop, cancelled.ID); err != nil {
				t.Fatal(err)
			}
		}
		lapsed := checkout(w, "order-4")
		w.Clock.Advance(payment.CheckoutLife)
		approve(w, lapsed.ID)
		if _, err := w.Processor.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		all := w.Feed()
		holdfasttest.CheckFeed(t, all)
		for id, want := range map[payment.VisitID]string{
			approved.ID: "checkout.created checkout.completed", left.ID: "checkout.created checkout.cancelled",
			cancelled.ID: "checkout.created checkout.cancelled", lapsed.ID: "checkout.created checkout.expired",
		} {
			if got := toldOf(all, string(id)); got != want {
				t.Errorf("checkout %s tells %q, want %q", id, got, want)
			}
		}
		last := all[slices.IndexFunc(all, func(e payment.Event) bool { return e.Type == payment.EventCheckoutCompleted })]
		v, _ := readCheckout(w, w.Shop.ID, approved.ID)
		want := `{"id":"` + string(v.ID) + `","state":"approved","type":"single_use",` +
			`"amount":{"amount":"12.50","currency":"USD"},"reference":"order-1",` +
			`"created":"2026-11-23T10:15:30.000Z","expires":"2026-11-23T13:15:30.000Z",` +
			`"ended":"2026-11-23T10:15:30.000Z","status":"SC","token":"` + string(v.TokenOf()) + `"}`
		if diff := cmp.Diff(want, last.Data); diff != "" {
			t.Errorf("the approved checkout (-want +got):\n%s", diff)
		}
	})
}
