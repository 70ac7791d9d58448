package browser

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// takesGuests lets senders pay as guests, and sends mail.
func (s *site) takesGuests() {
	s.t.Helper()
	s.change(func(c *party.Caller) { c.Guests = true })
	public, err := url.Parse(strings.Replace(s.home, "127.0.0.1", "localhost", 1) + "/") // passkeys need a host name
	if err != nil {
		s.t.Fatal(err)
	}
	letters := account.Letters{Public: public}
	s.pages.Sessions.Public = public
	s.Processor.Identity.Letters, s.Processor.Receipts = letters.Write, letters.Receipt
}

// mailed is the last address in a mail to a guest that begins with a path.
func (s *site) mailed(path string) string {
	s.t.Helper()
	var at string
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
		mails, err := tx.Mails("", 100)
		for _, m := range mails {
			if _, rest, found := strings.Cut(m.Text, path+"?"); found && at == "" {
				at = s.pages.Sessions.Public.JoinPath(path).String() + "?" + strings.Fields(rest)[0]
			}
		}
		return err
	}); err != nil || at == "" {
		s.t.Fatalf("no mail leads to %s (%v)", path, err)
	}
	return at
}

// guestApproves goes through a visit as a guest, and returns the token.
func (s *site) guestApproves(p *page, inspect func(string)) holdfast.TokenID {
	s.t.Helper()
	p.open(s.single(nil))
	inspect("sign-in-guest")
	p.click(`form[action$="/guest"] button`)
	p.wantPage("card")
	inspect("card-guest")
	p.submit()
	inspect("card-guest-wrong")
	p.fill(`input[name=email]`, "gus@example.test")
	p.card("4242424242424242", "12 / 31")
	p.fill(`input[name=holder]`, "Gus Guest")
	p.submit()
	p.wantPage("address")
	inspect("address-guest")
	p.shipTo("Gus Guest")
	p.submit()
	p.wantPage("confirm")
	inspect("confirm-guest")
	p.submit()
	return s.wantBack(p, holdfast.ReturnSuccessCC).TokenID
}

func TestPagesOfAGuest(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	s.takesGuests()
	token := s.guestApproves(p, p.inspect)
	p.open(s.mailed("/account/guest"))
	p.inspect("list-guest-approved")
	held, err := s.Reserve(token, "42.50", "reserve-1")
	if err != nil {
		t.Fatal(err)
	}
	p.open(s.mailed("/account/guest"))
	p.wants("Held until")
	p.inspect("list-guest-held")
	if _, err := s.Settle(held.ID, "40.00"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Refund(held.ID, "4.00", "refund-1"); err != nil {
		t.Fatal(err)
	}
	p.open(s.mailed("/account/guest"))
	p.wants("Refunded")
	p.inspect("list-guest-refunded")
	p.open(s.mailed("/account/receipt"))
	p.wants("Receipt: ")
	p.inspect("list-receipt")
	p.open(s.mailed("/account/guest"))
	p.click(`form[action$="/guest/ask"] button`)
	p.wants("Check your e-mail")
	p.inspect("form-guest-asked")
	p.open(s.mailed("/account/guest/account"))
	p.inspect("form-guest-account")
	p.submit()
	p.inspect("form-guest-account-wrong")
	old := s.mailed("/account/guest")
	p.fill(`input[name=new-password]`, holdfasttest.Password)
	p.submit()
	p.wants("Your account is ready.")
	p.wants("gus@example.test")
	p.open(old)
	p.wants("This link no longer works")
	p.inspect("form-guest-over")
}

// A guest makes the account with a passkey, and signs in with it.
func TestAGuestsPasskey(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	s.takesGuests()
	p.device()
	s.guestApproves(p, func(string) {})
	p.open(s.mailed("/account/guest"))
	p.click(`form[action$="/guest/ask"] button`)
	p.open(s.mailed("/account/guest/account"))
	p.reach(`form[data-passkey=make] button`, "/account/")
	p.wants("Your account is ready.")
	p.click(`form[action$="sign-out"] button`)
	p.reach(`form[data-passkey=use] button`, "/account/")
	p.wants("gus@example.test")
}

func TestPagesOfAGuestInOtherLanguages(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	s.takesGuests()
	for _, language := range []string{"de", "es"} {
		p.forget()
		p.speaks(language)
		s.guestApproves(p, func(name string) {
			p.fits(language + " " + name)
			p.axe(language + " " + name)
			p.shoot(name + "-" + language)
		})
		p.open(s.mailed("/account/guest"))
		p.fits(language + " guest")
		p.axe(language + " guest")
		p.shoot("list-guest-approved-" + language)
	}
}

// An address that has made too many guests is told to wait, or to sign in.
func TestTooManyGuestsOnThePage(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	s.takesGuests()
	for range party.GuestsOfAddress.Free {
		p.forget()
		p.open(s.single(nil))
		p.click(`form[action$="/guest"] button`)
		p.wantPage("card")
	}
	p.forget()
	p.open(s.single(nil))
	p.click(`form[action$="/guest"] button`)
	p.wants("too many payments without an account")
	p.inspect("sign-in-guests-too-many")
	s.Clock.Advance(time.Minute)
	p.click(`form[action$="/guest"] button`)
	p.wantPage("card")
}
