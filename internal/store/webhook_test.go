package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// hooked adds endpoints of a caller.
func hooked(t *testing.T, db *store.DB, c party.CallerID, ids ...payment.EndpointID) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for _, id := range ids {
			e := store.WebhookEndpoint{
				Endpoint: payment.Endpoint{ID: id, Caller: c, URL: "https://shop.example/", Created: holdfasttest.Start},
			}
			if err := tx.InsertWebhookEndpoint(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// claimedEndpoints claims endpoints as a server does.
func claimedEndpoints(
	t *testing.T, db *store.DB, now time.Time, most int,
) (ids []payment.EndpointID, leases []store.WebhookLease) {
	t.Helper()
	c := store.WebhookClaim{Now: now, Until: now.Add(time.Minute), PerCaller: 3, Most: most}
	due, err := read(t, db, func(tx *store.ReadTx) ([]payment.EndpointID, error) { return tx.DueEndpoints(c) })
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(t.Context(), func(tx *store.Tx) (err error) {
		leases, err = tx.ClaimEndpoints(c, due)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range leases {
		ids = append(ids, l.ID)
	}
	slices.Sort(ids)
	return ids, leases
}

// A caller with many endpoints gets a few places, and not before each of the others
// has one. An endpoint that was served makes way for those that wait for longer. A
// paused endpoint, and one that another server has, is not claimed.
func TestWhichEndpointsAreClaimed(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		other := w.OtherShop()
		now := w.Clock.Now()
		hooked(t, db, w.Shop.ID, "W1", "W2", "W3", "W4", "W5")
		hooked(t, db, other.ID, "X1", "X2")
		addEvents(t, db, now, heldEvent(w.Shop.ID, "a", 1), heldEvent(other.ID, "b", 1))
		place(t, db, 10)
		err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.PauseEndpoint("X2", payment.PausedByWish) })
		if err != nil {
			t.Fatal(err)
		}
		want := func(now time.Time, most int, want ...payment.EndpointID) []store.WebhookLease {
			t.Helper()
			got, leases := claimedEndpoints(t, db, now, most)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("claimed %v, want %v", got, want)
			}
			return leases
		}
		first := want(now, 2, "W1", "X1")
		want(now, 10, "W2", "W3") // the caller has three places
		want(now, 10)
		later := now.Add(time.Second)
		err = db.Update(t.Context(), func(tx *store.Tx) error {
			for _, l := range first {
				if err := tx.ReleaseEndpoint(l, later); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		want(later, 10, "W4", "X1")                   // W1 was served
		want(now.Add(time.Hour), 3, "W1", "W5", "X1") // leases end by themselves
	})
}
