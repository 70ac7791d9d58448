package payment_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var eventRuns = flag.Int("event-runs", 10_000, "seeded runs of lost, doubled and reordered events")

// A receiver keeps the state of objects from events, however they come. It is
// what a caller's program should do: it remembers the last number of each object,
// and an event that comes too early is forgotten, because the feed has it, too.
type receiver struct {
	seen   map[string]int
	state  map[string]string
	cursor int // in the feed
}

func newReceiver() *receiver { return &receiver{seen: map[string]int{}, state: map[string]string{}} }

// take takes an event that came by webhook or from the feed. ok is false if an
// earlier event of its object is missing: then the answer is "not yet".
func (r *receiver) take(e payment.Event) (ok bool) {
	switch last := r.seen[e.ObjectID]; {
	case e.Seq <= last:
		return true // it has come before
	case e.Seq > last+1:
		return false
	}
	r.seen[e.ObjectID], r.state[e.ObjectID] = e.Seq, e.Data
	return true
}

// read reads the feed on from the cursor, a page of some events.
func (r *receiver) read(t *testing.T, feed []payment.Event, page int) {
	t.Helper()
	for _, e := range feed[r.cursor:min(r.cursor+page, len(feed))] {
		if !r.take(e) {
			t.Errorf("the feed has %s before an earlier event of its object", e.ID)
		}
		r.cursor++
	}
}

// A history makes changes of some objects at random, as the server does: every
// object has one change after the other, and the commits of different objects
// become visible in any order.
type history struct {
	random  *rand.Rand
	objects []payment.Transaction
	waiting []payment.Event // without a position
	feed    []payment.Event
	state   map[string]string
}

var kindsTold = []payment.Kind{payment.KindReserve, payment.KindPay, payment.KindRefund}

func newHistory(random *rand.Rand) *history {
	h := &history{random: random, state: map[string]string{}}
	for i := range 2 + random.IntN(4) {
		h.objects = append(h.objects, noMoney(payment.Transaction{
			ID: holdfast.TransactionID(fmt.Sprint("T", i)), Caller: "C1", Kind: kindsTold[random.IntN(len(kindsTold))], State: payment.None,
			Amount: money.Cents(int64(100 + i)),
		}))
	}
	return h
}

// change takes a random step of a random object. It reports whether one was
// possible.
func (h *history) change() bool {
	t := &h.objects[h.random.IntN(len(h.objects))]
	var steps []payment.Verb
	for _, v := range payment.Verbs {
		if to, ok := t.State.After(v); ok && to != t.State && t.Kind.May(v) {
			steps = append(steps, v)
		}
	}
	if len(steps) == 0 {
		return false
	}
	c := payment.Change{Before: *t, After: *t, Verb: steps[h.random.IntN(len(steps))], At: eventStart}
	c.After.State, _ = t.State.After(c.Verb)
	if c.After.State == payment.Success && t.Kind == payment.KindReserve {
		c.After.Settled = t.Amount
	}
	e, _ := c.Event()
	c.After.Events++
	e.Seq = c.After.Events
	*t = c.After
	h.waiting, h.state[e.ObjectID] = append(h.waiting, e.Named()), e.Data
	return true
}

// place gives positions to some of the waiting events. Those of the other objects
// are committed late.
func (h *history) place(all bool) {
	late := map[string]bool{}
	if !all {
		late[string(h.objects[h.random.IntN(len(h.objects))].ID)] = true
	}
	h.waiting = slices.DeleteFunc(h.waiting, func(e payment.Event) bool {
		if late[e.ObjectID] {
			return false
		}
		e.Position = int64(len(h.feed) + 1)
		h.feed = append(h.feed, e)
		return true
	})
}

// However events are lost, doubled and reordered on their way, a receiver that
// reads the feed to its end has the state of the server. It needs the feed only:
// webhooks make it quicker.
func TestReceiversEndWithTheServersState(t *testing.T) {
	for seed := range *eventRuns {
		random := rand.New(rand.NewPCG(uint64(seed), 16))
		h, r := newHistory(random), newReceiver()
		var inFlight []payment.Event
		for range 12 + random.IntN(12) {
			h.change()
			placed := len(h.feed)
			h.place(random.IntN(3) > 0)
			inFlight = append(inFlight, h.feed[placed:]...)
			inFlight = deliver(random, inFlight, r)
			if random.IntN(4) == 0 {
				r.read(t, h.feed, 1+random.IntN(4))
			}
			if random.IntN(8) == 0 && r.cursor > 0 { // it crashed after it took a page, before it stored the cursor
				r.cursor -= min(r.cursor, random.IntN(3))
			}
		}
		h.place(true)
		r.read(t, h.feed, len(h.feed))
		for object, want := range h.state {
			if got := r.state[object]; got != want {
				t.Errorf("seed %d: the receiver has %s, the server %s", seed, got, want)
			}
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// deliver loses, doubles and reorders events on their way, and returns those that
// are still under way.
func deliver(random *rand.Rand, all []payment.Event, r *receiver) (left []payment.Event) {
	random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	for _, e := range all {
		switch random.IntN(5) {
		case 0: // lost
		case 1: // late
			left = append(left, e)
		case 2:
			r.take(e)
			left = append(left, e) // comes once more
		default:
			if !r.take(e) {
				left = append(left, e) // tried again
			}
		}
	}
	return left
}

// A receiver that trusts a feed by the time of the events, and not by their
// places, loses events that are committed late. So the runs can find that fault.
func TestAFeedByTimeLosesEvents(t *testing.T) {
	wrong := 0
	for seed := range 200 {
		random := rand.New(rand.NewPCG(uint64(seed), 17))
		h, r := newHistory(random), newReceiver()
		var committed []payment.Event
		last := 0 // the newest event that was read
		drawn := map[payment.EventID]int{}
		for range 20 {
			if h.change() {
				e := h.waiting[len(h.waiting)-1]
				drawn[e.ID] = len(drawn) + 1
			}
			placed := len(h.feed)
			h.place(random.IntN(3) > 0)
			committed = append(committed, h.feed[placed:]...)
			slices.SortFunc(committed, func(a, b payment.Event) int { return drawn[a.ID] - drawn[b.ID] })
			for _, e := range committed {
				if drawn[e.ID] > last {
					r.take(e)
					last = drawn[e.ID]
				}
			}
		}
		h.place(true)
		for object, want := range h.state {
			if r.state[object] != want {
				wrong++
			}
		}
	}
	if wrong == 0 {
		t.Error("no event was committed late")
	}
}
