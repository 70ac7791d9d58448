package processor_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// later moves the clock until what is in doubt may be asked again, and asks.
func later(w *holdfasttest.World) {
	w.T.Helper()
	w.Clock.Advance(time.Minute)
	if _, err := w.Processor.Resolve(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
	w.CheckBooks()
}

// impatient makes the caller's wait so short that only an answer at hand is in
// time.
func impatient(w *holdfasttest.World) { w.Processor.Wait = time.Millisecond }

func TestAReserveInDoubtIsPendingUntilItIsDecided(t *testing.T) {
	replies := map[string]holdfasttest.Reply{"before it took effect": {Deaf: true}, "after it took effect": {Lost: true}}
	for when, reply := range replies {
		t.Run(when, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				impatient(w)
				w.Network.Next(reply)
				token := w.Authorize("42.50")
				r, err := w.Reserve(token, "42.50", "order-1")
				if err != nil || r.State != payment.Pending || r.StatusCode != holdfast.CodePendingNetworkResponse {
					t.Fatalf("reserve: %+v, %v", r, err)
				}
				if _, err := w.Settle(r.ID, ""); err == nil {
					t.Fatal("settled what is pending")
				}
				again, err := w.Reserve(token, "42.50", "order-1")
				if err != nil || again.ID != r.ID || again.State != payment.Pending {
					t.Fatalf("again: %+v, %v", again, err)
				}
				later(w)
				w.WantState(r.ID, payment.Reserved)
				wantEffects(w, string(r.ID)+"/Authorize USD 42.50")
			})
		})
	}
}

func TestASettleInDoubtIsPendingUntilItIsDecided(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		r := w.Reserved("42.50", "order-1")
		impatient(w)
		w.Network.Next(holdfasttest.Reply{Lost: true})
		s, err := w.Settle(r.ID, "40.00")
		if err != nil || s.State.Status() != holdfast.StatusPending {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		_, err = w.Cancel(r.ID)
		w.WantCode(err, holdfast.InvalidTransactionState)
		_, err = w.Settle(r.ID, "39.00")
		w.WantCode(err, holdfast.InvalidTransactionState)
		if s, err = w.Settle(r.ID, "40.00"); err != nil || s.State != payment.Settling {
			t.Fatalf("the identical settle: %+v, %v", s, err)
		}
		w.Clock.Set(r.Deadline.Add(time.Hour)) // it was accepted in time, and goes on
		sweep(w)
		later(w)
		w.WantState(r.ID, payment.Success)
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(r.ID)+"/Capture USD 40.00")
	})
}

func TestCancelWhileTheNetworkThinksReleasesWhatItHolds(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		impatient(w)
		answer := make(chan struct{})
		w.Network.Next(holdfasttest.Reply{Wait: answer})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil || r.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		if _, err := w.Cancel(r.ID); err != nil {
			t.Fatal(err)
		}
		close(answer) // approved, too late
		decided(w, r.ID, payment.StepRelease)
		w.WantState(r.ID, payment.Cancelled)
		want(w, balance(w, ledger.Held), "0.00")
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(r.ID)+"/Release USD 42.50")
	})
}

// decided waits until the network has answered a step, by asking the store.
func decided(w *holdfasttest.World, id holdfast.TransactionID, step payment.Step) {
	w.T.Helper()
	for w.T.Context().Err() == nil {
		var done bool
		err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
			attempts, err := tx.Attempts(w.Shop.ID, id)
			for _, a := range attempts {
				done = done || a.Step == step && a.State != payment.AttemptOpen
			}
			return err
		})
		if err != nil {
			w.T.Fatal(err)
		}
		if done {
			return
		}
	}
}

func TestAnApprovalAfterTheDeadlineIsReleased(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		impatient(w)
		w.Network.Next(holdfasttest.Reply{Lost: true})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Set(r.Deadline)
		later(w)
		decided(w, r.ID, payment.StepRelease)
		w.WantState(r.ID, payment.Cancelled)
		w.CheckBooks()
		wantEffects(w, string(r.ID)+"/Authorize USD 42.50", string(r.ID)+"/Release USD 42.50")
	})
}

func TestPendingFirstAnswersPendingAndSettlesAllTheSame(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Shop.PendingFirst = true
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil || r.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		decided(w, r.ID, payment.StepAuthorize)
		w.WantState(r.ID, payment.Reserved)
		s, err := w.Settle(r.ID, "")
		if err != nil || s.State != payment.Settling {
			t.Fatalf("settle: %+v, %v", s, err)
		}
		decided(w, r.ID, payment.StepCapture)
		w.WantState(r.ID, payment.Success)
	})
}

// Stop ends what waits for a slow network at once; what was asked is in doubt
// and decided by whoever comes next.
func TestStopCutsQuestionsShort(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		impatient(w)
		never := make(chan struct{})
		w.Network.Next(holdfasttest.Reply{Wait: never}, holdfasttest.Reply{Wait: never})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil || r.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		w.Processor.Stop()
		w.Processor.Close() // returns, though the network never answers
		again, err := w.Reserve(w.Authorize("10.00"), "10.00", "order-2")
		if err != nil || again.State != payment.Pending {
			t.Fatalf("a reserve while the server ends: %+v, %v", again, err)
		}
		next := &processor.Processor{Store: w.DB, Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: w.Processor.Log}
		t.Cleanup(next.Close)
		w.Network.Forget()
		w.Clock.Advance(time.Minute)
		if n, err := next.Resolve(t.Context()); err != nil || n != 2 {
			t.Fatalf("resolved %d, %v", n, err)
		}
		w.WantState(r.ID, payment.Reserved)
		w.WantState(again.ID, payment.Reserved)
		w.CheckBooks()
	})
}

func TestAQuestionInDoubtIsNotAskedBeforeItsTime(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		impatient(w)
		w.Network.Next(holdfasttest.Reply{Deaf: true}, holdfasttest.Reply{Deaf: true})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		if n, err := w.Processor.Resolve(t.Context()); err != nil || n != 0 {
			t.Fatalf("resolved %d, %v at once", n, err)
		}
		later(w) // deaf a second time
		w.WantState(r.ID, payment.Pending)
		later(w)
		w.WantState(r.ID, payment.Reserved)
	})
}

// Between the expiry of many holds in one moment and their release a server may
// end. Whoever comes next has each released, and none twice.
func TestManyLapsesAreReleasedOnceEach(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		const holds = 20
		var want []string
		for i := range holds {
			r := w.Reserved("42.50", holdfast.CallerReference(fmt.Sprintf("order-%d", i)))
			want = append(want, fmt.Sprintf("%s/%s %v", r.ID, payment.StepRelease, r.Amount))
		}
		before := len(w.Network.Effects())
		w.Clock.Advance(payment.ReserveLifeMax)
		if n, err := w.Processor.Sweep(t.Context()); err != nil || n != holds {
			t.Fatalf("swept %d, %v", n, err)
		}
		w.CheckBooks()
		w.Processor.Close()
		w.Clock.Advance(time.Minute) // what was handed over is in doubt now
		var resolved atomic.Int64
		var resolving sync.WaitGroup
		for range 2 {
			next := &processor.Processor{Store: w.DB, Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: w.Processor.Log}
			t.Cleanup(next.Close)
			resolving.Go(func() {
				if n, err := next.Sweep(t.Context()); err != nil || n != 0 {
					t.Errorf("swept %d again, %v", n, err)
				}
				n, err := next.Resolve(t.Context())
				if err != nil {
					t.Error(err)
				}
				resolved.Add(int64(n))
			})
		}
		resolving.Wait()
		if resolved.Load() != holds {
			t.Errorf("%d were resolved", resolved.Load())
		}
		w.CheckBooks()
		got := w.Network.Effects()[before:]
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("at the network (-want +got):\n%s", diff)
		}
	})
}

// Who has written an expiry asks the network himself; no other server does so
// meanwhile. More than can be handed over are nobody's, and asked from the store.
func TestLapsesAreHandedOver(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		const places, apart = 5, 3
		w.Processor.KeepHandoverShort(places)
		for i := range places + apart {
			w.Reserved("42.50", holdfast.CallerReference(fmt.Sprintf("order-%d", i)))
		}
		w.Clock.Advance(payment.ReserveLifeMax)
		if n, err := w.Processor.Sweep(t.Context()); err != nil || n != places+apart {
			t.Fatalf("swept %d, %v", n, err)
		}
		other := &processor.Processor{Store: w.DB, Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: w.Processor.Log}
		t.Cleanup(other.Close)
		if n, err := other.Resolve(t.Context()); err != nil || n != apart {
			t.Errorf("another server resolved %d, %v, want the %d without a place", n, err, apart)
		}
		if n, err := w.Processor.Release(t.Context()); err != nil || n != places {
			t.Errorf("released %d, %v, want %d", n, err, places)
		}
		w.Clock.Advance(time.Hour)
		if n, err := other.Resolve(t.Context()); err != nil || n != 0 {
			t.Errorf("%d were asked again, %v", n, err)
		}
		w.CheckBooks()
	})
}
