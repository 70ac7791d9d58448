package processor_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// heldAtStripe places a hold at the fake and writes its row, which change makes.
func (s striped) heldAtStripe(change func(*payment.PageHold)) payment.PageHold {
	s.T.Helper()
	h := payment.PageHold{
		ID: payment.PageHoldID(s.IDs.Other("H")), Caller: s.Shop.ID, Visit: "V1", Party: s.Buyer.ID,
		Instrument: s.Card.ID, Account: holdfasttest.AccountID, Amount: holdfasttest.USD("42.50"),
		State: payment.PageHoldAsking, NextAt: s.Clock.Now().Add(time.Hour), Asked: 1, Created: s.Clock.Now(),
	}
	answer, err := s.Processor.Network.Ask(s.T.Context(), card.Question{
		Attempt: h.Question(payment.StepAuthorize, s.Card.Stored(), "http://shop.example.test/back"),
	})
	s.must(err)
	if !answer.Approved() {
		s.T.Fatalf("the answer is %+v", answer)
	}
	h.Reference, h.HoldUntil = answer.Authorization, answer.Details.HoldUntil
	change(&h)
	s.must(s.DB.Update(s.T.Context(), func(tx *store.Tx) error { return tx.InsertPageHold(h) }))
	return h
}

// watch runs the background work of pages.
func (s striped) watch() {
	s.T.Helper()
	for range 3 {
		if _, err := s.Processor.WatchPages(s.T.Context()); err != nil {
			s.T.Fatal(err)
		}
	}
}

// An event names the hold of a page that is gone. So the hold can be released.
func TestAnEventNamesAHoldWithoutItsPage(t *testing.T) {
	atStripe(t, func(s striped) {
		h := s.heldAtStripe(func(h *payment.PageHold) { h.Instrument, h.Reference = "", "" })
		s.heard()
		s.watch()
		if after := pageHold(s.World, h.ID); after.State != payment.PageHoldReleased || s.fake.Held() != 0 {
			t.Errorf("held are %d cents, the hold is %+v", s.fake.Held(), after)
		}
	})
}

// Somebody captures a hold in the network's dashboard before a payment adopts it.
// A payment may still adopt it. If none does, a person is told.
func TestAPageHoldThatIsCapturedInTheDashboard(t *testing.T) {
	atStripe(t, func(s striped) {
		h := s.heldAtStripe(func(h *payment.PageHold) {
			h.State, h.Token, h.NextAt = payment.PageHoldHeld, "T-ended", s.Clock.Now().Add(3*time.Hour)
		})
		s.must(s.fake.Capture(h.Reference, 4250))
		s.heard()
		s.wantLetters()
		s.Clock.Advance(3 * time.Hour)
		s.watch()
		if after := pageHold(s.World, h.ID); after.State != payment.PageHoldReleased {
			t.Errorf("the hold is %+v", after)
		}
		s.Clock.Advance(time.Hour)
		s.work()
		s.wantLetters(payment.AboutUnknown)
	})
}

// A hold that somebody has captured in the dashboard raises one alarm, however often the
// network is asked. It stays in the list until a person acknowledges it, and another reason
// raises another alarm.
func TestACapturedPageHoldRaisesOneAlarm(t *testing.T) {
	atStripe(t, func(s striped) {
		var log bytes.Buffer
		s.Processor.Log = slog.New(slog.NewTextHandler(&log, nil))
		token := s.Authorize("42.50")
		h := s.heldAtStripe(func(h *payment.PageHold) {
			h.State, h.Token, h.NextAt = payment.PageHoldHeld, token, s.Clock.Now()
		})
		s.must(s.fake.Capture(h.Reference, 4250))
		look := func() {
			t.Helper()
			s.Clock.Advance(time.Minute)
			s.must(s.DB.Update(t.Context(),
				func(tx *store.Tx) error { return tx.LookAtPageHolds(h.Caller, token, s.Clock.Now()) }))
			if _, err := s.Processor.WatchPages(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		want := func(about string, alarms, waiting int) {
			t.Helper()
			if n := strings.Count(log.String(), "needs a person"); n != alarms {
				t.Errorf("%s: there are %d alarms:\n%s", about, n, log.String())
			}
			if strings.Contains(log.String(), "is in doubt") {
				t.Errorf("%s: the log repeats the doubt:\n%s", about, log.String())
			}
			s.must(s.DB.View(t.Context(), func(tx *store.ReadTx) error {
				all, err := tx.PageHoldAttention(holdfasttest.AccountID, 10)
				if len(all) != waiting || waiting > 0 && !strings.Contains(all[0].Finding, "captured") {
					t.Errorf("%s: these need attention: %+v", about, all)
				}
				b, failed := tx.Backlog(s.Clock.Now())
				if b.Attention != waiting {
					t.Errorf("%s: %d need attention", about, b.Attention)
				}
				s.must(failed)
				return err
			}))
		}
		for range 3 {
			look()
			want("while nobody knows it", 1, 1)
		}
		s.must(s.Processor.AcknowledgePageHold(t.Context(), h.ID))
		if err := s.Processor.AcknowledgePageHold(t.Context(), h.ID); err == nil {
			t.Error("it is acknowledged twice")
		}
		for range 2 {
			look()
			want("acknowledged", 1, 0)
		}
	})
}

// A hold whose page has captured it by mistake leaves a doubt, which raises one alarm, too.
func TestADoubtAboutAPageHoldRaisesOneAlarm(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		var log bytes.Buffer
		w.Processor.Log = slog.New(slog.NewTextHandler(&log, nil))
		h, token := holdOnPage(w, "42.50")
		for i, why := range []string{"captured elsewhere", "captured elsewhere", "holds another amount", ""} {
			w.Clock.Advance(time.Minute)
			reply := holdfasttest.Reply{}
			if why != "" {
				reply.Doubt = &card.DoubtError{
					Known: payment.Details{Reference: h.Reference}, Alarm: true, Payment: true, Err: errors.New(why),
				}
			}
			w.Network.Next(reply)
			err := w.DB.Update(t.Context(), func(tx *store.Tx) error {
				return tx.LookAtPageHolds(h.Caller, token, w.Clock.Now())
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := w.Processor.WatchPages(t.Context()); err != nil {
				t.Fatal(err)
			}
			after := pageHold(w, h.ID)
			if n := strings.Count(log.String(), "needs a person"); n != []int{1, 1, 2, 2}[i] || after.Finding != why {
				t.Errorf("look %d: there are %d alarms, the hold is %+v:\n%s", i, n, after, log.String())
			}
		}
	})
}
