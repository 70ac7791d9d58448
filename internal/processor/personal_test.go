package processor_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Personal data is exported whole and erased whole, and the payments stay.
func TestPersonalData(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		paid := w.Paid("12.00", "order-1")
		held := w.Reserved("30.00", "order-2")
		open := w.Authorize("5.00")
		p, ctx := w.Processor, t.Context()

		exported := func() (text string, all map[string]any) {
			t.Helper()
			var to bytes.Buffer
			if err := p.ExportParty(ctx, w.Buyer.ID, &to); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(to.Bytes(), &all); err != nil {
				t.Fatalf("the export is no JSON: %v\n%s", err, to.String())
			}
			return to.String(), all
		}
		text, all := exported()
		for _, want := range []string{"Ann Buyer", "ann@example.test", "4242", string(paid.ID), string(held.ID)} {
			if !strings.Contains(text, want) {
				t.Errorf("the export lacks %s:\n%s", want, text)
			}
		}
		if n := len(all["paid"].([]any)); n != 2 { //nolint:forcetypeassert // the export has lists
			t.Errorf("the export has %d payments", n)
		}
		if strings.Contains(text, w.Buyer.PasswordHash) || strings.Contains(text, string(open)) {
			t.Error("the export has a password hash or the id of a token")
		}

		err := p.EraseParty(ctx, w.Buyer.ID)
		refused, ok := errors.AsType[*payment.EraseError](err)
		if !ok || len(refused.Obstacles) != 1 || refused.Obstacles[0].Object != string(held.ID) ||
			!refused.Obstacles[0].Until.Equal(held.Deadline) {
			t.Fatalf("with an open hold, it is %v", err)
		}
		if _, err := w.Cancel(held.ID); err != nil {
			t.Fatal(err)
		}
		if err := p.EraseParty(ctx, w.Buyer.ID); err != nil {
			t.Fatal(err)
		}
		text, _ = exported()
		for _, gone := range []string{"Ann", "ann@example", "4242"} {
			if strings.Contains(text, gone) {
				t.Errorf("after the erasure, the export has %s:\n%s", gone, text)
			}
		}
		if !strings.Contains(text, string(paid.ID)) {
			t.Error("after the erasure, the payment is gone")
		}
		if _, err := w.Reserve(open, "5.00", "order-3"); err == nil {
			t.Error("an erased party pays")
		}
		err = p.EraseParty(ctx, w.Buyer.ID)
		if !errors.As(err, &refused) || refused.Obstacles[0].Why != payment.ObstacleErased {
			t.Errorf("the second erasure is %v", err)
		}
		if err := p.EraseParty(ctx, w.Owner.ID); !errors.As(err, &refused) || len(refused.Obstacles) != 2 ||
			refused.Obstacles[0].Why != payment.ObstacleBalance || refused.Obstacles[1].Why != payment.ObstacleCaller {
			t.Errorf("the erasure of a caller's owner is %v", err)
		}
		w.CheckBooks()
		wantFound(t, db, w.Owner)
	})
}

// wantFound fails the test unless a party is found by its address, by its id and in
// the list.
func wantFound(t *testing.T, db *store.DB, want party.Party) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.ReadTx) error {
		for _, text := range []string{strings.ToUpper(want.Email), string(want.ID)} {
			found, err := tx.FindParties(text, 10)
			if err != nil || len(found) != 1 || found[0].ID != want.ID {
				t.Errorf("%s finds %v, %v", text, found, err)
			}
		}
		first, err := tx.PartyPage("", 1)
		if err != nil {
			return err
		}
		second, err := tx.PartyPage(first[0].ID, 10)
		if len(second) != 1 || second[0].ID != want.ID {
			t.Errorf("the second page of parties has %v", second)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
