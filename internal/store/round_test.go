package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The writes of an action that runs alone are delayed until they are needed.
// The action does not notice: it reads its own writes with every kind of
// statement.
func TestAnActionReadsWhatItWrote(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		shop := party.Caller{ID: "C1", Owner: "P1", Name: "Shop", Sandbox: true, Created: holdfasttest.Start}
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertCaller(shop) }); err != nil {
			t.Fatal(err)
		}
		remember := func(tx *store.Tx, ref holdfast.CallerReference, id holdfast.TransactionID) error {
			return tx.RememberRequest(payment.Request{
				Caller: "C1", Reference: ref, Transaction: id, Received: holdfasttest.Start,
			})
		}
		var clock party.Caller
		var twice, moved payment.Request
		const back = 10 * 24 * time.Hour
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			c, _, err := tx.Caller("C1")
			c.ClockOffset = time.Hour
			err = errors.Join(err, tx.UpdateCaller(c))
			clock, _, _ = tx.Caller("C1")
			err = errors.Join(err, remember(tx, "order-1", "T1"), remember(tx, "order-1", "T2"))
			twice, _, _ = tx.Request("C1", "order-1")
			err = errors.Join(err, remember(tx, "order-2", "T3"),
				tx.KeepForgotten("C1", holdfasttest.Start.Add(payment.ReferenceLife), holdfasttest.Start.Add(-back)))
			moved, _, _ = tx.Request("C1", "order-2")
			return errors.Join(err, remember(tx, "order-3", "T4"))
		})
		if err != nil {
			t.Fatal(err)
		}
		if clock.ClockOffset != time.Hour {
			t.Errorf("after a statement of its own it reads the caller's clock as %v", clock.ClockOffset)
		}
		if twice.Transaction != "T2" {
			t.Errorf("written twice, the request reads %q", twice.Transaction)
		}
		if want := holdfasttest.Start.Add(-back - payment.ReferenceLife); !moved.Received.Equal(want) {
			t.Errorf("a statement of its own left the request at %v, want %v", moved.Received, want)
		}
		for ref, want := range map[holdfast.CallerReference]holdfast.TransactionID{
			"order-1": "T2", "order-2": "T3", "order-3": "T4",
		} {
			err := db.View(t.Context(), func(tx *store.ReadTx) error {
				r, _, err := tx.Request("C1", ref)
				if r.Transaction != want {
					t.Errorf("afterwards %s is %q, want %q", ref, r.Transaction, want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
