package store_test

import (
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A decision that reads a balance and spends nothing conflicts with a decision
// that spends.
func TestABalanceThatWasReadIsNotSpentMeanwhile(t *testing.T) {
	address := holdfasttest.PostgresAddress(t)
	db := holdfasttest.Open(t, address)
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Deposit(w.Buyer.ID, "10.00")
	for _, want := range []int64{6_000_000, 2_000_000} { // the first decision creates the gate, the second one finds it
		token := w.AuthorizeWith(w.Balance(), "4.00")
		pay := sync.OnceFunc(func() {
			if _, err := w.Pay(token, "4.00", holdfast.CallerReference(token)); err != nil {
				t.Errorf("paying: %v", err)
			}
		})
		var saw int64
		err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
			if saw, err = tx.AccountBalance(ledger.Party(string(w.Buyer.ID)), true); err != nil {
				return err
			}
			pay()
			return tx.SetLanguage(w.Owner.ID, "de")
		})
		if err != nil || saw != want {
			t.Errorf("it saw %d and ended with %v, want %d", saw, err, want)
		}
	}
}

// Within one commit, too, a decision that reads a balance sees what earlier
// actions spent.
func TestABalanceThatWasReadIsNotSpentInTheSameCommit(t *testing.T) {
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t)))
	w.Deposit(w.Buyer.ID, "10.00")
	token := w.AuthorizeWith(w.Balance(), "4.00")
	letGo := occupied(t, w.DB)
	var wait sync.WaitGroup
	wait.Go(func() {
		_, err := w.Processor.Pay(t.Context(), w.Shop, holdfast.PayRequest{
			SenderTokenID: token, TransactionAmount: holdfasttest.USD("4.00"), CallerReference: "order",
		})
		if err != nil {
			t.Errorf("paying: %v", err)
		}
	})
	store.WaitForQueue(w.DB, 1)
	var saw int64
	wait.Go(func() {
		err := w.DB.Update(t.Context(), func(tx *store.Tx) (err error) {
			saw, err = tx.AccountBalance(ledger.Party(string(w.Buyer.ID)), true)
			return err
		})
		if err != nil {
			t.Errorf("reading: %v", err)
		}
	})
	store.WaitForQueue(w.DB, 2)
	letGo()
	wait.Wait()
	if saw != 6_000_000 {
		t.Errorf("it saw %d, want the balance after the payment", saw)
	}
}
