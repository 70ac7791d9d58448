package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/holdfast-pay/holdfast/internal/console"
)

// A look is a window size and a colour scheme for a page.
type look struct {
	viewport
	scheme string
}

func (l look) String() string { return l.name + "-" + l.scheme }

// looks are all looks. The last two have each width and each scheme once; they
// are used to check a page.
var looks = []look{{phone, "light"}, {desktop, "dark"}, {phone, "dark"}, {desktop, "light"}}

func (p *page) see(l look) {
	p.t.Helper()
	p.size(l.viewport)
	p.scheme(l.scheme)
}

// pageFiles are the templates of all pages. A page that is called tokens is
// inspected under a name that has this word in it, such as tokens-none.
var pageFiles = []string{
	"../../internal/cobranded/templates/*.html", "../../internal/inbox/templates/*.html",
	"../../internal/account/templates/*.html", "../../internal/welcome/templates/*.html",
	"../../internal/manual/templates/*.html", "../../internal/console/templates/*.html", "../../internal/api/templates/*.html",
	"../../shop/pages/*.html",
}

var inspected struct {
	mu    sync.Mutex
	names []string
}

// uninspected are the pages that no test has inspected.
func uninspected() (missed []string) {
	for _, path := range (&console.Server{}).Pages() {
		if !slices.Contains(inspected.names, consoleName(path)) {
			missed = append(missed, path)
		}
	}
	for _, pattern := range pageFiles {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			panic(fmt.Sprintf("there are no pages at %s: %v", pattern, err))
		}
		for _, file := range files {
			page := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".html"), "_", "-")
			if page == "layout" || strings.HasPrefix(page, "-") {
				continue // parts of pages
			}
			if !slices.ContainsFunc(inspected.names, func(name string) bool { return strings.Contains(name, page) }) {
				missed = append(missed, page)
			}
		}
	}
	return missed
}

// inspect checks the page's present state, on a phone in dark mode and on a
// desktop in light mode: it is accessible, nothing sticks out of it, and the
// keyboard reaches everything.
func (p *page) inspect(name string) {
	p.t.Helper()
	inspected.mu.Lock()
	inspected.names = append(inspected.names, name)
	inspected.mu.Unlock()
	p.fits(name)
	p.tells(name)
	p.shoot(name)
	for _, l := range looks[2:] {
		p.see(l)
		p.axe(fmt.Sprintf("%s-%v", name, l))
	}
	for _, l := range looks[2:] { // last, because it moves the focus
		p.see(l)
		p.tour(fmt.Sprintf("%s-%v", name, l))
	}
}

// shoot writes the page's pictures if ScreenshotsEnv is set.
func (p *page) shoot(name string) {
	p.t.Helper()
	if screenshots == "" {
		return
	}
	for _, l := range looks {
		p.see(l)
		picture, err := get(p, chromedp.FullScreenshot(100))
		if err != nil {
			p.t.Fatalf("taking a picture: %v", err)
		}
		if err := os.WriteFile(filepath.Join(screenshots, fmt.Sprintf("%s-%v.png", name, l)), picture, 0o644); err != nil {
			p.t.Fatal(err)
		}
	}
}

// sticksOut names the elements that make the page wider than its window. The menu
// may scroll on a phone only.
const sticksOut = `(() => {
	const width = document.documentElement.clientWidth;
	const menu = document.querySelector(".menu");
	if (width >= 768 && menu && menu.scrollWidth > menu.clientWidth) return ["the menu"];
	if (document.documentElement.scrollWidth <= width) return [];
	const wide = [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().left + Math.max(e.offsetWidth || 0, e.scrollWidth) > width + 1);
	return ["the page itself", ...wide.map(e => e.tagName.toLowerCase() + (e.className ? "." + e.className : "") + ": " + e.textContent.trim().slice(0, 60))];
})()`

// spaced sets the text spacing that readers may choose (WCAG 1.4.12), and
// resets it.
const spaced = `(wide => {
	const sheet = new CSSStyleSheet();
	sheet.replaceSync("* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }");
	document.adoptedStyleSheets = wide ? [sheet] : [];
})`

// fits fails the test if something sticks out of the page in a narrow window or
// with wide text.
func (p *page) fits(name string) {
	p.t.Helper()
	for _, wide := range []string{"(true)", "(false)"} {
		p.do("setting the text", chromedp.Evaluate[chromedp.Void](spaced+wide))
		for _, v := range []viewport{narrow, phone, desktop} {
			p.size(v)
			if found := ask[[]string](p, sticksOut); len(found) > 0 {
				p.t.Errorf("%s: in a window %d wide, with wide text %s, these stick out: %q", name, v.width, wide, found)
			}
		}
	}
}

// The checks find the faults of a bad page.
func TestFits(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	p.do("setting the text", chromedp.Evaluate[chromedp.Void](spaced+"(true)"))
	if spacing := ask[string](p, `getComputedStyle(document.querySelector("h1")).letterSpacing`); spacing == "normal" {
		t.Error("the text is not wide")
	}
	if found := ask[[]string](p, sticksOut); len(found) > 0 {
		t.Errorf("these stick out: %q", found)
	}
	p.do("widening", chromedp.Evaluate[chromedp.Void](`document.querySelector("h1").style.whiteSpace = "pre"; document.querySelector("h1").textContent += " x".repeat(400)`))
	if found := ask[[]string](p, sticksOut); len(found) == 0 {
		t.Error("a heading that is too long does not stick out")
	}
}
