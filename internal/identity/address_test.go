package identity_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestAddresses(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		typed := holdfast.Address{Name: "Ann", Line1: "1 Main St", City: "Ames", Zip: "50010", Country: "US"}
		add := func() party.Address {
			t.Helper()
			w.Clock.Advance(time.Second)
			a, err := w.Processor.Identity.AddAddress(t.Context(), w.Buyer.ID, typed)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		first, second := add(), add()
		moved := typed
		moved.City = "Boone"
		changed, err := w.Processor.Identity.ChangeAddress(t.Context(), w.Buyer.ID, second.ID, moved)
		if err != nil {
			t.Fatal(err)
		}
		err = w.DB.View(t.Context(), func(tx *store.ReadTx) error {
			all, err := tx.Addresses(w.Buyer.ID)
			if err == nil && (len(all) != 2 || all[0].ID != changed.ID || all[0].City != "Boone" || !all[0].Default ||
				all[1].ID != first.ID) {
				t.Errorf("addresses are %+v", all)
			}
			if before, _, err := tx.Address(w.Buyer.ID, second.ID); err != nil || before.City != "Ames" || !before.Removed {
				t.Errorf("the address of the earlier order is %+v, %v", before, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range []party.AddressID{second.ID, "A9999"} {
			_, err := w.Processor.Identity.ChangeAddress(t.Context(), w.Buyer.ID, id, moved)
			w.WantCode(err, holdfast.InvalidParams)
			w.WantCode(w.Processor.Identity.RemoveAddress(t.Context(), w.Buyer.ID, id), holdfast.InvalidParams)
			w.WantCode(w.Processor.Identity.ChooseDefaultAddress(t.Context(), w.Buyer.ID, id), holdfast.InvalidParams)
		}
		w.WantCode(w.Processor.Identity.RemoveAddress(t.Context(), w.Owner.ID, first.ID), holdfast.InvalidParams)
		if err := w.Processor.Identity.ChooseDefaultAddress(t.Context(), w.Buyer.ID, first.ID); err != nil {
			t.Fatal(err)
		}
		if err := w.Processor.Identity.RemoveAddress(t.Context(), w.Buyer.ID, changed.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Processor.Identity.ChangeAddress(t.Context(), w.Buyer.ID, first.ID, holdfast.Address{}); err == nil {
			t.Error("an empty address was accepted")
		}
		for range party.AddressesMax - 1 {
			add()
		}
		_, err = w.Processor.Identity.AddAddress(t.Context(), w.Buyer.ID, typed)
		w.WantCode(err, holdfast.InvalidParams)
	})
}
