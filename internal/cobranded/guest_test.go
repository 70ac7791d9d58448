package cobranded_test

import (
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func (s *site) takesGuests() {
	s.t.Helper()
	s.change(func(c party.Caller) party.Caller { c.Guests = true; return c })
}

// guestCard types a card as a guest.
func (s *site) guestCard(email string) page {
	s.t.Helper()
	s.wantPage("card")
	return s.submit("email", email, "number", "4242 4242 4242 4242", "expiry", "12/31", "code", "123", "holder",
		"Gus Guest")
}

func (s *site) action(name string) string { return s.server.URL + "/cobranded-ui/actions/" + name }

func (s *site) page(name, visit string) page { return s.get(s.action(name) + "?visit=" + visit) }

// guestOf reads the sender of a visit, which must be a guest.
func (s *site) guestOf(visit string) (p party.Party) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		p, _, err = tx.Party(s.visitNamed(visit).Sender)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	if !p.Guest {
		s.t.Fatalf("the visit's sender is %+v, want a guest", p)
	}
	return p
}

func TestAGuest(t *testing.T) { holdfasttest.Databases(t, aGuest) }

func aGuest(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.takesGuests()
	r := order()
	r.CollectShippingAddress, r.CollectEmailAddress = true, true
	s.get(s.link(r))
	s.wantText("Pay as a guest or sign in")
	s.press("guest")
	s.wantPage("card")
	visit := s.visit()
	s.wantText("You are paying as a guest.")
	if strings.Contains(s.at.body, `name="default"`) {
		t.Error("a guest is asked for its usual card")
	}
	s.guestCard("")
	s.wantText("Please enter an e-mail address such as ann@example.com.")
	s.guestCard("4242424242424242")
	if strings.Contains(s.at.body, "4242424242424242") {
		t.Error("a card number in the wrong field is shown again")
	}
	s.guestCard("Gus <gus@example.test>")
	if s.at.status != http.StatusUnprocessableEntity || s.guestOf(visit).Email != "" {
		t.Errorf("the status is %d, the guest %+v", s.at.status, s.guestOf(visit))
	}
	s.guestCard("gus@example.test")
	s.wantPage("address")
	s.submit("addressName", "Gus Guest", "addressLine1", "1 Main St", "city", "Ames", "state", "IA", "zip", "50010",
		"country", "US")
	s.wantPage("confirm")
	s.wantText("Visa ending in 4242")
	s.wantText("gus@example.test")
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC)
	if back.BuyerEmail != "gus@example.test" || back.Address.Line1 != "1 Main St" {
		t.Errorf("the answer is %+v", back)
	}
	guest, first := s.guestOf(visit), s.at.header.Get("Location")
	if guest.Name != "Gus Guest" || guest.Email != "gus@example.test" || s.token(back.TokenID).Sender != guest.ID {
		t.Errorf("the guest is %+v, the token %+v", guest, s.token(back.TokenID))
	}
	if s.page("confirm", visit); s.at.header.Get("Location") != first {
		t.Errorf("later the answer is %s, the first was %s", s.at.header.Get("Location"), first)
	}
	if strings.Contains(s.log.String(), "4242") || strings.Contains(s.log.String(), "gus@") {
		t.Errorf("the log has what the guest typed:\n%s", s.log)
	}
}

func TestGuestsAreNotOffered(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	if strings.Contains(s.at.body, "/guest") || strings.Contains(strings.ToLower(s.at.body), "guest") {
		t.Errorf("the sandbox's page speaks of guests:\n%s", s.at.body)
	}
	s.post(s.action("guest"), params("visit", s.visit()))
	s.wantPage("sign-in")
	s.takesGuests()
	for name, link := range map[string]string{
		"MultiUse": s.asked(payment.PipelineMultiUse, "callerReference", "multi", "globalAmountLimit", "100"),
		"a balance": s.asked(payment.PipelineSingleUse, "callerReference", "abt", "transactionAmount", "1",
			"paymentMethod", "ABT"),
	} {
		s.get(link)
		s.wantPage("sign-in")
		if strings.Contains(s.at.body, "guest") {
			t.Errorf("%s: the page speaks of guests", name)
		}
		s.post(s.action("guest"), params("visit", s.visit()))
		s.wantPage("sign-in")
		if v := s.visitNamed(s.visit()); v.Sender != "" {
			t.Errorf("%s: the sender is %s", name, v.Sender)
		}
	}
}

// Only the browser of the guest can do anything in its visit. The address of a page
// is not enough, and neither is the cookie of another visit.
func TestStrangersInAGuestsVisit(t *testing.T) { holdfasttest.Databases(t, strangers) }

func strangers(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.takesGuests()
	s.get(s.link(order()))
	s.press("guest")
	s.guestCard("gus@example.test")
	s.wantPage("confirm")
	visit, own := s.visit(), s.browser
	before := s.visitNamed(visit)
	changesNothing := func(who string) {
		t.Helper()
		for _, name := range []string{"payment", "card", "bank", "address", "confirm", "decline", "cancel", "sign-out"} {
			s.post(s.action(name), params("visit", visit, "instrument", string(before.Instrument), "email", "x@example.test",
				"number", "4000000000000077", "expiry", "12/31", "code", "123", "holder", "X"))
			if s.at.back != nil {
				t.Errorf("%s is sent back to the shop by %s", who, name)
			}
		}
		if after := s.visitNamed(visit); after != before {
			t.Fatalf("%s has changed the visit from %+v to %+v", who, before, after)
		}
	}
	everything := func(who string) {
		t.Helper()
		for _, name := range []string{"payment", "card", "address", "confirm"} {
			s.page(name, visit)
			s.wantPage("sign-in")
			if strings.Contains(s.at.body, "gus@") || strings.Contains(s.at.body, "4242") {
				t.Errorf("%s sees what the guest typed on %s", who, name)
			}
		}
		changesNothing(who)
	}
	s.newBrowser()
	everything("a stranger")
	s.cookie(visit, "forged")
	everything("a forger")
	s.cookie(visit, "")
	everything("a forger of nothing")
	s.newBrowser()
	other := order()
	other.CallerReference = "other"
	s.get(s.link(other))
	s.press("guest")
	s.cookie(visit, s.visitNamed(s.visit()).Key)
	everything("another guest")
	s.newBrowser()
	s.page("sign-in", visit)
	s.signIn() // the account gets a visit of its own
	if s.visit() == visit {
		t.Error("an account enters the guest's visit")
	}
	for _, name := range []string{"payment", "card", "address", "confirm"} {
		s.page(name, visit)
		s.wantPage("confirm") // of the account's own visit
		if s.visit() == visit || strings.Contains(s.at.body, "gus@") ||
			strings.Contains(s.at.body, string(before.Instrument)) {
			t.Errorf("an account sees what the guest typed on %s", name)
		}
	}
	changesNothing("an account")
	s.newBrowser()
	s.page("sign-in", visit)
	s.press("guest") // and so does another guest
	s.wantPage("card")
	if s.visit() == visit {
		t.Error("another guest enters the guest's visit")
	}
	everything("a guest with a visit of its own")
	s.browser = own
	s.page("confirm", visit)
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
	s.newBrowser()
	if s.page("return", visit); s.at.back != nil || s.at.status != http.StatusNotFound {
		t.Errorf("a stranger is sent to %v with status %d", s.at.back, s.at.status)
	}
}

// cookie gives the browser a cookie for a guest's visit.
func (s *site) cookie(visit, key string) {
	s.t.Helper()
	u, err := url.Parse(s.server.URL + "/cobranded-ui/actions/")
	if err != nil {
		s.t.Fatal(err)
	}
	s.browser.Jar.(*cookiejar.Jar).SetCookies(u, []*http.Cookie{
		{Name: "holdfast-guest-" + visit, Value: key, Path: u.Path},
	})
}

func TestCookieOfAGuest(t *testing.T) {
	s := newSite(t)
	s.takesGuests()
	s.get(s.link(order()))
	visit := s.visit()
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.press("guest")
	for _, line := range s.at.header.Values("Set-Cookie") {
		c, err := http.ParseSetCookie(line)
		if err != nil {
			t.Fatal(err)
		}
		if c.Name != "holdfast-guest-"+visit {
			if c.Name == "holdfast" {
				t.Error("a guest gets a session")
			}
			continue
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/cobranded-ui/actions/" || c.MaxAge != 0 ||
			c.Value != s.visitNamed(visit).Key {
			t.Errorf("the cookie is %s", line)
		}
		return
	}
	t.Errorf("there is no cookie for the guest: %v", s.at.header)
}

func TestAGuestSignsInInstead(t *testing.T) {
	s := newSite(t)
	s.takesGuests()
	s.get(s.link(order()))
	s.press("guest")
	s.guestCard("gus@example.test")
	visit := s.visit()
	s.press("sign-out")
	s.wantPage("sign-in")
	s.signIn()
	s.wantPage("confirm")
	if v := s.visitNamed(visit); v.Sender != s.Buyer.ID || v.Instrument != s.Card.ID {
		t.Errorf("the visit is %+v", v)
	}
}

// A session in the same browser stays as it is, and does not count in the visit of
// a guest. An account that was made from the guest must sign in.
func TestAGuestInTheBrowserOfAnAccount(t *testing.T) {
	s := newSite(t)
	s.takesGuests()
	first := order()
	first.CallerReference = "first"
	s.get(s.link(first))
	s.press("guest")
	s.guestCard("gus@example.test")
	guests := s.visit()
	s.get(s.link(order()))
	s.signIn()
	s.wantPage("confirm")
	s.wantText("You are signed in as " + s.Buyer.Email)
	s.page("confirm", guests)
	s.wantText("You are paying as a guest.")
	s.press("sign-out")
	other := order()
	other.CallerReference = "another"
	s.get(s.link(other))
	s.wantPage("confirm")
	s.wantText("You are signed in as " + s.Buyer.Email)
}

func TestGuestsOfOtherSitesForms(t *testing.T) {
	s := newSite(t)
	s.takesGuests()
	s.get(s.link(order()))
	visit := s.visit()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.action("guest"),
		strings.NewReader(params("visit", visit).Encode()))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "cross-site")
	if s.do(r); s.at.status != http.StatusForbidden || s.visitNamed(visit).Sender != "" {
		t.Errorf("the status is %d, the visit %+v", s.at.status, s.visitNamed(visit))
	}
	s.page("guest", visit)
	if s.at.status == http.StatusOK || s.visitNamed(visit).Sender != "" {
		t.Errorf("a link makes a guest: status %d", s.at.status)
	}
}

func TestTooManyGuests(t *testing.T) {
	s := newSite(t)
	s.takesGuests()
	var last string
	for n := range party.GuestsOfAddress.Free + 1 {
		s.newBrowser()
		r := order()
		r.CallerReference = holdfast.CallerReference(fmt.Sprintf("order-%d", n))
		s.get(s.link(r))
		last = s.visit()
		s.press("guest")
	}
	s.wantText("There were too many payments without an account. Please try again in a minute, or sign in.")
	if s.at.status != http.StatusTooManyRequests || s.at.header.Get("Retry-After") != "60" {
		t.Errorf("the status is %d, Retry-After %q", s.at.status, s.at.header.Get("Retry-After"))
	}
	s.signIn()
	s.wantPage("confirm")
	if v := s.visitNamed(last); v.Sender != s.Buyer.ID {
		t.Errorf("the visit is %+v", v)
	}
}

func TestTooManyGuestsWithOneAddress(t *testing.T) {
	s := newSite(t)
	s.takesGuests()
	for n := range party.GuestsOfMailbox.Free + 1 {
		s.newBrowser()
		r := order()
		r.CallerReference = holdfast.CallerReference(fmt.Sprintf("order-%d", n))
		s.get(s.link(r))
		s.press("guest")
		s.guestCard("gus@example.test")
	}
	s.wantText("There were too many payments without an account. Please try again in 3 minutes, or sign in.")
	if s.at.status != http.StatusTooManyRequests || strings.Contains(s.at.body, `value="4242`) {
		t.Errorf("the status is %d, the page\n%s", s.at.status, s.at.body)
	}
	s.press("sign-out") // "Sign in instead"
	s.wantPage("sign-in")
}

// An account that was made from a guest is not signed in by the guest's cookie.
func TestTheCookieOfAGuestWithAnAccount(t *testing.T) {
	s := newSite(t)
	s.takesGuests()
	box := s.Mailing()
	s.Processor.Receipts = func(r payment.Receipt) (subject, text string) { return string(r.About), r.Guest }
	s.get(s.link(order()))
	s.press("guest")
	s.guestCard("gus@example.test")
	visit := s.visit()
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
	var link string
	err := s.DB.View(t.Context(), func(tx *store.ReadTx) error {
		mails, err := tx.Mails("", 10)
		for _, m := range mails {
			link = m.Text
		}
		return err
	})
	if err == nil {
		err = s.Processor.AskClaim(t.Context(), link, "203.0.113.7")
	}
	if err != nil {
		t.Fatal(err)
	}
	secret := box.Last("gus@example.test", party.NoticeGuestClaim).Link
	var claimed party.Party
	if claimed, err = s.Processor.Claim(t.Context(), secret, holdfasttest.Password); err != nil {
		t.Fatal(err)
	}
	if s.page("return", visit); s.at.back != nil || s.at.status != http.StatusNotFound {
		t.Errorf("the cookie leads to %v, status %d", s.at.back, s.at.status)
	}
	if _, err := s.Processor.Identity.SignIn(t.Context(), identity.SignIn{
		Email: claimed.Email, Password: holdfasttest.Password, From: "203.0.113.7",
	}); err != nil {
		t.Error(err)
	}
}
