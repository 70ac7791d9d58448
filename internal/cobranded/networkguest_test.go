package cobranded_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A guest gives name, e-mail address and card on the network's page, and comes back
// without a session.
func TestWhatAGuestGivesOnTheNetworksPage(t *testing.T) {
	for name, row := range map[string]struct {
		change func(*party.Caller)
		held   int
	}{
		"where the amount is held": {func(*party.Caller) {}, 1},
		"that keeps the card":      {func(c *party.Caller) { c.HoldOnPage = false }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				guestOnPage(newNetworkSite(t, db, row.change), row.held)
			})
		})
	}
}

func guestOnPage(s *networkSite, wantHeld int) {
	s.t.Helper()
	s.Processor.Receipts = func(r payment.Receipt) (subject, text string) { return string(r.About), r.Guest }
	r := order()
	r.CollectEmailAddress = true
	s.get(s.link(r))
	s.press("guest")
	visit := s.visit()
	s.submit()
	back := s.network.Finish(s.t, s.left(), good, " Gus\tGuest ", "gus@example.test")
	own := s.browser
	s.newBrowser() // a stranger comes back first
	s.get(back)
	s.wantPage("sign-in")
	s.browser = own
	s.get(back)
	if wantHeld == 0 {
		s.wantPage("confirm")
		s.wantText("gus@example.test")
		s.submit()
	}
	got := s.wantBack(holdfast.ReturnSuccessCC)
	if got.BuyerEmail != "gus@example.test" {
		s.t.Errorf("the shop is told the address %q", got.BuyerEmail)
	}
	guest, token := s.guestOf(visit), s.token(got.TokenID)
	if guest.Name != "Gus Guest" || guest.Email != "gus@example.test" || !guest.VerifyBy.IsZero() ||
		token.Sender != guest.ID {
		s.t.Errorf("the guest is %+v, the token %+v", guest, token)
	}
	if held := s.network.Holds("held"); len(held) != wantHeld {
		s.t.Errorf("held are %v", held)
	}
	var mails []store.Mail
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		mails, err = tx.Mails("", 10)
		return err
	}); err != nil || len(mails) != 1 || mails[0].To != "gus@example.test" {
		s.t.Fatalf("the mails are %+v, %v", mails, err)
	}
	if by, err := s.Processor.GuestBy(s.t.Context(), mails[0].Text); err != nil || by.ID != guest.ID {
		s.t.Errorf("the link leads to %+v, %v", by, err)
	}
}

// What a network gives cannot always be stored. The payment does not fail for it.
func TestAGuestWithoutAUsableName(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.press("guest")
	visit := s.visit()
	s.submit()
	s.get(s.network.Finish(t, s.left(), good, "\u202e", strings.Repeat("x", 80)+"@example.test"))
	s.wantBack(holdfast.ReturnSuccessCC)
	if guest := s.guestOf(visit); guest.Name != "" || guest.Email != "" {
		t.Errorf("the guest is %+v", guest)
	}
}

// A card that has made too many guests is refused when it comes from the network's
// page, and what the page has held is released.
func TestTooManyGuestsWithOneCardOfANetwork(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	for n := range party.GuestsOfCard.Free + 1 {
		s.newBrowser()
		r := order()
		r.CallerReference = holdfast.CallerReference(fmt.Sprintf("order-%d", n))
		s.get(s.link(r))
		s.press("guest")
		s.submit()
		s.get(s.network.Finish(t, s.left(), good, "Gus", fmt.Sprintf("gus-%d@example.test", n)))
		if n < party.GuestsOfCard.Free {
			s.wantBack(holdfast.ReturnSuccessCC)
		}
	}
	s.wantPage("payment")
	s.wantText("too often")
	s.watch()
	if held, released := s.network.Holds("held"), s.network.Holds("released"); len(held) != party.GuestsOfCard.Free ||
		len(released) != 1 {
		t.Errorf("held are %v, released %v", held, released)
	}
	s.submit("instrument", "new") // once more, with the same card
	s.wantPage("confirm")
	s.submit()
	s.get(s.network.Finish(t, s.left(), good, "Gus", "another@example.test"))
	s.wantPage("payment")
	s.wantText("too often")
}

// V10: a card number that a guest posts to our form goes nowhere.
func TestV10AGuestPostsACardNumber(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t), func(c *party.Caller) { c.HoldOnPage = false })
	s.get(s.link(order()))
	s.press("guest")
	visit := s.visit()
	s.post(s.action("card"), params("visit", visit, "email", "gus@example.test", "number", good, "expiry", "12/31",
		"code", "123", "holder", "Gus"))
	if s.at.status != 400 || strings.Contains(s.log.String(), good) || s.guestOf(visit).Email != "" {
		t.Errorf("the status is %d, the guest %+v, the log\n%s", s.at.status, s.guestOf(visit), s.log)
	}
}
