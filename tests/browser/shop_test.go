package browser

import (
	"path"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// Pressing the cart's button twice, and in two tabs, makes one order.
func TestOneCartIsOneOrder(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.open(d.Shop)
	p.click(`.shelf h2 a`)
	p.click(`#add-to-cart`)
	other := p.tab()
	other.open(d.Shop + "cart")
	late := p.tab()
	late.open(d.Shop + "cart")

	p.doubleClick(`#pay-now`, d.Endpoint)
	other.click(`#pay-now`)
	bench := p.tab()
	bench.open(d.Shop + "bench")
	if n := ask[int](bench, `document.querySelectorAll("[data-state=AwaitingApproval]").length`); n != 1 {
		t.Errorf("the bench has %d orders on the payment pages, want one", n)
	}

	p.pays(d)
	p.wants("Thank you")
	thanks := p.address()
	other.open(other.address()) // the buyer continues in the other tab
	for _, page := range []string{"address", "confirm"} {
		if other.name() == page {
			other.submit()
		}
	}
	other.wants("Thank you")
	if other.address() != thanks {
		t.Errorf("the other tab returns to %s, want %s", other.address(), thanks)
	}
	late.click(`#pay-now`)
	late.wants("Thank you")
	if late.address() != thanks {
		t.Errorf("the third tab ends at %s, want %s", late.address(), thanks)
	}
	if report := d.holdfast(t, "books", "check"); !strings.Contains(report, "2 transactions") {
		t.Errorf("books check says %q", report)
	}
}

// A new user opens the API's address in a browser.
func TestTheAPIsAddressInABrowser(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.open(d.Endpoint)
	p.wants("For programs")
	p.inspect("welcome")
	p.open(d.Endpoint + "nonsense")
	p.wants("Page not found")
	p.inspect("welcome-lost")
	p.click(`main a.primary`)
	p.wantPage("sign-in")
}

// The description of the API is read in a browser, from its first page.
func TestTheManualInABrowser(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.open(d.Endpoint)
	p.click(`main a[href="/doc/"]`)
	p.wants("The API")
	p.inspect("manual")
	for _, address := range []string{"signing", "actions/Reserve"} {
		p.click(`.pages a[href="/doc/` + address + `"]`)
		name := path.Base(address)
		p.wantPage(name)
		p.inspect("manual-" + name)
		for _, width := range []int64{768, 1087, 1088, 1279, 1280} { // at the changes of the layout, and below them
			p.size(viewport{name: "window", width: width, height: 800})
			if found := ask[[]string](p, sticksOut); len(found) > 0 {
				t.Errorf("%s: in a window %d wide these stick out: %q", name, width, found)
			}
			if found := ask[[]string](p, tablesOutside); len(found) > 0 {
				t.Errorf("%s: in a window %d wide these tables leave the text: %q", name, width, found)
			}
		}
		p.size(desktop)
	}
}

// tablesOutside names the tables that are wider than the text around them.
const tablesOutside = `[...document.querySelectorAll(".text table")]
	.filter(t => t.getBoundingClientRect().right > t.parentElement.getBoundingClientRect().right)
	.map(t => t.textContent.trim().slice(0, 60))`

// pays signs in on the Co-Branded pages and confirms.
func (p *page) pays(d demo) {
	p.t.Helper()
	p.fill(`input[name=email]`, d.BuyerEmail)
	p.fill(`input[name=password]`, d.BuyerPassword)
	p.submit()
	if p.name() == "address" {
		p.submit()
	}
	p.wantPage("confirm")
	p.wantLogo()
	p.submit()
}

// wantLogo fails the test unless the payment pages show the shop's logo.
func (p *page) wantLogo() {
	p.t.Helper()
	if !ask[bool](p, `[...document.images].some(i => i.src.endsWith("/demo/logo.svg") && i.complete && i.naturalWidth > 0)`) {
		p.t.Errorf("the page shows no logo:\n%s", p.text())
	}
}

// An order ships in two parcels, and one piece is not available. Both pages show what
// is in which parcel, and a part of the second one is refunded.
func TestTwoParcelsAndARefund(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	for _, product := range []string{"mug", "mug", "bowl", "jug"} {
		p.open(d.Shop + "products/" + product)
		p.click(`#add-to-cart`)
	}
	p.click(`#pay-now`)
	p.pays(d)
	p.wants("Thank you")
	buyer := p.address()

	p.open(d.Shop + "bench")
	p.until("left")
	p.click(`#to-ship a.button`)
	p.do("unticking the jug",
		chromedp.Evaluate[chromedp.Void](`document.querySelector("[name=line][value='2']").click(); document.querySelector("[name=pieces-0]").value = "1"`))
	p.inspect("shop-packing-order-part")
	p.click(`#ship`)
	p.until("Hand the parcel over")
	p.wants("Still to ship: 1 of 2 × Morning mug, Milk jug")
	p.inspect("shop-packing-order-second")
	bench := p.address()
	p.open(buyer)
	p.wants("the first part is on its way")
	p.wants("Parcel 1: 1 of 2 × Morning mug, Breakfast bowl")
	p.inspect("shop-thank-you-part")

	p.open(bench)
	p.do("choosing the mug", chromedp.Evaluate[chromedp.Void](`document.querySelector("[name=missing-0]").value = "1"`))
	p.click(`#withdraw`)
	p.until("releases")
	p.click(`#ship`)
	p.until("Parcel 2: Milk jug")
	p.wants("Hand the parcel over")
	p.open(bench + "/parcels/3/slip") // the second part is the withdrawal
	p.wants("Milk jug")
	p.inspect("shop-slip")
	p.open(bench)
	p.do("choosing the second parcel",
		chromedp.Evaluate[chromedp.Void](`document.querySelector("#refund-parcel").selectedIndex = 1`))
	p.fill(`#refund-amount`, "10")
	p.fill(`#refund-reason`, "A chip in the glaze")
	p.click(`#refund`)
	p.until("Refunded")
	p.inspect("shop-refunded")
	p.open(buyer)
	p.wants("Not everything was available")
	p.wants("$10.00 of it is refunded")
	p.inspect("shop-thank-you-parcels")
	p.open(d.Shop + "bench/past")
	p.inspect("shop-past")
	p.open(d.Shop + "bench/stock")
	p.inspect("shop-stock")
	d.holdfast(t, "books", "check")
}

// The card is declined when the parcel ships. Packer and buyer read the same,
// and the buyer pays again.
func TestTheCardDeclinesWhenThePotteryShips(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.newBuyer(d, "4000000000001018")
	p.wants("Thank you")
	buyer := p.address()
	p.open(d.Shop + "bench")
	p.until("left")
	p.click(`#to-ship a.button`)
	p.click(`#ship`)
	p.until("ask the buyer to pay again")
	p.inspect("shop-charge-declined")
	p.focused() // otherwise the browser blocks the clipboard
	p.mayCopy()
	p.do("copying", click(`#copy-link`))
	p.wants("Copied.")
	if got := ask[string](p, `document.querySelector("#buyer-link").value`); got != buyer {
		t.Errorf("the link for the buyer is %s, want %s", got, buyer)
	}
	p.open(buyer)
	p.wants("Your card was declined when we shipped. Please pay again")
	p.inspect("shop-pay-again")
	p.click(`#pay-again`)
	if !strings.HasPrefix(p.address(), d.Endpoint) {
		t.Errorf("paying again leads to %s", p.address())
	}
	p.open(d.Shop + "bench")
	p.click(`#do-not-ship a.button`)
	p.click(`#done`)
	if p.has(`#do-not-ship`) {
		t.Error("the order is still listed as not to ship")
	}
}

// The bank declines at once. The next try asks for a card, and says which card
// was declined.
func TestADeclinedCardIsNotOfferedAgain(t *testing.T) {
	t.Parallel()
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.newBuyer(d, "4000000000000002")
	p.wants("declined")
	p.inspect("shop-payment-failed")
	p.click(`#pay-again`)
	p.wantPage("payment")
	p.wants("Declined a minute ago")
	p.inspect("payment-declined")
	p.click(`a[href*="card?"]`)
	p.card("5555555555554444", "12 / 31")
	p.submit()
	if p.name() == "address" {
		p.submit()
	}
	p.wantPage("confirm")
	p.wants("4444")
	p.submit()
	p.wants("Thank you")
}

// newBuyer signs up on the payment pages and pays for a mug with a card.
func (p *page) newBuyer(d demo, number string) {
	p.t.Helper()
	p.open(d.Shop + "products/mug")
	p.click(`#add-to-cart`)
	p.click(`#pay-now`)
	p.click(`a[href*="sign-up"]`)
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.com")
	p.fill(`input[name=password]`, "correct horse battery")
	p.submit()
	p.card(number, "12 / 31")
	p.submit()
	p.shipTo("Nora New")
	p.submit()
	p.wantPage("confirm")
	p.submit()
}
