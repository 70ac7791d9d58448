package browser

import (
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// lastButton is the button that makes the token.
const lastButton = `form[action$="/confirm"] button`

// A story is one way of a browser through a pipeline.
type story struct {
	name      string
	signedOut bool // at the beginning
	tell      func(*walk)
}

var stories = []story{
	{"success, by the keyboard", true, succeeds},
	{"cancel and restart", false, isCancelled},
	{"back button", true, goesBack},
	{"double click", false, clicksTwice},
	{"one visit in two tabs", false, opensTheVisitTwice},
	{"one link in two tabs", false, opensTheLinkTwice},
	{"session timeout", false, fallsAsleep},
}

func TestEveryPipeline(t *testing.T) {
	onEachDatabase(t, func(t *testing.T, s *site, w way) {
		p := openBrowser(t)
		for _, story := range stories {
			t.Logf("story: %s: %s", w.pipeline, story.name)
			if story.signedOut {
				p.forget()
			}
			story.tell(s.begin(p, w))
		}
	})
}

// onEachDatabase runs a test for each pipeline, on each database.
func onEachDatabase(t *testing.T, test func(*testing.T, *site, way)) {
	t.Helper()
	if shared == nil {
		t.Skipf("%s is not set: make test sets it", BrowserEnv)
	}
	for name, address := range holdfasttest.Addresses(t) {
		for _, w := range ways {
			t.Run(string(w.pipeline)+" on "+name, func(t *testing.T) {
				t.Parallel()
				test(t, newSiteOn(t, holdfasttest.Open(t, address(t))), w)
			})
		}
	}
}

// succeeds goes the whole way with the keyboard alone.
func succeeds(w *walk) {
	w.open(w.link)
	for w.name() != "confirm" {
		w.typeOn()
	}
	w.tabTo(lastButton)
	w.tabTo(`form[action$="/cancel"] button`)
	w.tabBackTo(lastButton)
	w.enter(kb.Enter)
	w.wantBack(w.page, w.success)
	w.wantMade(true)
}

func isCancelled(w *walk) {
	w.open(w.link)
	w.goTo("confirm")
	w.click(`form[action$="/cancel"] button`)
	w.wantBack(w.page, holdfast.ReturnAbandoned)
	w.wantMade(false)
	w.open(w.link)
	w.wantBack(w.page, holdfast.ReturnAccountProblem)
	w.wantMade(false)
}

// goesBack goes back one page after each step, and then forward again. At the
// end, going back only leads to the answer.
func goesBack(w *walk) {
	w.open(w.link)
	w.goTo("sign-in")
	for w.name() != "confirm" {
		w.goOn()
		here := w.name()
		w.back()
		w.goTo(here)
	}
	w.submit()
	w.wantBack(w.page, w.success)
	answer := w.address()
	w.back()
	if again := w.address(); again != answer {
		w.t.Errorf("after going back from the shop the browser is at %s, want the answer again", again)
	}
	w.wantMade(true)
}

func clicksTwice(w *walk) {
	w.open(w.link)
	w.goTo("confirm")
	w.doubleClick(lastButton, w.shop)
	w.wantBack(w.page, w.success)
	w.wantMade(true)
}

// opensTheVisitTwice opens the last page in two tabs, and agrees in both.
func opensTheVisitTwice(w *walk) {
	w.open(w.link)
	w.goTo("confirm")
	other := w.tab()
	other.open(w.address())
	w.submit()
	w.wantBack(w.page, w.success)
	other.click(lastButton)
	w.wantBack(other, w.success)
	if first, second := w.address(), other.address(); first != second {
		w.t.Errorf("the answers of the tabs are %s and %s", first, second)
	}
	w.wantMade(true)
}

// opensTheLinkTwice opens the link twice, gets the same visit, and agrees in
// both tabs.
func opensTheLinkTwice(w *walk) {
	w.open(w.link)
	w.goTo("confirm")
	other := &walk{site: w.site, page: w.tab(), way: w.way, t: w.t}
	other.open(w.link)
	other.goTo("confirm") // signed in already
	w.submit()
	w.wantBack(w.page, w.success)
	other.submit()
	w.wantBack(other.page, w.success)
	if first, second := w.address(), other.address(); first != second {
		w.t.Errorf("the answers of the tabs are %s and %s", first, second)
	}
	w.wantMade(true)
}

func fallsAsleep(w *walk) {
	w.open(w.link)
	w.goTo("confirm")
	w.Clock.Advance(31 * time.Minute)
	w.submit()
	w.wantPage("sign-in")
	w.goTo("confirm")
	w.submit()
	w.wantBack(w.page, w.success)
	w.wantMade(true)
}
