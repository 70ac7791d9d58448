package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestMembersPages(t *testing.T) {
	s := newSite(t)
	owner, packer := s.members.Add(party.RoleOwner, s.Shop.ID), s.members.Add(party.RolePacker, s.Shop.ID)
	b := s.signedIn(owner)
	b.get(s.caller("members")).wantStatus(http.StatusOK).want(packer.Email, "Packer", "No invitation is open")
	at := s.caller("members/" + string(packer.ID))
	b.get(at).want("Change the role")
	b.post(at, url.Values{"role": {"finance"}, "limit": {"x"}}).wantStatus(http.StatusUnprocessableEntity)
	b.post(at, url.Values{"role": {"root"}}).wantStatus(http.StatusUnprocessableEntity).want("Choose a role")
	b.post(at, url.Values{"role": {"support"}, "limit": {"5"}}).wantStatus(http.StatusUnprocessableEntity)
	b.post(at, url.Values{"role": {"finance"}, "limit": {"50.00"}}).want("The role was changed", "Finance",
		"Refunds up to $50.00")
	own := s.caller("members/" + string(owner.ID))
	b.post(own, url.Values{"role": {"packer"}}).wantStatus(http.StatusConflict).want("The last active owner")
	b.post(own+"/remove", nil).wantStatus(http.StatusConflict).want("The last active owner")
	b.get(at+"/remove").want("Remove", packer.Email)
	b.post(at+"/remove", nil).want("The member was removed").wantNot(packer.Email)
	b.get(at).wantStatus(http.StatusNotFound)
}

func TestInvitationPages(t *testing.T) {
	s := newSite(t)
	post := s.Mailing()
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(s.caller("members/invite")).want("Invite somebody")
	invite := s.caller("members/invite")
	b.post(invite, b.fill(invite, "email", "no address", "role", "packer")).wantStatus(http.StatusUnprocessableEntity)
	b.post(invite, url.Values{"email": {"pat@example.test"}, "role": {"packer"}}).wantStatus(http.StatusBadRequest)
	send := func(email string) string {
		t.Helper()
		form := b.fill(invite, "email", email, "role", "packer")
		b.post(invite, form).want("The invitation was sent", email)
		b.post(invite, form).want("The invitation was sent", email) // a double click
		if n := len(post.To(email)); n != 1 {
			t.Errorf("%s gets %d letters", email, n)
		}
		return post.Last(email, party.NoticeInvitation).Link
	}
	secret := send("pat@example.test")
	if strings.Contains(b.body, secret) {
		t.Error("the inviting member sees the link")
	}
	link := "invitation?link=" + secret
	stranger := s.newBrowser()
	stranger.get(link).wantStatus(http.StatusOK).want("Kiln & Co", "Packer", "pat@example.test",
		"Create account and accept")
	form := url.Values{"link": {secret}, "name": {"Pat"}, "password": {"short"}}
	stranger.post("invitation", form).wantStatus(http.StatusUnprocessableEntity).want("Kiln & Co")
	form.Set("password", holdfasttest.Password)
	stranger.post("invitation", form).wantStatus(http.StatusOK).want("Set up an authenticator app")
	s.newBrowser().get(link).wantStatus(http.StatusNotFound).want("no longer valid")
	s.newBrowser().get("invitation").wantStatus(http.StatusNotFound)

	secret = send(s.Buyer.Email)
	link = "invitation?link=" + secret
	other := s.byPassword(s.Owner)
	other.get(link).want("You are signed in as " + s.Owner.Email).wantNot("Accept the invitation")
	other.post("invitation/accept", url.Values{"link": {secret}}).wantStatus(http.StatusForbidden)
	invited := s.newBrowser()
	invited.get(link).want("Sign in to it")
	invited.do(http.MethodPost, account.Root+"sign-in", url.Values{
		"email": {s.Buyer.Email}, "password": {holdfasttest.Password}, "to": {console.Root + "invitation"}, "link": {secret},
	})
	invited.wantStatus(http.StatusOK).want("Accept the invitation")
	invited.post("invitation/accept", url.Values{"link": {secret}}).want("Set up an authenticator app")

	send("last@example.test")
	b.get(s.caller("members/withdraw?email=last@example.test")).want("Withdraw the invitation")
	b.post(s.caller("members/withdraw"),
		url.Values{"email": {"last@example.test"}}).want("was withdrawn").wantNot("last@example.test")
}

// A server without mails gives the link to the inviting member, once.
func TestAnInvitationIsHandedOver(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, "")
	form := b.fill("server/members/invite", "email", "op@example.test", "role", "operator")
	b.post("server/members/invite", form).wantStatus(http.StatusOK).want("console/invitation?link=", "Give this link")
	link := secretShown.FindStringSubmatch(b.body)[1]
	b.post("server/members/invite", form).wantStatus(http.StatusConflict).want("was sent before").wantNot("?link=")
	_, path, _ := strings.Cut(link, console.Root)
	s.newBrowser().get(path).wantStatus(http.StatusOK).want("op@example.test")
}

// The page of the members says what each role may do, from the table that decides.
func TestRolesOnThePageOfMembers(t *testing.T) {
	s := newSite(t)
	s.as(party.RoleOwner, s.Shop.ID).get(s.caller("members")).want("What each role may do",
		"see holds and payments, settle, release, raise and renew holds, refund, send notifications again, see reports").
		wantNot("make callers")
	s.as(party.RoleOwner, "").get("server/members").want("make callers", "see the system page")
}

// The name that a command gives is proposed to a person without an account.
func TestNameOfAnInvitation(t *testing.T) {
	s := newSite(t)
	link, err := s.Processor.Identity.Invite(t.Context(), "", identity.NewInvitation{
		Membership: party.Membership{Role: party.RoleOwner}, Email: "pat@example.test", Name: "Pat O'Neil",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.newBrowser().get("invitation?link=" + link).want(`value="Pat O'Neil"`)
	if _, err := s.Processor.Identity.Invite(t.Context(), "", identity.NewInvitation{
		Membership: party.Membership{Role: party.RoleOwner}, Email: "pat@example.test", Name: "two\nlines",
	}); err == nil {
		t.Error("a name of two lines is accepted")
	}
}
