package browser

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/inbox"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Every page in every state that a browser can reach. For a new page, add a
// line that goes there and a line that inspects it.

func TestPagesBeforeSigningIn(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.watch.allow("fetches " + s.logo)
	p.open(s.single(func(r *holdfast.SingleUseRequest) {
		r.CobrandingURL, r.WebsiteDescription = s.logo, "Kiln & Co, the pottery"
	}))
	p.inspect("sign-in")
	p.submit()
	p.inspect("sign-in-wrong")
	for range party.AccountGuesses.Free {
		p.submit()
	}
	p.inspect("sign-in-too-often")
	p.click(`a[href*="/sign-up"]`)
	p.inspect("sign-up")
	p.submit()
	p.inspect("sign-up-wrong")
	p.fill(`input[name=name]`, "Ann Buyer")
	p.fill(`input[name=email]`, s.Buyer.Email)
	p.fill(`input[name=password]`, holdfasttest.Password)
	p.submit()
	p.inspect("sign-up-taken")

	s.Clock.Advance(time.Hour)
	p.open(s.single(nil))
	s.signIn(p, s.Owner) // the seller cannot pay itself
	s.wantBack(p, holdfast.ReturnAccountProblem)
	p.open(s.single(nil))
	p.inspect("sign-in-other-account")
}

func TestPagesOfANewBuyer(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	p.click(`a[href*="/sign-up"]`)
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.test")
	p.fill(`input[name=password]`, "a few plain words")
	p.submit()
	p.wantPage("card")
	p.inspect("card")
	p.submit()
	p.inspect("card-wrong")
	p.card("4000000000000127", "12 / 31")
	p.submit()
	p.inspect("card-refused")
	p.card("5555555555554444", "12 / 31")
	p.submit()
	p.wantPage("address")
	p.inspect("address-new")
	p.fill(`input[name=addressName]`, "")
	p.submit()
	p.inspect("address-wrong")

	p.open(s.single(func(r *holdfast.SingleUseRequest) {
		r.Reserve, r.PaymentMethods, r.CollectShippingAddress = false, []holdfast.PaymentMethod{holdfast.MethodACH}, false
	}))
	p.wantPage("payment")
	p.inspect("payment-none")
}

func TestPagesOfABuyer(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(func(r *holdfast.SingleUseRequest) { r.Reserve = false }))
	s.signIn(p, s.Buyer)
	p.wantPage("address")
	p.tamper(`form input[name=address]`)
	p.submit()
	p.inspect("address-not-chosen")
	p.click(`.others a`)
	p.inspect("address-another")
	p.click(`.others a`)
	p.submit()
	p.wantPage("confirm")
	p.click(`.change a`)
	p.wantPage("payment")
	p.inspect("payment")
	p.tamper(`form input[name=instrument]`)
	p.submit()
	p.inspect("payment-not-chosen")
	p.click(`.others a`)
	p.wantPage("card")
	p.inspect("card-another")
}

func TestPagesOfEveryPipeline(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	for _, w := range ways {
		p.forget()
		walk := s.begin(p, w)
		p.open(walk.link)
		for p.inspect(string(w.pipeline) + "-" + p.name()); p.name() != "confirm"; p.inspect(string(w.pipeline) + "-" +
			p.name()) {
			walk.goOn()
		}
	}
	for _, language := range []string{"de", "es"} {
		p.speaks(language)
		for _, w := range ways {
			walk := s.begin(p, w)
			p.open(walk.link)
			walk.goTo("confirm")
			if got := ask[string](p, `document.documentElement.lang`); got != language {
				t.Errorf("the confirm page of a %s has the language %q, want %s", w.pipeline, got, language)
			}
			p.fits(language + " " + string(w.pipeline))
			p.axe(language + " " + string(w.pipeline))
			p.shoot(string(w.pipeline) + "-confirm-" + language)
		}
	}
}

// Names, reasons and lists of the maximum length.
func TestPagesWithMuchOnThem(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.watch.allow("fetches " + s.logo)
	var recipients []holdfast.TokenID
	for i := range 20 {
		_, token := s.seller(fmt.Sprintf("Töpferei und Keramikwerkstatt Nummer %d", i+1))
		recipients = append(recipients, token)
	}
	s.change(func(c *party.Caller) {
		c.Name = "The Most Excellent Company of Potters, Glaziers and Kiln Masters of Northern Yorkshire, Ltd."
	})
	reason := "<b>Everything</b> for the wedding:<ul>" +
		strings.Repeat("<li>a plate with <i>both</i> names on it</li>", 30) + "</ul>" +
		"and one word of " + strings.Repeat("clay", 40)
	link, err := s.sdk.MultiUseURL(holdfast.MultiUseRequest{
		CallerReference: "much", ReturnURL: s.shop, GlobalAmountLimit: holdfasttest.USD("1234567.89"), PaymentReason: reason,
		TransactionAmount: holdfasttest.USD("9999.99"), AmountType: holdfast.AmountMaximum,
		UsageLimits: []holdfast.UsageTerms{
			{Count: 1_000_000, Period: "1200 Months"}, {Amount: holdfasttest.USD("99999.99"), Period: "1200 Hours"},
		},
		RecipientTokens: recipients, RecipientCobranding: true, CollectEmailAddress: true, CobrandingURL: s.logo,
		WebsiteDescription: strings.Repeat("Pots & Plates ", 12),
		Address: holdfast.Address{
			Name: "Ann Buyer, née Donaudampfschifffahrtsgesellschaftskapitänswitwe", Line1: strings.Repeat("Long Lane ", 11),
			City: "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", State: "Gwynedd", Zip: "LL61 5UJ",
			Country: "United Kingdom",
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	p.open(link)
	p.inspect("much-sign-in")
	s.signIn(p, s.Buyer)
	p.wantPage("confirm")
	p.inspect("much-confirm")
	p.open(s.single(func(r *holdfast.SingleUseRequest) {
		r.TransactionAmount, r.Discount = holdfasttest.USD("10000"), holdfasttest.USD("1250.50")
		r.ItemTotal, r.Shipping, r.Handling = holdfasttest.USD("9750"), holdfasttest.USD("1200.50"), holdfasttest.USD("100")
		r.GiftWrapping, r.Tax, r.CollectShippingAddress = holdfasttest.USD("100"), holdfasttest.USD("100"), false
	}))
	p.wantPage("confirm")
	p.inspect("much-breakdown")
}

func TestPagesThatLeadNowhere(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.home + "/cobranded-ui/nowhere")
	p.inspect("message-not-found")
	p.open(s.home + "/cobranded-ui/actions/sign-in?visit=none")
	p.inspect("message-no-visit")
	p.open(s.home + "/cobranded-ui/actions/sign-in?visit=none&visit=twice")
	p.inspect("message-bad-form")
	p.open(s.single(nil))
	p.do("typing a long text",
		chromedp.Evaluate[chromedp.Void](`document.querySelector("input[name=email]").value = "x".repeat(70000)`))
	p.submit()
	p.inspect("message-too-much")
	p.open(strings.Replace(s.single(nil), "callerKey=", "callerKey=X", 1))
	p.inspect("invalid-request")
	p.open(strings.Replace(s.single(nil), "transactionAmount=", "transactionAmount=1", 1))
	p.inspect("invalid-request-hints")
}

func TestPagesOfTheInbox(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	list := s.home + inbox.Path
	p.open(list)
	p.inspect("inbox-list-empty")
	for _, m := range []party.Mail{
		{ID: "M1", To: s.Buyer.Email, Subject: "Your address", Text: "Hello,\n\nopen " + s.home + "/verify?proof=" +
			strings.Repeat("x", 80) + "\n"},
		{
			ID: "M2", To: strings.Repeat("long", 15) + "@example.test", Subject: strings.Repeat("A long subject ", 12),
			Text: "It was changed.\n",
		},
	} {
		m.Created = s.Clock.Now()
		if err := s.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertMail(m) }); err != nil {
			t.Fatal(err)
		}
	}
	p.open(list)
	p.inspect("inbox-list")
	p.tabTo(`a[href$="/M1"]`)
	p.enter(kb.Enter)
	p.inspect("inbox-mail")
	p.tabTo(`main .secondary`)
	p.enter(kb.Enter)
	p.wants("A long subject")
}

// single makes an ordinary SingleUse link.
func (s *site) single(change func(*holdfast.SingleUseRequest)) string {
	s.t.Helper()
	r := holdfast.SingleUseRequest{
		CallerReference: holdfast.CallerReference(s.IDs.Other("order-")), ReturnURL: s.shop,
		TransactionAmount: holdfasttest.USD("42.50"), Reserve: true,
		PaymentReason: "Two mugs", ItemTotal: holdfasttest.USD("36.00"), Shipping: holdfasttest.USD("4.00"),
		Tax:                    holdfasttest.USD("2.50"),
		CollectShippingAddress: true,
	}
	if change != nil {
		change(&r)
	}
	link, err := s.sdk.SingleUseURL(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return link
}

// tamper unselects radio buttons, which a mouse cannot do.
func (p *page) tamper(selector string) {
	p.t.Helper()
	p.do("tampering", chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("`+selector+
		`").forEach(e => { e.checked = e.required = false })`))
}
