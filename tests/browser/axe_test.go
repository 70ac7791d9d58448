package browser

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// axe finds violations of accessibility rules; testdata/README.md names its
// source.
//
//go:embed testdata/axe.min.js
var axe string

// runAxe runs the rules of WCAG 2.0 to 2.2, levels A and AA, and those of good
// practice.
const runAxe = `axe.run(document, {
	runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa", "best-practice"]},
	resultTypes: ["violations"],
	preload: false,
}).then(found => found.violations.map(v => ({
	rule: v.id, impact: v.impact, help: v.help, url: v.helpUrl,
	nodes: v.nodes.map(n => ({target: n.target.join(" "), html: n.html, summary: n.failureSummary})),
})))`

// A violation is a rule that a page breaks, and where.
type violation struct {
	Rule, Impact, Help, URL string
	Nodes                   []struct{ Target, HTML, Summary string }
}

func (v violation) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s (%s): %s\n  %s", v.Rule, v.Impact, v.Help, v.URL)
	for _, n := range v.Nodes {
		fmt.Fprintf(&b, "\n  at %s\n    %s\n    %s", n.Target, n.HTML, strings.ReplaceAll(n.Summary, "\n", "\n    "))
	}
	return b.String()
}

// axe fails the test if the page in its present state breaks a rule.
func (p *page) axe(name string) {
	p.t.Helper()
	for _, v := range p.violations(name) {
		p.t.Errorf("%s: %v", name, v)
	}
}

func (p *page) violations(name string) []violation {
	p.t.Helper()
	if !ask[bool](p, `typeof axe === "object"`) {
		p.do("loading axe", chromedp.Evaluate[chromedp.Void](axe))
	}
	found, err := get(p, chromedp.Evaluate[[]violation](runAxe, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("running axe on %s: %v", name, err)
	}
	return found
}

// Axe finds faults of a bad page.
func TestAxe(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	p.do("breaking the page", chromedp.Evaluate[chromedp.Void](`
		document.querySelector("label[for=email]").remove();
		document.querySelector("h1").style.color = "#ccc";
		document.documentElement.removeAttribute("lang");
		document.querySelector("main form").insertAdjacentHTML("beforeend", "<div><button>x</button><button>y</button></div>");
		document.querySelectorAll("main form div:last-child button").forEach(b => b.style.cssText = "width: 9px; height: 9px; padding: 0; border: 0; font-size: 8px; color: #000; background: #fff");
		document.querySelector("main").append(Object.assign(document.createElement("h5"), {textContent: "Much deeper"}));
	`))
	var rules []string
	for _, v := range p.violations("a page that was harmed") {
		rules = append(rules, v.Rule)
		if text := v.String(); !strings.Contains(text, v.Help) || !strings.Contains(text, v.Nodes[0].Target) {
			t.Errorf("the finding lacks details: %s", text)
		}
	}
	slices.Sort(rules)
	if want := []string{"color-contrast", "heading-order", "html-has-lang", "label", "target-size"}; !slices.Equal(rules,
		want) {
		t.Errorf("axe finds %v, want %v", rules, want)
	}
}
