package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestBacklog(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Unchecked = true
		want := func(when string, want store.Backlog) {
			t.Helper()
			if diff := cmp.Diff(want, backlog(t, w)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		none := map[store.MailOutcome]store.MailCount{}
		want("of an empty store", store.Backlog{Mails: none})

		held := w.Reserved("9.00", "order-1")
		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		doubtful, err := w.Reserve(w.Authorize("9.00"), "9.00", "order-2")
		if err != nil {
			t.Fatal(err)
		}
		w.Processor.Close() // the network was asked
		w.Clock.Advance(10 * time.Second)
		notices := owed(t, w, held.ID) + owed(t, w, doubtful.ID)
		want("with a question and notices", store.Backlog{
			Asking: store.Waiting{Rows: 1, Oldest: 10 * time.Second},
			Line:   store.Waiting{Rows: notices, Oldest: 7 * time.Second}, // they are due after three seconds
			Mails:  none,
		})

		err = db.Update(t.Context(), func(tx *store.Tx) error {
			now := w.Clock.Now()
			claimed, _, err := tx.ClaimNotifications(store.Claim{
				Now: now, Until: now.Add(time.Minute), AheadMax: time.Hour, PerCaller: 1, Most: 1,
			})
			if err != nil || len(claimed) != 1 {
				t.Fatalf("claimed %v, %v", claimed, err)
			}
			return tx.RetryNotification(claimed[0], "503", now.Add(time.Hour))
		})
		if err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(payment.ReserveLifeMax)
		late := payment.ReserveLifeMax + 10*time.Second
		want("a week later", store.Backlog{
			Overdue: store.Waiting{Rows: 2, Oldest: 10 * time.Second},
			Asking:  store.Waiting{Rows: 1, Oldest: late},
			Line:    store.Waiting{Rows: notices - 1, Oldest: late - 3*time.Second},
			Queues:  store.Waiting{Rows: 1, Oldest: late - 3*time.Second},
			Mails:   none,
		})
		// The deadline follows the caller's clock.
		_, err = w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.ClockOffset = -time.Hour
			return c, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := backlog(t, w); got.Overdue.Rows != 0 {
			t.Errorf("with the caller's clock an hour behind, overdue is %+v", got.Overdue)
		}
	})
}

func backlog(t *testing.T, w *holdfasttest.World) (b store.Backlog) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
		b, err = tx.Backlog(w.Clock.Now())
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// owed counts the notices about a transaction.
func owed(t *testing.T, w *holdfasttest.World, id holdfast.TransactionID) (notices int) {
	t.Helper()
	err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Notifications(w.Shop.ID, string(id))
		notices = len(all)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return notices
}

// PostgreSQL tells how its tables are; SQLite has nothing to tell.
func TestDatabase(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			db := holdfasttest.Open(t, address(t))
			var d store.Database
			err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
				d, err = tx.Database()
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			var tables []string
			for _, table := range d.Tables {
				tables = append(tables, table.Name)
				if table.FreezeAge <= 0 {
					t.Errorf("the oldest transaction id of %s has the age %d", table.Name, table.FreezeAge)
				}
			}
			slices.Sort(tables)
			var want []string
			if name == "PostgreSQL" {
				want = []string{"balances", "deliveries", "requests", "steps", "tokens", "transactions"}
			}
			if diff := cmp.Diff(want, tables); diff != "" || d.StandbyWaits != 0 {
				t.Errorf("%d sessions wait for a standby; the tables are (-want +got):\n%s", d.StandbyWaits, diff)
			}
		})
	}
}
