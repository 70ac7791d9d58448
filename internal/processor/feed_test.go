package processor_test

import (
	"fmt"
	"strings"
	"sync"
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

// toldOf lists the types of the events about an object.
func toldOf(all []payment.Event, object string) string {
	var types []string
	for _, e := range all {
		if e.ObjectID == object {
			types = append(types, string(e.Type))
		}
	}
	return strings.Join(types, " ")
}

// Each object tells what happens to it, in order.
func TestWhatIsTold(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.StartEvents()
		want := map[string]string{}
		hold := func(ref holdfast.CallerReference) payment.Transaction {
			r := w.Reserved("20.00", ref)
			want[string(r.Token)] = "token.created token.used"
			return r
		}
		settled := hold("settled")
		done(w.Settle(settled.ID, "12.50"))(t)
		want[string(settled.ID)] = "hold.pending hold.held hold.settling hold.settled hold.refunded"
		refund := done(w.Refund(settled.ID, "2.50", "back"))(t)
		want[string(refund.ID)] = "refund.pending refund.succeeded"
		released := hold("released")
		done(w.Cancel(released.ID))(t)
		want[string(released.ID)] = "hold.pending hold.held hold.released"
		w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied})
		declined := done(w.Reserve(w.Authorize("5.00"), "5.00", "declined"))(t)
		want[string(declined.ID)], want[string(declined.Token)] = "hold.pending hold.declined", "token.created token.used"
		failed := hold("failed")
		w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: holdfast.CodeTransactionDenied})
		done(w.Settle(failed.ID, ""))(t)
		want[string(failed.ID)] = "hold.pending hold.held hold.settling hold.settle_failed"
		paid := w.Paid("3.00", "paid")
		want[string(paid.ID)], want[string(paid.Token)] = "payment.pending payment.succeeded", "token.created token.used"
		gone := w.Authorize("1.00")
		if err := w.Processor.CancelToken(t.Context(), w.Shop, holdfast.CancelTokenRequest{TokenID: gone}); err != nil {
			t.Fatal(err)
		}
		want[string(gone)] = "token.created token.cancelled"
		lapsed := hold("lapsed")
		w.Clock.Advance(30 * 24 * time.Hour)
		if _, err := w.Processor.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		want[string(lapsed.ID)] = "hold.pending hold.held" + strings.Repeat(" hold.deadline_near", 4) + " hold.expired"

		all := w.Feed()
		holdfasttest.CheckFeed(t, all)
		got := map[string]string{}
		for _, e := range all {
			got[e.ObjectID] = toldOf(all, e.ObjectID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		for _, of := range []payment.Transaction{settled, refund, released, declined, failed, paid, lapsed} {
			checkTold(t, all, w.Transaction(of.ID))
		}
	})
}

func done[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// A caller without a key or an endpoint of the JSON API has no events.
func TestNobodyToTell(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		r := w.Reserved("20.00", "before")
		if all := w.Feed(); len(all) != 0 {
			t.Errorf("there are %d events", len(all))
		}
		w.StartEvents()
		done(w.Settle(r.ID, ""))(t)
		all := w.Feed()
		holdfasttest.CheckFeed(t, all)
		if got, want := toldOf(all, string(r.ID)), "hold.settling hold.settled"; got != want {
			t.Errorf("a hold from before tells %q, want %q", got, want)
		}
	})
}

// An event that is not a step of its transaction counts with the others. If it is
// written while a network is being asked, the outcome is written all the same, with
// the next number.
func TestAnEventBetweenIntentAndOutcome(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.StartEvents()
		answer := make(chan struct{})
		w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Wait: answer})
		token := w.Authorize("20.00")
		w.Unchecked = true
		var reserving sync.WaitGroup
		var held payment.Transaction
		var failed error
		asking := make(chan struct{})
		var once sync.Once
		w.Processor.Hook = func(string) { once.Do(func() { close(asking) }) }
		reserving.Go(func() { held, failed = w.Reserve(token, "20.00", "order-1") })
		<-asking
		var id holdfast.TransactionID
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			r, _, err := tx.Request(w.Shop.ID, "order-1")
			if err != nil {
				return err
			}
			id = r.Transaction
			of, _, err := tx.Transaction(w.Shop.ID, id)
			if err != nil {
				return err
			}
			return tx.AddTransactionEvent(&of, payment.Event{
				Type: payment.EventHoldDeadlineNear, At: w.CallerNow(), Data: `{"threshold":"1h"}`,
			}, w.Clock.Now())
		})
		close(answer)
		reserving.Wait()
		if err != nil || failed != nil || held.State != payment.Reserved {
			t.Fatalf("the Reserve is %s: %v, %v", held.State, err, failed)
		}
		all := w.Feed()
		holdfasttest.CheckFeed(t, all)
		if got, want := toldOf(all, string(id)), "hold.pending hold.deadline_near hold.held"; got != want {
			t.Errorf("the hold tells %q, want %q", got, want)
		}
	})
}

// Two servers carry out actions of one caller at the same time, and both give
// events their positions. Every object tells all of its states in order.
func TestTwoServersTell(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Unchecked = true
			w.StartEvents()
			other := *w
			other.DB = holdfasttest.Open(t, at)
			other.Processor = processor.New(other.DB, w.Processor.Config)
			t.Cleanup(other.Processor.Close)
			tokens := make([]holdfast.TokenID, 40)
			for i := range tokens {
				tokens[i] = w.Authorize("5.00")
			}
			var running sync.WaitGroup
			for n := range 4 {
				server := []*holdfasttest.World{w, &other}[n%2]
				running.Go(func() {
					for i := n; i < len(tokens); i += 4 {
						ref := holdfast.CallerReference(fmt.Sprint("order-", i))
						r, err := server.Reserve(tokens[i], "5.00", ref)
						if err == nil && i%3 == 0 {
							_, err = server.Settle(r.ID, "4.00")
						}
						if err == nil {
							_, err = server.Processor.PlaceEvents(t.Context())
						}
						if err != nil {
							t.Error(err)
						}
					}
				})
			}
			running.Wait()
			all := w.Feed()
			holdfasttest.CheckFeed(t, all)
			types := map[payment.EventType]int{}
			for _, e := range all {
				types[e.Type]++
			}
			if diff := cmp.Diff(map[payment.EventType]int{
				payment.EventTokenCreated: 40, payment.EventTokenUsed: 40, payment.EventHoldPending: 40, payment.EventHoldHeld: 40,
				payment.EventHoldSettling: 14, payment.EventHoldSettled: 14,
			}, types); diff != "" {
				t.Error(diff)
			}
			w.CheckBooks()
		})
	}
}

// The first key gives its caller events.
func TestAKeyStartsEvents(t *testing.T) {
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t)))
	if _, _, err := w.Processor.AddKey(t.Context(), w.Shop.ID, processor.NewKey{
		Name: "till", Scopes: party.Scopes(party.ScopeRead),
	}); err != nil {
		t.Fatal(err)
	}
	r := w.Reserved("5.00", "order-1")
	if got, want := toldOf(w.Feed(), string(r.ID)), "hold.pending hold.held"; got != want {
		t.Errorf("the hold tells %q, want %q", got, want)
	}
}
