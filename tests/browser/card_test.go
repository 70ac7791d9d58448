package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// newCard goes to the form of a new card.
func (p *page) newCard(d demo) {
	p.t.Helper()
	p.order(d)
	p.click(`.change a`)
	p.click(`a[href*="actions/card"]`)
}

// typed empties a field, presses keys in it, and returns what it shows.
func (p *page) typed(field string, keys ...string) string {
	p.t.Helper()
	p.do("emptying "+field, chromedp.SetValue(chromedp.CSS("#"+field), ""), chromedp.Focus(chromedp.CSS("#"+field)))
	for _, k := range keys {
		p.do("typing into "+field, chromedp.KeyEvent(k))
	}
	return p.eval(field + ".value")
}

// eval returns the text value of an expression on the page.
func (p *page) eval(expression string) string {
	p.t.Helper()
	text, err := get(p, chromedp.Evaluate[string](expression))
	if err != nil {
		p.t.Fatalf("evaluating %s: %v", expression, err)
	}
	return text
}

func TestACardWhileItIsTyped(t *testing.T) {
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.newCard(d)
	p.checkNumbers()
	p.checkExpiries()
}

// checkNumbers checks that digits are grouped as on the card, and that the
// brand is shown.
func (p *page) checkNumbers() {
	p.t.Helper()
	for _, row := range []struct{ keys, shown, brand string }{
		{"4", "4", "Visa"},
		{"4242424242424242", "4242 4242 4242 4242", "Visa"},
		{"4242-4242 4242x42421", "4242 4242 4242 4242 1", "Visa"},
		{"5", "5", ""},
		{"50", "50", ""},
		{"51", "51", "Mastercard"},
		{"5555555555554444", "5555 5555 5555 4444", "Mastercard"},
		{"56", "56", ""},
		{"2220", "2220", ""},
		{"22210", "2221 0", "Mastercard"},
		{"2720", "2720", "Mastercard"},
		{"2721", "2721", ""},
		{"3", "3", ""},
		{"34", "34", "American Express"},
		{"35", "35", ""},
		{"378282246310005", "3782 822463 10005", "American Express"},
		{"6011111111111117", "6011 1111 1111 1117", "Discover"},
		{"6012", "6012", ""},
		{"643", "643", ""},
		{"6440", "6440", "Discover"},
		{"65", "65", "Discover"},
		{"1234567890123456789012", "1234 5678 9012 3456 789 012", ""},
	} {
		if got := p.typed("number", row.keys); got != row.shown ||
			p.eval(`document.getElementById("number-brand").textContent`) != row.brand {
			p.t.Errorf("%s is shown as %q, want %q with brand %q", row.keys, got, row.shown, row.brand)
		}
	}
	if got := p.eval(`number.getAttribute("aria-describedby")`); got != "number-brand" {
		p.t.Errorf("the number is described by %q", got)
	}
	for _, row := range []struct {
		name  string
		keys  []string
		shown string
	}{
		{"deleted over a blank", []string{"42424", kb.Backspace, kb.Backspace, kb.Backspace, "5"}, "4245"},
		{"typed into the middle", []string{"42424242", kb.Home, kb.ArrowRight, kb.ArrowRight, "9", "8"}, "4298 4242 42"},
		{"deleted from the middle, and more typed", []string{"42424242", kb.Home, kb.Delete, "5"}, "5242 4242"},
	} {
		if got := p.typed("number", row.keys...); got != row.shown {
			p.t.Errorf("%s: %q, want %q", row.name, got, row.shown)
		}
	}
}

// checkExpiries checks that a date is written as on the card.
func (p *page) checkExpiries() {
	p.t.Helper()
	for _, row := range []struct {
		keys  []string
		shown string
	}{
		{[]string{"0831"}, "08/31"},
		{[]string{"8"}, "08/"},
		{[]string{"831"}, "08/31"},
		{[]string{"1"}, "1"},
		{[]string{"1/31"}, "01/31"},
		{[]string{"12/31"}, "12/31"},
		{[]string{"12 / 31"}, "12/31"},
		{[]string{"082031"}, "08/2031"},
		{[]string{"12", kb.Backspace}, "12"},
		{[]string{"12", kb.Backspace, kb.Backspace, "131"}, "11/31"},
	} {
		if got := p.typed("expiry", row.keys...); got != row.shown {
			p.t.Errorf("%q is shown as %q, want %q", row.keys, got, row.shown)
		}
	}
	if got := p.eval(`expiry.value = "2031-08", expiry.dispatchEvent(new InputEvent("input")), expiry.value`); got != "08/31" {
		p.t.Errorf("an autofilled date is shown as %q", got)
	}
}

// sending defines press, which clicks a button several times and returns the
// number of forms that were sent so far.
const sending = `let sent = 0;
addEventListener("submit", (event) => {
	if (!event.defaultPrevented) sent++;
	event.preventDefault();
});
const press = (action, times) => {
	for (; times > 0; times--) document.querySelector("form[action$=" + action + "] button").click();
	return String(sent);
};`

func TestADoubleClickSendsAFormOnce(t *testing.T) {
	d := startDemo(t)
	p := openBrowser(t) // closed before the demo
	p.order(d)
	p.do("listening", chromedp.Evaluate[chromedp.Void](sending))
	if got := p.eval(`press("confirm", 2)`); got != "1" {
		t.Errorf("a double click sends %s forms", got)
	}
	if got := p.eval(`press("cancel", 1)`); got != "2" {
		t.Errorf("with another form, %s forms are sent, want 2", got)
	}
	if got := p.eval(`dispatchEvent(new PageTransitionEvent("pageshow")), press("confirm", 2)`); got != "3" {
		t.Errorf("after the browser shows the page again, %s forms are sent, want 3", got)
	}
}
