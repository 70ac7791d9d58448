package cobranded_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// endsDuringTheNextRequest ends the sender's session just after the browser's
// next request was accepted, and then calls then.
func (s *site) endsDuringTheNextRequest(user party.ID, then func()) {
	s.t.Helper()
	var all []party.SignedIn
	err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.SignedInAll(user)
		return err
	})
	if err != nil || len(all) != 1 {
		s.t.Fatalf("signed in: %v, %v", all, err)
	}
	s.Processor.Now = func() time.Time { // it is first called after the session was read
		s.Processor.Now = s.Clock.Now
		if err := s.Processor.Identity.EndSignedIn(s.t.Context(), user, all[0].ID); err != nil {
			s.t.Error(err)
		}
		then()
		return s.Clock.Now()
	}
}

// A password reset ends sessions. A running request of such a session does not
// change the account or the visit.
func TestNothingIsWrittenAfterTheSession(t *testing.T) {
	asksForAddress := order()
	asksForAddress.CollectShippingAddress = true
	address := []string{
		"addressName", "Ann", "addressLine1", "1 Main St", "city", "Ames", "state", "IA", "zip", "50010", "country", "US",
	}
	for action, typed := range map[string][]string{
		"payment": nil, "card": {"number", "5555555555554444", "expiry", "0831", "code", "123", "holder", "Ann"}, "bank": nil,
		"address": address, "confirm": nil, "decline": nil,
		"cancel": nil, "verify": {"code", "code"}, "send-code": nil, "sign-out": nil,
	} {
		t.Run(action, func(t *testing.T) {
			path := t.TempDir() + "/holdfast.db"
			s := newSiteOn(t, holdfasttest.Open(t, path))
			rows := func() string { return holdfasttest.Rows(t, path, "sessions") }
			user, email, start := s.Buyer.ID, s.Buyer.Email, s.link(order())
			switch action {
			case "payment":
				s.cardOf("5555555555554444") // is the default
				typed = []string{"instrument", string(s.Card.ID)}
			case "address":
				start = s.link(asksForAddress)
			case "verify", "send-code":
				post := s.Mailing()
				s.get(s.recipient())
				s.signUp()
				user, email, start = s.partyOf(nora), nora, s.recipient()
				typed = []string{"code", post.Last(nora, party.NoticeVerify).Code}
			}
			if email != nora {
				s.get(start)
				s.signIn()
			}
			visit := s.visit()
			var before string
			s.endsDuringTheNextRequest(user, func() { before = rows() })
			fill := append([]string{"visit", visit}, typed...)
			if action == "confirm" {
				fill = append(fill, "instrument", string(s.Card.ID))
			}
			s.post(s.server.URL+"/cobranded-ui/actions/"+action, params(fill...))
			if after := rows(); after != before {
				t.Errorf("it was done all the same: before\n%s\nafter\n%s", before, after)
			}
			s.wantPage("sign-in")

			s.submit("email", email, "password", holdfasttest.Password)
			before = rows()
			if s.post(s.server.URL+"/cobranded-ui/actions/"+action, params(fill...)); rows() == before {
				t.Errorf("nothing is changed: status %d at %s:\n%s", s.at.status, s.at.url, s.at.body)
			}
		})
	}
}

func (s *site) partyOf(email string) (id party.ID) {
	s.t.Helper()
	err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) error {
		p, _, err := tx.PartyByEmail(email)
		id = p.ID
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return id
}
