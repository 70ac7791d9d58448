package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

// A page is a browser tab that a test drives.
type page struct {
	t     *testing.T
	ctx   context.Context
	watch *watch
}

// stepTimeout ends a step that hangs. It is long because of busy machines.
const stepTimeout = 2 * time.Minute

type step = chromedp.Action[chromedp.Void]

func (p *page) do(doing string, steps ...step) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		p.t.Fatalf("%s: %v\nat %s\n%s", doing, err, p.address(), p.text())
	}
}

// get reads a value from the page. Failure messages use it, too, so it never
// fails the test itself.
func get[T any](p *page, a chromedp.Action[T]) (T, error) {
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	return chromedp.Run(ctx, a)
}

// ask returns the answer of a script on the page.
func ask[T any](p *page, script string) T {
	p.t.Helper()
	answer, err := get(p, chromedp.Evaluate[T](script))
	if err != nil {
		p.t.Fatalf("asking %s: %v\nat %s\n%s", script, err, p.address(), p.text())
	}
	return answer
}

// send is a step that sends a command to the browser.
func send[P, R any](command cdp.Command[P, R], params P) step {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, command, params)
		return err
	})
}

func (p *page) address() string {
	address, err := get(p, chromedp.Location())
	if err != nil {
		return err.Error()
	}
	return address
}

// name is the last part of the page's path, such as "sign-in".
func (p *page) name() string {
	p.t.Helper()
	u, err := url.Parse(p.address())
	if err != nil {
		p.t.Fatal(err)
	}
	return path.Base(u.Path)
}

// wantPage fails the test unless the browser is on the page with this name.
func (p *page) wantPage(name string) {
	p.t.Helper()
	if got := p.name(); got != name {
		p.t.Fatalf("the browser is on %s, want %s\nat %s\n%s", got, name, p.address(), p.text())
	}
}

func (p *page) text() string {
	text, err := get(p, chromedp.Evaluate[string](`document.body ? document.body.innerText : ""`))
	if err != nil {
		return err.Error()
	}
	return text
}

func (p *page) open(address string) {
	p.t.Helper()
	p.do("opening "+address, chromedp.Navigate(address))
}

// back goes back in the browser's history.
func (p *page) back() {
	p.t.Helper()
	p.do("going back", chromedp.NavigateBack())
	p.waitFor("going back", arrived)
}

// click presses an element that leads to another page, and waits for that page.
func (p *page) click(selector string) {
	p.t.Helper()
	p.leads("clicking "+selector, chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible))
}

// arrived is true on a page that does not leave by itself.
const arrived = `document.readyState !== "loading" && !document.querySelector("meta[http-equiv=refresh]")`

// leads waits for the final page of a step, and not for a page between that
// leaves by itself.
func (p *page) leads(doing string, to step) {
	p.t.Helper()
	p.do("marking the page", chromedp.Evaluate[chromedp.Void](`window.left = true`))
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	if _, err := chromedp.RunResponse(ctx, to); err != nil {
		p.t.Fatalf("%s: %v\nat %s\n%s", doing, err, p.address(), p.text())
	}
	p.waitFor(doing, `!window.left && `+arrived)
}

// waitFor waits until a script returns true, on any page.
func (p *page) waitFor(doing, script string) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	for {
		there, err := get(p, chromedp.Evaluate[bool](script)) // fails while one page replaces another
		if err == nil && there {
			return
		}
		if ctx.Err() != nil {
			p.t.Fatalf("%s leads to no other page (%v)\nat %s\n%s", doing, err, p.address(), p.text())
		}
	}
}

// doubleClick presses an element twice, as people do, and waits until the
// browser's address has a prefix. Other answers before that do not matter.
func (p *page) doubleClick(selector, prefix string) {
	p.t.Helper()
	arrived := func(e cdppage.EventFrameNavigated) bool {
		return e.Frame.ParentID == "" && strings.HasPrefix(e.Frame.URL, prefix)
	}
	ctx, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	twice := chromedp.DoubleClick(chromedp.CSS(selector), chromedp.NodeVisible)
	if _, err := chromedp.Run(ctx, chromedp.WaitEvent(cdppage.FrameNavigated, arrived, twice)); err != nil {
		p.t.Fatalf("pressing %s twice: %v\nat %s\n%s", selector, err, p.address(), p.text())
	}
	p.do("waiting for the page", chromedp.WaitReady(chromedp.CSS("main")))
}

// fill types into a field, or chooses from a list.
func (p *page) fill(selector, value string) {
	p.t.Helper()
	if ask[string](p, `document.querySelector('`+selector+`')?.tagName ?? ""`) == "SELECT" {
		p.do("choosing from "+selector, chromedp.SetValue(chromedp.CSS(selector), value, chromedp.NodeVisible))
		return
	}
	p.do("filling "+selector, chromedp.Clear(chromedp.CSS(selector), chromedp.NodeVisible),
		chromedp.Focus(chromedp.CSS(selector)), send(input.InsertText, input.InsertTextParams{Text: value}))
}

// submit sends the page's first form, which is the main one.
func (p *page) submit() {
	p.t.Helper()
	p.click(`main form button`)
}

func (p *page) has(selector string) bool {
	p.t.Helper()
	return ask[bool](p, `document.querySelector('`+selector+`') !== null`)
}

func (p *page) textOf(selector string) string {
	p.t.Helper()
	text, err := get(p, chromedp.Text(chromedp.CSS(selector)))
	if err != nil {
		p.t.Fatalf("reading %s: %v\n%s", selector, err, p.text())
	}
	return strings.TrimSpace(text)
}

// wants waits until the page shows a text.
func (p *page) wants(text string) {
	p.t.Helper()
	words, err := json.Marshal(strings.ToLower(text))
	if err != nil {
		p.t.Fatal(err)
	}
	p.waitFor(fmt.Sprintf("waiting for %q", text), `document.body.innerText.toLowerCase().includes(`+string(words)+`)`)
}

// until reloads the page until it shows a text. It waits for events such as a
// notification.
func (p *page) until(text string) {
	p.t.Helper()
	patience, cancel := context.WithTimeout(p.ctx, stepTimeout)
	defer cancel()
	for patience.Err() == nil {
		if strings.Contains(strings.ToLower(p.text()), strings.ToLower(text)) {
			return
		}
		p.do("reloading", chromedp.Reload())
	}
	p.wants(text)
}

type viewport struct {
	name          string
	width, height int64
}

var (
	desktop = viewport{"desktop", 1180, 860}
	phone   = viewport{"phone", 390, 844}
	// narrow is a page at 400 %, which must not need horizontal scrolling (WCAG
	// 1.4.10).
	narrow = viewport{"narrow", 320, 640}
)

func (p *page) size(v viewport) {
	p.t.Helper()
	p.do("resizing", chromedp.EmulateViewport(v.width, v.height))
}

// scheme chooses between light and dark.
func (p *page) scheme(name string) {
	p.t.Helper()
	p.do("choosing "+name, send(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}},
	}))
}

// speaks sets the browser's preferred language, such as "de".
func (p *page) speaks(language string) {
	p.t.Helper()
	p.do("choosing a language", send(network.SetExtraHTTPHeaders, network.SetExtraHTTPHeadersParams{
		Headers: network.Headers{"Accept-Language": language},
	}))
}

// focused makes the page behave as if its window were in front, whatever other
// tests do.
func (p *page) focused() {
	p.t.Helper()
	p.do("focusing the window",
		send(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
}

// mayCopy lets pages write to the clipboard, which a browser without a user
// interface does not by itself.
func (p *page) mayCopy() {
	p.t.Helper()
	p.do("allowing the clipboard", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		this, err := cdp.Call(ctx, t, target.GetTargetInfo, target.GetTargetInfoParams{})
		if err != nil {
			return err
		}
		_, err = cdp.Call(ctx, t, browser.SetPermission, browser.SetPermissionParams{
			Permission: &browser.PermissionDescriptor{Name: "clipboard-write"},
			Setting:    browser.PermissionSettingGranted, BrowserContextID: this.TargetInfo.BrowserContextID,
		})
		return err
	}))
}

// click is the step of pressing an element that does not lead to another page.
func click(selector string) step { return chromedp.Click(chromedp.CSS(selector), chromedp.NodeVisible) }
