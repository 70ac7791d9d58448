package store_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// claiming claims once, and counts what was claimed for each caller.
func claiming(t *testing.T, db *store.DB, c store.Claim) (claimed map[party.CallerID]int, more bool) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		all, some, err := tx.ClaimNotifications(c)
		claimed, more = map[party.CallerID]int{}, some
		for _, d := range all {
			claimed[d.Caller]++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return claimed, more
}

// While all slots are taken, a long line stays as it is: moving it would only
// cost more. If its head is overdue by more than five seconds, it makes way for
// callers that are far behind and have no delivery under way.
func TestTheLineMakesWayWhenItIsOverdue(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		due := w.CallerNow()
		busy := w.Shop.ID
		w.Owe(400, due)
		w.Shop = w.OtherShop()
		w.Owe(1, due.Add(time.Millisecond))
		claim := func(after time.Duration) (map[party.CallerID]int, bool) {
			t.Helper()
			c := store.Claim{Now: due.Add(after), AheadMax: time.Hour, PerCaller: 16, Most: 1}
			c.Until = c.Now.Add(time.Minute)
			return claiming(t, db, c)
		}
		for range 2 {
			if got, more := claim(5 * time.Second); got[busy] != 1 || more {
				t.Errorf("claimed %v, more %v, want one of the busy caller's", got, more)
			}
		}
		if got, more := claim(5*time.Second + time.Microsecond); got[busy] != 1 || !more {
			t.Errorf("claimed %v, more %v, want one, and that the line makes way", got, more)
		}
		if got, _ := claim(6 * time.Second); got[w.Shop.ID] != 1 {
			t.Errorf("claimed %v, want the other caller's", got)
		}
	})
}

// A notification in the line that is due too late was written before a server's
// clock was put back. It counts as due now.
func TestTheLineAfterAClockWasPutBack(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Owe(1, w.CallerNow().Add(2*time.Hour))
		w.Owe(1, w.CallerNow().Add(2*time.Hour+time.Microsecond))
		c := store.Claim{Now: w.CallerNow(), AheadMax: 2 * time.Hour, PerCaller: 16, Most: 16}
		c.Until = c.Now.Add(time.Minute)
		if got, more := claiming(t, db, c); len(got) != 0 || !more {
			t.Errorf("claimed %v, more %v, want that one goes to its queue", got, more)
		}
		if got, more := claiming(t, db, c); got[w.Shop.ID] != 1 || more {
			t.Errorf("claimed %v, more %v, want the one in the queue", got, more)
		}
	})
}
