package browser

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// device gives the browser a device that stores passkeys and confirms every
// request.
func (p *page) device() {
	p.t.Helper()
	p.do("adding an authenticator", func(ctx context.Context, t *chromedp.Target) (none chromedp.Void, err error) {
		if _, err = cdp.Call(ctx, t, webauthn.Enable, webauthn.EnableParams{}); err != nil {
			return none, err
		}
		_, err = cdp.Call(ctx, t, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{
			Options: &webauthn.VirtualAuthenticatorOptions{
				Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
				HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true,
			},
		})
		return none, err
	})
}

// reach presses a button whose form a script sends later, and waits for a path.
func (p *page) reach(selector, path string) {
	p.t.Helper()
	p.do("pressing "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
	patience, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	for {
		at, err := url.Parse(p.address())
		if err == nil && at.Path == path {
			break
		}
		if patience.Err() != nil {
			p.t.Fatalf("%s does not lead to %s\nat %s\n%s", selector, path, at, p.text())
		}
	}
	p.do("waiting for the page", chromedp.WaitReady(chromedp.CSS("main h1")))
}

// A buyer makes a passkey, signs out, and signs in again with it.
func TestAPasskey(t *testing.T) {
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	at, err := url.Parse(d.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	account := "http://localhost:" + at.Port() + "/account/" // passkeys need a host name
	p.device()
	p.open(account)
	p.fill(`input[name=email]`, d.BuyerEmail)
	p.fill(`input[name=password]`, d.BuyerPassword)
	p.click(`form[action$="sign-in"] button`)
	p.wants("Balance")

	p.open(account + "security/passkey")
	p.fill(`input[name=name]`, "My phone")
	p.fill(`input[name=password]`, d.BuyerPassword)
	p.reach(`form[data-passkey=make] button`, "/account/security")
	p.wants("My phone")
	p.click(`form[action$="sign-out"] button`)

	p.reach(`form[data-passkey=use] button`, "/account/")
	p.wants("Balance")

	p.open(account + "security")
	p.click(`a[href*="passkey/remove"]`)
	p.inspect("account-form-passkey-remove")
	p.reach(`form[data-passkey=use] button`, "/account/security")
	p.wants("The passkey was removed.")
}

// The sign-in pages of the account and of a payment say why a session ended.
func TestPagesAfterASessionEnded(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	s.signIn(p, s.Buyer)
	paying := p.address()
	s.Clock.Advance(time.Hour)
	p.open(paying)
	p.wants("You were signed out after 30 minutes. Your payment is still open.")
	p.inspect("sign-in-ended")
	p.open(s.home + "/account/history")
	p.wants("You were signed out after 30 minutes.")
	p.inspect("account-form-sign-in-ended")
}

// Every page of an account, with content.
func TestPagesOfAnAccount(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	s.Mailing()
	at := func(place string) { p.open(s.home + "/account/" + place) }
	for _, place := range []string{"sign-in", "sign-up", "forgotten"} {
		at(place)
		p.inspect("account-form-" + place)
		p.submit()
		p.inspect("account-form-" + place + "-wrong")
	}
	at("reset?link=none")
	p.inspect("account-form-reset-over")

	s.Processor.Network = s.Network // it knows the card of the test world
	s.Reserved("42.50", "order-1")
	many := s.Token(
		payment.Token{
			Instrument: s.Card.ID, Method: holdfast.MethodCC, Type: holdfast.TokenMultiUse, AmountType: holdfast.AmountMaximum,
			Amount: holdfasttest.USD("15"),
		},
		payment.Limit{
			Kind: payment.LimitAmount, Value: holdfasttest.USD("40").Micro, Period: payment.Period{N: 1, Unit: payment.Month},
		},
	)
	if _, err := s.Reserve(many, "12.00", "order-2"); err != nil {
		t.Fatal(err)
	}
	at("")
	s.signIn(p, s.Buyer)
	p.inspect("account-list-overview")
	for _, place := range []string{"methods", "addresses", "authorisations", "history", "security", "profile"} {
		at(place)
		p.inspect("account-list-" + place)
	}
	at("authorisations")
	p.click(`.row a`)
	p.inspect("account-form-authorisation")
	at("history")
	p.click(`.row a`)
	p.inspect("account-list-payment")
	for _, place := range []string{"methods/card", "addresses/edit", "security/password", "profile/email"} {
		at(place)
		p.inspect("account-form-" + strings.ReplaceAll(place, "/", "-"))
	}
	at("methods/remove?method=" + string(s.Card.ID))
	p.inspect("account-form-needed")
	at("none")
	p.inspect("account-message")
	p.click(`header button`) // signs out
	at("")
	s.signIn(p, s.Owner)
	p.inspect("account-list-seller")
}

// The history with a full page, an open filter and search results, in each
// language.
func TestPagesOfAHistory(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	s.Processor.Network = s.Network // it knows the card of the test world
	s.Deposit(s.Buyer.ID, "500.00")
	for i := range 22 {
		s.Clock.Advance(time.Hour)
		paid := s.Paid(fmt.Sprintf("%d.50", 1000+i), holdfast.CallerReference(fmt.Sprintf("order-%d", 1000+i)))
		if i%5 == 0 {
			if _, err := s.Refund(paid.ID, "5.00", holdfast.CallerReference(fmt.Sprintf("refund-%d", i))); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.Reserved("42.50", "order-2")
	p.open(s.home + "/account/")
	s.signIn(p, s.Buyer)
	for _, language := range []string{"en", "de", "es"} {
		p.speaks(language)
		p.open(s.home + "/account/history")
		ask[bool](p, `document.querySelector(".filter").open = true`)
		p.inspect("account-list-history-full-" + language)
		ask[bool](p, `document.querySelector(".filter").open = true`)
		p.fill("#q", "kiln 1000,50")
		p.fill("#period", "2026-11")
		p.click(`.filter button`)
		if rows := ask[int](p, `document.querySelectorAll(".entries li").length`); rows != 1 {
			t.Errorf("%d payments of $1,000.50 were found", rows)
		}
		p.inspect("account-list-history-found-" + language)
		p.open(s.home + "/account/history?q=4242+4242+4242+4242")
		p.inspect("account-list-history-wrong-" + language)
	}
	p.click(`header button`) // signs out
	p.open(s.home + "/account/")
	s.signIn(p, s.Owner)
	for _, language := range []string{"en", "de", "es"} {
		p.speaks(language)
		p.open(s.home + "/account/")
		p.inspect("account-list-seller-" + language)
	}
}

// Buyers who must verify their address do so during the payment.
func TestPagesOfAnAddressToVerify(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	post := s.Mailing()
	p.open(s.single(nil))
	p.click(`a[href*="/sign-up"]`)
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.test")
	p.fill(`input[name=password]`, holdfasttest.Password)
	p.submit()
	p.wantPage("card")
	s.Clock.Advance(25 * time.Hour)
	p.open(s.single(nil))
	s.signIn(p, party.Party{Email: "nora@example.test"})
	p.wantPage("verify")
	p.inspect("verify")
	p.submit()
	p.inspect("verify-wrong")
	p.click(`form[action$="send-code"] button`)
	p.fill(`input[name=code]`, post.Last("nora@example.test", party.NoticeVerify).Code)
	p.submit()
	p.wantPage("card")
}
