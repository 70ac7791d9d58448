package processor_test

import (
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
