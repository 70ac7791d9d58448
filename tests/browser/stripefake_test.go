package browser

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

// A guest buys with a declined card, then with one that asks at the bank. The shop
// ships a part and refunds a part of that.
func TestAGuestBuysOnAFakeOfStripe(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--network", "stripe-fake")
	p := openBrowser(t) // closed before the demo
	for _, product := range []string{"mug", "mug", "bowl"} {
		p.open(d.Shop + "products/" + product)
		p.click(`#add-to-cart`)
	}
	p.click(`#pay-now`)
	p.click(`form.guest button`)
	p.wantPage("address")
	p.shipTo("Gil Guest")
	p.submit()
	p.wantPage("confirm")
	p.inspect("confirm-guest-network")
	p.submit()

	p.wantsFake(d)
	p.inspect("fake-card-page")
	p.paysAtFake("4000000000009995")
	p.wants("Your card has insufficient funds.")
	p.inspect("fake-card-page-declined")
	p.paysAtFake("4000000000003220")
	p.wants("Confirm at your bank")
	p.inspect("fake-bank-page")
	p.click(`button[value=complete]`)
	p.wants("Thank you")
	if held := d.stripe(t, "/v1/payment_intents"); len(held) != 1 || held[0]["status"] != "requires_capture" {
		t.Errorf("the fake has the payments %v", held)
	}

	p.ships(d, `document.querySelector("[name=line][value='1']").click(); document.querySelector("[name=rest][value=release]").click()`) // not the bowl
	paid := d.stripe(t, "/v1/payment_intents")[0]
	if paid["status"] != "succeeded" || paid["amount_received"] == paid["amount"] {
		t.Errorf("after shipping, the fake has %v", paid)
	}
	var refunded int
	for _, r := range d.stripe(t, "/v1/refunds") {
		if key, _ := r["metadata"].(map[string]any)["holdfast_key"].(string); strings.HasSuffix(key, "/Return") {
			refunded++
			if r["amount"] != json.Number("1000") {
				t.Errorf("the refund is %v", r)
			}
		}
	}
	if refunded != 1 {
		t.Errorf("%d refunds, want one", refunded)
	}
	p.open(d.Endpoint + "inbox/")
	p.wants("gil@guest.example")
	d.holdfast(t, "books", "check")
}

// A buyer with an account saves a card on the way, and goes back once.
func TestABuyerSignsInOnAFakeOfStripe(t *testing.T) {
	t.Parallel()
	d := startDemo(t, "--network", "stripe-fake")
	p := openBrowser(t) // closed before the demo
	p.open(d.Shop + "products/mug")
	p.click(`#add-to-cart`)
	p.click(`#pay-now`)
	p.fill(`input[name=email]`, d.BuyerEmail)
	p.fill(`input[name=password]`, d.BuyerPassword)
	p.click(`form[action$="/sign-in"] button`)
	if p.name() == "address" {
		p.submit()
	}
	p.wantPage("confirm")
	p.submit()
	p.wantsFake(d)
	p.click(`a[href*="/cobranded-ui/"]`) // Back
	p.wantPage("payment")
	p.submit()
	p.wantPage("confirm")
	p.submit()
	p.wantsFake(d)
	p.paysAtFake("4242424242424242")
	p.wants("Thank you")
	p.ships(d, ``)
	d.holdfast(t, "books", "check")
}

// wantsFake fails the test unless the browser is on the fake's card page.
func (p *page) wantsFake(d demo) {
	p.t.Helper()
	if !strings.HasPrefix(p.address(), d.Network+"/c/pay/cs_test_") {
		p.t.Fatalf("the browser is at %s, want the fake's page\n%s", p.address(), p.text())
	}
	p.wants("This is a fake of Stripe's page.")
}

// paysAtFake fills the fake's card page and presses its button.
func (p *page) paysAtFake(number string) {
	p.t.Helper()
	p.wants("This is a fake of Stripe's page.")
	if p.has(`input[name=email]`) { // of a guest
		p.fill(`input[name=email]`, "gil@guest.example")
		p.fill(`input[name=name]`, "Gil Guest")
	}
	p.fill(`input[name=number]`, number)
	p.fill(`input[name=expiry]`, "12 / 34")
	p.fill(`input[name=cvc]`, "123")
	p.submit()
}

// ships ships an order, after a script has chosen what to leave out, and refunds
// ten dollars of it.
func (p *page) ships(d demo, without string) {
	p.t.Helper()
	p.open(d.Shop + "bench")
	p.until("left")
	p.click(`#to-ship a.button`)
	p.do("choosing the parcel", chromedp.Evaluate[chromedp.Void](without))
	p.click(`#ship`)
	p.until("Charged")
	if got := p.textOf("#hold-state"); got != "settled" {
		p.t.Errorf("after shipping the hold is %s", got)
	}
	p.fill(`#refund-amount`, "10")
	p.fill(`#refund-reason`, "A chip in the glaze")
	p.click(`#refund`)
	p.until("Refunded")
}

// stripe lists objects of the demo's fake.
func (d demo) stripe(t *testing.T, path string) []map[string]any {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.Network+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+stripefake.TestKey)
	r.Header.Set("Stripe-Version", "2026-08-26.dahlia")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Data []map[string]any }
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(&list); err != nil {
		t.Fatalf("%s: %v\n%s", path, err, text)
	}
	return list.Data
}
