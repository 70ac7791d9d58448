package browser

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/holdfast-pay/holdfast"
)

// The shop and the server of its logo learn only what the protocol sends them.
// They do not get the address of a page, because it contains the visit's id.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.watch.allow("fetches " + s.logo)
	s.agree(p, s.single(func(r *holdfast.SingleUseRequest) { r.CobrandingURL = s.logo }))
	s.wantBack(p, holdfast.ReturnSuccessCC)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.visitors) < 2 {
		t.Errorf("there were %d requests for the shop and its logo", len(s.visitors))
	}
	for _, header := range s.visitors {
		for _, name := range []string{"Referer", "Cookie"} {
			if value := header.Get(name); value != "" {
				t.Errorf("the browser sent another site its %s: %s", name, value)
			}
		}
	}
}

// A page of another site cannot show ours in a frame.
func TestNoPageCanBeFramed(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.watch.allow("frame")
	link := s.single(nil)
	p.open(link)
	signIn := p.address()
	s.signIn(p, s.Buyer)
	address := p.address()
	// It has another port, so another origin, but the same host. A frame from
	// another host runs in a process that this tab does not report.
	shop := strings.Replace(s.shop, "localhost", "127.0.0.1", 1)
	for _, framed := range []string{link, signIn, address, s.home + "/cobranded-ui/nowhere", link + "forged"} {
		p.open(shop + "?frame=" + url.QueryEscape(framed))
		if shown := p.frame(); shown.UnreachableURL == "" {
			t.Errorf("%s is shown inside another site, as %s", framed, shown.URL)
		}
	}
	p.open(shop + "?frame=" + url.QueryEscape(shop))
	if shown := p.frame(); shown.URL != shop {
		t.Errorf("the shop cannot frame itself, so the test proves nothing: %+v", shown)
	}
}

// frame returns the page's frame.
func (p *page) frame() *cdp.Frame {
	p.t.Helper()
	tree, err := get(p, func(ctx context.Context, t *chromedp.Target) (cdppage.GetFrameTreeResult, error) {
		return cdp.Call(ctx, t, cdppage.GetFrameTree, cdp.Empty{})
	})
	if err != nil || len(tree.FrameTree.ChildFrames) != 1 {
		p.t.Fatalf("the page has frames %+v, %v", tree.FrameTree, err)
	}
	return tree.FrameTree.ChildFrames[0].Frame
}

// A form on another site cannot confirm somebody's payment.
func TestAFormOfAnotherSite(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	w := s.begin(p, ways[0])
	p.open(w.link)
	w.goTo("confirm")
	u, err := url.Parse(p.address())
	if err != nil {
		t.Fatal(err)
	}
	p.open(s.shop + "?visit=" + url.QueryEscape(u.Query().Get("visit")) + "&post=" +
		url.QueryEscape(s.home+"/cobranded-ui/actions/confirm"))
	p.click(`form button`)
	if !strings.HasPrefix(p.address(), s.home) {
		t.Errorf("the browser was sent to %s", p.address())
	}
	p.inspect("message-other-site")
	w.wantMade(false)
}

func TestTheSessionsCookie(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	s.agree(p, s.single(nil))
	if kept := p.cookies(s.home); len(kept) != 2 {
		t.Fatalf("the browser has the cookies %+v", kept)
	}
	if c := p.cookie(s.home, "holdfast"); !c.HTTPOnly || !c.Session || c.SameSite != network.CookieSameSiteLax {
		t.Errorf("the session's cookie is %+v", c)
	}
	if c := p.cookie(s.home, "holdfast-known"); !c.HTTPOnly || c.Session || c.SameSite != network.CookieSameSiteStrict {
		t.Errorf("the known browser's cookie is %+v", c)
	}
}

// Signing in replaces a session that an attacker planted in the browser.
func TestAPlantedSession(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	s.signIn(p, s.Buyer)
	const name = "holdfast"
	p.forget()
	p.do("planting a session",
		send(network.SetCookie, network.SetCookieParams{
			Name: name, Value: "planted-by-somebody-else-00000000000000000000", URL: s.home,
		}))
	p.open(s.single(nil))
	s.signIn(p, s.Buyer)
	p.wantPage("address")
	signedIn := p.cookie(s.home, name).Value
	if strings.HasPrefix(signedIn, "planted") {
		t.Error("after signing in, the session is the planted one")
	}
	p.click(`form[action$="/sign-out"] button`)
	s.signIn(p, s.Buyer)
	if p.cookie(s.home, name).Value == signedIn {
		t.Error("the second session is the first")
	}
	thief := openBrowser(t)
	thief.do("using the session that ended",
		send(network.SetCookie, network.SetCookieParams{Name: name, Value: signedIn, URL: s.home}))
	thief.open(p.address())
	thief.wantPage("sign-in")
}

// cookies returns the browser's cookies for an address.
func (p *page) cookies(address string) []*network.Cookie {
	p.t.Helper()
	kept, err := get(p, func(ctx context.Context, t *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{URLs: []string{address}})
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return kept.Cookies
}

// No parameter makes a page send its visitor to another site.
func TestNoPageLeadsAstray(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	const evil = "http://localhost:1/evil"
	p.open(strings.Replace(s.single(nil), url.QueryEscape(s.shop), url.QueryEscape(evil), 1))
	p.wants("Invalid Request")
	if !strings.HasPrefix(p.address(), s.home) {
		t.Errorf("a forged returnURL leads to %s", p.address())
	}
	p.open(s.single(nil))
	for _, name := range []string{"returnURL", "returnUrl", "next", "redirect", "url"} {
		p.open(p.address() + "&" + name + "=" + url.QueryEscape(evil))
	}
	s.signIn(p, s.Buyer)
	p.click(`form[action$="/cancel"] button`)
	s.wantBack(p, holdfast.ReturnAbandoned)
}

// The watch finds the faults of bad pages.
func TestTheWatch(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.open(s.single(nil))
	for what, script := range map[string]string{
		"Content Security Policy": `document.body.append(Object.assign(document.createElement("style"), {textContent: "p { color: red }"}))`,
		"script writes":           `console.log("here")`,
	} {
		p.watch.allow(what)
		p.do("misbehaving", chromedp.Evaluate[chromedp.Void](script))
	}
	p.watch.allow("card's number")
	p.watch.see(&network.EventRequestWillBeSent{
		DocumentURL: p.address(), Request: &network.Request{URL: p.address() + "&number=4242424242424242"},
	})
	p.watch.allow("fetches https://elsewhere.invalid/")
	p.watch.see(&network.EventRequestWillBeSent{
		DocumentURL: p.address(), Type: network.ResourceTypeImage, Request: &network.Request{
			URL: "https://elsewhere.invalid/",
		},
	})
}

// cookie returns one cookie, which must exist.
func (p *page) cookie(address, name string) *network.Cookie {
	p.t.Helper()
	for _, c := range p.cookies(address) {
		if c.Name == name {
			return c
		}
	}
	p.t.Fatalf("the browser has no cookie %q", name)
	return nil
}
