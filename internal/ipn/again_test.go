package ipn_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// listed are the ids of the notifications in a list of the shop.
func (s *shop) listed(list store.NotificationList) (ids []string) {
	s.t.Helper()
	page := store.NotificationPage{
		Caller: s.Shop.ID, NotificationFilter: store.NotificationFilter{List: list}, Limit: 2,
	}
	for more := true; more; {
		err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
			found, err := tx.QueuedNotifications(page)
			for _, n := range found {
				ids = append(ids, fmt.Sprintf("%s-%d", n.Subject(), n.Seq))
				page.After = list.Mark(n)
			}
			more = len(found) == page.Limit
			return err
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
	return ids
}

func (s *shop) sendAgain(k processor.NoticeKey, want int) {
	s.t.Helper()
	if n, err := s.Processor.SendAgain(s.t.Context(), s.Shop.ID, k); n != want || err != nil {
		s.t.Errorf("%d notifications are sent again, %v; want %d", n, err, want)
	}
}

// A notification is sent again, whether it arrived at the first try or later, was
// given up, or waits. The receiver gets the same message.
func TestSendAgain(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		first := s.Reserved("25.00", "order-1").ID
		s.Clock.Advance(time.Minute)
		s.run()
		told := s.one()
		s.sendAgain(processor.NoticeKey{Subject: string(first)}, 1)
		s.run()
		if again := s.one(); again != told {
			t.Errorf("the second time %+v arrived, the first time %+v", again, told)
		}

		// The second time it fails, and then waits with the usual pauses.
		s.sendAgain(processor.NoticeKey{Subject: string(first), Seq: s.owed(first)[0].Seq}, 1)
		s.answers(http.StatusInternalServerError)
		s.run()
		s.one()
		s.wantOwed(first, store.NotificationWaiting, 1, "500 Internal Server Error")
		if got := s.listed(store.ListFailing); !cmp.Equal(got, []string{told.id}) {
			t.Errorf("failing are %q", got)
		}
		s.Clock.Advance(time.Second)
		s.answers(http.StatusOK)
		if n := s.run(); n != 0 {
			t.Errorf("%d arrived before the next try", n)
		}
		s.sendAgain(processor.NoticeKey{Subject: string(first)}, 1)
		s.run()
		if again := s.one(); again != told {
			t.Errorf("the third time %+v arrived, the first time %+v", again, told)
		}
		s.wantOwed(first, store.NotificationDelivered, 1, "200 OK")
		if done := s.owed(first)[0].Done; !done.Equal(s.CallerNow()) {
			t.Errorf("it arrived at %v", done)
		}

		// Several at once, each once, however often it is named.
		second := s.Reserved("26.00", "order-2").ID
		s.Clock.Advance(time.Minute)
		s.run()
		s.arrivals()
		key := processor.NoticeKey{Subject: string(first)}
		n, err := s.Processor.SendAgain(t.Context(), s.Shop.ID, key, key, processor.NoticeKey{Subject: "1T404"},
			processor.NoticeKey{Subject: string(second), Seq: s.owed(second)[0].Seq})
		if n != 2 || err != nil {
			t.Errorf("%d notifications are sent again, %v; want 2", n, err)
		}
		s.run()
		if got := len(s.arrivals()); got != 2 {
			t.Errorf("%d arrived, want 2", got)
		}
		_, err = s.Processor.SendAgain(t.Context(), s.Shop.ID, slices.Repeat([]processor.NoticeKey{key}, 101)...)
		s.WantCode(err, holdfast.InvalidParams)

		// From its queue, too, where it is now.
		s.sendAgain(processor.NoticeKey{Subject: string(first)}, 1)
		s.run()
		s.one()
		for _, unknown := range []struct {
			caller party.CallerID
			processor.NoticeKey
		}{
			{s.Shop.ID, processor.NoticeKey{Subject: "1T404"}},
			{s.Shop.ID, processor.NoticeKey{Subject: string(first), Seq: 99}},
			{s.OtherShop().ID, processor.NoticeKey{Subject: string(first)}},
		} {
			_, err := s.Processor.SendAgain(t.Context(), unknown.caller, unknown.NoticeKey)
			if !errors.Is(err, processor.ErrNoNotification) {
				t.Errorf("%+v: %v", unknown, err)
			}
		}
	})
}

// What was given up is sent again with a full day of tries.
func TestSendAgainWhatWasGivenUp(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newShop(t, db)
		s.answers(http.StatusInternalServerError)
		early := s.Reserved("25.00", "order-1").ID
		s.giveUp()
		between := s.CallerNow()
		s.Clock.Advance(time.Second)
		late := s.Reserved("25.00", "order-2").ID
		s.giveUp()
		ids := []string{string(late) + "-2", string(early) + "-2"}
		if got := s.listed(store.ListGivenUp); !cmp.Equal(got, ids) {
			t.Errorf("given up are %q, want %q", got, ids)
		}
		s.arrivals()
		s.answers(http.StatusOK)
		n, err := s.Processor.SendListAgain(t.Context(), s.Shop.ID, store.NotificationFilter{
			List: store.ListGivenUp, Since: between.Add(time.Microsecond),
		})
		if n != 1 || err != nil {
			t.Errorf("%d are sent again, %v; want 1", n, err)
		}
		s.run()
		if got := s.one(); got.id != ids[0] {
			t.Errorf("%s arrived, want %s", got.id, ids[0])
		}
		if got := s.listed(store.ListGivenUp); !cmp.Equal(got, ids[1:]) {
			t.Errorf("given up are %q, want %q", got, ids[1:])
		}
		// It fails again, and there is a second day.
		s.answers(http.StatusInternalServerError)
		s.sendAgain(processor.NoticeKey{Subject: string(early)}, 1)
		s.run()
		s.wantOwed(early, store.NotificationWaiting, 1, "500 Internal Server Error")
		s.giveUp()
		s.wantOwed(early, store.NotificationGivenUp, s.owed(early)[0].Tries, "500 Internal Server Error")
	})
}

// giveUp tries for more than a day.
func (s *shop) giveUp() {
	s.t.Helper()
	for range 30 {
		s.run()
		s.Clock.Advance(time.Hour)
	}
}

// More notifications than one commit takes are sent again, each once, also by a
// caller whose clock is moved. Another caller's stay.
func TestManyAreSentAgain(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		const count = 1_200
		s := newShop(t, db)
		if _, err := s.Processor.AdvanceClock(t.Context(), s.Shop.ID, 48*time.Hour); err != nil {
			t.Fatal(err)
		}
		other := s.OtherShop()
		for _, failing := range []bool{false, true} {
			for _, c := range []party.CallerID{s.Shop.ID, other.ID} {
				s.queue(c, count, failing)
			}
		}
		for _, list := range []store.NotificationList{store.ListGivenUp, store.ListFailing} {
			n, err := s.Processor.SendListAgain(t.Context(), s.Shop.ID, store.NotificationFilter{List: list})
			if n != count || err != nil {
				t.Errorf("%s: %d are sent again, %v; want %d", list, n, err, count)
			}
		}
		for _, row := range []struct {
			caller           party.CallerID
			givenUp, due     int
			waiting, failing int
		}{{s.Shop.ID, 0, 2 * count, 1_000, 1_000}, {other.ID, 1_000, 0, 1_000, 1_000}} {
			var n store.NotificationCounts
			due := 0
			err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
				all, err := tx.QueuedNotifications(store.NotificationPage{
					Caller: row.caller, NotificationFilter: store.NotificationFilter{List: store.ListWaiting}, Limit: 10_000,
				})
				for _, one := range all {
					if !one.NextAt.After(s.CallerNow()) {
						due++
					}
				}
				if err == nil {
					n, err = tx.CountNotifications(row.caller, time.Time{})
				}
				return err
			})
			if err != nil || due != row.due || n.GivenUp != row.givenUp || n.Waiting != row.waiting || n.Failing != row.failing {
				t.Errorf("of %s, %d are due, %+v, %v; want %+v", row.caller, due, n, err, row)
			}
		}
	})
}

// queue adds notifications that failed an hour ago, or that were given up then.
func (s *shop) queue(c party.CallerID, count int, failing bool) {
	s.t.Helper()
	now := s.CallerNow()
	err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		for i := range count {
			n := store.Notification{
				Caller: c, About: store.AboutTransaction, Transaction: holdfast.TransactionID(fmt.Sprintf("1T%t%d", failing, i)),
				Seq: 2, Created: now.Add(-time.Hour), NextAt: now.Add(-time.Hour),
			}
			if err := tx.InsertNotification(n); err != nil {
				return err
			}
			d := store.Delivery{Notification: n, Queued: true}
			d.Outcome = store.NotificationWaiting
			var err error
			if failing {
				err = tx.RetryNotification(d, "500", now.Add(time.Hour))
			} else {
				err = tx.GiveUpNotification(d, "500", now)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
}
