package processor_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A hold that the network lets go within an hour is not released. Its end is
// proved by one later look.
func TestAnExpiredHoldIsLeftToLapse(t *testing.T) {
	for name, expire := range map[string]func(w *holdfasttest.World, r payment.Transaction){
		"by the sweep": func(w *holdfasttest.World, _ payment.Transaction) { sweep(w) },
		"by a request": func(w *holdfasttest.World, r payment.Transaction) {
			_, err := w.Cancel(r.ID)
			w.WantCode(err, holdfast.InvalidTransactionState)
		},
	} {
		t.Run(name, func(t *testing.T) {
			atNetwork(t, func(w *holdfasttest.World) {
				r := reservedUntil(w, 24*time.Hour)
				w.Clock.Set(r.Deadline)
				expire(w, r)
				w.CheckBooks()
				w.WantState(r.ID, payment.Cancelled)
				before := len(w.Network.Asked())
				if n, err := w.Processor.Release(t.Context()); n > 0 || err != nil {
					t.Fatalf("%d released, %v", n, err)
				}
				w.Clock.Advance(time.Hour)
				later(w)
				if len(w.Network.Asked()) != before {
					t.Fatalf("the network was asked: %+v", lastAsked(w))
				}
				if in := backlogOf(w).Asking; in.Rows != 0 && w.Clock.Now().Before(r.Deadline.Add(time.Hour)) {
					t.Errorf("%d questions are in doubt", in.Rows)
				}
				w.Clock.Advance(20 * time.Minute)
				later(w)
				if q := lastAsked(w); len(w.Network.Asked()) != before+1 || q.Step != payment.StepRelease || !q.Expired ||
					q.Reference != "pi_1" {
					t.Errorf("asked: %+v", q)
				}
				if open := w.Transaction(r.ID).Asking; open != "" {
					t.Errorf("%s is still open", open)
				}
			})
		})
	}
}

// N16: however many holds expire at once, the network is not asked about those
// that it lets go by itself. It is asked in the background about the others, so
// that callers come first.
func TestN16ManyHoldsLapseAtOnce(t *testing.T) {
	const holds = 200
	atNetwork(t, func(w *holdfasttest.World) {
		w.Unchecked = true
		background := &backgrounds{Network: w.Network}
		w.Processor.Network = background
		var deadline time.Time
		for i := range 2 * holds {
			until := 24 * time.Hour
			if i%2 == 1 {
				until = 8 * 24 * time.Hour // the deadline is earlier: these are released
			}
			w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Answer: held(w, until)})
			r, err := w.Processor.Reserve(t.Context(), w.Shop, holdfast.ReserveRequest{
				SenderTokenID: w.Authorize("42.50"), TransactionAmount: holdfasttest.USD("42.50"),
				CallerReference: holdfast.CallerReference(w.IDs.Other("order-")), TransactionTimeoutMins: 23 * 60,
			})
			if err != nil || r.State != payment.Reserved {
				t.Fatalf("reserve: %+v, %v", r, err)
			}
			deadline = r.Deadline
		}
		if n := background.count(); n != 0 {
			t.Errorf("%d questions of callers were asked in the background", n)
		}
		w.Clock.Set(deadline)
		sweep(w)
		released := 0
		for range 20 {
			n, err := w.Processor.Release(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			released += n
			w.Clock.Advance(time.Minute)
			if n, err = w.Processor.Resolve(t.Context()); err != nil {
				t.Fatal(err)
			}
			released += n
		}
		if n := background.count(); released != holds || n != holds {
			t.Errorf("%d were released, by %d questions in the background; want %d", released, n, holds)
		}
		w.Clock.Advance(2 * time.Hour)
		for range 5 {
			later(w)
		}
		if n := background.count(); n != 2*holds {
			t.Errorf("%d questions in all, want one for each hold", n)
		}
	})
}

// backgrounds counts the questions that nobody waits for.
type backgrounds struct {
	card.Network
	mu sync.Mutex
	n  int
}

func (b *backgrounds) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	if card.InBackground(ctx) {
		b.mu.Lock()
		b.n++
		b.mu.Unlock()
	}
	return b.Network.Ask(ctx, q)
}

func (b *backgrounds) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.n
}

// A caller that cancels gets the hold released at once, however soon it ends.
func TestACancelledHoldIsReleased(t *testing.T) {
	atNetwork(t, func(w *holdfasttest.World) {
		r := reservedUntil(w, 24*time.Hour)
		w.Clock.Set(r.Deadline.Add(-time.Minute))
		if _, err := w.Cancel(r.ID); err != nil {
			t.Fatal(err)
		}
		decided(w, r.ID, payment.StepRelease)
		if q := lastAsked(w); q.Step != payment.StepRelease || q.Expired {
			t.Errorf("asked: %+v", q)
		}
	})
}

// A storm of releases that one network takes slowly does not hold up the questions
// of others: the youngest doubts have their turn, too.
func TestN16AStormOfReleasesHoldsUpNoOtherQuestion(t *testing.T) {
	const storm = 300 // more than two batches of Resolve
	atNetwork(t, func(w *holdfasttest.World) {
		w.Unchecked = true
		for range storm {
			r, err := w.Reserve(w.Authorize("42.50"), "42.50", holdfast.CallerReference(w.IDs.Other("order-")))
			if err != nil || r.State != payment.Reserved {
				t.Fatalf("reserve: %+v, %v", r, err)
			}
		}
		w.Clock.Advance(payment.ReserveLifeMax)
		w.Processor.KeepHandoverShort(1) // the releases are left to Resolve
		sweep(w)
		w.Clock.Advance(time.Second)
		impatient(w)
		w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Deaf: true})
		r, err := w.Reserve(w.Authorize("42.50"), "42.50", "order-late")
		if err != nil || r.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		w.Clock.Advance(30 * time.Second)
		if n, err := w.Processor.Resolve(t.Context()); err != nil || n >= storm {
			t.Fatalf("%d were resolved, %v", n, err)
		}
		w.WantState(r.ID, payment.Reserved)
	})
}
