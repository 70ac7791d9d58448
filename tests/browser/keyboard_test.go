package browser

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// stopsMax is larger than the number of Tab stops of any page.
const stopsMax = 300

// A focus is the focused element, and whether people can see the focus.
type focus struct {
	What   string // its markup in the page
	At     int    // its number among the Tab stops, in the order of the page; -1 if it is none
	Ringed bool   // it or its label has an outline with enough contrast (WCAG 2.4.7, 1.4.11)
	Shown  bool   // it is inside the window and not completely covered (WCAG 2.4.11)
}

// stops are the elements at which the Tab key should stop, in the order of the
// page. Radio buttons with the same name have one stop.
const stops = `[...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")]
	.filter(e => !e.disabled && e.checkVisibility())
	.filter(e => e.type !== "radio" || e === (document.querySelector("input[name='" + e.name + "']:checked") || document.querySelector("input[name='" + e.name + "']")))`

const whereFocusIs = `(() => {
	const e = document.activeElement;
	if (!e || e === document.body) return {What: "", At: -1, Ringed: false, Shown: false};
	const light = rgb => {
		const [r, g, b] = rgb.match(/[\d.]+/g).map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
	};
	const ground = x => {
		for (; x; x = x.parentElement) {
			const colour = getComputedStyle(x).backgroundColor;
			if (!/, 0\)$/.test(colour)) return colour;
		}
		return "rgb(255, 255, 255)";
	};
	const ring = x => {
		if (!x) return false;
		const style = getComputedStyle(x);
		if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return false;
		const [a, b] = [light(style.outlineColor), light(ground(x.parentElement))];
		return Math.max(a, b) / Math.min(a, b) >= 3;
	};
	// A link that continues in the next line has a box in each line.
	const spots = [...e.getClientRects()].flatMap(box => [[0.5, 0.5], [0.1, 0.1], [0.9, 0.1], [0.1, 0.9], [0.9, 0.9]].map(
		([x, y]) => document.elementFromPoint(box.left + x * box.width, box.top + y * box.height)));
	return {
		What: e.outerHTML.slice(0, 120), At: ` + stops + `.indexOf(e), Ringed: !!(ring(e) || ring(e.closest("label"))),
		Shown: spots.some(s => s && e.contains(s)),
	};
})()`

// focus returns the focused element, and fails the test if people cannot see
// the focus.
func (p *page) focus() focus {
	p.t.Helper()
	f := ask[focus](p, whereFocusIs)
	if f.What != "" && (!f.Ringed || !f.Shown) {
		p.t.Errorf("on %s the focus cannot be seen (outline %t, in the window %t): %s", p.name(), f.Ringed, f.Shown, f.What)
	}
	return f
}

// strokes is the step of pressing keys, one after the other, as a keyboard
// does. [chromedp.KeyEvent] is no replacement. It does not tell the browser
// that a stroke and its character belong together, so Enter on a link to a form
// also sends the form.
func strokes(keys string, modifiers ...kb.Modifier) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, key := range keys {
			for _, event := range kb.Encode(key) {
				if event.Type == input.DispatchKeyEventTypeKeyDown {
					event.Type = input.DispatchKeyEventTypeRawKeyDown
				}
				for _, m := range modifiers {
					event.Modifiers |= int64(m)
				}
				if _, err := cdp.Call(ctx, t, input.DispatchKeyEvent, *event); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// press presses keys that do not lead to another page.
func (p *page) press(keys string, modifiers ...kb.Modifier) {
	p.t.Helper()
	p.do(fmt.Sprintf("pressing %q", keys), strokes(keys, modifiers...))
}

// tour goes once through the page with the Tab key. It must stop at every
// control, in the order of the page, and return to its start.
func (p *page) tour(name string) {
	p.t.Helper()
	for range stopsMax {
		p.press(kb.Tab)
		if p.focus().At == 0 {
			break
		}
	}
	want := ask[int](p, stops+".length")
	met := []int{0}
	for range stopsMax {
		p.press(kb.Tab)
		f := p.focus()
		if f.At == 0 || f.What == "" {
			break // between the end and the start of the page
		}
		met = append(met, f.At)
	}
	ordered := make([]int, want)
	for i := range ordered {
		ordered[i] = i
	}
	if !slices.Equal(met, ordered) {
		p.t.Errorf("%s: the Tab key stops at %v, want each of %d in order\n%v", name, met, want,
			ask[[]string](p, stops+`.map(e => e.outerHTML.slice(0, 120))`))
	}
}

// tabTo presses the Tab key until it stops at an element.
func (p *page) tabTo(selector string) {
	p.t.Helper()
	p.tabUntil(selector)
}

// tabBackTo goes in the other direction.
func (p *page) tabBackTo(selector string) {
	p.t.Helper()
	p.tabUntil(selector, kb.ModifierShift)
}

func (p *page) tabUntil(selector string, modifiers ...kb.Modifier) {
	p.t.Helper()
	for range stopsMax {
		p.press(kb.Tab, modifiers...)
		if p.focus(); p.focusIsOn(selector) {
			return
		}
	}
	p.t.Fatalf("the Tab key never stops at %s\nat %s\n%s", selector, p.address(), p.text())
}

func (p *page) focusIsOn(selector string) bool {
	p.t.Helper()
	return ask[bool](p, `document.activeElement.matches('`+selector+`')`)
}

// awaitFocus waits for the focus that a page sets by itself after it is drawn.
func (p *page) awaitFocus(selector string) {
	p.t.Helper()
	p.do("waiting for the focus on "+selector,
		chromedp.Poll[chromedp.Void](`document.activeElement.matches('`+selector+`')`))
}

// enter presses a key that leads to another page, Enter or Space.
func (p *page) enter(key string) {
	p.t.Helper()
	p.leads(fmt.Sprintf("pressing %q", key), strokes(key))
}

// After a mistake the page says so at once, and the focus goes to the field.
func TestTheFirstErrorGetsTheFocus(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	p.tabTo(`a[href*="/sign-up"]`)
	p.enter(kb.Enter)
	p.tabTo(`main form .primary`)
	p.enter(kb.Enter)
	p.awaitFocus(`.problems`)
	p.focus()
	p.press(kb.Tab)
	if !p.focusIsOn(`.problems a[href="#name"]`) {
		t.Errorf("the first stop is %q, want the first mistake", p.focus().What)
	}
	p.press(kb.Enter)
	if !p.focusIsOn(`input[name=name]`) {
		t.Errorf("the link of the mistake leads to %q", p.focus().What)
	}
	p.press("Nora New")
	p.press(kb.Tab)
	p.press("nora@example.test")
	p.press(kb.Tab)
	p.press("short")
	p.enter(kb.Enter)
	p.awaitFocus(`.problems`)
	p.press(kb.Tab)
	p.press(kb.Enter)
	if !p.focusIsOn(`input[name=password]`) {
		t.Errorf("the link of the mistake leads to %q", p.focus().What)
	}
	p.press("a few plain words")
	p.enter(kb.Enter)
	p.wantPage("card")
	p.tabTo(`input[name=number]`)
	p.press("4242424242424242")
	p.press(kb.Tab)
	p.press("1231")
	p.press(kb.Tab)
	p.press("123")
	p.tabTo(`input[name=default]`)
	p.press(" ")
	if ask[bool](p, `document.activeElement.checked`) {
		t.Error("the space bar does not untick the box")
	}
	p.enter(kb.Enter)
	p.wantPage("address")
}
