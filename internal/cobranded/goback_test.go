package cobranded_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/cobranded"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// asBrowser adds the headers to requests that browsers send when they follow a
// link or send a form.
type asBrowser struct{ language string }

func (b asBrowser) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8")
	r.Header.Set("Accept-Language", b.language)
	return http.DefaultTransport.RoundTrip(r)
}

var onward = []*regexp.Regexp{
	regexp.MustCompile(`<meta http-equiv="refresh" content="0; url=([^"]*)">`),
	regexp.MustCompile(`<a class="secondary" href="([^"]*)" rel="noreferrer">`),
}

// wantReturnPage fails the test unless the browser is on the return page, and
// returns where the page leads.
func (s *site) wantReturnPage() string {
	s.t.Helper()
	if s.at.back != nil {
		s.t.Fatalf("the browser was redirected to %s", s.at.back)
	}
	s.wantPage("return")
	var addresses [2]string
	for i, pattern := range onward {
		found := pattern.FindStringSubmatch(s.at.body)
		if found == nil {
			s.t.Fatalf("the page has no %s:\n%s", pattern, s.at.body)
		}
		addresses[i] = html.UnescapeString(found[1])
	}
	if addresses[0] != addresses[1] {
		s.t.Errorf("the refresh leads to %s and the link to %s", addresses[0], addresses[1])
	}
	return addresses[0]
}

func (s *site) wantReturn(address string, status holdfast.ReturnStatus) {
	s.t.Helper()
	back, err := holdfasttest.Verifier(s.Shop.ID).ParseReturn(s.t.Context(), address)
	if err != nil {
		s.t.Fatalf("return URL %s: %v", address, err)
	}
	if back.Status != status {
		s.t.Errorf("status is %s, want %s", back.Status, status)
	}
}

// A browser leaves through a page of ours, which form-action does not affect.
// The page is not stored, its address is not sent to other sites, and it leads
// to the same answer every time.
func TestABrowserLeavesByAPage(t *testing.T) {
	for language, text := range map[string]string{
		"en": "Your approval has been recorded.", "de": "Ihre Freigabe wurde gespeichert.",
		"es": "Su autorización ha quedado registrada.",
	} {
		t.Run(language, func(t *testing.T) {
			s := newSite(t)
			s.browser.Transport = asBrowser{language}
			r := order()
			r.ReturnURL = `http://[::1]:8080/back;v='1'?q=a b&r=%26%22<>&s=` + strings.Repeat("long", 3) + "#top;url=x"
			s.get(s.link(r))
			s.signIn()
			confirm := s.at
			s.submit()
			first := s.wantReturnPage()
			s.wantReturn(first, holdfast.ReturnSuccessCC)
			s.wantText(text)
			for name, want := range map[string]string{"Cache-Control": "no-store", "Referrer-Policy": "same-origin"} {
				if got := s.at.header.Get(name); got != want {
					t.Errorf("%s is %q, want %q", name, got, want)
				}
			}
			if policy := s.at.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self';") ||
				strings.Contains(policy, "script-src") {
				t.Errorf("the policy is %q", policy)
			}
			for name, again := range map[string]func(){
				"a refresh":     func() { s.get(s.at.url.String()) },
				"the last page": func() { s.get(confirm.url.String()) },
				"a double click": func() {
					s.at = confirm
					s.submit()
				},
			} {
				again()
				if address := s.wantReturnPage(); address != first {
					t.Errorf("%s leads to %s, want %s", name, address, first)
				}
			}
		})
	}
}

func TestABrowserLeavesWithoutAnApproval(t *testing.T) {
	s := newSite(t)
	s.browser.Transport = asBrowser{"en"}
	s.get(s.link(order()))
	visit := s.at.url.Query().Get("visit")
	if s.get(s.server.URL + "/cobranded-ui/actions/return?visit=" + visit); !strings.HasSuffix(s.at.url.Path, "/sign-in") {
		t.Errorf("before its end the visit is left for %s", s.at.url)
	}
	s.press("cancel")
	s.wantReturn(s.wantReturnPage(), holdfast.ReturnAbandoned)
	s.wantText("Nothing was approved.")
}

// Another browser that knows the address of the page does not see the answer.
func TestTheReturnPageIsTheSendersAlone(t *testing.T) {
	s := newSite(t)
	s.browser.Transport = asBrowser{"en"}
	s.get(s.link(order()))
	s.signIn()
	s.submit()
	s.wantReturnPage()
	page := s.at.url.String()
	s.newBrowser()
	if s.get(page); s.at.status != http.StatusNotFound || strings.Contains(s.at.body, "tokenID") {
		t.Errorf("status is %d:\n%s", s.at.status, s.at.body)
	}
}

func TestBrowsableHosts(t *testing.T) {
	for address, want := range map[string]string{
		"http://shop.example.test/":                    "shop.example.test",
		"http://Shop.example.test:8080/":               "Shop.example.test:8080",
		"http://under_score.example.test/":             "under_score.example.test",
		"http://-a-.example.test./":                    "-a-.example.test.",
		"http://127.0.0.1:08080/":                      "127.0.0.1:8080",
		"http://[0:0:0:0:0:0:0:1]:8080/":               "[::1]:8080",
		"http://[::ffff:127.0.0.1]/":                   "[::ffff:7f00:1]",
		"http://münchen.example.test:81/":              "xn--mnchen-3ya.example.test:81",
		"http://M%C3%BCnchen.example.test/":            "xn--mnchen-3ya.example.test",
		"http://straße.example.test/":                  "xn--strae-oqa.example.test",
		"http://東京。example.test/":                      "xn--1lqs71d.example.test",
		"http://xn--mnchen-3ya.example.test/":          "xn--mnchen-3ya.example.test",
		"http://shop.example.test:6000/":               "",
		"http://shop.example.test:0/":                  "",
		"http://shop.example.test:65536/":              "",
		"http://[fe80::1%25eth0]/":                     "",
		"http://[::1.2.3]/":                            "",
		"http://1.2.3.256/":                            "",
		"http://shop.1/":                               "",
		"http://shop.0x7f/":                            "",
		"http://shop..test/":                           "",
		"http://.shop.test/":                           "",
		"http:///thanks":                               "",
		"http://:8080/":                                "",
		"http://xn--a.test/":                           "",
		"http://a;b.example.test/":                     "",
		"http://" + strings.Repeat("a", 64) + ".test/": "",
		"http://" + strings.Repeat("a.", 127) + "test": "",
		"http://\u202e.example.test/":                  "",
	} {
		if got := cobranded.BrowsableHost(address); got != want {
			t.Errorf("the host of %s is %q, want %q", address, got, want)
		}
	}
}

// An address that no browser opens is refused at the start, and sandbox callers
// see the reason.
func TestAReturnURLThatNoBrowserOpens(t *testing.T) {
	s := newSite(t)
	s.get(s.signed(params("pipelineName", "SingleUse", "callerReference", "order-4711", "transactionAmount", "5",
		"returnURL", "http://shop.example.test:6000/thanks")))
	s.wantInvalid("The following input(s) are either invalid or absent:[returnURL]")
	s.wantText("browsers do not open port 6000")
}

// A caller can be configured to return to an application on the sender's
// device.
func TestAReturnToAnApplication(t *testing.T) {
	s := newSite(t)
	s.browser.Transport = asBrowser{"en"}
	link := s.signed(params("pipelineName", "SingleUse", "callerReference", "order-4711", "transactionAmount", "5",
		"returnURL", "com.example.shop://paid/orders?order=4711"))
	s.get(link)
	s.wantInvalid("The following input(s) are either invalid or absent:[returnURL]")
	s.wantText("--return-schemes")
	s.change(func(c party.Caller) party.Caller { c.ReturnSchemes = "com.example.shop"; return c })
	for _, address := range []string{
		"com.example.other://paid/", "com.example.shop:paid", "javascript://paid/%0aalert(1)",
	} {
		s.get(s.signed(params("pipelineName", "SingleUse", "callerReference", "order-4711", "transactionAmount", "5",
			"returnURL", address)))
		s.wantInvalid("The following input(s) are either invalid or absent:[returnURL]")
	}
	s.get(link)
	s.signIn()
	s.submit()
	address := s.wantReturnPage()
	if !strings.HasPrefix(address, "com.example.shop://paid/orders?order=4711&signature=") {
		t.Errorf("the page leads to %s", address)
	}
	s.wantReturn(address, holdfast.ReturnSuccessCC)
}
