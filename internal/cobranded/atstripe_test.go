package cobranded_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A stripeSite is a site whose shop has an account at the fake of Stripe, and whose
// buyer has a card there. Its processor speaks through the real client.
type stripeSite struct {
	*networkSite
	fake *stripefake.Server
}

func newStripeSite(t *testing.T, db *store.DB) *stripeSite {
	t.Helper()
	s := &stripeSite{networkSite: &networkSite{site: newSiteOn(t, db)}}
	s.fake = s.AtStripe("")
	s.pages.Processor, s.pages.Sessions.Processor = s.Processor, s.Processor
	s.change(func(c party.Caller) party.Caller {
		c.HoldOnPage, c.Guests = true, true
		return c
	})
	return s
}

// pays types a card on Stripe's page, to which the browser was sent, and goes where
// the page sends it.
func (s *stripeSite) pays(typed stripefake.Typed) {
	s.t.Helper()
	if s.at.back == nil || !strings.HasPrefix(s.at.back.String(), s.fake.URL()+"/c/pay/") {
		s.t.Fatalf("the browser is at %s (%v), not at Stripe's page:\n%s", s.at.url, s.at.back, s.at.body)
	}
	next, err := s.fake.Submit(strings.TrimPrefix(s.at.back.Path, "/c/pay/"), typed)
	if err != nil {
		s.t.Fatal(err)
	}
	s.get(next)
}

// atBank presses the button of the bank's page, and goes where the page leads.
func (s *stripeSite) atBank(address, result string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, address, strings.NewReader("result="+result))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s.do(r); s.at.back != nil && strings.HasPrefix(s.at.back.String(), s.server.URL) {
		s.get(s.at.back.String())
	}
}

// bank is the address of the bank's page, to which our page leads.
func (s *stripeSite) bank() string {
	s.t.Helper()
	s.wantPage("bank")
	_, rest, found := strings.Cut(s.at.body, `href="`+s.fake.URL())
	path, _, _ := strings.Cut(rest, `"`)
	if !found {
		s.t.Fatalf("the page does not lead to the bank:\n%s", s.at.body)
	}
	return s.fake.URL() + path
}

var annTypes = stripefake.Typed{Name: "Ann Buyer", Email: "ann@example.test", Number: good}

// V1 and V7: a guest pays on Stripe's page. The caller's Reserve adopts the hold,
// for less if it wants less.
func TestV7AReserveAdoptsTheHoldOfThePage(t *testing.T) {
	for name, row := range map[string]struct {
		reserves string
		refused  holdfast.Code
	}{
		"all": {reserves: "42.50"}, "less": {reserves: "40.00"}, "more": {"42.51", holdfast.IncompatibleTokens},
	} {
		t.Run(name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := newStripeSite(t, db)
				s.get(s.link(order()))
				s.press("guest")
				s.wantPage("confirm")
				s.submit()
				s.pays(stripefake.Typed{Name: "Gus Guest", Email: "gus@example.test", Number: good})
				id := s.wantBack(holdfast.ReturnSuccessCC).TokenID
				var guest party.Party
				if err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
					guest, _, err = tx.Party(s.token(id).Sender)
					return err
				}); err != nil || guest.Name != "Gus Guest" || guest.Email != "gus@example.test" || !guest.Guest {
					t.Errorf("the guest is %+v, %v", guest, err)
				}
				held := s.fake.Holds()
				if len(held) != 1 || held[0].Amount != 4250 {
					t.Fatalf("held are %+v", held)
				}
				reserved, err := s.Reserve(id, row.reserves, "reserve")
				if row.refused != "" {
					s.WantCode(err, row.refused)
					return
				}
				if err != nil || reserved.State != payment.Reserved {
					t.Fatalf("reserving: %+v, %v", reserved, err)
				}
				if again := s.fake.Holds(); len(again) != 1 || again[0] != held[0] {
					t.Errorf("held are %+v", again)
				}
				s.Clock.Advance(4 * time.Hour)
				s.watch() // the adopted hold stays
				if _, err := s.Settle(reserved.ID, ""); err != nil {
					t.Fatal(err)
				}
				s.WantState(reserved.ID, payment.Success)
				if got, want := s.fake.Captured(), usd(row.reserves).Micro/10_000; got != want {
					t.Errorf("captured are %d cents, want %d", got, want)
				}
			})
		})
	}
}

// V3 at Stripe: the buyer does not come back, and the token dies unused.
func TestV3AtStripe(t *testing.T) {
	s := newStripeSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.press("guest")
	s.submit()
	if _, err := s.fake.Submit(strings.TrimPrefix(s.at.back.Path, "/c/pay/"), annTypes); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(6 * time.Minute)
	s.watch()
	if token := s.byReference("order-4711"); token.Status(s.CallerNow()) != holdfast.TokenActive {
		t.Errorf("the token is %+v", token)
	}
	s.Clock.Advance(3 * time.Hour)
	s.watch()
	if held := s.fake.Holds(); len(held) != 0 {
		t.Errorf("held are %+v", held)
	}
}

// A card that was typed before is held while the buyer is there.
func TestASavedCardAtStripe(t *testing.T) {
	s := newStripeSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.signIn()
	s.wantPage("confirm")
	s.wantText("Visa ending in 4242")
	s.submit()
	id := s.wantBack(holdfast.ReturnSuccessCC).TokenID
	if held := s.fake.Holds(); len(held) != 1 || held[0].Until.Sub(s.Clock.Now()).Hours() < 6.9*24 {
		t.Errorf("held are %+v, want seven days", held)
	}
	if r, err := s.Reserve(id, "42.50", "reserve"); err != nil || r.State != payment.Reserved || len(s.fake.Holds()) != 1 {
		t.Errorf("reserving: %+v, %v", r, err)
	}
}

// V2 at Stripe: the old page can no longer be paid on.
func TestV2AtStripe(t *testing.T) {
	s := newStripeSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.press("guest")
	s.submit()
	page := s.at.back
	s.get(s.fake.Object(strings.TrimPrefix(page.Path, "/c/pay/"))["cancel_url"].(string))
	s.wantPage("payment")
	if _, err := s.fake.Submit(strings.TrimPrefix(page.Path, "/c/pay/"), annTypes); err == nil {
		t.Error("the page that the buyer has left takes a card")
	}
	s.submit("instrument", "new")
	s.submit()
	s.pays(annTypes)
	s.wantBack(holdfast.ReturnSuccessCC)
}

// S10 at Stripe: a bank that wants the buyer to confirm a card that is kept.
func TestS10AtStripe(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newStripeSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.get(s.server.URL + "/cobranded-ui/actions/payment?visit=" + s.visit())
		s.submit("instrument", "new")
		s.submit()
		if s.pays(stripefake.Typed{Name: "Ann", Number: "4000002760003184"}); s.at.back != nil {
			t.Fatalf("the browser is at %v", s.at.back)
		}
		s.atBank(s.at.url.String(), "complete")
		s.wantBack(holdfast.ReturnSuccessCC)

		for _, result := range []string{"fail", "complete"} {
			r := order()
			r.CallerReference = holdfast.CallerReference("order-" + result)
			s.get(s.link(r))
			s.get(s.server.URL + "/cobranded-ui/actions/payment?visit=" + s.visit())
			s.submit("instrument", s.choice("3184"))
			s.submit()
			before := len(s.fake.Holds())
			if before != 1 {
				t.Errorf("held are %d before the bank, want 1", before)
			}
			s.atBank(s.bank(), result)
			if result == "fail" {
				s.wantPage("payment")
				s.wantText("Your bank declined the card.")
				continue
			}
			s.wantBack(holdfast.ReturnSuccessCC)
			if got := len(s.fake.Holds()); got != before+1 {
				t.Errorf("held are %d, want %d", got, before+1)
			}
		}
	})
}

// choice is the value of the radio button of a card.
func (s *stripeSite) choice(last4 string) string {
	s.t.Helper()
	before, _, found := strings.Cut(s.at.body, "ending in "+last4)
	at := strings.LastIndex(before, `name="instrument" value="`)
	if !found || at < 0 {
		s.t.Fatalf("no card ends in %s:\n%s", last4, s.at.body)
	}
	value, _, _ := strings.Cut(before[at+len(`name="instrument" value="`):], `"`)
	return value
}
