package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// order fills a cart and goes to the Co-Branded pages, signs in, says where the
// parcel goes, and stands before the confirm page.
func (p *page) order(d demo, shoot bool) {
	p.t.Helper()
	picture := func(name string) {
		if shoot {
			p.shoot(name)
		}
	}
	p.open(d.Shop)
	picture("01-shelf")
	p.click(`.shelf h2 a`)
	picture("02-product")
	p.click(`#add-to-cart`)
	p.wants("Total")
	picture("03-cart")
	p.click(`#pay-now`)
	picture("04-sign-in")
	p.fill(`input[name=email]`, d.BuyerEmail)
	p.fill(`input[name=password]`, d.BuyerPassword)
	p.submit()
	if p.has(`input[name=address]`) {
		picture("05-address")
		p.submit()
	}
	p.wants("4242")
	picture("06-confirm")
	if shoot {
		p.click(`.change a`)
		p.wants("Choose how to pay")
		picture("06-payment")
		p.submit()
		p.wants("Review and confirm")
	}
}

// submit sends the page's first form, which is the one that leads on.
func (p *page) submit() {
	p.t.Helper()
	p.click(`main form button`)
}

func (p *page) has(selector string) bool {
	p.t.Helper()
	found, err := get(p, chromedp.Evaluate[bool](`document.querySelector("`+selector+`") !== null`))
	if err != nil {
		p.t.Fatalf("looking for %s: %v", selector, err)
	}
	return found
}

func (p *page) textOf(selector string) string {
	p.t.Helper()
	text, err := get(p, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		p.t.Fatalf("reading %s: %v\n%s", selector, err, p.text())
	}
	return strings.TrimSpace(text)
}

func TestBuyShipAndSettle(t *testing.T) {
	p, d := openBrowser(t), startDemo(t)
	p.order(d, true)
	p.submit()
	p.wants("Thank you")
	if !strings.HasPrefix(p.address(), d.Shop) || !p.has("#thank-you") {
		t.Fatalf("the browser came back to %s", p.address())
	}
	thanks := p.address()
	p.shoot("07-thank-you")

	p.open(d.Shop + "bench")
	p.until("left")
	p.shoot("08-bench")
	p.click(`#to-ship a.button`)
	p.shoot("09-bench-order")
	p.click(`#ship`)
	p.until("Charged")
	if got := p.textOf("#transaction-status"); got != "Success" {
		t.Errorf("after shipping the transaction is %s", got)
	}
	p.shoot("10-shipped")
	p.open(thanks)
	p.wants("Charged")
	p.shoot("11-thank-you-shipped")

	p.open(d.Shop + "orders/none")
	p.wants("no such order")
	p.shoot("20-no-such-order")

	// The deposit in the buyer's balance, and this order.
	if report := d.holdfast(t, "books", "check"); !strings.Contains(report, "2 transactions") {
		t.Errorf("books check says %q", report)
	}
}

func TestSevenDaysPassAndNothingShips(t *testing.T) {
	p, d := openBrowser(t), startDemo(t)
	p.order(d, false)
	p.submit()
	p.wants("Thank you")
	p.open(d.Shop + "bench")
	p.until("left")
	p.click(`#to-ship a.button`)
	packing := p.address()

	d.holdfast(t, "clock", "advance", "168h")

	// The packer's page was open when the hold lapsed; the button is still there.
	p.click(`#ship`)
	p.wants("lapsed")
	if p.has("#ship") {
		t.Error("the page still offers to ship")
	}
	p.shoot("12-lapsed")
	p.open(packing)
	if p.has("#ship") {
		t.Error("opened again, the page offers to ship")
	}
	p.open(d.Shop + "bench")
	p.wants("Do not ship")
	p.shoot("13-bench-lapsed")
	d.holdfast(t, "books", "check")
}

func TestTheBuyerCancels(t *testing.T) {
	p, d := openBrowser(t), startDemo(t)
	p.order(d, false)
	p.click(`form[action$="cancel"] button`)
	if !strings.HasPrefix(p.address(), d.Shop) || p.has("#thank-you") {
		t.Fatalf("after cancelling the browser is at %s", p.address())
	}
	p.shoot("14-abandoned")
}

func TestANewBuyerSignsUpWithANewCard(t *testing.T) {
	p, d := openBrowser(t), startDemo(t)
	p.open(d.Shop)
	p.click(`.shelf h2 a`)
	p.click(`#add-to-cart`)
	p.click(`#pay-now`)
	p.click(`a[href*="sign-up"], a[href*="signup"]`)
	p.shoot("15-sign-up")
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.com")
	p.fill(`input[name=password]`, "correct horse battery")
	p.submit()
	p.shoot("16-new-card")
	p.card("4000000000000127", "12 / 31") // its security code is always wrong
	p.submit()
	p.wants("security code")
	p.shoot("17-card-refused")
	p.card("5555555555554444", "12 / 31")
	p.submit()
	for name, value := range map[string]string{
		"addressName": "Nora New", "addressLine1": "2 Kiln Lane", "city": "Portland", "state": "OR", "zip": "97201", "country": "US",
	} {
		p.fill(`input[name=`+name+`]`, value)
	}
	p.shoot("18-address")
	p.submit()
	p.wants("4444")
	p.submit()
	p.wants("Thank you")
}

// card fills the form of a new card.
func (p *page) card(number, expiry string) {
	p.t.Helper()
	p.fill(`input[name=number]`, number)
	p.fill(`input[name=expiry]`, expiry)
	p.fill(`input[name=code]`, "123")
	p.fill(`input[name=holder]`, "Nora New")
}

func TestAForgedLinkIsAnsweredWithAPageAndNoRedirect(t *testing.T) {
	p, d := openBrowser(t), startDemo(t)
	p.open(strings.TrimSuffix(d.Endpoint, "/") + "/cobranded-ui/actions/start?callerKey=nobody&returnURL=https%3A%2F%2Fevil.example.test%2F&pipelineName=SingleUse")
	p.wants("Invalid Request")
	if !strings.HasPrefix(p.address(), d.Endpoint) {
		t.Fatalf("the browser was sent to %s", p.address())
	}
	p.shoot("19-invalid-request")
}
