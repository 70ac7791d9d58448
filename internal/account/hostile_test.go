package account_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The paths to which forms are sent. Those in doingAnybody do not need a
// session.
var (
	doingAnybody = []string{"sign-in", "passkey", "passkey/ask", "sign-up", "sign-out", "forgotten", "reset"}
	doingOwner   = []string{
		"verify", "verify/send", "methods/card", "methods/bank", "methods/default", "methods/remove", "addresses/edit",
		"addresses/default", "addresses/remove", "authorisations/cancel", "security/password", "security/passkey",
		"security/passkey/ask", "security/passkey/remove",
		"security/session/end", "security/session/others", "profile/name", "profile/email", "profile/business",
	}
	showing = []string{
		"", "verify", "methods", "methods/card", "methods/remove", "addresses", "addresses/edit", "authorisations",
		"authorisations/one", "history",
		"security", "security/password", "security/passkey", "security/passkey/remove", "profile", "profile/name",
		"profile/email",
	}
)

// Forms of other sites are refused at every path, whichever header the browser
// uses to say where they come from.
func TestFormsOfOtherSites(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	typed := []string{
		"email", nora, "password", holdfasttest.Password, "new-password", "chosen by a stranger", "name", "Mallory", "method",
		string(s.Card.ID), "number", "4242424242424242", "expiry", "08/31", "code", "123", "holder", "Mallory",
	}
	for name, header := range map[string]http.Header{
		"cross-site":         {"Sec-Fetch-Site": {"cross-site"}},
		"same-site":          {"Sec-Fetch-Site": {"same-site"}},
		"by origin":          {"Origin": {"https://evil.example"}},
		"of a hidden origin": {"Origin": {"null"}},
		"by another port":    {"Origin": {"http://127.0.0.1:1"}},
	} {
		b.header = header
		for _, place := range append(doingAnybody, doingOwner...) {
			b.postTo(place, typed...)
			b.wantStatus(place+" "+name, http.StatusForbidden)
			b.wantText("This form came from another site", "Nothing was changed")
		}
	}
	b.header = http.Header{}
	b.get("methods")
	b.wantPage("methods") // not even signed out
	if user := s.party(); user.Name != "Ann Buyer" || user.Business || len(s.methods()) != 2 ||
		len(s.post.To(s.Buyer.Email)) != 0 {
		t.Errorf("the account has changed: %+v", user)
	}
}

// party returns Ann's stored account.
func (s *site) party() (user party.Party) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		user, _, err = tx.Party(s.Buyer.ID)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return user
}

func TestNothingWithoutSigningIn(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	leads := func(place string) {
		t.Helper()
		to, err := url.Parse(b.at.header.Get("Location"))
		if err != nil || to.Path != account.Root+"sign-in" || to.Host != "" {
			t.Errorf("%s leads to %v (%d)", place, to, b.at.status)
		}
	}
	for _, place := range showing {
		b.get(place)
		leads(place)
	}
	for _, place := range doingOwner {
		b.postTo(place, "method", string(s.Card.ID), "name", "Mallory")
		leads(place)
	}
	if s.party().Name != "Ann Buyer" {
		t.Error("the account has changed")
	}
}

func TestRequestsThatNoPageMakes(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	for _, place := range append(doingAnybody, doingOwner...) {
		b.do(http.MethodPost, b.base+account.Root+place, "name="+strings.Repeat("x", 70_000))
		b.wantStatus(place+", a large form", http.StatusRequestEntityTooLarge)
		b.do(http.MethodPost, b.base+account.Root+place, "a=1&a=2")
		b.wantStatus(place+", a field twice", http.StatusBadRequest)
		b.do(http.MethodPost, b.base+account.Root+place+"?name=a", "name=b")
		b.wantStatus(place+", a field in address and form", http.StatusBadRequest)
		b.do(http.MethodPost, b.base+account.Root+place, "a=%zz")
		b.wantStatus(place+", no form", http.StatusBadRequest)
	}
	for _, row := range []struct {
		verb, place string
	}{
		{http.MethodGet, "none"},
		{http.MethodGet, "sign-out"},
		{http.MethodGet, "authorisations/cancel?token=x"},
		{http.MethodGet, "methods/default"},
		{http.MethodGet, "profile/business"},
		{http.MethodPost, "history/one"},
		{http.MethodPut, "profile/name"},
		{http.MethodDelete, "methods/remove"},
	} {
		b.do(row.verb, b.base+account.Root+row.place, "")
		b.wantStatus(row.verb+" "+row.place, http.StatusNotFound)
	}
	b.get("")
	b.wantPage("")
}

// Text that a user typed is never HTML, wherever it is shown.
func TestWhatIsTypedIsText(t *testing.T) {
	s := newSite(t)
	b := s.ann()
	const script = `"><script>alert(1)</script>`
	b.get("profile/name")
	b.send("profile/name", "", "name", script)
	b.wantPage("profile")
	b.wantText(script)
	b.get("profile/name?done=" + url.QueryEscape(script))
	b.postTo("sign-in?to="+url.QueryEscape(script), "email", script, "password", "x")
	b.wantText(script)
	for _, place := range append(showing, "sign-in?to="+url.QueryEscape(script), "forgotten?visit="+
		url.QueryEscape(script), "reset?link="+url.QueryEscape(script)) {
		if body := b.get(place).body; strings.Contains(body, "<script>alert") {
			t.Errorf("%s has a stranger's script", place)
		}
	}
}

// Every page, with everything that it can contain, has strict headers in every
// language. It has no secrets, card numbers or token ids.
func TestEveryPage(t *testing.T) {
	s := newSite(t)
	token := s.multiUse()
	if _, err := s.Reserve(token, "12.00", "order-1"); err != nil {
		t.Fatal(err)
	}
	for i := range 30 {
		s.Paid("1.00", holdfast.CallerReference(fmt.Sprint("order-", i+2)))
		s.Authorize("5.00")
	}
	stranger, b := s.atLocalhost(), s.atLocalhost()
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.addPasskey(b.device(), "Phone")
	b.postTo("addresses/edit", "addressName", "Ann", "addressLine1", "1 Main St", "city", "Ames", "zip", "50010",
		"country", "US")
	open := []string{"sign-in", "sign-up", "forgotten", "reset", "none"}
	own := append([]string{"authorisations?all=1", "authorisations/one?token=" +
		s.handle(token), "methods/remove?method=" + string(s.Card.ID), "addresses/edit?address=A0001", "profile?done=name"},
		showing...)
	for _, accept := range []string{"en", "de", "es", "en-GB", "de-CH", "es-MX"} {
		stranger.header.Set("Accept-Language", accept)
		b.header.Set("Accept-Language", accept)
		for _, place := range open {
			stranger.get(place)
			stranger.checkPage(place+" in "+accept, accept)
		}
		for _, place := range own {
			b.get(place)
			b.checkPage(place+" in "+accept, accept)
			if strings.Contains(b.at.body, string(token)) {
				t.Errorf("%s has the token's id", place)
			}
		}
	}
	if strings.Contains(s.log.String(), "ERROR") {
		t.Errorf("the log says:\n%s", s.log)
	}
}

func (b *browser) checkPage(name, accept string) {
	b.t.Helper()
	holdfasttest.CheckPage(b.t, name, b.at.body)
	language, _, _ := strings.Cut(accept, "-")
	for header, want := range map[string]string{
		"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY",
		"Referrer-Policy": "same-origin",
	} {
		if got := b.at.header.Get(header); got != want {
			b.t.Errorf("%s: %s is %q", name, header, got)
		}
	}
	policy := b.at.header.Get("Content-Security-Policy")
	for _, part := range []string{
		"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'",
	} {
		if !strings.Contains(policy, part) {
			b.t.Errorf("%s: the policy %q lacks %s", name, policy, part)
		}
	}
	if got := b.at.header.Get("Content-Language"); !strings.HasPrefix(got, language) {
		b.t.Errorf("%s is in %q", name, got)
	}
	for _, never := range []string{" style=", " onclick=", "<script>", "4242424242424242", "unsafe-"} {
		if strings.Contains(b.at.body+policy, never) {
			b.t.Errorf("%s has %s", name, never)
		}
	}
}
