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
	"github.com/holdfast-pay/holdfast/internal/store"
)

func (s *site) cancelAt(visit string) page {
	return s.post(s.server.URL+"/cobranded-ui/actions/cancel", params("visit", visit))
}

func (s *site) visitNamed(id string) (v payment.Visit) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		v, _, err = tx.Visit(payment.VisitID(id))
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return v
}

// A person who has seen a visit's address cannot cancel the visit. Only the
// browser that opened the caller's link can, or the sender.
func TestCancellingNeedsTheVisitsOwnBrowser(t *testing.T) { holdfasttest.Databases(t, cancelling) }

func cancelling(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.get(s.link(order()))
	visit, own := s.at.url.Query().Get("visit"), s.browser

	s.newBrowser() // a stranger's browser, which knows the address
	s.cancelAt(visit)
	s.wantPage("sign-in")
	s.wantText("Please sign in to cancel")
	if s.visitNamed(visit).Over() {
		t.Fatal("a stranger has cancelled the visit")
	}

	s.browser = own
	s.get(s.server.URL + "/cobranded-ui/actions/sign-in?visit=" + visit)
	s.signIn()
	s.wantPage("confirm")
	s.newBrowser() // it opened the link before somebody signed in, so its key is old
	s.get(s.link(order()))
	s.cancelAt(visit)
	s.wantPage("sign-in")

	s.newBrowser()
	s.get(s.server.URL + "/cobranded-ui/actions/sign-in?visit=" + visit)
	s.submit("email", s.Owner.Email, "password", holdfasttest.Password)
	s.cancelAt(visit) // signed in, but not as the sender
	s.wantPage("sign-in")
	if s.visitNamed(visit).Over() {
		t.Fatal("another party has cancelled the visit")
	}

	s.newBrowser() // the sender's own browser, which knows only the address
	s.get(s.server.URL + "/cobranded-ui/actions/sign-in?visit=" + visit)
	s.signIn()
	s.cancelAt(visit)
	s.wantBack(holdfast.ReturnAbandoned)
}

// A person who has seen a visit's address cannot take the visit from its
// sender by signing out, and so cannot cancel it. The sender can leave it.
func TestOnlyTheSenderLeavesAVisit(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		s := newSiteOn(t, db)
		s.get(s.link(order()))
		s.signIn()
		s.wantPage("confirm")
		visit, own := s.visit(), s.browser
		signOut := func() { s.post(s.server.URL+"/cobranded-ui/actions/sign-out", params("visit", visit)) }
		before := s.visitNamed(visit)

		s.newBrowser()
		signOut()
		s.wantPage("sign-in")
		s.submit("email", s.Owner.Email, "password", holdfasttest.Password)
		s.cancelAt(visit)
		s.wantPage("sign-in")
		signOut()
		if after := s.visitNamed(visit); after != before {
			t.Fatalf("a stranger has changed the visit from %+v to %+v", before, after)
		}

		s.browser = own
		signOut()
		s.wantPage("sign-in")
		if v := s.visitNamed(visit); v.Sender != "" || v.Instrument != "" || v.Over() {
			t.Errorf("after its sender left, the visit is %+v", v)
		}
	})
}

func TestTheOwnBrowserCancels(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.press("cancel")
	s.wantBack(holdfast.ReturnAbandoned)
}

// The key is sent only to the address that needs it, and scripts cannot read
// it.
func TestKeyCookie(t *testing.T) {
	s := newSite(t)
	s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.get(s.link(order()))
	cookie, err := http.ParseSetCookie(s.at.header.Get("Set-Cookie"))
	if err != nil {
		t.Fatal(err)
	}
	visit, err := url.Parse(s.at.header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	if cookie.Name != "holdfast-"+visit.Query().Get("visit") || cookie.Path != "/cobranded-ui/actions/cancel" ||
		!cookie.HttpOnly ||
		cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 0 || len(cookie.Value) < 32 {
		t.Errorf("the cookie is %v", cookie)
	}
}

// A link that is opened several times opens one visit, until somebody signs in.
// Nobody else gets a visit to which somebody has signed in.
func TestALinkOpenedOverAndOver(t *testing.T) { holdfasttest.Databases(t, openedOverAndOver) }

func openedOverAndOver(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	link := s.link(order())
	opened := func(link string) string {
		t.Helper()
		s.newBrowser()
		s.get(link)
		s.wantPage("sign-in")
		return s.at.url.Query().Get("visit")
	}
	first := opened(link)
	for range 5 {
		if again := opened(link); again != first {
			t.Fatalf("the link makes visit %s after %s", again, first)
		}
	}
	other := order()
	other.PaymentReason = "Three mugs"
	if got := opened(s.link(other)); got == first {
		t.Error("another request is handed the visit")
	}

	opened(link)
	s.signIn() // now the visit belongs to the first browser
	s.wantPage("confirm")
	anns := s.browser
	second := opened(link)
	if second == first {
		t.Error("a visit that somebody has signed in to is handed out")
	}

	// A user who has the address of somebody else's visit gets a new visit by
	// signing in.
	s.newBrowser()
	s.get(s.server.URL + "/cobranded-ui/actions/sign-in?visit=" + first)
	s.wantPage("sign-in")
	if strings.Contains(s.at.body, s.Buyer.Email) {
		t.Error("the page tells a stranger who has signed in")
	}
	bea := s.Party("Bea Buyer", "bea@example.test")
	s.submit("email", bea.Email, "password", holdfasttest.Password)
	if got := s.at.url.Query().Get("visit"); got == first {
		t.Error("a stranger has taken over somebody's visit")
	}
	if v := s.visitNamed(first); v.Sender != s.Buyer.ID {
		t.Errorf("the visit is now of %s", v.Sender)
	}
	s.browser = anns
	s.get(s.server.URL + "/cobranded-ui/actions/confirm?visit=" + first)
	s.wantPage("confirm")
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
}

// A signed-in sender who opens a link several times gets back to the same
// visit, with the choices made so far. So does a sender who signs in during the
// visit.
func TestALinkOpenedOverAndOverBySomebodySignedIn(t *testing.T) {
	holdfasttest.Databases(t, openedBySomebodySignedIn)
}

func openedBySomebodySignedIn(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	link := s.link(order())
	seen := map[string]bool{}
	at := func() string { id := s.at.url.Query().Get("visit"); seen[id] = true; return id }
	s.get(link)
	s.signIn()
	own := at()
	other := s.cardOf("5555555555554444")
	s.get(s.server.URL + "/cobranded-ui/actions/payment?visit=" + own)
	s.submit("instrument", string(other.ID))
	for range 5 {
		s.get(link)
		s.wantPage("confirm")
		s.wantText("Mastercard ending in 4444")
		if got := at(); got != own {
			t.Fatalf("the link leads to visit %s after %s", got, own)
		}
	}
	signedIn := s.browser
	s.newBrowser()
	s.get(link)
	stranger := at()
	s.signIn()
	s.wantPage("confirm")
	if got := at(); got != own || stranger == own {
		t.Errorf("signing in to visit %s leads to %s, want %s", stranger, got, own)
	}
	if len(seen) != 2 {
		t.Errorf("there are visits %v, want 2", seen)
	}
	if v := s.visitNamed(stranger); v.Sender != "" {
		t.Errorf("the visit for strangers is %s's", v.Sender)
	}

	bea := s.Party("Bea Buyer", "bea@example.test")
	s.newBrowser()
	s.get(link)
	s.submit("email", bea.Email, "password", holdfasttest.Password)
	if got := at(); got == own {
		t.Error("another sender is led to the visit")
	}

	s.browser = signedIn
	s.Clock.Advance(25 * time.Minute) // the session stays active while it is used
	s.get(link)
	s.Clock.Advance(25 * time.Minute)
	s.get(link)
	s.Clock.Advance(11 * time.Minute)
	if s.get(link); at() == own {
		t.Error("a visit of an hour ago is handed out")
	}
	s.cancelAt(at())
	s.wantBack(holdfast.ReturnAbandoned)
	s.change(func(c party.Caller) party.Caller { c.ReuseCancelled = true; return c })
	s.get(link)
	s.wantPage("confirm")
	if s.visitNamed(at()).Over() {
		t.Error("a visit that has ended is handed out")
	}
}

// A caller can be configured so that a reference may be used again after the
// sender gave up.
func TestAReferenceAfterItsSenderGaveUp(t *testing.T) { holdfasttest.Databases(t, afterGivingUp) }

func afterGivingUp(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	giveUp := func() {
		t.Helper()
		s.get(s.link(order()))
		s.signIn()
		s.press("cancel")
		s.wantBack(holdfast.ReturnAbandoned)
		s.newBrowser()
	}
	giveUp()
	s.get(s.link(order()))
	s.wantBack(holdfast.ReturnAccountProblem)

	s.change(func(c party.Caller) party.Caller { c.ReuseCancelled = true; return c })
	s.newBrowser()
	giveUp()
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	s.wantBack(holdfast.ReturnSuccessCC)
	s.newBrowser()
	s.get(s.link(order()))
	s.wantBack(holdfast.ReturnCallerError) // a reference that has a token stays used
}
