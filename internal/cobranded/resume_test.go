package cobranded_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The redirect was lost, and the shop sends the buyer again with the same
// request.
func TestResume(t *testing.T) { holdfasttest.Databases(t, resume) }

func resume(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.change(func(c party.Caller) party.Caller { c.Resume = true; return c })
	s.agree(s.link(order()))
	authorised := s.wantBack(holdfast.ReturnSuccessCC)
	first := s.at.header.Get("Location")

	s.get(s.link(order())) // the session is active
	s.wantBack(holdfast.ReturnSuccessCC)
	if again := s.at.header.Get("Location"); again != first {
		t.Errorf("the second answer is %s, the first was %s", again, first)
	}
	s.newBrowser()
	s.get(s.link(order()))
	s.wantPage("sign-in")
	s.signIn()
	if s.wantBack(holdfast.ReturnSuccessCC); s.at.header.Get("Location") != first {
		t.Errorf("after signing in the answer is %s, the first was %s", s.at.header.Get("Location"), first)
	}

	bea := s.Party("Bea", "bea@example.test")
	s.newBrowser()
	s.get(s.link(order()))
	s.submit("email", bea.Email, "password", holdfasttest.Password)
	if back := s.wantBack(holdfast.ReturnCallerError); back.TokenID != "" {
		t.Errorf("somebody else gets %+v", back)
	}
	other := order()
	other.TransactionAmount = usd("42.51")
	s.get(s.link(other))
	s.wantBack(holdfast.ReturnCallerError)

	if _, err := s.Reserve(authorised.TokenID, "42.50", "used"); err != nil {
		t.Fatal(err)
	}
	s.newBrowser()
	s.get(s.link(order()))
	s.wantBack(holdfast.ReturnCallerError) // the reference is used
}

// The same request in two tabs is one visit: it is confirmed once and answered
// twice. A caller that resumes gets both answers even from two visits that
// began more than an hour apart.
func TestResumeInTwoTabs(t *testing.T) {
	for _, row := range []struct {
		resumes, apart bool
		wants          holdfast.ReturnStatus
	}{
		{true, false, holdfast.ReturnSuccessCC},
		{false, false, holdfast.ReturnSuccessCC},
		{true, true, holdfast.ReturnSuccessCC},
		{false, true, holdfast.ReturnCallerError},
	} {
		s := newSite(t)
		s.change(func(c party.Caller) party.Caller { c.Resume = row.resumes; return c })
		s.get(s.link(order()))
		s.signIn()
		other := s.at
		for range 3 {
			if row.apart {
				s.Clock.Advance(25 * time.Minute) // the session stays active while it is used
			}
			s.get(s.link(order()))
		}
		s.submit()
		first := s.wantBack(holdfast.ReturnSuccessCC)
		s.at = other
		s.submit()
		if second := s.wantBack(row.wants); row.wants == holdfast.ReturnSuccessCC && second.TokenID != first.TokenID {
			t.Errorf("the second tab made token %s, the first %s", second.TokenID, first.TokenID)
		}
	}
}

func TestResumeAfterEditing(t *testing.T) {
	s := newSite(t)
	s.change(func(c party.Caller) party.Caller { c.Resume = true; return c })
	token := s.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: s.Card.ID, Method: s.Card.Method})
	link := s.asked(payment.PipelineEditToken, "callerReference", "edit", "tokenID", string(token))
	s.get(link)
	s.signIn()
	s.submit("instrument", string(s.Balance().ID))
	s.submit()
	first := s.wantBack(holdfast.ReturnSuccessABT)
	s.get(link)
	if again := s.wantBack(holdfast.ReturnSuccessABT); again.TokenID != first.TokenID {
		t.Errorf("asked again the token is %s, was %s", again.TokenID, first.TokenID)
	}
}
