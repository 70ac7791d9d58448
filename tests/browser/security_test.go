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

// The way there and back tells the shop and whoever serves its logo nothing but
// what the protocol does: no address of a page, which has the visit's id in it.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.watch.allow("fetches " + s.logo)
	s.agree(p, s.single(func(r *holdfast.SingleUseRequest) { r.CobrandingURL = s.logo }))
	s.wantBack(p, holdfast.ReturnSuccessCC)
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.visitors) < 2 {
		t.Errorf("the shop and its logo were asked for %d times", len(s.visitors))
	}
	for _, header := range s.visitors {
		for _, name := range []string{"Referer", "Cookie"} {
			if value := header.Get(name); value != "" {
				t.Errorf("the browser told another site its %s: %s", name, value)
			}
		}
	}
}

// A page of another site that frames ours shows nothing.
func TestNoPageCanBeFramed(t *testing.T) {
	t.Parallel()
	s, p := newSite(t), openBrowser(t)
	p.watch.allow("frame")
	link := s.single(nil)
	p.open(link)
	signIn := p.address()
	s.signIn(p, s.Buyer)
	address := p.address()
	// Another port, so another origin, but the same host: what is framed from
	// another host runs in a process that this tab does not tell of.
	shop := strings.Replace(s.shop, "localhost", "127.0.0.1", 1)
	for _, framed := range []string{link, signIn, address, s.home + "/cobranded-ui/nowhere", link + "forged"} {
		p.open(shop + "?frame=" + url.QueryEscape(framed))
		if shown := p.frame(); shown.UnreachableURL == "" {
			t.Errorf("%s is shown inside another site, as %s", framed, shown.URL)
		}
	}
	p.open(shop + "?frame=" + url.QueryEscape(shop))
	if shown := p.frame(); shown.URL != shop {
		t.Errorf("the shop cannot frame itself, so nothing is proven: %+v", shown)
	}
}

// frame is the one that the page has.
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

// A form on another site that confirms somebody's payment confirms nothing.
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
	p.open(s.shop + "?visit=" + url.QueryEscape(u.Query().Get("visit")) + "&post=" + url.QueryEscape(s.home+"/cobranded-ui/actions/confirm"))
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
	kept, err := get(p, func(ctx context.Context, t *chromedp.Target) (network.GetCookiesResult, error) {
		return cdp.Call(ctx, t, network.GetCookies, network.GetCookiesParams{URLs: []string{s.home}})
	})
	if err != nil || len(kept.Cookies) != 1 {
		t.Fatalf("the browser keeps %+v, %v", kept.Cookies, err)
	}
	if c := kept.Cookies[0]; !c.HTTPOnly || !c.Session || c.SameSite != network.CookieSameSiteLax {
		t.Errorf("the cookie is %+v", c)
	}
}

// The watch sees what it is there to see.
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
	p.watch.allow("fetches https://elsewhere.invalid/")
	p.watch.see(&network.EventRequestWillBeSent{
		DocumentURL: p.address(), Type: network.ResourceTypeImage, Request: &network.Request{URL: "https://elsewhere.invalid/"},
	})
}
