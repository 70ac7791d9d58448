package main

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Notifications that have not arrived are listed, shown and sent again.
func TestNotificationCommands(t *testing.T) {
	for name, empty := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			address := empty(t)
			db := holdfasttest.Open(t, address)
			w := holdfasttest.NewWorld(t, db)
			w.Clock.Advance(time.Since(w.Clock.Now())) // the commands have the machine's clock
			w.OtherShop()
			givenUp, failing, fresh := w.Reserved("1.00", "order-1"), w.Reserved("2.00", "order-2"),
				w.Reserved("3.00", "order-3")
			fail := func(id string, by func(*store.Tx, store.Delivery) error) {
				t.Helper()
				if err := db.Update(t.Context(), func(tx *store.Tx) error {
					all, err := tx.Notifications(w.Shop.ID, id)
					if err != nil {
						return err
					}
					d := store.Delivery{Notification: all[0]}
					d.Tries++
					d.URL = "http://shop.example.test/ipn?secret=s3cr3t"
					return by(tx, d)
				}); err != nil {
					t.Fatal(err)
				}
			}
			now := w.CallerNow()
			fail(string(givenUp.ID), func(tx *store.Tx, d store.Delivery) error {
				return tx.GiveUpNotification(d, "500 Internal Server Error", now)
			})
			fail(string(failing.ID), func(tx *store.Tx, d store.Delivery) error {
				return tx.RetryNotification(d, "no answer in 10s", now.Add(time.Hour))
			})

			list := onStore(t, address, "notification", "list")
			for _, want := range []string{
				string(givenUp.ID) + "-2", "given up", "500 Internal Server Error", string(failing.ID) + "-2", "failing",
				"no answer in 10s", string(fresh.ID) + "-2", "waiting", "shop.example.test",
			} {
				if !strings.Contains(list, want) {
					t.Errorf("the list lacks %q:\n%s", want, list)
				}
			}
			if strings.Contains(list, "s3cr3t") {
				t.Errorf("the list shows the query of an address:\n%s", list)
			}
			for flag, want := range map[string]int{"--waiting": 2, "--failing": 1, "--given-up": 1} {
				all, err := csv.NewReader(strings.NewReader(onStore(t, address, "notification", "list", flag, "--csv"))).ReadAll()
				if err != nil || len(all) != want+1 {
					t.Errorf("%s has %q, %v; want %d rows", flag, all, err, want)
				}
			}
			// One that was not sent yet goes to the caller's address, in the line and in the queue.
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				return tx.InsertNotification(store.Notification{
					Caller: w.Shop.ID, About: store.AboutToken, Token: fresh.Token, Seq: 1, Created: now, NextAt: now,
				})
			})
			if err != nil {
				t.Fatal(err)
			}
			for receiver, want := range map[string]bool{"Shop.example.test": true, "other.example.test": false} {
				list := onStore(t, address, "notification", "list", "--receiver", receiver)
				for _, id := range []string{
					string(givenUp.ID), string(failing.ID), string(fresh.ID), string(fresh.Token) + "-1",
				} {
					if strings.Contains(list, id) != want {
						t.Errorf("--receiver %s has %s: %t, want %t", receiver, id, !want, want)
					}
				}
			}
			if out := onStore(t, address, "notification", "list", "--since", "2100-01-01"); out != "" {
				t.Errorf("since 2100 there are\n%s", out)
			}

			id := fmt.Sprintf("%s-2", givenUp.ID)
			shown := onStore(t, address, "notification", "show", id)
			for _, want := range []string{"given up", "callerReference", "order-1", "RESERVE", "500 Internal Server Error"} {
				if !strings.Contains(shown, want) {
					t.Errorf("%q is not shown:\n%s", want, shown)
				}
			}
			var row notificationRow
			if err := json.Unmarshal([]byte(onStore(t, address, "notification", "show", id, "--json")), &row); err != nil ||
				row.State != stateGivenUp || row.Fields["transactionStatus"] != "RESERVED" || row.Result == "" {
				t.Errorf("as JSON it is %+v, %v", row, err)
			}

			for _, wrong := range [][]string{
				{"notification", "again"},
				{"notification", "again", id, "--given-up"},
				{"notification", "again", id, "--since", "3h"},
				{"notification", "again", "--given-up", "--since", "soon"},
				{"notification", "again", id + "x"},
				{"notification", "list", "--max", "0"},
			} {
				if out, code := holdfastCommand(t, append(wrong, "--store", address)...); code != exitMisused {
					t.Errorf("%q ends with %d:\n%s", wrong, code, out)
				}
			}
			if out, code := holdfastCommand(t, "notification", "again", id, "1T404", "--store", address); code != exitFailed ||
				!strings.Contains(out, "there is no notification 1T404") {
				t.Errorf("an unknown id ends with %d:\n%s", code, out)
			}
			for _, again := range []struct {
				args []string
				want string
			}{
				{[]string{"--given-up", "--receiver", "other.example.test"}, "0 notifications to be sent again\n"},
				{[]string{"--given-up", "--since", "1h", "--receiver", "shop.example.test"}, "1 notification to be sent again\n"},
				{[]string{"--failing"}, "2 notifications to be sent again\n"}, // with the one that waits again
				{[]string{string(fresh.ID)}, "1 notification to be sent again\n"},
				{[]string{id}, "1 notification to be sent again\n"},
				{[]string{id, string(fresh.ID), id}, "2 notifications to be sent again\n"},
			} {
				if out := onStore(t, address, append([]string{"notification", "again"}, again.args...)...); out != again.want {
					t.Errorf("again %q says %q", again.args, out)
				}
			}
			if out := onStore(t, address, "notification", "again", "--given-up", "--json"); out != "{\"queued\":0}\n" {
				t.Errorf("when nothing is left, it says %q", out)
			}
		})
	}
}
