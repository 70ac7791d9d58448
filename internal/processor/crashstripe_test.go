package processor_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/cardtest"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// dyingAtStripe is the network of a child whose shop has an account at the fake
// of Stripe. The child dies when the answer to request n is there ("answered-n"),
// or when its network has answered (pointAsked).
func dyingAtStripe(db *store.DB, point string) card.Network {
	var last int
	if _, err := fmt.Sscanf(point, "answered-%d", &last); err != nil {
		last = -1
	}
	now := func() time.Time { return holdfasttest.Start.Add(time.Minute) }
	return dying{cardtest.Router(db, now, &dyingWire{last: last}), point == pointAsked}
}

type dying struct {
	card.Network
	dies bool
}

func (n dying) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	answer, err := n.Network.Ask(ctx, q)
	if n.dies {
		kill()
	}
	return answer, err
}

// A dyingWire kills the process when it has the answer to its last request.
type dyingWire struct {
	mu   sync.Mutex
	sent int
	last int
}

func (w *dyingWire) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := http.DefaultTransport.RoundTrip(r)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.sent++; w.sent == w.last {
		kill()
	}
	return answer, err
}

// N8, S1 and the others: every action with a card is killed at Stripe at every
// point between its intent and its outcome: before the first request, after each
// of its requests, after the answer, and after the outcome. Then the keys may be
// forgotten. There is one effect at the end.
func TestN8KilledInTheMiddleAtStripe(t *testing.T) {
	requests := map[string]int{"Reserve": 2, "Pay by card": 2, "Settle": 1, "Cancel": 1, "Refund to a card": 1}
	for _, action := range moneyActions {
		count, there := requests[action.name]
		if !there {
			continue
		}
		delete(requests, action.name)
		points := []string{processor.PointIntent}
		for n := range count {
			points = append(points, fmt.Sprintf("answered-%d", n+1))
		}
		if points = append(points, pointAsked); action.verb != "Cancel" {
			points = append(points, processor.PointOutcome)
		}
		for i, point := range points {
			for name, address := range holdfasttest.Addresses(t) {
				forgets := i%2 == 1
				t.Run(fmt.Sprintf("%s at %s on %s, keys forgotten %v", action.name, point, name, forgets), func(t *testing.T) {
					t.Parallel()
					crashAtStripe(t, action, point, address(t), forgets)
				})
			}
		}
	}
	if len(requests) > 0 {
		t.Errorf("there are no actions %v", requests)
	}
}

func crashAtStripe(t *testing.T, action moneyAction, point, address string, forgets bool) {
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Processor.Wait = time.Minute
	b, fake := cardtest.AtFake(t, w)
	ready := action.prepare(w)
	killInChild(w, action.verb, point, address, "", ready.request)
	w.Clock.Advance(10 * time.Minute)
	if forgets {
		w.Clock.Advance(25 * time.Hour)
		fake.ForgetKeys()
	}
	for range 3 {
		later(w)
	}
	again, err := action.ask(w, ready.request)
	if action.verb == "Cancel" {
		w.WantCode(err, holdfast.InvalidTransactionState)
		again = w.Transaction(ready.about)
	} else if err != nil {
		t.Fatalf("asking again: %v", err)
	}
	if again.State != action.ends || again.Asking != "" {
		t.Fatalf("asking again: %s, asking %q; want %s", again.State, again.Asking, action.ends)
	}
	w.CheckBooks()
	held, taken, returned := 0, holdfasttest.USD("0.00"), holdfasttest.USD("0.00")
	switch action.name {
	case "Reserve":
		held = 1
	case "Pay by card", "Settle":
		taken = holdfasttest.USD("42.50")
	case "Cancel":
		taken = holdfasttest.USD("1.00") // another payment of its preparation
	case "Refund to a card":
		taken, returned = holdfasttest.USD("42.50"), again.Amount
	}
	if got := b.Held(); len(got) != held || b.Taken() != taken || b.Returned() != returned {
		t.Errorf("held %v, taken %v, returned %v", got, b.Taken(), b.Returned())
	}
	for _, fault := range b.Faults() {
		t.Errorf("the fake says: %s", fault)
	}
}

// Ends of a Reserve that hold nothing, also if the server is killed at each point
// before them.
var endsWithoutHold = map[string]struct {
	before func(w *holdfasttest.World, fake *stripefake.Server)
	after  func(w *holdfasttest.World, id holdfast.TransactionID)
	ends   payment.State
}{
	"N2 declined": {func(_ *holdfasttest.World, fake *stripefake.Server) {
		fake.DeclineNext(stripefake.Decline{DeclineCode: "insufficient_funds"})
	}, nil, payment.Failure},
	"N6 cancelled meanwhile": {nil, func(w *holdfasttest.World, id holdfast.TransactionID) {
		if _, err := w.Cancel(id); err != nil {
			w.T.Fatal(err)
		}
	}, payment.Cancelled},
	"N12 held for too short": {func(w *holdfasttest.World, fake *stripefake.Server) {
		until := w.Clock.Now().Add(time.Hour + time.Minute).Unix()
		fake.Set(func(s *stripefake.Settings) {
			s.Alter = func(_ *http.Request, answer map[string]any) { holdUntil(answer, until) }
		})
	}, nil, payment.Failure},
}

// holdUntil changes the end of each hold in an answer.
func holdUntil(answer map[string]any, until int64) {
	text, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	text = captureBefore.ReplaceAll(text, fmt.Appendf(nil, `"capture_before":%d`, until))
	if err := json.Unmarshal(text, &answer); err != nil {
		panic(err)
	}
}

var captureBefore = regexp.MustCompile(`"capture_before":[0-9]+`)

func TestN2N6N12KilledInTheMiddleAtStripe(t *testing.T) {
	points := []string{processor.PointIntent, "answered-1", "answered-2", pointAsked}
	for name, end := range endsWithoutHold {
		for i, point := range points {
			for database, address := range holdfasttest.Addresses(t) {
				t.Run(name+" at "+point+" on "+database, func(t *testing.T) {
					t.Parallel()
					at := address(t)
					w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
					b, fake := cardtest.AtFake(t, w)
					if end.before != nil {
						end.before(w, fake)
					}
					ready := moneyActions[0].prepare(w)
					killInChild(w, "Reserve", point, at, "", ready.request)
					r, err := moneyActions[0].ask(w, ready.request)
					if err != nil || r.State != payment.Pending {
						t.Fatalf("asking again: %+v, %v", r, err)
					}
					if end.after != nil {
						end.after(w, r.ID)
					}
					if w.Clock.Advance(2 * time.Minute); i%2 == 1 {
						w.Clock.Advance(25 * time.Hour)
						fake.ForgetKeys()
					}
					for range 5 {
						later(w)
					}
					w.WantState(r.ID, end.ends)
					if end.ends == payment.Cancelled || name == "N12 held for too short" {
						decided(w, r.ID, payment.StepRelease)
					}
					if held := b.Held(); len(held) != 0 || b.Taken().Micro != 0 {
						t.Errorf("held %v, taken %v", held, b.Taken())
					}
					for _, pi := range fake.Objects("payment_intent") {
						if n := fake.Attempts(pi["id"].(string)); n > 1 {
							t.Errorf("the card was tried %d times", n)
						}
					}
				})
			}
		}
	}
}
