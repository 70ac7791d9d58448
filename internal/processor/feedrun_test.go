package processor_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var feedRuns = flag.Int("feed-runs", 3, "seeded runs of a receiver of a whole server's events, on each database")

// A follower keeps the state of objects from events, however they come.
type follower struct {
	seen  map[string]int
	state map[string]string
	next  payment.EventCursor
}

func (f *follower) take(e payment.Event) (ok bool) {
	if e.Seq > f.seen[e.ObjectID]+1 {
		return false
	}
	if e.Seq == f.seen[e.ObjectID]+1 {
		f.seen[e.ObjectID], f.state[e.ObjectID] = e.Seq, e.Data
	}
	return true
}

// read reads the next page of the feed, and reports whether there may be more.
func (f *follower) read(w *holdfasttest.World, limit int) (more bool) {
	w.T.Helper()
	var page store.EventPage
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		page, err = tx.Events(w.Shop.ID, store.EventQuery{After: f.next, Limit: limit})
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	for _, e := range page.Events {
		if !f.take(e) {
			w.T.Errorf("the feed has %s too early", e.ID)
		}
	}
	f.next = page.Next
	return page.More
}

// A caller does at random what it may do, and hears of it at random: events come
// late, twice, in another order or not at all. When it has read the feed to its end,
// it knows the state of everything.
func TestAFollowerOfAWholeServer(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.StartEvents()
		f := &follower{seen: map[string]int{}, state: map[string]string{}}
		var all []holdfast.TransactionID
		for seed := range *feedRuns {
			random := rand.New(rand.NewPCG(uint64(seed), 18))
			for step := range 25 {
				all = append(all, actAtRandom(w, random, all, fmt.Sprintf("run-%d-%d", seed, step))...)
				heard := w.Feed()
				for range random.IntN(4) * min(len(heard), 1) {
					f.take(heard[random.IntN(len(heard))])
				}
				if random.IntN(3) == 0 {
					f.read(w, 1+random.IntN(5))
				}
			}
			if _, err := w.Processor.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
			heard := w.Feed()
			for f.read(w, 10) {
			}
			holdfasttest.CheckFeed(t, heard)
			for _, id := range all {
				now := w.Transaction(id)
				if got, want := f.state[string(id)], now.EventData(); got != want {
					t.Errorf("seed %d: the follower has %s, the server %s", seed, got, want)
				}
			}
		}
	})
}

// actAtRandom does one thing, and returns the transaction that it made, if it made
// one.
func actAtRandom(
	w *holdfasttest.World, random *rand.Rand, all []holdfast.TransactionID, ref string,
) (made []holdfast.TransactionID) {
	w.T.Helper()
	if random.IntN(5) == 0 {
		steps := []payment.Step{payment.StepAuthorize, payment.StepCapture, payment.StepCharge, payment.StepReturn}
		w.Network.Next(holdfasttest.Reply{Step: steps[random.IntN(len(steps))], Decline: holdfast.CodeTransactionDenied})
	}
	reference := holdfast.CallerReference(ref)
	var t payment.Transaction
	var err error
	switch about := random.IntN(7); {
	case about < 2 || len(all) == 0:
		t, err = w.Reserve(w.Authorize("9.00"), "9.00", reference)
	case about == 2:
		t, err = w.Pay(w.Authorize("4.00"), "4.00", reference)
	case about == 3:
		_, err = w.Settle(all[random.IntN(len(all))], fmt.Sprintf("%d.50", 1+random.IntN(9)))
	case about == 4:
		_, err = w.Cancel(all[random.IntN(len(all))])
	case about == 5:
		t, err = w.Refund(all[random.IntN(len(all))], "0.75", reference)
	default:
		w.Clock.Advance(time.Duration(random.IntN(60)) * time.Hour)
		_, err = w.Processor.Sweep(w.T.Context())
	}
	if err != nil || t.ID == "" { // a refusal
		return nil
	}
	return []holdfast.TransactionID{t.ID}
}
