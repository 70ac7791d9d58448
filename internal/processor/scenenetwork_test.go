package processor_test

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func backlogOf(w *holdfasttest.World) (b store.Backlog) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		b, err = tx.Backlog(w.Clock.Now())
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return b
}

// owedOf counts the notifications of a transaction that were written.
func owedOf(w *holdfasttest.World, id holdfast.TransactionID) (n int) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Notifications(w.Shop.ID, string(id))
		n = len(all)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return n
}
