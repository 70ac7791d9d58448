package processor_test

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
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

// holdOnPage writes a hold that the buyer placed on a page, and its token.
func holdOnPage(w *holdfasttest.World, value string) (payment.PageHold, holdfast.TokenID) {
	w.T.Helper()
	token := w.Authorize(value)
	h := payment.PageHold{
		ID: payment.PageHoldID(w.IDs.Other("H")), Caller: w.Shop.ID, Visit: "V1", Party: w.Buyer.ID, Instrument: w.Card.ID,
		Account: holdfasttest.AccountID, Token: token, Amount: holdfasttest.USD(value), Reference: "pi_page",
		HoldUntil: w.CallerNow().Add(7 * 24 * time.Hour), State: payment.PageHoldHeld,
		NextAt: w.Clock.Now().Add(3 * time.Hour), Created: w.Clock.Now(),
	}
	err := w.DB.Update(w.T.Context(), func(tx *store.Tx) error { return tx.InsertPageHold(h) })
	if err != nil {
		w.T.Fatal(err)
	}
	return h, token
}

func pageHold(w *holdfasttest.World, id payment.PageHoldID) (h payment.PageHold) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		h, _, err = tx.PageHold(id)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return h
}
