package cobranded_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const nora = "nora@example.test"

// signUp creates an account for Nora during a visit.
func (s *site) signUp() {
	s.t.Helper()
	s.visitPage("sign-up")
	s.submit("name", "Nora", "email", nora, "password", holdfasttest.Password)
}

// recipient returns a link that asks Nora to be paid through the shop.
func (s *site) recipient() string {
	s.t.Helper()
	s.change(func(c party.Caller) party.Caller { c.Marketplace = true; return c })
	return s.asked(payment.PipelineRecipient, "callerReference", "seller-1", "recipientPaysFee", "True")
}

// Sellers verify their address before they can be paid. Buyers have one day for
// it.
func TestANewcomerOnTheWay(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		post := s.Mailing()
		s.get(s.link(order()))
		s.signUp()
		s.wantPage("card")

		s.get(s.recipient())
		s.wantPage("verify")
		s.wantText("We have sent a code and a link to " + nora)
		s.submit("code", "x")
		if s.at.status != http.StatusUnprocessableEntity {
			t.Errorf("a wrong code: status %d", s.at.status)
		}
		s.wantText("This code is not correct.")
		s.visitPage("confirm") // verification cannot be skipped
		s.wantPage("verify")
		s.submit("code", post.Last(nora, party.NoticeVerify).Code)
		s.wantPage("confirm")
		s.submit()
		s.wantBack(holdfast.ReturnSuccessRecipient)
	})
}

func TestADayLater(t *testing.T) {
	s := newSite(t)
	post := s.Mailing()
	s.get(s.link(order()))
	s.signUp()
	s.Clock.Advance(25 * time.Hour)
	s.newBrowser()
	s.get(s.link(order()))
	s.submit("email", nora, "password", holdfasttest.Password)
	s.wantPage("verify")
	s.submit("code", post.Last(nora, party.NoticeVerify).Code)
	s.wantText("This code no longer works.")
	s.press("send-code")
	s.wantPage("verify")
	s.submit("code", post.Last(nora, party.NoticeVerify).Code)
	s.wantPage("card")

	s.newBrowser()
	s.get(s.link(order()))
	visit := s.visit()
	for _, action := range []string{"verify", "send-code"} {
		s.post(s.server.URL+"/cobranded-ui/actions/"+action, params("visit", visit, "code", "123456"))
		s.wantPage("sign-in") // nobody is signed in
	}
	s.visitPage("verify")
	s.wantPage("sign-in")
}

// The day ends while a newcomer looks at the confirm page.
func TestTheDayEndsBeforeTheConfirmation(t *testing.T) {
	s := newSite(t)
	post := s.Mailing()
	s.get(s.link(order()))
	s.signUp()
	s.Clock.Advance(24*time.Hour - time.Minute)
	s.newBrowser()
	s.get(s.link(order()))
	s.submit("email", nora, "password", holdfasttest.Password)
	s.submit("number", "5555555555554444", "expiry", "0831", "code", "123", "holder", "Nora")
	s.wantPage("confirm")
	s.Clock.Advance(2 * time.Minute)
	s.submit()
	s.wantPage("verify")
	if s.log.String() != "" {
		t.Errorf("the log says %q", s.log)
	}
	s.press("send-code")
	s.submit("code", post.Last(nora, party.NoticeVerify).Code)
	s.wantPage("confirm")
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
}

// The operator may have turned mail off since the page was shown.
func TestACodeThatCannotBeSent(t *testing.T) {
	s := newSite(t)
	s.Mailing()
	s.get(s.link(order()))
	s.signUp()
	s.visitPage("verify")
	s.Processor.Identity.Letters = nil
	s.press("send-code")
	s.wantPage("verify")
	if s.at.status != http.StatusOK || s.log.String() != "" {
		t.Errorf("status is %d, the log says %q", s.at.status, s.log)
	}
}

// After resetting the password, a user continues the visit with the new one.
func TestForgottenOnTheWay(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	if strings.Contains(s.at.body, "Forgot your password?") {
		t.Error("the page offers a letter, but none can be sent")
	}
	s.Mailing()
	s.visitPage("sign-in")
	want := account.ForgottenURL(payment.VisitID(s.visit()))
	if !strings.Contains(s.at.body, `href="`+want+`"`) {
		t.Errorf("there is no link to %s:\n%s", want, s.at.body)
	}
}

func TestSigningInByPasskeyOnTheWay(t *testing.T) {
	s := newSite(t)
	address := strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1)
	public, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	sessions := s.pages.Sessions
	sessions.Public = public
	s.server.Config.Handler = s.pages.Handler()
	s.pages.Hosts = append(s.pages.Hosts, public.Host)
	s.server.URL, s.shop.CoBranded = address, address+holdfast.CoBrandedPath

	device := &holdfasttest.Authenticator{T: t, Host: "localhost", Origin: address}
	at, _ := sessions.RelyingParty(&http.Request{Host: public.Host})
	question, err := s.Processor.Identity.BeginPasskey(t.Context(), at, party.SignedIn{Party: s.Buyer.ID},
		identity.OwnPassword{
			Password: holdfasttest.Password, From: "203.0.113.9",
		})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Processor.Identity.AddPasskey(t.Context(), at, s.Buyer.ID, "Phone", device.Make(question)); err != nil {
		t.Fatal(err)
	}
	s.get(s.link(order()))
	s.wantText("Sign in with a passkey")
	if policy := s.at.header.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self'") {
		t.Errorf("the policy does not allow the script to call the server: %s", policy)
	}
	visit := s.visit()
	s.post(address+"/cobranded-ui/actions/passkey", params("visit", visit, "answer", "{}"))
	s.wantText("We could not sign you in with the passkey.")
	device.Count++
	if question, err = s.Processor.Identity.AskPasskey(t.Context(), at, "203.0.113.9"); err != nil {
		t.Fatal(err)
	}
	s.post(address+"/cobranded-ui/actions/passkey", params("visit", visit, "answer", string(device.Sign(question))))
	s.wantPage("confirm")
}
