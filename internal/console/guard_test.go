package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func TestSignInLeadsBack(t *testing.T) {
	s := newSite(t)
	s.OtherShop()
	member := s.members.Add(party.RoleOwner, "")
	b := s.newBrowser()
	b.get("?page=2").wantStatus(http.StatusOK)
	if b.url.Path != account.Root+"sign-in" || b.url.Query().Get("to") != console.Root {
		t.Fatalf("a stranger is sent to %s", b.url)
	}
	b.do(http.MethodPost, account.Root+"sign-in", url.Values{
		"email": {member.Email}, "password": {"correct horse battery"}, "to": {b.url.Query().Get("to")},
	})
	if to := b.url.Query().Get("to"); to != console.Root {
		t.Errorf("the second factor leads to %q", to)
	}
	s.members.Prove(member)
	b.get("").want("Kiln & Co", "Other")
	if b.url.Path != console.Root {
		t.Errorf("after sign-in the browser is at %s", b.url)
	}
}

// The sign-in page leads to no other server.
func TestSignInLeadsNowhereElse(t *testing.T) {
	s := newSite(t)
	member := s.members.Add(party.RoleOwner, s.Shop.ID)
	for _, to := range []string{
		"//evil.example/", "https://evil.example/console/", "/console/\r\nX: y", "/console", "x/console/",
	} {
		b := s.newBrowser()
		b.do(http.MethodPost, account.Root+"sign-in", url.Values{
			"email": {member.Email}, "password": {"correct horse battery"}, "to": {to},
		})
		if b.url.Host != strings.TrimPrefix(s.server.URL, "http://") {
			t.Errorf("to %q leads to %s", to, b.url)
		}
	}
}

func TestCallersOfAMember(t *testing.T) {
	s := newSite(t)
	other := s.OtherShop()
	s.signedIn(s.Buyer).get("").wantStatus(http.StatusNotFound).wantNot("Kiln")
	s.as(party.RoleSupport, "").get("").wantStatus(http.StatusOK).want("Kiln & Co", "Other", string(other.ID), "Support",
		"Sandbox")
	b := s.newBrowser()
	member := s.members.Add(party.RoleFinance, s.Shop.ID)
	b.signIn(member)
	b.get("")
	if want := console.Root + "c/" + string(s.Shop.ID) + "/"; b.url.Path != want {
		t.Errorf("a member of one caller is at %s, want %s", b.url.Path, want)
	}
}

func TestSessionThatEnds(t *testing.T) {
	s := newSite(t)
	s.OtherShop()
	b := s.as(party.RoleOwner, "")
	b.get("").wantStatus(http.StatusOK)
	s.Clock.Advance(party.SessionIdle + 2*time.Minute)
	if b.get(""); b.url.Path != account.Root+"sign-in" {
		t.Errorf("a session that ended is at %s", b.url)
	}
	b = s.as(party.RoleOperator, "")
	b.post("sign-out", nil)
	if b.get(""); b.url.Path != account.Root+"sign-in" {
		t.Errorf("a browser that signed out is at %s", b.url)
	}
}

func TestFormFromAnotherSite(t *testing.T) {
	s := newSite(t)
	s.OtherShop()
	b := s.as(party.RoleOwner, "")
	b.header.Set("Sec-Fetch-Site", "cross-site")
	b.post("sign-out", nil).wantStatus(http.StatusForbidden)
	b.header.Set("Sec-Fetch-Site", "same-origin")
	b.get("").wantStatus(http.StatusOK).want("Other")
}

// Pages in each language, and pages that do not exist.
func TestLanguages(t *testing.T) {
	s := newSite(t)
	s.OtherShop()
	b := s.as(party.RoleOwner, "")
	for language, want := range map[string]string{"en": "Your role", "de": "Ihre Rolle", "es": "Su función"} {
		b.header.Set("Accept-Language", language)
		b.get("").want(want)
	}
	b.header.Set("Accept-Language", "de")
	b.get("c/nobody/").wantStatus(http.StatusNotFound).want("Seite nicht gefunden")
	b.get("nowhere").wantStatus(http.StatusNotFound)
}

func TestSpan(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Hour: "less than 1 min", 0: "less than 1 min", 59 * time.Second: "less than 1 min", time.Minute: "1 min",
		3*time.Hour + 12*time.Minute: "3 h 12 min", 52 * time.Hour: "2 d 4 h", 240 * time.Hour: "10 d",
	} {
		if got := console.Span(webui.Words{}, d); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
}
