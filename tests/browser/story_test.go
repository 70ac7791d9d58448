package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
)

// order fills a cart, goes to the Co-Branded pages, signs in and enters the
// address. It ends at the confirm page.
func (p *page) order(d demo) {
	p.t.Helper()
	p.open(d.Shop)
	p.click(`.shelf h2 a`)
	p.click(`#add-to-cart`)
	p.wants("Total")
	p.click(`#pay-now`)
	p.fill(`input[name=email]`, d.BuyerEmail)
	p.fill(`input[name=password]`, d.BuyerPassword)
	p.submit()
	if p.name() == "address" {
		p.submit()
	}
	p.wantPage("confirm")
	p.wants("4242")
}

func TestTheShopsPages(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.open(d.Shop)
	p.inspect("shop-shelf")
	p.open(d.Shop + "cart")
	p.inspect("shop-cart-empty")
	p.open(d.Shop)
	p.click(`.shelf h2 a`)
	p.inspect("shop-product")
	p.click(`#add-to-cart`)
	p.inspect("shop-cart")
	p.open(d.Shop + "bench")
	p.inspect("shop-packing-empty")
	p.open(d.Shop + "orders/none")
	p.wants("no such order")
	p.inspect("shop-error-no-such-order")
}

func TestBuyShipAndSettle(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.order(d)
	p.submit()
	p.wants("Thank you")
	if !strings.HasPrefix(p.address(), d.Shop) || !p.has("#thank-you") {
		t.Fatalf("the browser came back to %s", p.address())
	}
	thanks := p.address()
	p.inspect("shop-thank-you")

	p.open(d.Shop + "bench")
	p.until("left")
	p.inspect("shop-packing")
	p.click(`#to-ship a.button`)
	p.inspect("shop-packing-order")
	p.click(`#ship`)
	p.until("Charged")
	if got := p.textOf("#hold-state"); got != "settled" {
		t.Errorf("after shipping the hold is %s", got)
	}
	p.inspect("shop-shipped")
	p.open(thanks)
	p.wants("Charged")
	p.inspect("shop-thank-you-shipped")

	p.open(d.Endpoint + "inbox/")
	p.wants("Your approval for")
	p.wants("Your card was charged")

	// The history has the deposit into the buyer's balance and this order.
	if report := d.holdfast(t, "books", "check"); !strings.Contains(report, "2 transactions") {
		t.Errorf("books check says %q", report)
	}
}

// Buyers and packers need no mouse.
func TestBuyAndShipByTheKeyboard(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.open(d.Shop)
	p.tabTo(`.shelf h2 a`)
	p.enter(kb.Enter)
	p.tabTo(`#quantity`)
	p.press("2")
	p.tabTo(`#add-to-cart`)
	p.enter(" ")
	p.tabTo(`#pay-now`)
	p.enter(kb.Enter)
	p.tabTo(`input[name=email]`)
	p.press(d.BuyerEmail)
	p.press(kb.Tab)
	p.press(d.BuyerPassword)
	p.enter(kb.Enter)
	if p.name() == "address" {
		p.tabTo(`main form .primary`)
		p.enter(kb.Enter)
	}
	p.wantPage("confirm")
	p.tabTo(lastButton)
	p.enter(" ")
	p.wants("Thank you")
	p.wants("$48.00") // of two mugs

	p.open(d.Shop + "bench")
	p.until("left")
	p.tabTo(`#to-ship a.button`)
	p.enter(kb.Enter)
	p.tabTo(`#ship`)
	p.enter(" ")
	p.until("Charged")
}

func TestSevenDaysPassAndNothingShips(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.order(d)
	p.submit()
	p.wants("Thank you")
	p.open(d.Shop + "bench")
	p.until("left")
	p.click(`#to-ship a.button`)
	packing := p.address()

	d.holdfast(t, "clock", "advance", "168h")

	// The packer's page was open when the hold expired; the button is still there.
	p.click(`#ship`)
	p.wants("Not ")
	p.open(packing)
	p.until("expired") // for a second, the server reads holds by the clock of before
	if p.has("#ship") {
		t.Error("the page still offers to ship")
	}
	p.inspect("shop-lapsed")
	p.open(packing)
	if p.has("#ship") {
		t.Error("after reopening, the page offers to ship")
	}
	p.open(d.Shop + "bench")
	p.wants("Do not ship")
	p.inspect("shop-packing-lapsed")
	d.holdfast(t, "books", "check")
}

func TestTheBuyerCancels(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.order(d)
	p.click(`form[action$="cancel"] button`)
	if !strings.HasPrefix(p.address(), d.Shop) || p.has("#thank-you") {
		t.Fatalf("after cancelling the browser is at %s", p.address())
	}
	p.inspect("shop-abandoned")
}

func TestANewBuyerSignsUpWithANewCard(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.open(d.Shop)
	p.click(`.shelf h2 a`)
	p.click(`#add-to-cart`)
	p.click(`#pay-now`)
	p.click(`a[href*="sign-up"], a[href*="signup"]`)
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.com")
	p.fill(`input[name=password]`, "correct horse battery")
	p.submit()
	p.card("4000000000000127", "12 / 31") // its security code is always wrong
	p.submit()
	p.wants("security code")
	p.card("5555555555554444", "12 / 31")
	p.submit()
	p.shipTo("Nora New")
	p.submit()
	p.wants("4444")
	p.submit()
	p.wants("Thank you")
}

// shipTo fills in the form of a new address.
func (p *page) shipTo(name string) {
	p.t.Helper()
	for field, value := range map[string]string{
		"addressName": name, "addressLine1": "2 Kiln Lane", "city": "Portland", "state": "OR", "zip": "97201", "country": "US",
	} {
		p.fill(`[name=`+field+`]`, value)
	}
}

// card fills in the form of a new card.
func (p *page) card(number, expiry string) {
	p.t.Helper()
	p.fill(`input[name=number]`, number)
	p.fill(`input[name=expiry]`, expiry)
	p.fill(`input[name=code]`, "123")
	p.fill(`input[name=holder]`, "Nora New")
}

func TestAForgedLinkIsAnsweredWithAPageAndNoRedirect(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.open(strings.TrimSuffix(d.Endpoint, "/") +
		"/cobranded-ui/actions/start?callerKey=nobody&returnURL=https%3A%2F%2Fevil.example.test%2F&pipelineName=SingleUse")
	p.wants("Invalid Request")
	if !strings.HasPrefix(p.address(), d.Endpoint) {
		t.Fatalf("the browser was sent to %s", p.address())
	}
}
