package cobranded_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A networkSite is a site whose shop has an account at a card network.
type networkSite struct {
	*site
	network *holdfasttest.Collector
}

func newNetworkSite(t *testing.T, db *store.DB, change ...func(*party.Caller)) *networkSite {
	t.Helper()
	s := newSiteOn(t, db)
	return &networkSite{s, s.OnNetwork(change...)}
}

// left returns the address on another server to which the browser was sent.
func (s *networkSite) left() string {
	s.t.Helper()
	if s.at.back == nil || !strings.HasPrefix(s.at.back.String(), holdfasttest.PagesOrigin) {
		s.t.Fatalf("the browser is at %s (%v), not at the network's page:\n%s", s.at.url, s.at.back, s.at.body)
	}
	return s.at.back.String()
}

// watch runs the background work.
func (s *networkSite) watch() {
	s.t.Helper()
	for range 5 {
		if _, err := s.Processor.WatchPages(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
}

const good = "4242424242424242"

// V1: a buyer with an account finishes the network's page, where the amount is held.
func TestV1AHoldIsPlacedOnThePage(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.wantPage("confirm") // the sandbox's card is not offered (N23)
		s.wantText("You enter it on Stripe's page.")
		s.wantText("Stripe keeps this card for Kiln & Co")
		if got := s.at.header.Get("Content-Security-Policy"); !strings.Contains(got,
			"form-action 'self' "+holdfasttest.PagesOrigin+";") {
			t.Errorf("the policy is %q", got)
		}
		s.submit()
		back := s.network.Finish(t, s.left(), good, "Ann B. Card", "ann@cards.test")
		s.get(back)
		got := s.wantBack(holdfast.ReturnSuccessCC)
		if s.get(back); s.wantBack(holdfast.ReturnSuccessCC).TokenID != got.TokenID {
			t.Error("coming back twice gives another token")
		}
		token := s.token(got.TokenID)
		var h payment.PageHold
		var consent payment.Consent
		var i payment.Instrument
		if err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			if h, _, err = tx.HeldForToken(s.Shop.ID, token.ID); err != nil {
				return err
			}
			if consent, _, err = tx.Consent(s.Shop.ID, token.ID); err != nil {
				return err
			}
			i, _, err = tx.Instrument(s.Buyer.ID, token.Instrument)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if h.State != payment.PageHoldHeld || h.Amount != usd("42.50") || h.Instrument != token.Instrument {
			t.Errorf("the hold is %+v", h)
		}
		if !strings.HasPrefix(consent.Text, "Stripe keeps this card") || consent.Language != "en-US" {
			t.Errorf("the consent is %+v", consent)
		}
		if i.Account != s.Shop.Network || i.NetworkRef != "pm_cs_1" || i.Fingerprint == "" || i.Last4 != "4242" {
			t.Errorf("the card is %+v", i)
		}
	})
}

// A guest has no other card, so the card page of the network comes next.
func TestAGuestOnTheNetworksPage(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.press("guest")
		s.wantPage("confirm")
		s.wantText("You are paying as a guest.")
		visit := s.visit()
		s.submit()
		s.get(s.network.Finish(t, s.left(), good, "Gus Guest", "gus@example.test"))
		token := s.token(s.wantBack(holdfast.ReturnSuccessCC).TokenID)
		guest := s.guestOf(visit)
		if token.Sender != guest.ID || guest.Name != "Gus Guest" || guest.Email != "gus@example.test" {
			t.Errorf("the guest is %+v, the token %+v", guest, token)
		}
	})
}

// V2: the buyer comes back without finishing the page, and chooses again.
func TestV2TheBuyerChoosesAgain(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	page := s.left()
	s.get(s.network.Collections()[0].Back)
	s.wantPage("payment")
	s.wantText("You enter it on Stripe's page.")
	s.submit("instrument", "new")
	s.wantPage("confirm")
	s.submit()
	second := s.left()
	if second == page {
		t.Error("the old page is offered again")
	}
	s.get(s.network.Finish(t, second, good, "Ann", ""))
	s.wantBack(holdfast.ReturnSuccessCC)
	if held := s.network.Holds("held"); len(held) != 1 {
		t.Errorf("held are %v", held)
	}
}

// The merchant has deleted the buyer's customer at the network. The next page is for
// another customer.
func TestTheNetworkHasLostTheCustomer(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.submit()
		s.network.DeleteCustomer()
		s.get(s.network.Collections()[0].Back)
		s.submit("instrument", "new")
		s.submit()
		s.wantText("Stripe cannot be reached")
		s.submit("instrument", "new")
		s.submit()
		s.get(s.network.Finish(t, s.left(), good, "Ann", ""))
		s.wantBack(holdfast.ReturnSuccessCC)
		all := s.network.Collections()
		if first, last := all[0].Customer, all[len(all)-1].Customer; first == "" || last == "" || first == last {
			t.Errorf("the customers are %q and %q", first, last)
		}
	})
}

// V3 and V8: the buyer pays and closes the browser. The server finds out by itself,
// and lets the hold go when the token ends unused.
func TestV3TheBuyerNeverComesBack(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.submit()
		s.network.Finish(t, s.left(), good, "Ann", "")
		s.Clock.Advance(6 * time.Minute)
		s.watch()
		token := s.byReference("order-4711")
		if token.Status(s.CallerNow()) != holdfast.TokenActive {
			t.Fatal("there is no token")
		}
		s.Clock.Advance(3*time.Hour + time.Second)
		s.watch()
		if len(s.network.Holds("held")) != 0 || len(s.network.Holds("released")) != 1 {
			t.Errorf("held are %v, released %v", s.network.Holds("held"), s.network.Holds("released"))
		}
		asked := len(s.network.Asked())
		s.Clock.Advance(time.Hour)
		s.watch()
		if len(s.network.Asked()) != asked {
			t.Error("a released hold is asked about again")
		}
	})
}

func (s *networkSite) byReference(ref holdfast.CallerReference) (token payment.Token) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		token, _, err = tx.TokenByReference(s.Shop.ID, ref)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return token
}

// V8: a cancelled token lets the hold go at once.
func TestV8ACancelledTokenReleasesTheHold(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.submit()
		s.get(s.network.Finish(t, s.left(), good, "Ann", ""))
		id := s.wantBack(holdfast.ReturnSuccessCC).TokenID
		if err := s.Processor.CancelToken(t.Context(), s.Shop, holdfast.CancelTokenRequest{TokenID: id}); err != nil {
			t.Fatal(err)
		}
		s.watch()
		if len(s.network.Holds("released")) != 1 {
			t.Errorf("held are %v", s.network.Holds("held"))
		}
	})
}

// V4: a page that nobody finishes ends, and the visit goes on.
func TestV4APageLapses(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	page := s.left()
	done := strings.ReplaceAll(s.network.Collections()[0].Done, "{PAGE}", "cs_1")
	s.Clock.Advance(25 * time.Minute)
	s.network.Lapse(page)
	s.get(done)
	s.wantPage("payment")
	s.wantText("Stripe's page was open for too long.")
	s.submit("instrument", "new")
	s.submit()
	s.left()
	s.Clock.Advance(40 * time.Minute)
	s.watch()
	var open []payment.NetworkPage
	if err := s.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
		open, err = tx.NetworkPagesDue(s.Clock.Now().Add(24*time.Hour), 10)
		return err
	}); err != nil || len(open) != 0 {
		t.Errorf("open are %v, %v", open, err)
	}
}

// V5: a buyer who pays in two tabs has one token, and one hold.
func TestV5TwoTabs(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		s.get(s.link(order()))
		s.signIn()
		confirm := s.at
		s.submit()
		one := s.left()
		s.at = confirm
		s.submit()
		two := s.left()
		first, second := s.network.Finish(t, one, good, "Ann", ""), s.network.Finish(t, two, "5555555555554444", "Ann", "")
		s.get(first)
		token := s.wantBack(holdfast.ReturnSuccessCC).TokenID
		s.get(second)
		if got := s.wantBack(holdfast.ReturnSuccessCC).TokenID; got != token {
			t.Errorf("the second tab has token %s", got)
		}
		s.watch()
		if held := s.network.Holds("held"); len(held) != 1 {
			t.Errorf("held are %v", held)
		}
		if released := s.network.Holds("released"); len(released) != 1 {
			t.Errorf("released are %v", released)
		}
	})
}

// V6: the address of another visit's page is refused.
func TestV6ThePageOfAnotherVisit(t *testing.T) {
	s := newNetworkSite(t, onSQLite(t))
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	s.network.Finish(t, s.left(), good, "Ann", "")
	r := order()
	r.CallerReference = "order-2"
	s.get(s.link(r))
	s.wantPage("confirm")
	other := s.visit()
	for _, page := range []string{"cs_1", "cs_none", ""} {
		s.get(s.server.URL + "/cobranded-ui/actions/back?visit=" + other + "&page=" + page)
		if s.at.status != http.StatusBadRequest {
			t.Errorf("page %q is answered with %d", page, s.at.status)
		}
	}
	if token := s.byReference("order-2"); token.ID != "" {
		t.Error("the visit has a token")
	}
}

// V10: no page of a caller with a card network takes a card number.
func TestV10ACardNumberInTheOldForm(t *testing.T) {
	for name, change := range map[string]func(*party.Caller){
		"hold": func(*party.Caller) {}, "keep": func(c *party.Caller) { c.HoldOnPage = false },
	} {
		t.Run(name, func(t *testing.T) {
			s := newNetworkSite(t, onSQLite(t), change)
			s.get(s.link(order()))
			s.signIn()
			s.wantNoText(`name="number"`)
			visit := s.visit()
			for _, number := range []string{"4242 4242 4242 4242", "378282246310005", "4242-4242-4242-4242", "500000000009"} {
				s.post(s.server.URL+"/cobranded-ui/actions/card", params("visit", visit, "number", number, "expiry", "12/31",
					"code", "123", "holder", "Ann"))
				if s.at.status != http.StatusBadRequest {
					t.Errorf("%s is answered with %d", number, s.at.status)
				}
				if digits := strings.NewReplacer(" ", "", "-", "").Replace(number); strings.Contains(s.log.String(), digits) ||
					strings.Contains(s.log.String(), number) || strings.Contains(s.at.body, number) {
					t.Errorf("%s is in the log or on the page", number)
				}
			}
			if pages := s.network.Collections(); len(pages) != 0 {
				t.Errorf("pages were opened: %v", pages)
			}
		})
	}
}

func (s *site) wantNoText(text string) {
	s.t.Helper()
	if strings.Contains(s.at.body, text) {
		s.t.Errorf("the page says %q:\n%s", text, s.at.body)
	}
}

// Without a hold on the page, the card is kept, and the confirmation comes after it.
func TestACardIsKeptOnTheNetworksPage(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newNetworkSite(t, db)
		r := holdfast.MultiUseRequest{
			CallerReference: "many", ReturnURL: shopURL, GlobalAmountLimit: usd("100"), PaymentReason: "Mugs",
		}
		link, err := s.shop.MultiUseURL(r)
		if err != nil {
			t.Fatal(err)
		}
		s.get(link)
		s.signIn()
		s.wantPage("card")
		s.wantText("The next page belongs to Stripe")
		s.submit()
		s.get(s.network.Finish(t, s.left(), good, "Ann", ""))
		s.wantPage("confirm")
		s.wantText("Visa ending in 4242")
		s.wantText("Kiln & Co may charge it later, even when you are not present")
		s.submit()
		id := s.wantBack(holdfast.ReturnSuccessCC).TokenID
		var consent payment.Consent
		if err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			consent, _, err = tx.Consent(s.Shop.ID, id)
			return err
		}); err != nil || !strings.Contains(consent.Text, "In total, at most: $100.00.") ||
			!strings.Contains(consent.Text, "end this at any time") {
			t.Errorf("the consent is %q, %v", consent.Text, err)
		}
		if len(s.network.Holds("held")) != 0 {
			t.Error("something is held")
		}
	})
}
