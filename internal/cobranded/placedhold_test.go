package cobranded_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// newcomer makes the buyer a new user, who must verify the e-mail address in time.
func (s *networkSite) newcomer(within time.Duration) {
	s.t.Helper()
	s.Mailing()
	if err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error {
		buyer, _, err := tx.Party(s.Buyer.ID)
		if err != nil {
			return err
		}
		buyer.EmailVerified, buyer.VerifyBy = false, s.Clock.Now().Add(within)
		return tx.UpdateParty(buyer)
	}); err != nil {
		s.t.Fatal(err)
	}
}

// pageHold reads a hold.
func (s *networkSite) pageHold(id payment.PageHoldID) (h payment.PageHold) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		h, _, err = tx.PageHold(id)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return h
}

// wantNothingOpen checks that no hold needs the account any more.
func (s *networkSite) wantNothingOpen() {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
		need, err := tx.NetworkNeed(s.Shop.Network, s.Clock.Now())
		if need.PageHolds != 0 {
			s.t.Errorf("%d holds are open", need.PageHolds)
		}
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
}

// The time to verify the e-mail address ends while the buyer is on the network's
// page. The buyer agreed before, so the token is installed.
func TestANewUsersTimeEndsOnTheNetworksPage(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.newcomer(10 * time.Minute)
		s.get(s.link(order()))
		s.signIn()
		s.submit()
		s.Clock.Advance(15 * time.Minute)
		s.get(s.network.Finish(t, s.left(), good, "Ann", ""))
		s.wantBack(holdfast.ReturnSuccessCC)
		if h := s.pageHold("H0001"); h.State != payment.PageHoldHeld || h.Reference == "" {
			t.Errorf("the hold is %+v", h)
		}
	})
}

// The same at the page of the bank, with a card that was given before.
func TestANewUsersTimeEndsAtTheBank(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := withSavedCard(t, db)
		s.newcomer(10 * time.Minute)
		s.network.Next(holdfasttest.HoldReply{Bank: true})
		s.submit()
		s.wantPage("bank")
		s.Clock.Advance(15 * time.Minute)
		s.network.AtBank()
		s.get(s.server.URL + "/cobranded-ui/actions/bank?visit=V0002&hold=H0002")
		s.wantBack(holdfast.ReturnSuccessCC)
	})
}

// An operator may demand a verified address in the meantime. Then the hold is
// released, and the buyer learns that the card is not used.
func TestAnAddressIsNoLongerGoodEnough(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.newcomer(10 * time.Minute)
		s.get(s.link(order()))
		s.signIn()
		s.submit()
		page := s.left()
		s.newcomer(-time.Minute)
		back := s.network.Finish(t, page, good, "Ann", "")
		s.get(back)
		if h := s.pageHold("H0001"); h.State != payment.PageHoldReleasing || h.Reference == "" || h.HoldUntil.IsZero() {
			t.Errorf("the hold is %+v", h)
		}
		s.watch()
		if len(s.network.Holds("released")) != 1 {
			t.Errorf("held are %v", s.network.Holds("held"))
		}
		s.wantNothingOpen()
	})
}

// An error that lasts keeps the token from being installed: the buyer's account is
// lost. The hold is released all the same.
func TestAnErrorThatLastsReleasesTheHold(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		now := s.Clock.Now()
		h := payment.PageHold{
			ID: "H1", Caller: s.Shop.ID, Visit: "V1", Party: "lost", Account: s.Shop.Network, Amount: usd("42.50"),
			State: payment.PageHoldAsking, NextAt: now.Add(time.Hour), Created: now,
		}
		opened, err := s.network.Open(t.Context(), card.Collection{
			Key: "V1/1", Visit: "V1", Account: s.Shop.Network, Until: now.Add(payment.PageLife),
			Hold: &card.PageHold{Attempt: h.Question(payment.StepAuthorize, payment.StoredCard{}, "")},
		})
		if err != nil {
			t.Fatal(err)
		}
		page := payment.NetworkPage{
			Key: "V1/1", Visit: "V1", Account: s.Shop.Network, Party: "lost", Mode: payment.PageHolding, Hold: "H1",
			Page: opened.ID, Created: now, Expires: now.Add(payment.PageLife), State: payment.PageOpen, NextAt: now,
		}
		if err := db.Update(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.InsertNetworkPage(page), tx.InsertPageHold(h))
		}); err != nil {
			t.Fatal(err)
		}
		s.network.Finish(t, opened.URL, good, "Ann", "")
		if _, err := s.Processor.FinishPage(t.Context(), s.Shop.Network, opened.ID); err == nil {
			t.Fatal("the page is finished without an account")
		}
		if h := s.pageHold("H1"); !h.Undecided() || h.Reference != "pi_1" || h.HoldUntil.IsZero() {
			t.Errorf("the hold is %+v", h)
		}
		s.Clock.Advance(time.Hour)
		if _, err := s.Processor.WatchPages(t.Context()); err == nil {
			t.Error("the operator does not learn of the error")
		}
		s.Clock.Advance(6 * time.Minute)
		s.watch()
		if held := s.network.Holds("held"); len(held) != 0 || len(s.network.Holds("released")) != 1 {
			t.Errorf("held are %v", held)
		}
		s.wantNothingOpen()
	})
}

// A visit is not forgotten while its page may have placed a hold.
func TestAVisitWithAnOpenPageIsKept(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.submit()
		s.network.Finish(t, s.left(), good, "Ann", "")
		s.network.Down(true)
		s.Clock.Advance(31 * 24 * time.Hour)
		if n, err := s.Processor.ForgetVisits(t.Context()); err != nil || n != 0 {
			t.Errorf("forgotten: %d, %v", n, err)
		}
		s.network.Down(false)
		s.watch()
		if h := s.pageHold("H0001"); h.Undecided() {
			t.Errorf("the hold is %+v", h)
		}
	})
}

// A hold whose page is gone is dropped. If the network is known to have it, it is
// released.
func TestAHoldWithoutItsPage(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		for _, reference := range []string{"", "pi_gone"} {
			h := payment.PageHold{
				ID: payment.PageHoldID("H" + reference), Caller: s.Shop.ID, Visit: "Vgone", Party: s.Buyer.ID,
				Account: s.Shop.Network, Amount: usd("42.50"), Reference: reference, State: payment.PageHoldAsking,
				NextAt: s.Clock.Now(), Created: s.Clock.Now(),
			}
			if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertPageHold(h) }); err != nil {
				t.Fatal(err)
			}
		}
		s.watch()
		for _, id := range []payment.PageHoldID{"H", "Hpi_gone"} {
			if h := s.pageHold(id); h.State != payment.PageHoldReleased {
				t.Errorf("the hold is %+v", h)
			}
		}
		if asked := s.network.Asked(); len(asked) != 1 || asked[0] != "Hpi_gone/Release" {
			t.Errorf("asked were %v", asked)
		}
		s.wantNothingOpen()
	})
}
