package processor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// settlePart settles an amount of a hold. An empty amount means all that is open.
func settlePart(
	w *holdfasttest.World, id holdfast.TransactionID, value string, final bool,
) ([]payment.Transaction, error) {
	w.T.Helper()
	r := processor.SettleHold{Hold: id, Final: final}
	if value != "" {
		r.Amount = holdfasttest.USD(value)
	}
	all, err := w.Processor.SettleHold(w.T.Context(), w.Shop, nil, r)
	w.CheckBooks()
	return all, err
}

// part settles a part that must succeed, and returns it.
func part(w *holdfasttest.World, id holdfast.TransactionID, value string) payment.Transaction {
	w.T.Helper()
	all, err := settlePart(w, id, value, false)
	if err != nil || len(all) != 1 || all[0].Kind != payment.KindPart || all[0].State != payment.Success {
		w.T.Fatalf("settling %s: %+v, %v", value, all, err)
	}
	return all[0]
}

func release(w *holdfasttest.World, id holdfast.TransactionID, value string) error {
	w.T.Helper()
	r := processor.ReleaseHold{Hold: id, Reason: "sold out"}
	if value != "" {
		r.Amount = holdfasttest.USD(value)
	}
	_, err := w.Processor.ReleaseHold(w.T.Context(), w.Shop, nil, r)
	w.CheckBooks()
	return err
}

// Three parcels, the last of which is final: each takes its part, and the rest
// goes back once.
func TestParcels(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		first := part(w, r.ID, "10.00")
		want(w, balance(w, ledger.Held), "32.50")
		want(w, balance(w, ledger.Fees), "0.59")
		w.WantState(r.ID, payment.Reserved)
		if err := release(w, r.ID, "2.50"); err != nil {
			t.Fatal(err)
		}
		want(w, balance(w, ledger.Held), "30.00")
		second := part(w, r.ID, "20.00")
		last, err := settlePart(w, r.ID, "5.00", true)
		if err != nil || len(last) != 1 || !last[0].Final {
			t.Fatalf("the last one: %+v, %v", last, err)
		}
		h := w.Transaction(r.ID)
		if h.State != payment.Success || h.Settled != holdfasttest.USD("35.00") || h.Fee != holdfasttest.USD("1.32") {
			t.Fatalf("the hold is %s for %v with a fee of %v", h.State, h.Settled, h.Fee)
		}
		decided(w, r.ID, payment.StepRelease)
		w.CheckBooks()
		want(w, balance(w, ledger.Held), "0.00")
		want(w, balance(w, ledger.Network), "-35.00")
		want(w, balance(w, ledger.Fees), "1.32") // 2.9 % of 35.00 and 0.30
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(first.ID)+"/Capture USD 10.00",
			string(second.ID)+"/Capture USD 20.00", string(last[0].ID)+"/Capture USD 5.00",
			string(r.ID)+"/Release USD 7.50")
		_, err = settlePart(w, r.ID, "1.00", false)
		w.WantCode(err, holdfast.InvalidTransactionState)
		if n := owedOf(w, first.ID); n != 0 {
			t.Errorf("a part has %d notifications", n)
		}
	})
}

// A first settle of all, and one that is final, take the hold's own row.
func TestASettleThatNeedsNoPart(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		for i, row := range []struct {
			value string
			final bool
			takes string
		}{{"", false, "42.50"}, {"42.50", false, "42.50"}, {"10.00", true, "10.00"}} {
			r := w.Reserved("42.50", holdfast.CallerReference(fmt.Sprint("order-", i)))
			all, err := settlePart(w, r.ID, row.value, row.final)
			if err != nil || len(all) != 1 || all[0].ID != r.ID || all[0].State != payment.Success ||
				all[0].Settled != holdfasttest.USD(row.takes) {
				t.Fatalf("%+v: %+v, %v", row, all, err)
			}
		}
	})
}

// A declined part leaves its amount open, and another part can take it. A final
// settle of a hold without parts is the hold's own: its decline ends the hold.
func TestADeclinedPart(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: holdfast.CodeTransactionDenied})
		all, err := settlePart(w, r.ID, "10.00", true)
		if err != nil || all[0].State != payment.Failure {
			t.Fatalf("%+v, %v", all, err)
		}
		w.WantState(r.ID, payment.Failure)

		r = w.Reserved("42.50", "order-2")
		part(w, r.ID, "10.00")
		w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: holdfast.CodeTransactionDenied})
		all, err = settlePart(w, r.ID, "", true)
		if err != nil || all[0].State != payment.Failure {
			t.Fatalf("%+v, %v", all, err)
		}
		h := w.Transaction(r.ID)
		if h.State != payment.Reserved || h.Open() != holdfasttest.USD("32.50") || h.Fee != holdfasttest.USD("0.59") {
			t.Fatalf("the hold is %s, %v are open, the fee is %v", h.State, h.Open(), h.Fee)
		}
		part(w, r.ID, "32.50")
		w.WantState(r.ID, payment.Success)
	})
}

// The release of the rest, Cancel and the deadline end a hold with parts as a
// success.
func TestTheRestOfAHoldGoesBack(t *testing.T) {
	for name, end := range map[string]func(w *holdfasttest.World, r payment.Transaction) error{
		"released": func(w *holdfasttest.World, r payment.Transaction) error { return release(w, r.ID, "") },
		"lowered to nothing": func(w *holdfasttest.World, r payment.Transaction) error {
			return errors.Join(release(w, r.ID, "30.00"), release(w, r.ID, "2.50"))
		},
		"cancelled": func(w *holdfasttest.World, r payment.Transaction) error { return second(w.Cancel(r.ID)) },
		"expired": func(w *holdfasttest.World, r payment.Transaction) error {
			w.Clock.Set(r.Deadline)
			w.WantState(r.ID, payment.Success) // before the sweep
			sweep(w)
			return second(w.Processor.Release(w.T.Context()))
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				r := w.Reserved("42.50", "order-1")
				p := part(w, r.ID, "10.00")
				if err := end(w, r); err != nil {
					t.Fatal(err)
				}
				h := w.Transaction(r.ID)
				if h.State != payment.Success || h.Settled != holdfasttest.USD("10.00") {
					t.Fatalf("it is %s for %v", h.State, h.Settled)
				}
				decided(w, r.ID, payment.StepRelease)
				w.CheckBooks()
				want(w, balance(w, ledger.Held), "0.00")
				wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(p.ID)+"/Capture USD 10.00",
					string(r.ID)+"/Release USD 32.50")
			})
		})
	}
}

// The outcome of a part comes after the deadline of its hold. The part was begun
// in time, so it counts; the rest has expired.
func TestADeadlineWhileAPartIsUnderWay(t *testing.T) {
	for name, row := range map[string]struct {
		answer payment.Answer
		want   payment.State
		taken  string
		back   string
	}{
		"approved": {payment.Answer{Verdict: payment.Approved}, payment.Success, "10.00", "32.50"},
		"declined": {payment.Answer{Code: holdfast.CodeTransactionDenied}, payment.Cancelled, "0.00", "42.50"},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				r := w.Reserved("42.50", "order-1")
				p := doubtful(w, r.ID, "10.00")
				w.Clock.Set(r.Deadline.Add(time.Hour))
				sweep(w)
				w.WantState(r.ID, payment.Reserved) // it waits for the outcome
				_, err := settlePart(w, r.ID, "1.00", false)
				w.WantCode(err, holdfast.InvalidTransactionState)
				_, err = w.Cancel(r.ID)
				w.WantCode(err, holdfast.InvalidTransactionState)
				if err := w.Processor.Answer(*p.Question(), row.answer, nil); err != nil {
					t.Fatal(err)
				}
				w.CheckBooks()
				h := w.Transaction(r.ID)
				if h.State != row.want || h.Taken != holdfasttest.USD(row.taken) {
					t.Fatalf("it is %s with %v taken", h.State, h.Taken)
				}
				decided(w, r.ID, payment.StepRelease)
				want(w, balance(w, ledger.Held), "0.00")
				wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(r.ID)+"/Release USD "+row.back)
			})
		})
	}
}

// doubtful begins a part to which the network does not answer.
func doubtful(w *holdfasttest.World, id holdfast.TransactionID, value string) payment.Transaction {
	w.T.Helper()
	w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Deaf: true})
	p, err := unanswered(w, func() (payment.Transaction, error) {
		all, err := settlePart(w, id, value, false)
		if err != nil {
			return payment.Transaction{}, err
		}
		return all[0], nil
	})
	if err != nil || p.State != payment.Settling {
		w.T.Fatalf("settling %s: %+v, %v", value, p, err)
	}
	waitUntil(w, func() bool { return len(w.Network.Asked()) > 1 })
	return p
}

// A second answer to a part changes nothing.
func TestAPartIsAnsweredOnce(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		p := doubtful(w, r.ID, "10.00")
		err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			in, out, err := tx.Moving(w.Owner.ID, true)
			if in != 10_000_000 || out != 0 {
				t.Errorf("%v are on their way to the shop, and %v from it", money.Micros(in), money.Micros(out))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, answer := range []payment.Answer{
			{Verdict: payment.Approved}, {Code: holdfast.CodeTransactionDenied}, {Verdict: payment.Approved},
		} {
			if err := w.Processor.Answer(*p.Question(), answer, nil); err != nil {
				t.Fatal(err)
			}
			w.CheckBooks()
			if h := w.Transaction(r.ID); h.Taken != holdfasttest.USD("10.00") || h.Taking.Positive() {
				t.Fatalf("%v are taken, %v being taken", h.Taken, h.Taking)
			}
		}
	})
}

// One refund of a part, then one of the whole: each part gives back its own money
// and its own fee.
func TestRefundsOfAHoldWithParts(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Deposit(w.Owner.ID, "10.00")
		r := w.Reserved("42.50", "order-1")
		first, second := part(w, r.ID, "10.00"), part(w, r.ID, "20.00")
		_, err := w.Refund(r.ID, "", "refund-hold")
		w.WantCode(err, holdfast.InvalidTransactionState)
		if back, err := w.Refund(first.ID, "4.00", "refund-1"); err != nil || back.State != payment.Success {
			t.Fatalf("%+v, %v", back, err)
		}
		refund := func(value string, ref holdfast.CallerReference) ([]payment.Transaction, error) {
			r := processor.RefundHold{Hold: r.ID, Reference: ref}
			if value != "" {
				r.Amount = holdfasttest.USD(value)
			}
			all, err := w.Processor.RefundHold(t.Context(), w.Shop, nil, r)
			w.CheckBooks()
			return all, err
		}
		_, err = refund("26.01", "too-much")
		w.WantCode(err, holdfast.RefundAmountExceeded)
		_, err = refund("0.00", "nothing")
		w.WantCode(err, holdfast.AmountOutOfRange)
		some, err := refund("8.00", "refund-2")
		if err != nil || len(some) != 2 || some[0].Parent != first.ID || some[0].Amount != holdfasttest.USD("6.00") ||
			some[1].Parent != second.ID || some[1].Amount != holdfasttest.USD("2.00") {
			t.Fatalf("%+v, %v", some, err)
		}
		again, err := refund("8.00", "refund-2")
		if err != nil || len(again) != 2 {
			t.Fatalf("again: %+v, %v", again, err)
		}
		rest, err := refund("", "refund-3")
		if err != nil || len(rest) != 1 || rest[0].Amount != holdfasttest.USD("18.00") {
			t.Fatalf("%+v, %v", rest, err)
		}
		_, err = refund("", "refund-4")
		w.WantCode(err, holdfast.TransactionFullyRefundedAlready)
		want(w, balance(w, ledger.Fees), "0.00")
		want(w, balance(w, ledger.Held), "12.50")
		want(w, balance(w, ledger.Party(string(w.Owner.ID))), "10.00")
	})
}

// A refund of a hold is refused while nothing was paid.
func TestNothingOfAHoldWasPaid(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		refund := func(id holdfast.TransactionID) error {
			return second(w.Processor.RefundHold(t.Context(), w.Shop, nil, processor.RefundHold{Hold: id, Reference: "x"}))
		}
		w.WantCode(refund(r.ID), holdfast.InvalidTransactionState)
		w.WantCode(refund("1NOTHING"), holdfast.InvalidTransactionID)
		doubtful(w, r.ID, "10.00")
		w.WantCode(refund(r.ID), holdfast.OriginalTransactionIncomplete)
	})
}

// The same reference of a part is the same part.
func TestAPartIsSettledOnceForAReference(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		settle := func(value string, ref holdfast.CallerReference) ([]payment.Transaction, error) {
			return w.Processor.SettleHold(t.Context(), w.Shop, nil, processor.SettleHold{
				Hold: r.ID, Amount: holdfasttest.USD(value), Reference: ref,
			})
		}
		first, err := settle("10.00", "parcel-1")
		if err != nil {
			t.Fatal(err)
		}
		again, err := settle("10.00", "parcel-1")
		if err != nil || len(again) != 1 || again[0].ID != first[0].ID || again[0].State != payment.Success {
			t.Fatalf("again: %+v, %v", again, err)
		}
		_, err = settle("10.01", "parcel-1")
		w.WantCode(err, holdfast.DuplicateRequest)
		other, err := settle("10.00", "parcel-2")
		if err != nil || other[0].ID == first[0].ID {
			t.Fatalf("another parcel: %+v, %v", other, err)
		}
		w.CheckBooks()
		want(w, balance(w, ledger.Held), "22.50")
	})
}

// A marketplace takes its fee of each part, and a caller that bears the fees has
// them set aside.
func TestPartsOfASale(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		m := w.Market(false)
		w.Deposit(w.Owner.ID, "5.00")
		sale := m.Sale("40.00", "3.00", "sale-1")
		sale.ChargeFeeTo = holdfast.RoleCaller
		r, err := w.Processor.Reserve(t.Context(), w.Shop, holdfast.ReserveRequest(sale))
		if err != nil || r.State != payment.Reserved {
			t.Fatalf("%+v, %v", r, err)
		}
		first := part(w, r.ID, "10.00")
		if first.Commission != holdfasttest.USD("3.00") || first.Fee != holdfasttest.USD("0.59") {
			t.Fatalf("the first part bears %v and %v", first.Fee, first.Commission)
		}
		second := part(w, r.ID, "30.00")
		if second.Commission.Positive() || second.Fee != holdfasttest.USD("0.87") {
			t.Fatalf("the second part bears %v and %v", second.Fee, second.Commission)
		}
		want(w, balance(w, ledger.Party(string(m.Seller.ID))), "37.00")
		want(w, balance(w, ledger.Party(string(w.Owner.ID))), "6.54")
		want(w, balance(w, ledger.SetAside(string(w.Owner.ID))), "0.00")
	})
}

// Two servers settle the same hold at the same moment: never more is taken than
// was held, and a settle that meets another one is refused.
func TestTwoSettlesAtTheSameMoment(t *testing.T) {
	const each = 5 // dollars, of 42.50
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			other := processor.New(holdfasttest.Open(t, at), processor.Config{
				Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: slog.New(slog.DiscardHandler),
			})
			t.Cleanup(other.Close)
			r := w.Reserved("42.50", "order-1")
			var settling sync.WaitGroup
			var mu sync.Mutex
			done := 0
			for i := range racers {
				settling.Go(func() {
					p := w.Processor
					if i%2 == 0 {
						p = other
					}
					_, err := p.SettleHold(t.Context(), w.Shop, nil, processor.SettleHold{
						Hold: r.ID, Amount: money.Cents(each * 100), Reference: holdfast.CallerReference(fmt.Sprint("parcel-", i)),
					})
					refused, ok := errors.AsType[*holdfast.Error](err)
					switch {
					case err == nil:
						mu.Lock()
						done++
						mu.Unlock()
					case !ok || refused.Code != holdfast.InvalidTransactionState &&
						refused.Code != holdfast.SettleAmountGreaterThanReserveAmount && refused.Code != holdfast.ConcurrentModification:
						t.Error(err)
					}
				})
			}
			settling.Wait()
			w.CheckBooks()
			h := w.Transaction(r.ID)
			if done == 0 || done > 8 || h.Taken != money.Cents(int64(done)*each*100) || h.Taking.Positive() {
				t.Errorf("%d were settled, and %v taken", done, h.Taken)
			}
		})
	}
}

// FPS's answers about a hold with parts.
func TestFPSSeesOneSettle(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		part(w, r.ID, "10.00")
		_, err := w.Settle(r.ID, "")
		w.WantCode(err, holdfast.InvalidTransactionState)
		if c, err := w.Cancel(r.ID); err != nil || c.Operation() != holdfast.OperationSettle || c.State != payment.Success {
			t.Fatalf("cancelled: %+v, %v", c, err)
		}
		if n := owedOf(w, r.ID); n != 2 { // of the Reserve and of its end
			t.Errorf("there are %d notifications", n)
		}
		var page processor.ActivityPage
		page.Filter = payment.ActivityFilter{BatchMax: 20, End: w.Clock.Now().Add(time.Hour)}
		page.Account, page.Sandbox, page.Real = w.Owner.ID, true, w.Clock.Now()
		if err := w.DB.View(t.Context(), page.Read); err != nil {
			t.Fatal(err)
		}
		if len(page.Rows) != 1 || page.Rows[0].ID != r.ID || page.Rows[0].FeeCharged() != holdfasttest.USD("0.59") {
			t.Errorf("GetAccountActivity has %+v", page.Rows)
		}
	})
}

// A server is killed before the network is asked for a part, after the network
// has acted, and before the caller has its answer.
func TestKilledWhileAPartIsSettled(t *testing.T) {
	settle := func(name, value string) moneyAction {
		return moneyAction{
			name: name, verb: "SettleHold", step: payment.StepCapture, ends: payment.Success,
			prepare: func(w *holdfasttest.World) ready {
				r := w.Reserved("42.50", "order-1")
				part(w, r.ID, "10.00")
				request, err := json.Marshal(processor.SettleHold{
					Hold: r.ID, Amount: holdfasttest.USD(value), Reference: "parcel-2",
				})
				if err != nil {
					w.T.Fatal(err)
				}
				return ready{request: request, about: r.ID}
			},
		}
	}
	for _, action := range []moneyAction{settle("a part", "5.00"), settle("the rest", "32.50")} {
		for _, point := range []string{processor.PointIntent, pointAsked, processor.PointOutcome} {
			for name, address := range holdfasttest.Addresses(t) {
				t.Run(action.name+" at "+point+" on "+name, func(t *testing.T) {
					t.Parallel()
					crash(t, action, point, address(t))
				})
			}
		}
	}
}
