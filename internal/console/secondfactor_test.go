package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// byPassword returns the browser of a party that is signed in and has not given its
// second factor.
func (s *site) byPassword(p party.Party) *browser {
	s.t.Helper()
	b := s.newBrowser()
	b.do(http.MethodPost, account.Root+"sign-in", url.Values{"email": {p.Email}, "password": {holdfasttest.Password}})
	return b
}

var (
	shownSecret = regexp.MustCompile(`<dd>((?:[A-Z2-7]{4} ?){8})</dd>`)
	shownCodes  = regexp.MustCompile(`(?m)^(?:<pre tabindex="0">)?([a-z2-7]{4}(?:-[a-z2-7]{4}){3})`)
)

// app reads the secret that the page shows.
func (b *browser) app() party.TOTP {
	b.t.Helper()
	found := shownSecret.FindStringSubmatch(b.body)
	if found == nil {
		b.t.Fatalf("the page shows no secret:\n%s", b.body)
	}
	return party.TOTP{Secret: holdfast.NewSecretKey(strings.ReplaceAll(found[1], " ", ""))}
}

func (b *browser) code(app party.TOTP) url.Values {
	return url.Values{"code": {holdfasttest.AppCode(app, b.Clock.Now())}, "to": {console.Root + b.caller("risk")}}
}

func TestTheConsoleAsksForASecondFactor(t *testing.T) {
	s := newSite(t)
	member := s.members.Add(party.RoleOwner, s.Shop.ID)
	b := s.byPassword(member)
	b.get(s.caller("risk")).wantStatus(http.StatusOK).want("Set up an authenticator app", "QR code")
	app := b.app()
	b.post("second-factor/app",
		url.Values{"code": {"000000"}}).wantStatus(http.StatusUnprocessableEntity).want("The code is wrong")
	if string(b.app().Secret.Reveal()) != string(app.Secret.Reveal()) {
		t.Error("after a wrong code the page shows another secret")
	}
	b.get(s.caller("risk")).want("Set up an authenticator app")
	b.post("second-factor/app", b.code(app)).wantStatus(http.StatusOK).want("recovery codes")
	codes := shownCodes.FindAllStringSubmatch(b.body, -1)
	if len(codes) != party.RecoveryCodes {
		t.Fatalf("the recovery codes are %q", codes)
	}
	b.get(s.caller("risk")).wantStatus(http.StatusOK).want("Risk board")

	s.Clock.Advance(time.Minute)
	other := s.byPassword(member)
	other.get(s.caller("risk?within=24")).want("Confirm that it is you").wantNot("QR code")
	if to := other.values("value"); to[0] != console.Root+s.caller("risk?within=24") {
		t.Errorf("the form leads on to %q", to)
	}
	other.get("second-factor/app").want("Confirm that it is you").wantNot("QR code")
	other.post("second-factor", url.Values{"code": {"123"}}).wantStatus(http.StatusUnprocessableEntity)
	typed := other.code(app)
	other.post("second-factor", typed).wantStatus(http.StatusOK).want("Risk board")
	third := s.byPassword(member)
	third.post("second-factor", typed).wantStatus(http.StatusUnprocessableEntity).want("used already")
	third.post("second-factor", url.Values{
		"code": {strings.ToUpper(codes[0][1])}, "to": {"https://evil.example/console/"},
	})
	if third.wantStatus(http.StatusOK); !strings.HasPrefix(third.url.Path, console.Root+"c/") {
		t.Errorf("the second factor leads to %s", third.url)
	}
	third.get("yourself").want("In use", ">9<")
}

// Nobody but a member is asked for a second factor, and no form works before it.
func TestNothingWorksBeforeTheSecondFactor(t *testing.T) {
	s := newSite(t)
	s.byPassword(s.Buyer).get("second-factor").wantStatus(http.StatusNotFound)
	owner, packer := s.members.Add(party.RoleOwner, s.Shop.ID), s.members.Add(party.RolePacker, s.Shop.ID)
	b := s.byPassword(owner)
	b.post(s.caller("members/"+string(packer.ID)+"/remove"), nil).want("Set up an authenticator app")
	if all, err := s.Processor.Identity.Memberships(t.Context(), packer.ID); err != nil || len(all) != 1 {
		t.Errorf("the member was removed: %v, %v", all, err)
	}
	if to := b.url.Query().Get("to"); to != console.Root+s.caller("members/"+string(packer.ID)+"/remove") {
		t.Errorf("the form leads on to %q", to)
	}
	b.post(s.caller("approvals/A1/approve"), nil)
	if to := b.url.Query().Get("to"); to != console.Root+s.caller("approvals/A1") {
		t.Errorf("a form without a page leads on to %q", to)
	}
	b.header.Set("HX-Request", "true")
	if b.get(s.caller("risk")); strings.Contains(b.body, "<html") {
		t.Error("the script gets a page in place of the board")
	}
}

func TestNewRecoveryCodes(t *testing.T) {
	s := newSite(t)
	member := s.members.Add(party.RoleOwner, s.Shop.ID)
	b := s.byPassword(member)
	b.get("")
	app := b.app()
	b.post("second-factor/app", b.code(app))
	old := shownCodes.FindStringSubmatch(b.body)[1]
	b.get("yourself/codes").wantStatus(http.StatusOK).want("no longer work")
	form := b.fill("yourself/codes")
	b.post("yourself/codes", form).wantStatus(http.StatusOK)
	if codes := shownCodes.FindAllStringSubmatch(b.body, -1); len(codes) != party.RecoveryCodes || codes[0][1] == old {
		t.Errorf("the new codes are %q", codes)
	}
	b.post("yourself/codes", form).wantStatus(http.StatusConflict).want("was sent before")
	b.post("yourself/codes", nil).wantStatus(http.StatusBadRequest)
	s.byPassword(member).post("second-factor", url.Values{"code": {old}}).wantStatus(http.StatusUnprocessableEntity)
	b.get("yourself/app/remove").want("Remove the app")
	b.post("yourself/app/remove", nil).want("was removed", "You have not set up an app")
	packer := s.as(party.RolePacker, s.Shop.ID)
	packer.post("yourself/codes", packer.fill("yourself/codes")).wantStatus(http.StatusNotFound)
}
