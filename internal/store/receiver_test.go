package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestReceiverOf(t *testing.T) {
	for address, want := range map[string]string{
		"https://Shop.example:8443/ipn?key=s3cr3t": "shop.example:8443", "http://shop.example": "shop.example",
		"https://user:secret@shop.example/": "shop.example", "": "", "%": "", "ipn": "",
	} {
		if got := store.ReceiverOf(address); got != want {
			t.Errorf("the receiver of %q is %q, want %q", address, got, want)
		}
	}
}

// told adds a notification of a caller with the result of a try at a host. Without a
// host it was not tried.
func told(t *testing.T, w *holdfasttest.World, c party.CallerID, id, host string, givenUp bool) {
	t.Helper()
	now := w.CallerNow()
	n := store.Notification{
		Caller: c, About: store.AboutTransaction, Transaction: holdfast.TransactionID(id), Seq: 2, Created: now, NextAt: now,
	}
	err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
		if err := tx.InsertNotification(n); err != nil || host == "" {
			return err
		}
		d := store.Delivery{Notification: n, Queued: true}
		d.Outcome, d.URL = store.NotificationWaiting, "http://"+host+"/ipn"
		if givenUp {
			return tx.GiveUpNotification(d, "503", now)
		}
		return tx.RetryNotification(d, "500", now.Add(time.Hour))
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(time.Minute)
}

// Notifications are counted by the host of the address that they were sent to the last
// time, of all callers and of each.
func TestReceivers(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		shop, other := w.Shop.ID, w.OtherShop().ID
		told(t, w, shop, "1A", "b.example", false)
		told(t, w, shop, "1B", "b.example", true)
		told(t, w, shop, "1C", "a.example", false)
		told(t, w, shop, "1D", "", false)
		told(t, w, other, "1E", "b.example", false)
		told(t, w, other, "1F", "c.example", true)

		type count struct{ Of, N string }
		counts := func(all []store.ReceiverCount, err error) (got []count) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range all {
				of := r.Receiver
				if r.Caller != "" {
					of += " " + string(r.Caller)
				}
				got = append(got, count{of, fmt.Sprintf("%d %d %d %s", r.Waiting, r.Failing, r.GivenUp, r.LastResult)})
			}
			return got
		}
		for name, row := range map[string]struct {
			read func(*store.ReadTx) ([]store.ReceiverCount, error)
			want []count
		}{
			"all": {
				func(tx *store.ReadTx) ([]store.ReceiverCount, error) { return tx.Receivers("", 10) },
				[]count{{"", "1 0 0 "}, {"a.example", "1 1 0 500"}, {"b.example", "2 2 1 500"}, {"c.example", "0 0 1 "}},
			},
			"the first": {
				func(tx *store.ReadTx) ([]store.ReceiverCount, error) { return tx.Receivers("", 2) },
				[]count{{"", "1 0 0 "}, {"a.example", "1 1 0 500"}},
			},
			"the next": {
				func(tx *store.ReadTx) ([]store.ReceiverCount, error) { return tx.Receivers("a.example", 1) },
				[]count{{"b.example", "2 2 1 500"}},
			},
			"of one": {
				func(tx *store.ReadTx) ([]store.ReceiverCount, error) {
					return tx.CallersOfReceiver("b.example", "", 10)
				},
				[]count{{"b.example " + string(shop), "1 1 1 500"}, {"b.example " + string(other), "1 1 0 500"}},
			},
			"of one, the next": {
				func(tx *store.ReadTx) ([]store.ReceiverCount, error) {
					return tx.CallersOfReceiver("b.example", shop, 10)
				},
				[]count{{"b.example " + string(other), "1 1 0 500"}},
			},
			"of a caller": {
				func(tx *store.ReadTx) ([]store.ReceiverCount, error) { return tx.ReceiversOf(shop, time.Time{}) },
				[]count{
					{"b.example " + string(shop), "1 1 1 "}, {" " + string(shop), "1 0 0 "}, {"a.example " + string(shop), "1 1 0 "},
				},
			},
		} {
			got, err := read(t, db, row.read)
			if diff := cmp.Diff(row.want, counts(got, err)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		for list, want := range map[store.NotificationList]string{
			store.ListWaiting: "1A", store.ListFailing: "1A", store.ListGivenUp: "1B",
		} {
			f := store.NotificationFilter{List: list, Receiver: "b.example"}
			all, err := read(t, db, func(tx *store.ReadTx) ([]store.Notification, error) {
				return tx.QueuedNotifications(store.NotificationPage{NotificationFilter: f, Caller: shop, Limit: 10})
			})
			if err != nil || len(all) != 1 || all[0].Subject() != want {
				t.Errorf("%s has %+v, %v", list, all, err)
			}
			f.Since = w.CallerNow()
			all, err = read(t, db, func(tx *store.ReadTx) ([]store.Notification, error) {
				return tx.QueuedNotifications(store.NotificationPage{NotificationFilter: f, Caller: shop, Limit: 10})
			})
			if err != nil || len(all) != 0 {
				t.Errorf("%s has %+v since now, %v", list, all, err)
			}
		}
		pagesWithUnsent(t, w)
		sendListAgainAt(t, w, "b.example")
	})
}

// pagesWithUnsent reads the notifications of the shop at a receiver, and those that were
// not sent yet, one on each page.
func pagesWithUnsent(t *testing.T, w *holdfasttest.World) {
	t.Helper()
	p := store.NotificationPage{
		NotificationFilter: store.NotificationFilter{List: store.ListWaiting, Receiver: "a.example"}, Caller: w.Shop.ID,
		Unsent: true, Limit: 1,
	}
	for _, want := range []string{"1D", "1C", ""} {
		all, err := read(t, w.DB, func(tx *store.ReadTx) ([]store.Notification, error) { return tx.QueuedNotifications(p) })
		got := ""
		for _, n := range all {
			got += n.Subject()
			p.After = p.List.Mark(n)
		}
		if err != nil || got != want {
			t.Errorf("a page has %q, %v; want %q", got, err, want)
		}
	}
}

// sendListAgainAt sends the failing notifications of the shop at a receiver again, and
// checks that no others are due.
func sendListAgainAt(t *testing.T, w *holdfasttest.World, receiver string) {
	t.Helper()
	n, err := w.Processor.SendListAgain(t.Context(), w.Shop.ID, store.NotificationFilter{
		List: store.ListFailing, Receiver: receiver,
	})
	if n != 1 || err != nil {
		t.Errorf("%d are sent again, %v; want 1", n, err)
	}
	all, err := read(t, w.DB, func(tx *store.ReadTx) ([]store.Notification, error) {
		return tx.QueuedNotifications(store.NotificationPage{
			NotificationFilter: store.NotificationFilter{List: store.ListFailing}, Caller: w.Shop.ID, Limit: 10,
		})
	})
	due := ""
	for _, n := range all {
		if !n.NextAt.After(w.CallerNow()) {
			due += n.Subject() + " "
		}
	}
	if err != nil || due != "1A " {
		t.Errorf("due are %q, %v", due, err)
	}
}

// Endpoints of all callers that have not taken events are counted.
func TestHooksWithEvents(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		other := w.OtherShop().ID
		hooked(t, db, w.Shop.ID, "W1", "W2")
		hooked(t, db, other, "W3")
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			for endpoint, positions := range map[payment.EndpointID][]int64{"W1": {1, 2}, "W3": {3}} {
				if err := tx.QueueAgain(endpoint, positions, w.Clock.Now()); err != nil {
					return err
				}
			}
			before := store.WebhookDelivery{Endpoint: "W1", Position: 1, Outcome: store.WebhookWaiting}
			after := before
			after.Outcome, after.Tries = store.WebhookGivenUp, 1
			return tx.WebhookTried(before, after)
		})
		if err != nil {
			t.Fatal(err)
		}
		for after, want := range map[payment.EndpointID]string{"": "W1 1 0 1, W3 1 0 0, ", "W1": "W3 1 0 0, ", "W3": ""} {
			all, err := read(t, db, func(tx *store.ReadTx) ([]store.HookCount, error) { return tx.HooksWithEvents(after, 10) })
			got := ""
			for _, h := range all {
				got += fmt.Sprintf("%s %d %d %d, ", h.Endpoint.ID, h.Waiting, h.Failing, h.GivenUp)
			}
			if got != want || err != nil {
				t.Errorf("after %q there are %q, %v; want %q", after, got, err, want)
			}
		}
	})
}
