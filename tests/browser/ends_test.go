package browser

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// payers are the pipelines whose sender pays, and sellers those that can name a
// recipient.
var (
	payers = []payment.Pipeline{
		payment.PipelineSingleUse, payment.PipelineMultiUse, payment.PipelineRecurring, payment.PipelineSetupPrepaid,
		payment.PipelineSetupPostpaid,
	}
	sellers = []payment.Pipeline{payment.PipelineSingleUse, payment.PipelineMultiUse, payment.PipelineRecurring}
	edits   = []payment.Pipeline{payment.PipelineEditToken}
)

// ends are the answers of pipelines that the stories do not reach, each with
// the way to it.
var ends = []struct {
	status holdfast.ReturnStatus
	of     []payment.Pipeline
	lead   func(w *walk)
}{
	{holdfast.ReturnAbandoned, payment.Pipelines, func(w *walk) {
		w.open(w.link)
		w.wantPage("sign-in") // before anybody has signed in
		w.click(`form[action$="/cancel"] button`)
	}},
	{holdfast.ReturnCallerError, payment.Pipelines, func(w *walk) {
		w.open(w.asking("cobrandingUrl", "http://shop.example.test/unsafe.png"))
	}},
	{holdfast.ReturnCallerError, payment.Pipelines, func(w *walk) {
		w.open(w.asking("paymentReason", strings.Repeat("much ", 1000)))
	}},
	{holdfast.ReturnAccountProblem, payment.Pipelines, func(w *walk) {
		w.SetStanding(w.Buyer.ID, party.Suspended)
		w.open(w.link)
		w.signIn(w.page, w.Buyer)
		w.SetStanding(w.Buyer.ID, party.Active)
	}},
	{holdfast.ReturnAccountProblem, sellers, func(w *walk) {
		w.open(w.asking("recipientToken", string(w.RecipientToken), "recipientTokenList", string(w.RecipientToken)))
		w.signIn(w.page, w.Seller) // the seller would pay itself
	}},
	{holdfast.ReturnSystemError, payment.Pipelines, breaks},
	{holdfast.ReturnPaymentError, slices.Concat(payers, edits), func(w *walk) {
		w.open(w.asking("reserve", "False", "paymentMethod", "ACH"))
		w.goTo("payment")
		w.click(`form[action$="/decline"] button`)
	}},
	{holdfast.ReturnNotMarketplace, sellers, func(w *walk) {
		w.change(func(c *party.Caller) { c.Marketplace = false })
		w.open(w.asking("recipientToken", string(w.RecipientToken), "recipientTokenList", string(w.RecipientToken)))
		w.change(func(c *party.Caller) { c.Marketplace = true })
	}},
	{
		holdfast.ReturnSuccessABT, payers,
		func(w *walk) { w.payWith(holdfast.MethodABT, `form[action$="/payment"] button`) },
	},
	{holdfast.ReturnSuccessACH, payers, func(w *walk) { w.payWith(holdfast.MethodACH, `form[action$="/bank"] button`) }},
	{holdfast.ReturnSuccessACH, edits, func(w *walk) { w.payWith(holdfast.MethodACH, `form[action$="/bank"] button`) }},
	{holdfast.ReturnSuccessCC, edits, func(w *walk) {
		balance := w.Balance()
		paid := w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: balance.ID, Method: balance.Method})
		w.open(w.asking("tokenID", string(paid), "paymentMethod", "CC"))
		w.signIn(w.page, w.Buyer)
		w.wantPage("payment")
		w.submit()
		w.submit()
	}},
	{holdfast.ReturnTokenUnchanged, edits, func(w *walk) {
		w.open(w.link)
		w.signIn(w.page, w.Buyer)
		w.wantPage("payment") // the sender chooses what pays
		w.submit()
		w.submit()
	}},
	{holdfast.ReturnInvalidToken, edits, func(w *walk) { w.open(w.asking("tokenID", "nobody's")) }},
	{holdfast.ReturnOthersToken, edits, func(w *walk) {
		w.open(w.link)
		w.signIn(w.page, w.Seller)
	}},
	{holdfast.ReturnNoAccount, edits, func(w *walk) {
		w.SetStanding(w.Buyer.ID, party.Closed)
		w.open(w.link)
		w.SetStanding(w.Buyer.ID, party.Active)
	}},
}

// breaks lets the store fail at the last step. The sender may try again, and
// then there is one token.
func breaks(w *walk) {
	w.open(w.link)
	w.goTo("confirm")
	confirm, whole := w.address(), w.pages.Processor
	w.pages.Processor = w.broken()
	w.submit()
	w.pages.Processor = whole
	w.wantMade(false)
	again := w.tab()
	again.open(confirm)
	again.submit()
	w.wantBack(again, w.success)
	w.wantMade(true)
}

// broken fails every request, because its store is closed.
func (s *site) broken() *processor.Processor {
	s.t.Helper()
	dead, err := store.Open(s.t.Context(), store.Config{Address: s.t.TempDir() + "/dead.db"})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := dead.Close(); err != nil {
		s.t.Fatal(err)
	}
	return processor.New(dead, processor.Config{
		Network: s.Processor.Network, Now: s.Clock.Now, IDs: s.IDs, Log: s.pages.Log,
	})
}

func TestEveryEnd(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *site, w way) {
		p := openBrowser(t)
		for _, end := range ends {
			if !slices.Contains(end.of, w.pipeline) {
				continue
			}
			p.forget()
			t.Logf("%s, for the %s", end.status, w.pipeline)
			walk := s.begin(p, w)
			end.lead(walk)
			if back := s.wantBack(p, end.status); !back.Authorised() && end.status != holdfast.ReturnSystemError {
				walk.wantMade(false)
			}
		}
	})
}

// asking returns the walk's link with other parameters, given as name, value,
// name, value.
func (w *walk) asking(pairs ...string) string {
	w.t.Helper()
	u, err := url.Parse(w.link)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := holdfast.ParseParams(u.RawQuery)
	if err != nil {
		w.t.Fatal(err)
	}
	p = p.Without("signature")
	for i := 0; i < len(pairs); i += 2 {
		p = append(p.Without(pairs[i]), holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	signature, err := holdfast.SignHMAC(w.Key.Secret, holdfast.SignatureMethod(p.Get("signatureMethod")),
		holdfast.StringToSign(http.MethodGet, u.Host, u.Path, p))
	if err != nil {
		w.t.Fatal(err)
	}
	u.RawQuery = append(p, holdfast.Param{Name: "signature", Value: signature}).Encode()
	return u.String()
}

// agree takes the buyer from a link to the end.
func (s *site) agree(p *page, link string) {
	s.t.Helper()
	p.open(link)
	(&walk{site: s, page: p, t: s.t}).goTo("confirm")
	p.submit()
}

// payWith chooses a way to pay other than a card.
func (w *walk) payWith(method holdfast.PaymentMethod, button string) {
	w.t.Helper()
	w.open(w.asking("reserve", "False", "collectShippingAddress", "False", "paymentMethod", string(method)))
	w.signIn(w.page, w.Buyer)
	w.wantPage("payment")
	w.click(button)
	w.wantPage("confirm")
	w.submit()
}

// Without scripts a new buyer gets from the link to the shop, with a wrong card
// on the way. Pressing the last button twice makes one token.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.do("turning scripts off",
		send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	w := s.begin(p, ways[0])
	p.open(w.link)
	p.click(`a[href*="/sign-up"]`)
	p.submit()
	if !p.has(`#email-error`) {
		t.Fatalf("the answer to an empty form is\n%s", p.text())
	}
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.test")
	p.fill(`input[name=password]`, "a few plain words")
	p.submit()
	p.wantPage("card")
	p.card("4242 4242 4242 4243", "12 / 31")
	p.submit()
	if !p.has(`#number-error`) {
		t.Fatalf("the answer to a wrong card number is\n%s", p.text())
	}
	p.card("4242 4242 4242 4242", "12 / 31")
	p.submit()
	p.wantPage("address")
	for name, value := range map[string]string{
		"addressLine1": "2 Kiln Lane", "city": "Portland", "state": "OR", "zip": "97201", "country": "US",
	} {
		p.fill(`[name=`+name+`]`, value)
	}
	p.submit()
	p.wantPage("confirm")
	p.doubleClick(lastButton, s.shop)
	if back := s.wantBack(p, holdfast.ReturnSuccessCC); back.Address.City != "Portland" {
		t.Errorf("the address came back as %+v", back.Address)
	}
	if title := ask[string](p, `document.title`); title != "The shop" {
		t.Errorf("scripts ran: the shop's page has the title %q", title)
	}
	w.wantMade(true)
}
