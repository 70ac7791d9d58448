package processor_test

import (
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// later moves the clock until questions in doubt are due, and asks them.
func later(w *holdfasttest.World) {
	w.T.Helper()
	w.Clock.Advance(time.Minute)
	if _, err := w.Processor.Resolve(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
	w.CheckBooks()
}

// impatient makes the caller's wait so short that only an answer that is
// already there comes in time.
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
					t.Fatal("a pending hold was settled")
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
		w.Clock.Set(r.Deadline.Add(time.Hour)) // it was accepted in time, so it continues
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

// waitUntil lets the processor's other goroutines work until a condition holds.
func waitUntil(w *holdfasttest.World, holds func() bool) {
	w.T.Helper()
	for !holds() && w.T.Context().Err() == nil {
		runtime.Gosched()
	}
}

// decided waits, by reading the store, until the network has answered a
// question.
func decided(w *holdfasttest.World, id holdfast.TransactionID, step payment.Step) {
	w.T.Helper()
	waitUntil(w, func() (done bool) {
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
		return done
	})
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

// The outcome takes the caller's clock as the intent has read it. If the clock
// has passed the deadline since, everybody sees the hold as expired, and it is
// released, whether or not the clock is put back. If the clock has been put back,
// the hold stays.
func TestAClockMovesWhileTheNetworkThinks(t *testing.T) {
	moves := map[string]struct {
		before, during time.Duration // by which the clock is moved; during < 0 puts it back to real time
		then           bool          // the clock is put back after the outcome
		want           payment.State
	}{
		"past the deadline":           {0, 8 * 24 * time.Hour, false, payment.Cancelled},
		"past the deadline, and back": {0, 8 * 24 * time.Hour, true, payment.Cancelled},
		"before the deadline":         {0, 24 * time.Hour, false, payment.Reserved},
		"back":                        {8 * 24 * time.Hour, -1, false, payment.Reserved},
	}
	for name, row := range moves {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				impatient(w)
				move := func(by time.Duration) {
					_, err := w.Processor.ResetClock(t.Context(), w.Shop.ID)
					if by > 0 {
						_, err = w.Processor.AdvanceClock(t.Context(), w.Shop.ID, by)
					}
					if err != nil {
						t.Fatal(err)
					}
				}
				move(row.before)
				answer := make(chan struct{})
				w.Network.Next(holdfasttest.Reply{Wait: answer})
				r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
				if err != nil || r.State != payment.Pending {
					t.Fatalf("reserve: %+v, %v", r, err)
				}
				move(row.during)
				close(answer)
				decided(w, r.ID, payment.StepAuthorize)
				w.WantState(r.ID, row.want)
				if row.then {
					move(0)
					w.WantState(r.ID, row.want)
				}
				w.Clock.Advance(time.Minute) // when the release is in doubt
				sweep(w)
				later(w)
				effects := []string{string(r.ID) + "/Authorize USD 42.50"}
				if row.want == payment.Cancelled {
					decided(w, r.ID, payment.StepRelease)
					effects = append(effects, string(r.ID)+"/Release USD 42.50")
				}
				w.WantState(r.ID, row.want)
				w.CheckBooks()
				wantEffects(w, effects...)
			})
		})
	}
}

func TestPendingFirstAnswersPendingAndSettlesAllTheSame(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		if _, err := w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.PendingFirst = true
			return c, nil
		}); err != nil {
			t.Fatal(err)
		}
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

// Stop interrupts questions to a slow network at once. They are in doubt, and
// the next server decides them.
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
		w.Processor.Close() // returns although the network never answers
		again, err := w.Reserve(w.Authorize("10.00"), "10.00", "order-2")
		if err != nil || again.State != payment.Pending {
			t.Fatalf("a reserve while the server ends: %+v, %v", again, err)
		}
		next := newServer(w)
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
		later(w) // no answer a second time
		w.WantState(r.ID, payment.Pending)
		later(w)
		w.WantState(r.ID, payment.Reserved)
	})
}

// A server may end after many holds have expired and before they are released.
// The next server has each of them released once.
func TestManyExpiredHoldsAreReleasedOnce(t *testing.T) {
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
		w.Clock.Advance(time.Minute) // the releases in the handover are in doubt now
		var resolved atomic.Int64
		var resolving sync.WaitGroup
		for range 2 {
			next := newServer(w)
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

// newServer makes another server on the same store and network.
func newServer(w *holdfasttest.World) *processor.Processor {
	p := processor.New(w.DB, processor.Config{Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: w.Processor.Log})
	w.T.Cleanup(p.Close)
	return p
}

// expireHolds makes a number of holds and lets them expire.
func expireHolds(w *holdfasttest.World, holds int) {
	w.T.Helper()
	for range holds {
		w.Reserved("42.50", holdfast.CallerReference(w.IDs.Other("order-")))
	}
	w.Clock.Advance(payment.ReserveLifeMax)
	if n, err := w.Processor.Sweep(w.T.Context()); err != nil || n != holds {
		w.T.Fatalf("swept %d, %v, want %d", n, err, holds)
	}
}

func wantReleased(w *holdfasttest.World, want int) {
	w.T.Helper()
	if n, err := w.Processor.Release(w.T.Context()); err != nil || n != want {
		w.T.Errorf("released %d, %v, want %d", n, err, want)
	}
}

func wantResolved(t *testing.T, by *processor.Processor, want int) {
	t.Helper()
	if n, err := by.Resolve(t.Context()); err != nil || n != want {
		t.Errorf("resolved %d, %v, want %d", n, err, want)
	}
}

// The server that has written an expiry also asks the network for the release;
// no other server does so meanwhile. Releases without a place in the handover
// are read from the store.
func TestReleasesAreHandedOver(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		const places, apart = 5, 3
		w.Processor.KeepHandoverShort(places)
		other := newServer(w)
		expireHolds(w, places+apart)
		wantResolved(t, other, apart)
		wantReleased(w, places)
		wantReleased(w, 0)
		w.Clock.Advance(time.Hour)
		wantResolved(t, other, 0)
		w.CheckBooks()
	})
}

// A release that waits too long in the handover is left to Resolve.
func TestAReleaseThatWaitsTooLongIsInDoubt(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		expireHolds(w, 2)
		w.Clock.Advance(time.Minute)
		before := len(w.Network.Effects())
		wantReleased(w, 0)
		if now := len(w.Network.Effects()); now != before {
			t.Errorf("%d were asked", now-before)
		}
		wantResolved(t, newServer(w), 2)
		w.CheckBooks()
	})
}

// A place in the handover becomes free again, whether or not the expiry for
// which it was reserved took place.
func TestPlacesComeBack(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.KeepHandoverShort(1)
		other := newServer(w)
		for range 3 {
			expireHolds(w, 1)
			wantResolved(t, other, 0)
			wantReleased(w, 1)
		}
		// A Reserve for which there is nothing to release yet.
		impatient(w)
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		if _, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-1"); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(payment.ReserveLifeMax)
		if n, err := w.Processor.Sweep(t.Context()); err != nil || n != 1 {
			t.Fatalf("swept %d, %v", n, err)
		}
		w.Network.Forget() // in case the question is late
		w.Processor.Wait = 0
		expireHolds(w, 1)
		wantReleased(w, 1)
	})
}

// If the network answers nothing, the next batch of releases waits.
func TestASilentNetworkIsLeftAlone(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		expireHolds(w, 2)
		w.Network.Next(holdfasttest.Reply{Deaf: true}, holdfasttest.Reply{Deaf: true})
		if n, err := w.Processor.Release(t.Context()); n != 0 || err == nil {
			t.Errorf("released %d, %v, want an error, so that the next batch waits", n, err)
		}
		w.Clock.Advance(time.Minute)
		wantResolved(t, w.Processor, 2)
		w.CheckBooks()
	})
}
