package processor_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A settle of a raised hold takes from the member that has the amount, or from
// several in one commit. The fees are those of one settle of the whole.
func TestASettleOfARaisedHold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		root := heldWith(w, lasting(w, "100.00", 9), "20.00")
		w.Clock.Advance(1)
		more, err := raise(w, root.ID, "30.00", "more")
		if err != nil {
			t.Fatal(err)
		}
		p := part(w, root.ID, "25.00") // the root has less
		if p.Parent != more.ID {
			t.Errorf("it draws from %s", p.Parent)
		}
		all, err := settlePart(w, root.ID, "22.00", false)
		if err != nil || len(all) != 2 || all[0].ID != root.ID || all[1].Parent != more.ID ||
			all[1].Amount != holdfasttest.USD("2.00") {
			t.Fatalf("%+v, %v", all, err)
		}
		wantHold(w, root.ID, "held 3.00/47.00/0.00")
		want(w, balance(w, ledger.Fees), "1.66") // 2.9 % of 47.00 and 0.30
		_, err = settlePart(w, root.ID, "3.01", false)
		w.WantCode(err, holdfast.SettleAmountGreaterThanReserveAmount)
		if err := release(w, root.ID, "1.00"); err != nil {
			t.Fatal(err)
		}
		wantHold(w, root.ID, "held 2.00/47.00/1.00")
		if err := release(w, root.ID, ""); err != nil {
			t.Fatal(err)
		}
		wantHold(w, root.ID, "settled 0.00/47.00/3.00")
	})
}

// A final settle of a raised hold releases the members that it does not need.
func TestAFinalSettleOfARaisedHold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		token := lasting(w, "100.00", 9)
		root := heldWith(w, token, "20.00")
		more, err := raise(w, root.ID, "30.00", "more")
		if err != nil {
			t.Fatal(err)
		}
		all, err := settlePart(w, root.ID, "10.00", true)
		if err != nil || len(all) != 1 || all[0].ID != root.ID {
			t.Fatalf("%+v, %v", all, err)
		}
		w.WantState(more.ID, payment.Cancelled)
		decided(w, more.ID, payment.StepRelease)
		wantHold(w, root.ID, "settled 0.00/10.00/40.00")
		wantUsed(w, token, "10.00", 1)
	})
}

// A network that captures a hold once refuses a settle that would leave a rest,
// before anything moves.
func TestANetworkWithOneCapture(t *testing.T) {
	atStripe(t, func(s striped) {
		r := s.Reserved("42.50", "order-1")
		s.Processor.Wait = 0
		requests := len(s.fake.Requests())
		call := s.Call("settle-1", "POST /v1/holds/"+string(r.ID)+"/settle", nil)
		settle := func(final bool) ([]payment.Transaction, error) {
			return s.Processor.SettleHold(t.Context(), s.Shop, call, processor.SettleHold{
				Hold: r.ID, Amount: holdfasttest.USD("10.00"), Final: final,
			})
		}
		_, err := settle(false)
		wantCallCode(s.World, err, payment.CallNetworkOnce)
		if n := len(s.fake.Requests()); n != requests {
			t.Errorf("Stripe was asked %d times", n-requests)
		}
		s.WantState(r.ID, payment.Reserved)
		s.CheckBooks()
		all, err := settle(true)
		if err != nil || len(all) != 1 || all[0].ID != r.ID {
			t.Fatalf("the final one: %+v, %v", all, err)
		}
	})
}

// The same call is carried out once, for good, and its answer has all payments.
func TestCallsThatSettleAndRelease(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		root := heldWith(w, lasting(w, "100.00", 9), "20.00")
		if _, err := raise(w, root.ID, "30.00", "more"); err != nil {
			t.Fatal(err)
		}
		settle := processor.SettleHold{Hold: root.ID, Amount: holdfasttest.USD("35.00")}
		call := w.Call("parcel-1", "POST /v1/holds/"+string(root.ID)+"/settle", settle)
		first, err := w.Processor.SettleHold(t.Context(), w.Shop, call, settle)
		if err != nil || len(first) != 2 {
			t.Fatalf("%+v, %v", first, err)
		}
		w.Clock.Set(root.Deadline.AddDate(0, 1, 0)) // the hold has ended
		again, err := w.Processor.SettleHold(t.Context(), w.Shop, call, settle)
		if err != nil || len(again) != 2 || again[0].ID != first[0].ID || again[1].ID != first[1].ID ||
			again[1].Reference != "parcel-1" {
			t.Fatalf("again: %+v, %v", again, err)
		}
		w.CheckBooks()
	})
}

func TestScopesAndLimitsOfParts(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		root := w.Reserved("42.50", "order-1")
		settle := func(key party.JSONKey, ref, dollars string) error {
			call := w.CallWith(key, ref, "POST /v1/holds/"+string(root.ID)+"/settle", nil)
			return second(w.Processor.SettleHold(t.Context(), w.Shop, call, processor.SettleHold{
				Hold: root.ID, Amount: holdfasttest.USD(dollars),
			}))
		}
		reads, _ := w.JSONKey(w.Shop, processor.NewKey{Scopes: "read"})
		wantCallCode(w, settle(reads, "a", "10.00"), payment.CallScopeMissing)
		release := w.CallWith(reads, "b", "POST /v1/holds/"+string(root.ID)+"/release", nil)
		_, err := w.Processor.ReleaseHold(t.Context(), w.Shop, release, processor.ReleaseHold{Hold: root.ID})
		wantCallCode(w, err, payment.CallScopeMissing)
		small, _ := w.JSONKey(w.Shop, processor.NewKey{DayLimit: holdfasttest.USD("15.00")})
		if err := settle(small, "c", "10.00"); err != nil {
			t.Fatal(err)
		}
		wantCallCode(w, settle(small, "d", "5.01"), payment.CallDayLimit)
		wantCallCode(w, settle(small, "order-1", "1.00"), payment.CallReferenceInUse, "/reference")
		wantHold(w, root.ID, "held 32.50/10.00/0.00")
		w.CheckBooks()
	})
}

// Holds of others are not found.
func TestOnlyTheCallersHoldsAreSettled(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r, other := w.Reserved("42.50", "order-1"), w.OtherShop()
		_, err := w.Processor.SettleHold(t.Context(), other, nil, processor.SettleHold{Hold: r.ID})
		w.WantCode(err, holdfast.InvalidTransactionID)
		_, err = w.Processor.ReleaseHold(t.Context(), other, nil, processor.ReleaseHold{Hold: r.ID})
		w.WantCode(err, holdfast.InvalidTransactionID)
		_, err = w.Processor.RefundHold(t.Context(), other, nil, processor.RefundHold{Hold: r.ID, Reference: "x"})
		w.WantCode(err, holdfast.InvalidTransactionID)
		paid := w.Paid("10.00", "order-2")
		_, err = w.Processor.SettleHold(t.Context(), w.Shop, nil, processor.SettleHold{Hold: paid.ID})
		w.WantCode(err, holdfast.InvalidTransactionID)
	})
}
