package browser

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// untold checks rules of WCAG 2.2 that axe does not check. The title mentions a
// mistake (2.4.2, 3.3.1). Each mistake links to a field, which says what is
// wrong (3.3.1, 3.3.3). Every field accepts pasted text, and sign-in fields
// accept autofill (3.3.8). Buttons are at least 24 pixels high and wide, except
// words in a sentence (2.5.8).
const untold = `(() => {
	const found = [];
	const problems = document.querySelector(".problems");
	if (problems && !/^(Error|Fehler): /.test(document.title)) found.push("the title does not tell of the mistake: " + document.title);
	for (const link of problems ? problems.querySelectorAll("a") : []) {
		const field = document.getElementById(link.getAttribute("href").slice(1));
		if (!field) { found.push("a mistake leads nowhere: " + link.outerHTML); continue; }
		const said = (field.closest("fieldset") || field).getAttribute("aria-describedby") || (field.getAttribute("aria-describedby") || "");
		if (!said.split(" ").some(id => document.getElementById(id)?.textContent.trim() === link.textContent.trim()))
			found.push("the field does not say its mistake: " + field.outerHTML);
		if (field.type !== "radio" && field.getAttribute("aria-invalid") !== "true") found.push("the field is not marked as wrong: " + field.outerHTML);
	}
	for (const field of document.querySelectorAll("input:not([type=hidden])")) {
		if (!field.dispatchEvent(new ClipboardEvent("paste", {bubbles: true, cancelable: true}))) found.push("nothing can be pasted into " + field.outerHTML);
		if (/^(email|password)$/.test(field.type) && field.autocomplete === "off") found.push("the browser may not fill in " + field.outerHTML);
	}
	for (const target of ` + stops + `) {
		const box = (target.closest("label") || target).getBoundingClientRect();
		const inSentence = target.matches("a") && getComputedStyle(target).display === "inline";
		if (!inSentence && (box.height < 24 || box.width < 24))
			found.push("too small to press, " + Math.round(box.width) + " by " + Math.round(box.height) + ": " + target.outerHTML);
	}
	return found;
})()`

// tells fails the test if [untold] finds a fault on the page.
func (p *page) tells(name string) {
	p.t.Helper()
	for _, fault := range ask[[]string](p, untold) {
		p.t.Errorf("%s: %s", name, fault)
	}
}

// The checks find the faults of a bad page.
func TestTells(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	p.click(`a[href*="/sign-up"]`)
	p.submit()
	p.tells("sign-up-wrong")
	p.do("breaking the page", chromedp.Evaluate[chromedp.Void](`
		document.title = "Create an account";
		document.querySelector("#name-error").remove();
		document.querySelector("#email").removeAttribute("aria-invalid");
		document.querySelector(".problems li:last-child a").href = "#nowhere";
		document.querySelector("#password").autocomplete = "off";
		document.querySelector("#password").addEventListener("paste", e => e.preventDefault());
		document.querySelector("main form .primary").style.cssText = "min-height: 0; height: 20px; padding: 0";
	`))
	if found := ask[[]string](p, untold); len(found) != 7 {
		t.Errorf("%d of seven faults are found: %q", len(found), found)
	}
}

// No page asks twice for the same information (WCAG 3.3.7), except a card's
// number and code, and passwords, which no page shows again.
func TestNobodyIsAskedTwice(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	p.fill(`input[name=email]`, "nora@example.test")
	p.fill(`input[name=password]`, "wrong, of course")
	p.submit()
	p.wantValues("email", "nora@example.test", "password", "")
	p.click(`a[href*="/sign-up"]`)
	p.fill(`input[name=name]`, "Nora New")
	p.fill(`input[name=email]`, "nora@example.test")
	p.fill(`input[name=password]`, "short")
	p.submit()
	p.wantValues("name", "Nora New", "email", "nora@example.test", "password", "")
	p.fill(`input[name=password]`, "a few plain words")
	p.submit()
	p.wantPage("card")
	p.wantValues("holder", "Nora New")
	p.card("4000000000000127", "12/31")
	p.submit()
	p.wantValues("number", "", "expiry", "12/31", "code", "", "holder", "Nora New")
	p.card("4242424242424242", "12/31")
	p.submit()
	p.wantPage("address")
	p.wantValues("addressName", "Nora New")
	p.fill(`input[name=city]`, "Portland")
	p.submit()
	p.wantValues("addressName", "Nora New", "city", "Portland")
}

// wantValues fails the test unless the fields have these values, given as name,
// value.
func (p *page) wantValues(pairs ...string) {
	p.t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		if got := ask[string](p, `document.querySelector("input[name=`+pairs[i]+`]").value`); got != pairs[i+1] {
			p.t.Errorf("on %s the field %s has %q, want %q", p.name(), pairs[i], got, pairs[i+1])
		}
	}
}
