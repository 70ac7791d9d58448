package account_test

import (
	"errors"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// endsDuringTheNextRequest ends the browser's session just after its next
// request was accepted, and then calls then.
func (b *browser) endsDuringTheNextRequest(then func()) {
	b.t.Helper()
	var all []party.SignedIn
	err := b.DB.View(b.t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.SignedInAll(b.Buyer.ID)
		return err
	})
	if err != nil || len(all) == 0 {
		b.t.Fatalf("signed in: %v, %v", all, err)
	}
	b.Processor.Now = func() time.Time { // it is first called after the session was read
		b.Processor.Now = b.Clock.Now
		if err := b.Processor.Identity.EndSignedIn(b.t.Context(), b.Buyer.ID, all[0].ID); err != nil {
			b.t.Error(err)
		}
		then()
		return b.Clock.Now()
	}
}

// A written is a form of the account pages and the change that it makes.
type written struct {
	place string
	typed []string
}

func forms(s *site) []written {
	_, spends, _ := s.Aggregate(holdfast.MethodPrepaid, "20")
	own := []string{"password", holdfasttest.Password}
	return []written{
		{"verify/send", nil},
		{"methods/card", card("5555 5555 5555 4444")},
		{"methods/bank", nil},
		{"methods/default", []string{"method", string(s.Balance().ID)}},
		{"methods/remove", []string{"method", string(s.Card.ID)}},
		{"addresses/edit", []string{
			"addressName", "Ann", "addressLine1", "1 Main St", "city", "Ames", "state", "IA", "zip", "50010", "country", "US",
		}},
		{"addresses/default", []string{"address", s.address("1 Side St")}},
		{"addresses/remove", []string{"address", s.address("2 Side St")}},
		{"authorisations/cancel", []string{"token", s.handle(s.multiUse())}},
		{"authorisations/end", []string{"token", s.handle(spends)}},
		{"security/password", append(own, "new-password", "another good password")},
		{"security/passkey/ask", append(own, "name", "phone")},
		{"security/session/end", []string{"session", "other"}},
		{"security/session/others", nil},
		{"profile/name", []string{"name", "Ann Intruder"}},
		{"profile/email", append(own, "email", "intruder@example.test")},
		{"profile/business", nil},
	}
}

// address adds one of Ann's addresses.
func (s *site) address(line1 string) string {
	s.t.Helper()
	a, err := s.Processor.Identity.AddAddress(s.t.Context(), s.Buyer.ID, holdfast.Address{
		Name: "Ann", Line1: line1, City: "Ames", State: "IA", Zip: "50010", Country: "US",
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return string(a.ID)
}

// A password reset ends the sessions of the person who used the account before.
// If a request of such a session is running, it changes nothing.
func TestNothingIsWrittenAfterTheSession(t *testing.T) {
	prove := map[string]string{ // the forms that other tests try, and the names of those tests
		"verify":                  "TestAProofAfterTheSession",
		"security/passkey":        "processor.TestWhatBeganUnderAChangedPassword",
		"security/passkey/remove": "processor.TestAPasswordThatChangesAfterTheCheck",
	}
	path := t.TempDir() + "/holdfast.db"
	tried := newSiteOn(t, holdfasttest.Open(t, path))
	for _, f := range forms(tried) {
		prove[f.place] = "here"
		t.Run(f.place, func(t *testing.T) { tryForm(t, f.place) })
	}
	text, err := os.ReadFile("server.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, route := range regexp.MustCompile(`owner\("POST ([^"]+)"`).FindAllStringSubmatch(string(text), -1) {
		if prove[route[1]] == "" {
			t.Errorf("%s is not tried", route[1])
		}
	}
}

// tryForm sends a form in a session that ends meanwhile, which must change
// nothing, and then in another session, which must change something.
func tryForm(t *testing.T, place string) {
	path := t.TempDir() + "/holdfast.db"
	s := newSiteOn(t, holdfasttest.Open(t, path))
	var typed []string
	for _, f := range forms(s) {
		if f.place == place {
			typed = f.typed
		}
	}
	if place == "verify/send" {
		s.Change(s.Buyer.ID, func(p *party.Party) { p.EmailVerified = false })
	}
	begun := s.Clock.Now().Add(-time.Second)
	err := s.DB.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertSignedIn(party.SignedIn{ID: "other", Party: s.Buyer.ID, Begun: begun, LastSeen: begun}, time.Time{})
	})
	if err != nil {
		t.Fatal(err)
	}
	rows := func() string { return holdfasttest.Rows(t, path, "sessions") }
	b := s.atLocalhost()
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.wantPage("")

	var before string
	b.endsDuringTheNextRequest(func() { before = rows() })
	b.postTo(place, typed...)
	if after := rows(); after != before {
		t.Errorf("it was done all the same: before\n%s\nafter\n%s", before, after)
	}
	b.wantPage("sign-in")
	b.wantText("signed out from another browser")

	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.wantPage("")
	before = rows()
	if b.postTo(place, typed...); rows() == before {
		t.Errorf("nothing is changed: status %d at %s:\n%s", b.at.status, b.at.url, b.at.body)
	}
}

// The code of a letter does not work in a session that has ended.
func TestAProofAfterTheSession(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.signUp()
	code := s.post.Last(nora, party.NoticeVerify).Code
	user, err := s.Processor.Identity.SignIn(t.Context(), identity.SignIn{
		Email: nora, Password: holdfasttest.Password, From: "198.51.100.7",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Buyer = user
	b.endsDuringTheNextRequest(func() {})
	b.postTo("verify", "code", code)
	b.wantPage("sign-in")
	err = s.DB.View(t.Context(), func(tx *store.ReadTx) error {
		p, _, err := tx.Party(user.ID)
		if err == nil && p.EmailVerified {
			err = errors.New("the address is verified")
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
