package cobranded_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// checkout makes a checkout for $42.50 with some parameters changed.
func (s *site) checkout(language string, changed ...string) payment.Visit {
	s.t.Helper()
	p := params("pipelineName", "SingleUse", "callerReference", "order-4711", "transactionAmount", "42.50",
		"returnURL", shopURL, "paymentReason", "Two mugs", "reserve", "True")
	for _, c := range params(changed...) {
		p = append(p.Without(c.Name), c)
	}
	v, err := s.Processor.CreateCheckout(s.t.Context(), s.Shop,
		s.Call(s.IDs.Other("call-"), "POST /v1/checkouts", nil), processor.CreateCheckout{Params: p, Language: language})
	if err != nil {
		s.t.Fatal(err)
	}
	return v
}

func (s *site) openCheckout(v payment.Visit) page {
	s.t.Helper()
	return s.get(s.server.URL + payment.CheckoutPath + v.Link)
}

// A checkout is paid on the pages of a signed link, and the buyer comes back with
// the same signed answer, which also names the checkout.
func TestABuyerApprovesACheckout(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		made := s.checkout("")
		s.openCheckout(made)
		s.wantPage("sign-in")
		s.wantText("$42.50")
		s.signIn()
		s.wantPage("confirm")
		s.wantText("Two mugs")
		s.submit()
		back := s.wantBack(holdfast.ReturnSuccessCC)
		if back.Params.Get("checkout") != string(made.ID) || back.CallerReference != "order-4711" || back.TokenID == "" ||
			back.Params.Get("order") != "4711" || back.CallerID != s.Shop.ID {
			t.Errorf("the answer is %s", s.at.back)
		}
		if v := s.visitNamed(string(made.ID)); v.Checkout != payment.CheckoutApproved || v.TokenOf() != back.TokenID {
			t.Errorf("the checkout is %+v", v)
		}
		first := s.at.back.String()
		s.openCheckout(made)
		if s.wantBack(holdfast.ReturnSuccessCC); s.at.back.String() != first {
			t.Errorf("the link leads to %s then, want the answer again", s.at.back)
		}
		s.newBrowser()
		s.openCheckout(made)
		if s.at.status != http.StatusNotFound || s.at.back != nil {
			t.Errorf("another browser gets status %d and is sent to %v", s.at.status, s.at.back)
		}
	})
}

// A caller that wants only the answer gets the checkout's id, too.
func TestABareReturnNamesTheCheckout(t *testing.T) {
	s := newSite(t)
	s.change(func(c party.Caller) party.Caller { c.BareReturn = true; return c })
	made := s.checkout("")
	s.openCheckout(made)
	s.press("cancel")
	if back := s.wantBack(holdfast.ReturnAbandoned); back.Params.Get("checkout") != string(made.ID) ||
		back.Params.Get("paymentReason") != "" {
		t.Errorf("the answer is %s", s.at.back)
	}
	if v := s.visitNamed(string(made.ID)); v.Checkout != payment.CheckoutCancelled {
		t.Errorf("the checkout is %+v", v)
	}
}

// Two browsers open one link. The first that signs in has the checkout; the other
// one sees why it cannot go on, and cannot cancel.
func TestTwoBrowsersOpenACheckout(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.change(func(c party.Caller) party.Caller { c.Guests = true; return c })
		made := s.checkout("")
		s.openCheckout(made)
		first, firstPage := s.browser, s.at
		s.newBrowser()
		s.openCheckout(made)
		second, secondPage := s.browser, s.at

		s.browser, s.at = first, firstPage
		s.signIn()
		s.wantPage("confirm")
		confirm := s.at

		taken := func() {
			t.Helper()
			if s.at.status != http.StatusConflict {
				t.Errorf("status is %d", s.at.status)
			}
			s.wantText("This payment was begun with another account.")
			s.cancelAt(string(made.ID))
			s.wantPage("sign-in")
		}
		s.browser, s.at = second, secondPage
		s.press("guest")
		taken()
		s.openCheckout(made)
		s.send(s.formFor("sign-in"), "email", s.Owner.Email, "password", holdfasttest.Password)
		if s.at.back != nil || s.visitNamed(string(made.ID)).Over() {
			t.Fatalf("the shop's own account has ended the checkout of another buyer: %v", s.at.back)
		}
		other := s.Party("Bob", "bob@example.test")
		s.newBrowser()
		s.openCheckout(made)
		s.send(s.formFor("sign-in"), "email", other.Email, "password", holdfasttest.Password)
		taken()

		s.browser, s.at = first, confirm
		s.submit()
		s.wantBack(holdfast.ReturnSuccessCC)
	})
}

// The key of a visit is lent to browsers that open the link before somebody signs
// in, and to none after that.
func TestTheLinkOfACheckoutLendsTheKeyOnce(t *testing.T) {
	s := newSite(t)
	made := s.checkout("")
	s.openCheckout(made)
	s.signIn()
	s.newBrowser()
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.openCheckout(made)
	if got := s.at.header.Get("Set-Cookie"); got != "" || s.at.status != http.StatusFound {
		t.Errorf("status %d, cookie %q", s.at.status, got)
	}
}

func TestUnknownLinksOfCheckouts(t *testing.T) {
	s := newSite(t)
	made := s.checkout("")
	for _, link := range []string{"x", string(made.ID), made.Link[1:], strings.ToLower(made.Link) + "x"} {
		s.get(s.server.URL + payment.CheckoutPath + link)
		if s.at.status != http.StatusNotFound {
			t.Errorf("%s: status %d", link, s.at.status)
		}
	}
}

// Whatever page the buyer is on, an expired checkout and one that its caller has
// cancelled lead back to the shop.
func TestACheckoutThatIsOver(t *testing.T) {
	for name, row := range map[string]struct {
		end  func(s *site, made payment.Visit) error
		want holdfast.ReturnStatus
	}{
		"expired": {func(s *site, _ payment.Visit) error {
			_, err := s.Processor.AdvanceClock(s.t.Context(), s.Shop.ID, payment.CheckoutLife)
			return err
		}, holdfast.ReturnAbandoned},
		"cancelled": {func(s *site, made payment.Visit) error {
			_, err := s.Processor.CancelCheckout(s.t.Context(), s.Shop, made.ID)
			return err
		}, holdfast.ReturnCallerError},
	} {
		t.Run(name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := newSiteOn(t, db)
				made := s.checkout("")
				s.openCheckout(made)
				s.signIn()
				s.wantPage("confirm")
				if err := row.end(s, made); err != nil {
					t.Fatal(err)
				}
				s.submit()
				if back := s.wantBack(row.want); back.TokenID != "" || back.Params.Get("checkout") != string(made.ID) {
					t.Errorf("the answer is %s", s.at.back)
				}
				s.newBrowser()
				s.openCheckout(made)
				s.wantBack(row.want)
			})
		})
	}
}

// The caller's choice of a language counts for all pages of the checkout.
func TestTheLanguageOfACheckout(t *testing.T) {
	s := newSite(t)
	made := s.checkout("de-CH")
	s.openCheckout(made)
	s.wantIn("de-CH", "Zum Bezahlen anmelden")
	s.signIn()
	s.wantIn("de-CH", "Prüfen und bestätigen")
	s.reads("es")
	s.openCheckout(s.checkout("", "callerReference", "order-4712"))
	s.wantIn("es", "Inicie sesión para pagar")
}

// A hold that is placed on the network's page in time approves the checkout. One that
// comes too late is released: the caller may know already that the checkout has
// expired.
func TestACheckoutOnTheNetworksPage(t *testing.T) {
	for name, row := range map[string]struct {
		away time.Duration
		want holdfast.ReturnStatus
		held string
	}{
		"in time":  {4 * time.Minute, holdfast.ReturnSuccessCC, "held"},
		"too late": {6 * time.Minute, holdfast.ReturnAbandoned, "released"},
	} {
		t.Run(name, func(t *testing.T) {
			holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
				s := newNetworkSite(t, db)
				made := s.checkout("")
				s.Clock.Advance(payment.CheckoutLife - 5*time.Minute)
				s.openCheckout(made)
				s.signIn()
				s.submit()
				page := s.left()
				s.Clock.Advance(row.away)
				back, err := url.Parse(s.network.Finish(t, page, good, "Ann", ""))
				if err != nil {
					t.Fatal(err)
				}
				// An event of the network comes before the browser.
				_, err = s.Processor.FinishPage(t.Context(), s.Shop.Network, back.Query().Get("page"))
				if err != nil {
					t.Fatal(err)
				}
				s.get(back.String())
				if back := s.wantBack(row.want); (back.TokenID != "") != (row.held == "held") {
					t.Errorf("the answer is %s", s.at.back)
				}
				s.watch()
				if len(s.network.Holds(row.held)) != 1 {
					t.Errorf("held are %v, released are %v", s.network.Holds("held"), s.network.Holds("released"))
				}
			})
		})
	}
}
