package browser

import (
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// newStripeSite makes a site whose shop has an account at a fake of Stripe, and
// whose buyer has a card there.
func newStripeSite(t *testing.T) (*site, *stripefake.Server) {
	t.Helper()
	if shared == nil {
		t.Skipf("%s is not set: make test sets it", BrowserEnv)
	}
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	s := &site{World: holdfasttest.NewWorld(t, db), t: t}
	fake := s.AtStripe("")
	s.change(func(c *party.Caller) { c.HoldOnPage = true })
	s.serve()
	return s, fake
}

// noAddress leaves the shipping address out of a request.
func noAddress(r *holdfast.SingleUseRequest) { r.CollectShippingAddress = false }

// coffee makes a link for payments that follow later.
func (s *site) coffee() string {
	s.t.Helper()
	link, err := s.sdk.MultiUseURL(holdfast.MultiUseRequest{
		CallerReference: holdfast.CallerReference(s.IDs.Other("order-")), ReturnURL: s.shop,
		GlobalAmountLimit: holdfasttest.USD("200"), TransactionAmount: holdfasttest.USD("15"),
		AmountType: holdfast.AmountMaximum, PaymentReason: "Coffee, whenever you come by",
		UsageLimits: []holdfast.UsageTerms{{Count: 2, Period: "1 Day"}},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return link
}

// visit is the id in the address of one of the visit's pages.
func (p *page) visit() payment.VisitID {
	p.t.Helper()
	at, err := url.Parse(p.address())
	if err != nil {
		p.t.Fatal(err)
	}
	return payment.VisitID(at.Query().Get("visit"))
}

// toPage opens another page of the browser's visit.
func (s *site) toPage(p *page, name string) {
	p.t.Helper()
	p.open(s.home + "/cobranded-ui/actions/" + name + "?visit=" + string(p.visit()))
}

// chooses selects a radio button by its value.
func (p *page) chooses(value string) {
	p.t.Helper()
	p.do("choosing", chromedp.Evaluate[chromedp.Void](`document.querySelector('input[value="`+value+`"]').click()`))
}

// Every page of a card that is given on a network's page, and of a hold that is
// placed while the buyer is there.
func TestPagesOfACardNetwork(t *testing.T) {
	t.Parallel()
	s, fake := newStripeSite(t)
	p := openBrowser(t)
	p.open(s.coffee())
	s.signIn(p, s.Buyer)
	p.wantPage("confirm")
	p.inspect("confirm-network-consent")
	s.toPage(p, "card")
	p.wantPage("card")
	p.inspect("network-card")
	p.submit()
	p.wants("This is a fake of Stripe's page.")

	p.open(s.single(noAddress))
	p.wantPage("confirm")
	p.inspect("confirm-network-saved")
	s.toPage(p, "payment")
	p.inspect("payment-network")
	p.chooses("new")
	p.submit()
	p.wantPage("confirm")
	p.inspect("confirm-network-new")
	p.submit()
	p.paysAtFake("4000002760003184") // its bank asks each time
	p.wants("Confirm at your bank")
	p.click(`button[value=complete]`)
	s.wantBack(p, holdfast.ReturnSuccessCC)

	fake.Next("POST", "/v1/payment_intents", stripefake.LoseReply)
	p.open(s.single(noAddress))
	p.submit()
	p.wants("Your bank has not answered yet.")
	p.do("staying on the page", chromedp.Evaluate[chromedp.Void](`window.stop()`))
	p.inspect("waiting")
	s.Clock.Advance(time.Minute)
	if _, err := s.Processor.WatchPages(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.click(`main .secondary`)
	s.wantBack(p, holdfast.ReturnSuccessCC)

	for _, language := range []string{"de", "es"} {
		p.speaks(language)
		p.open(s.coffee())
		s.toPage(p, "card")
		p.fits(language + " network-card")
		p.shoot("network-card-" + language)
		p.open(s.single(noAddress))
		s.toPage(p, "payment")
		p.chooses("new")
		p.submit()
		p.fits(language + " confirm-network-new")
		p.axe(language + " confirm-network-new")
		p.shoot("confirm-network-new-" + language)
	}
}

// A bank that wants the buyer to confirm the hold on a kept card.
func TestPagesOfABank(t *testing.T) {
	t.Parallel()
	s, _ := newStripeSite(t)
	p := openBrowser(t)
	p.open(s.single(noAddress))
	s.signIn(p, s.Buyer)
	s.toPage(p, "payment")
	p.chooses("new")
	p.submit()
	p.submit()
	p.paysAtFake("4000002760003184")
	p.wants("Confirm at your bank")
	p.click(`button[value=complete]`)
	s.wantBack(p, holdfast.ReturnSuccessCC)

	var bank string // where the bank's page sends the browser
	again := func() {
		p.open(s.single(noAddress))
		visit := p.visit()
		s.toPage(p, "payment")
		p.do("choosing", chromedp.Evaluate[chromedp.Void](`[...document.querySelectorAll("label.choice")].find(
			l => l.textContent.includes("3184")).querySelector("input").click()`))
		p.submit()
		p.wantPage("confirm")
		p.submit()
		p.wants("Confirm at your bank")
		if err := s.DB.View(t.Context(), func(tx *store.ReadTx) error {
			holds, err := tx.PageHoldsOf(visit)
			bank = holds[0].ReturnURL
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	again()
	p.back()
	p.wantPage("confirm")
	p.submit()
	p.wants("Confirm at your bank")
	p.open(bank)
	p.wants("Your bank has not confirmed the payment yet.")
	p.inspect("onward")
	p.click(`main .secondary`)
	p.wants("Confirm at your bank")
	s.Clock.Advance(2 * time.Second) // an answer of the network is used so long
	p.click(`button[value=fail]`)
	p.wantPage("payment")
	p.wants("Your bank declined the card.")
	p.inspect("payment-network-declined")
	again()
	p.click(`button[value=complete]`)
	s.wantBack(p, holdfast.ReturnSuccessCC)
}

// V9: without scripts, the page says that the next page needs them.
func TestV9WithoutScripts(t *testing.T) {
	t.Parallel()
	s, _ := newStripeSite(t)
	p := openBrowser(t)
	p.do("switching scripts off",
		send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	p.open(s.single(noAddress))
	s.signIn(p, s.Party("Nora New", "nora@example.test"))
	p.wantPage("confirm")
	p.wants("Stripe's page needs JavaScript, which is switched off in this browser.")
	p.open(s.coffee())
	p.wantPage("card")
	p.wants("Stripe's page needs JavaScript, which is switched off in this browser.")
	p.open(s.single(noAddress))
	p.click(`.leave form:last-of-type button`) // our own pages go on working
	s.wantBack(p, holdfast.ReturnAbandoned)
}
