package processor_test

import (
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A caller gets its first key while a card network is being asked. The feed tells
// what the question is about, and then its outcome.
func TestTheFirstKeyDuringAQuestion(t *testing.T) {
	for _, row := range []struct {
		name, want string
		step       payment.Step
		ask        func(*holdfasttest.World, holdfast.TransactionID) (payment.Transaction, error)
	}{
		{"a Reserve", "hold.pending hold.held", payment.StepAuthorize, func(
			w *holdfasttest.World, _ holdfast.TransactionID,
		) (payment.Transaction, error) {
			return w.Reserve(w.Authorize("20.00"), "20.00", "order-2")
		}},
		{"a Pay", "payment.pending payment.succeeded", payment.StepCharge, func(
			w *holdfasttest.World, _ holdfast.TransactionID,
		) (payment.Transaction, error) {
			return w.Pay(w.Authorize("20.00"), "20.00", "order-2")
		}},
		{"a Settle", "hold.settling hold.settled", payment.StepCapture, func(
			w *holdfasttest.World, held holdfast.TransactionID,
		) (payment.Transaction, error) {
			return w.Settle(held, "12.50")
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				w := holdfasttest.NewWorld(t, db)
				held := w.Reserved("20.00", "order-1")
				answer, asking := make(chan struct{}), make(chan struct{})
				w.Network.Next(holdfasttest.Reply{Step: row.step, Wait: answer})
				w.Unchecked = true
				var once sync.Once
				w.Processor.Hook = func(string) { once.Do(func() { close(asking) }) }
				var acting sync.WaitGroup
				var done payment.Transaction
				var failed error
				acting.Go(func() { done, failed = row.ask(w, held.ID) })
				<-asking
				_, _, err := w.Processor.AddKey(t.Context(), w.Shop.ID, processor.NewKey{
					Name: "till", Scopes: party.Scopes(party.ScopeRead),
				})
				close(answer)
				acting.Wait()
				if err != nil || failed != nil {
					t.Fatalf("adding a key: %v; %s: %v", err, row.name, failed)
				}
				all := w.Feed()
				holdfasttest.CheckFeed(t, all)
				if got := toldOf(all, string(done.ID)); got != row.want {
					t.Errorf("the feed tells %q, want %q", got, row.want)
				}
				w.CheckBooks()
			})
		})
	}
}
