package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// ends are the answers that a browser can bring about, beside those of the
// stories: each with what leads there.
var ends = []struct {
	status holdfast.ReturnStatus
	lead   func(s *site, p *page)
}{
	{holdfast.ReturnAbandoned, func(s *site, p *page) {
		p.open(s.single(nil))
		p.wantPage("sign-in") // before anybody has said who they are
		p.click(`form[action$="/cancel"] button`)
	}},
	{holdfast.ReturnCallerError, func(s *site, p *page) {
		link := s.single(nil)
		s.agree(p, link)
		p.open(link) // the reference is used
	}},
	{holdfast.ReturnPaymentError, func(s *site, p *page) {
		p.open(s.single(func(r *holdfast.SingleUseRequest) {
			r.Reserve, r.PaymentMethods = false, []holdfast.PaymentMethod{holdfast.MethodABT}
		}))
		s.signIn(p, s.Buyer)
		p.wantPage("payment")
		p.click(`form[action$="/decline"] button`)
	}},
	{holdfast.ReturnAccountProblem, func(s *site, p *page) {
		p.open(s.single(nil))
		s.signIn(p, s.Owner) // who would pay itself
	}},
	{holdfast.ReturnNotMarketplace, func(s *site, p *page) {
		s.change(func(c *party.Caller) { c.Marketplace = false })
		p.open(s.single(func(r *holdfast.SingleUseRequest) { r.RecipientToken = string(s.RecipientToken) }))
		s.change(func(c *party.Caller) { c.Marketplace = true })
	}},
	{holdfast.ReturnInvalidToken, func(s *site, p *page) { p.open(s.edit("nobody's")) }},
	{holdfast.ReturnOthersToken, func(s *site, p *page) {
		p.open(s.edit(s.multiUse()))
		s.signIn(p, s.Seller)
	}},
	{holdfast.ReturnTokenUnchanged, func(s *site, p *page) {
		p.open(s.edit(s.multiUse()))
		s.signIn(p, s.Buyer)
		p.wantPage("payment") // what the token is paid with is chosen
		p.submit()
		p.submit()
	}},
	{holdfast.ReturnNoAccount, func(s *site, p *page) {
		link := s.edit(s.multiUse())
		s.SetStanding(s.Buyer.ID, party.Closed)
		p.open(link)
		s.SetStanding(s.Buyer.ID, party.Active)
	}},
	{holdfast.ReturnSuccessABT, func(s *site, p *page) { s.payWith(p, holdfast.MethodABT, `form[action$="/payment"] button`) }},
	{holdfast.ReturnSuccessACH, func(s *site, p *page) { s.payWith(p, holdfast.MethodACH, `form[action$="/bank"] button`) }},
}

func TestEveryEnd(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	for _, end := range ends {
		p.forget()
		end.lead(s, p)
		s.wantBack(p, end.status)
	}
}

// agree takes the buyer from a link to the end.
func (s *site) agree(p *page, link string) {
	s.t.Helper()
	p.open(link)
	(&walk{site: s, page: p, t: s.t}).goTo("confirm")
	p.submit()
}

// payWith chooses a way to pay that is no card.
func (s *site) payWith(p *page, method holdfast.PaymentMethod, button string) {
	s.t.Helper()
	p.open(s.single(func(r *holdfast.SingleUseRequest) {
		r.Reserve, r.CollectShippingAddress, r.PaymentMethods = false, false, []holdfast.PaymentMethod{method}
	}))
	s.signIn(p, s.Buyer)
	p.wantPage("payment")
	p.click(button)
	p.wantPage("confirm")
	p.submit()
}

func (s *site) edit(token holdfast.TokenID) string {
	s.t.Helper()
	link, err := s.sdk.EditTokenURL(holdfast.EditTokenRequest{
		CallerReference: holdfast.CallerReference(s.IDs.Other("edit-")), ReturnURL: s.shop, TokenID: token,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return link
}

// Without scripts a new buyer gets from the link to the shop, with a wrong card on
// the way, and the last button pressed twice makes one token.
func TestWithoutScripts(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.do("turning scripts off", send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	w := s.begin(p, ways[0])
	p.open(w.link)
	p.click(`a[href*="/sign-up"]`)
	p.submit()
	if !p.has(`#email-error`) {
		t.Fatalf("an empty form is answered with\n%s", p.text())
	}
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.test")
	p.fill(`input[name=password]`, "a few plain words")
	p.submit()
	p.wantPage("card")
	p.card("4242 4242 4242 4243", "12 / 31")
	p.submit()
	if !p.has(`#number-error`) {
		t.Fatalf("a card with a slip in its number is answered with\n%s", p.text())
	}
	p.card("4242 4242 4242 4242", "12 / 31")
	p.submit()
	p.wantPage("address")
	for name, value := range map[string]string{"addressLine1": "2 Kiln Lane", "city": "Portland", "state": "OR", "zip": "97201", "country": "United States"} {
		p.fill(`input[name=`+name+`]`, value)
	}
	p.submit()
	p.wantPage("confirm")
	p.doubleClick(lastButton, s.shop)
	if back := s.wantBack(p, holdfast.ReturnSuccessCC); back.Address.City != "Portland" {
		t.Errorf("the address came back as %+v", back.Address)
	}
	if title := ask[string](p, `document.title`); title != "The shop" {
		t.Errorf("scripts ran: the shop's page is called %q", title)
	}
	w.wantMade(true)
}
