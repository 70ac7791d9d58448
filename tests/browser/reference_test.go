package browser

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/holdfast-pay/holdfast/internal/api"
)

// The reference of the JSON API can be read on every screen.
func TestTheReferenceInABrowser(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.home + api.Path)
	p.inspect("reference")
	for _, width := range []int64{320, 390, 768, 1087, 1088, 1279, 1280} { // at the changes of the layout, and below them
		p.size(viewport{name: "window", width: width, height: 800})
		if found := ask[[]string](p, sticksOut); len(found) > 0 {
			t.Errorf("in a window %d wide these stick out: %q", width, found)
		}
		if found := ask[[]string](p, tablesOutside); len(found) > 0 {
			t.Errorf("in a window %d wide these tables leave the text: %q", width, found)
		}
	}
	p.do("opening the examples", chromedp.Evaluate[chromedp.Void](`document.querySelectorAll("details").forEach(d => d.open = true)`))
	p.fits("reference-examples")
	p.shoot("reference-examples")
	for _, l := range looks[2:] {
		p.see(l)
		p.axe("reference-examples-" + l.String())
	}
}

// A person without a mouse and without scripts finds a call, its example and the
// object that it answers with.
func TestTheReferenceByKeyboard(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.do("switching scripts off",
		send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
	for _, v := range []viewport{desktop, phone} {
		p.size(v)
		p.open(s.home + api.Path)
		p.follow(`.pages a[href="#create-hold"]`, `#create-hold`)
		p.tabTo(`section[aria-labelledby=create-hold] summary`)
		p.press(kb.Enter)
		if !ask[bool](p, `document.activeElement.parentElement.open`) {
			t.Error("Enter does not open the example")
		}
		p.tabBackTo(`section[aria-labelledby=create-hold] a[href="#Hold"]`)
		p.press(kb.Enter)
		p.wantsInView("#Hold")
		p.follow(`a[href="#Member"]`, "#Member")
	}
}

// follow goes to a link by the Tab key, and from there to its place in the page.
func (p *page) follow(link, target string) {
	p.t.Helper()
	p.tabTo(link)
	p.press(kb.Enter)
	p.wantsInView(target)
}

// wantsInView fails the test unless an element is inside the window.
func (p *page) wantsInView(selector string) {
	p.t.Helper()
	p.waitFor("going to "+selector, `(() => {
		const box = document.querySelector("`+selector+`").getBoundingClientRect();
		return box.top >= 0 && box.bottom <= innerHeight;
	})()`)
}
