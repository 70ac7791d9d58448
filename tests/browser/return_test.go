package browser

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// An arrival is a request for the last address of a chain of redirects.
type arrival struct {
	url     url.URL // without the fragment, which browsers keep
	referer string
}

// arrivals are the requests at which browsers ended.
type arrivals struct {
	mu  sync.Mutex
	all []arrival
}

func (a *arrivals) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/stay" {
		w.WriteHeader(http.StatusNoContent) // a browser then stays on its page
		return
	}
	a.mu.Lock()
	a.all = append(a.all, arrival{*r.URL, r.Header.Get("Referer")})
	a.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Write([]byte(`<!doctype html><html lang="en"><title>The shop</title><link rel="icon" href="data:,"><main><h1>Back</h1></main></html>`)) //nolint:errcheck // the browser has gone
}

// hop listens at an address, and redirects to the next one with the same query.
func hop(t *testing.T, address, next string) string {
	t.Helper()
	return listenAt(t, address, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, next+"?"+r.URL.RawQuery, http.StatusFound)
	}))
}

func listenAt(t *testing.T, address string, handler http.Handler) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Skipf("this machine has no %s: %v", address, err)
	}
	server := httptest.NewUnstartedServer(handler)
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return server.URL
}

// Buyers reach the caller's site, whatever redirects it uses: after approving
// and after cancelling, with scripts and without.
func TestTheWayBack(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	there := &arrivals{}
	last := listenAt(t, "127.0.0.1:0", there)
	second := hop(t, "127.0.0.1:0", strings.Replace(last, "127.0.0.1", "third.localhost", 1)+"/back")
	chain := hop(t, "127.0.0.1:0", strings.Replace(second, "127.0.0.1", "second.localhost", 1)+"/on")
	at := func(host string) string { return strings.Replace(last, "127.0.0.1", host, 1) }
	for name, address := range map[string]string{
		"a chain over three origins": chain + "/back",
		"an IPv6 address":            listenAt(t, "[::1]:0", there) + "/back",
		"an underscore":              at("under_score.localhost") + "/back",
		"a host in capitals":         at("LocalHost") + "/back",
		"a host in Unicode":          at("münchen.localhost") + "/back",
		"a fragment":                 at("localhost") + "/back#top;url=nowhere",
		"a long query":               at("localhost") + "/back?long=" + strings.Repeat("x", 1900),
		"quotes":                     at("localhost") + "/back;'a'?q='b'",
	} {
		t.Run(name, func(t *testing.T) {
			for _, scripts := range []bool{true, false} {
				p := openBrowser(t)
				p.do("setting whether scripts run",
					send(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !scripts}))
				for _, button := range []string{lastButton, `form[action$="/cancel"] button`} {
					p.forget()
					p.open(s.single(func(r *holdfast.SingleUseRequest) { r.ReturnURL, r.CollectShippingAddress = address, false }))
					s.signIn(p, s.Buyer)
					p.wantPage("confirm")
					before := there.count()
					p.click(button)
					there.wantOne(t, p, before)
				}
			}
		})
	}
}

func (a *arrivals) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.all)
}

// wantOne fails the test unless one more browser has arrived, with a genuine
// answer and without a referrer.
func (a *arrivals) wantOne(t *testing.T, p *page, before int) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.all) != before+1 {
		t.Fatalf("%d browsers have arrived, want one\nat %s\n%s", len(a.all)-before, p.address(), p.text())
	}
	got := a.all[before]
	if got.referer != "" {
		t.Errorf("the shop gets the referrer %s", got.referer)
	}
	if got.url.Query().Get("signature") == "" || got.url.Query().Get("status") == "" {
		t.Errorf("the browser arrived with the query %s", got.url.RawQuery)
	}
}

// The page between is for buyers whose browser does not continue by itself.
func TestTheReturnPage(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	stay := listenAt(t, "127.0.0.1:0", &arrivals{})
	for language, text := range map[string]string{
		"en": "Your approval has been recorded.", "de": "Ihre Freigabe wurde gespeichert.",
		"es": "Su autorización ha quedado registrada.",
	} {
		p.speaks(language)
		p.forget()
		p.open(s.single(func(r *holdfast.SingleUseRequest) { r.ReturnURL, r.CollectShippingAddress = stay+"/stay", false }))
		s.signIn(p, s.Buyer)
		p.wantPage("confirm")
		p.do("agreeing", click(lastButton))
		p.waitFor("agreeing", `location.pathname.endsWith("/return") && document.readyState === "complete"`)
		p.wants(text)
		p.inspect("return-" + language)
		onward := ask[string](p, `document.querySelector("main a").href`)
		if _, err := holdfasttest.Verifier(s.Shop.ID).ParseReturn(t.Context(), onward); err != nil {
			t.Errorf("the link leads to %s: %v", onward, err)
		}
		p.do("reloading", chromedp.Reload())
		p.wantPage("return")
		if again := ask[string](p, `document.querySelector("main a").href`); again != onward {
			t.Errorf("after reloading, the link leads to %s, want %s", again, onward)
		}
	}
}

// After a wrong password and Cancel, the Back button shows the page with the
// error, and not the browser's question whether to send the form again.
func TestBackAfterAnError(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	p.fill(`input[name=email]`, s.Buyer.Email)
	p.fill(`input[name=password]`, "not this one")
	p.submit()
	p.wantPage("sign-in")
	p.click(`form[action$="/cancel"] button`)
	s.wantBack(p, holdfast.ReturnAbandoned)
	p.back()
	p.wantPage("sign-in")
	if !p.has(`input[name=password]`) {
		t.Errorf("the browser shows\n%s", p.text())
	}
}

// On a phone, after the sign-in, the slip leaves room for the form.
func TestASlipThatIsFolded(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.size(phone)
	p.open(s.single(nil))
	top := func(selector string) float64 { //nolint:forbidigo // pixels, not money
		script := fmt.Sprintf(`document.querySelector('%s').getBoundingClientRect().top`, selector)
		return ask[float64](p, script) //nolint:forbidigo // as above
	}
	if p.has(".slip.folded") {
		t.Error("the slip of the first page is folded")
	}
	s.signIn(p, s.Buyer)
	p.open(strings.Replace(p.address(), p.name(), "card", 1))
	p.wantPage("card")
	p.wants("$42.50")
	p.shoot("card-folded")
	if at := top(`.work input:not([type=hidden])`); at > 450 {
		t.Errorf("the first field of the card is %v pixels down", at)
	}
}
