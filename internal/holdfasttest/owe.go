package holdfasttest

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Owe adds payments of the shop whose notifications are due at a time of the
// shop's clock. The payments have no requests and wait for a network that nobody
// asks, so the books are not checked.
func (w *World) Owe(count int, due time.Time) {
	w.T.Helper()
	w.Unchecked = true
	t := payment.Transaction{
		Caller: w.Shop.ID, Kind: payment.KindPay, Sender: w.Buyer.ID, Recipient: w.Owner.ID, Owner: w.Owner.ID,
		Method: holdfast.MethodCC, FeeBy: holdfast.RoleRecipient, State: payment.Pending,
		StatusCode: holdfast.CodePendingNetworkResponse, Amount: USD("25.00"), Received: due,
	}
	n := store.Notification{About: store.AboutTransaction, Caller: w.Shop.ID, NextAt: due}
	w.must("adding notifications", w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		for range count {
			t.ID = w.IDs.Transaction()
			n.Transaction = t.ID
			c := payment.Change{Before: payment.Transaction{State: payment.None}, After: t, Verb: payment.VerbPay, At: due}
			if err := tx.Record(&c, store.Recording{Notification: &n, NextAsk: due}); err != nil {
				return err
			}
		}
		return nil
	}))
}
