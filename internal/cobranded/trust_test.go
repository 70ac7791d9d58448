package cobranded_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestInvalidRequest(t *testing.T) {
	const absent = "The following input(s) are either invalid or absent:"
	set := func(name, value string) func(*site, holdfast.Params) holdfast.Params {
		return func(_ *site, p holdfast.Params) holdfast.Params {
			return append(p.Without(name), holdfast.Param{Name: name, Value: value})
		}
	}
	without := func(name string) func(*site, holdfast.Params) holdfast.Params {
		return func(_ *site, p holdfast.Params) holdfast.Params { return p.Without(name) }
	}
	for _, row := range []struct {
		name   string
		change func(*site, holdfast.Params) holdfast.Params // before it is signed
		forge  func(holdfast.Params) holdfast.Params        // after
		reason string
	}{
		{name: "no callerKey", change: without("callerKey"), reason: absent + "[callerKey]"},
		{name: "unknown callerKey", change: set("callerKey", "HFAAAAAAAAAAAAAAAAAA"), reason: "Invalid Signature"},
		{
			name: "no signatureMethod", forge: func(p holdfast.Params) holdfast.Params { return p.Without("signatureMethod") },
			reason: absent + "[signatureMethod]",
		},
		{name: "unknown signatureMethod", forge: func(p holdfast.Params) holdfast.Params {
			return append(p.Without("signatureMethod"), params("signatureMethod", "RSA-SHA1")...)
		}, reason: absent + "[signatureMethod]"},
		{name: "version 1", change: without("signatureVersion"), reason: absent + "[signatureVersion]"},
		{
			name: "no signature", forge: func(p holdfast.Params) holdfast.Params { return p.Without("signature") },
			reason: absent + "[signature]",
		},
		{name: "changed amount", forge: func(p holdfast.Params) holdfast.Params {
			return append(p.Without("transactionAmount"), params("transactionAmount", "0.01")...)
		}, reason: "Invalid Signature"},
		{name: "changed returnURL", forge: func(p holdfast.Params) holdfast.Params {
			return append(p.Without("returnURL"), params("returnURL", "https://evil.example.test/")...)
		}, reason: "Invalid Signature"},
		{
			name:   "added parameter",
			forge:  func(p holdfast.Params) holdfast.Params { return append(p, params("reserve", "False")...) },
			reason: "Invalid Signature",
		},
		{
			name:   "repeated parameter",
			change: func(_ *site, p holdfast.Params) holdfast.Params { return append(p, params("tax", "1", "tax", "1")...) },
			reason: absent + "[tax]",
		},
		{
			name:   "two spellings of returnURL",
			change: func(_ *site, p holdfast.Params) holdfast.Params { return append(p, params("returnUrl", shopURL)...) },
			reason: absent + "[returnURL]",
		},
		{name: "unknown pipeline", change: set("pipelineName", "Lottery"), reason: absent + "[pipelineName]"},
		{name: "unknown version", change: set("version", "2031-01-01"), reason: absent + "[version]"},
		{name: "no returnURL", change: without("returnURL"), reason: absent + "[returnURL]"},
		{name: "relative returnURL", change: set("returnURL", "/back"), reason: absent + "[returnURL]"},
		{name: "scheme-relative returnURL", change: set("returnURL", "//evil.example.test/"), reason: absent + "[returnURL]"},
		{name: "other scheme", change: set("returnURL", "javascript:alert(1)"), reason: absent + "[returnURL]"},
		{name: "userinfo", change: set("returnURL", "http://shop.example.test@evil.example.test/"), reason: absent +
			"[returnURL]"},
		{name: "policy in the host", change: set("returnURL", "http://a;script-src */"), reason: absent + "[returnURL]"},
		{name: "policy in the host, no blank", change: set("returnURL", "http://a;b.example.test/"), reason: absent +
			"[returnURL]"},
		{name: "line break", change: set("returnURL", "http://shop.example.test/\r\nSet-Cookie: a=b"), reason: absent +
			"[returnURL]"},
		{name: "broken escape", change: set("returnURL", "http://shop.example.test/?a=%zz"), reason: absent + "[returnURL]"},
		{name: "long returnURL", change: set("returnURL", shopURL+strings.Repeat("x", 2048)), reason: absent + "[returnURL]"},
		{name: "status of its own", change: set("returnURL", shopURL+"&Status=SC"), reason: absent + "[returnURL]"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			p := params("callerKey", s.Key.ID, "signatureVersion", "2", "signatureMethod", "HmacSHA256", "pipelineName",
				"SingleUse", "callerReference", "order-4711", "transactionAmount", "42.50", "returnURL", shopURL, "version",
				"2009-01-09")
			if row.change != nil {
				p = row.change(s, p)
			}
			p = s.signature(http.MethodGet, s.pages.Hosts[0], p)
			if row.forge != nil {
				p = row.forge(p)
			}
			s.get(s.server.URL + holdfast.CoBrandedPath + "?" + p.Encode())
			s.wantInvalid(row.reason)
		})
	}
}

func TestUnreadableRequest(t *testing.T) {
	s := newSite(t)
	for name, query := range map[string]string{
		"broken escape": "callerKey=%zz",
		"not UTF-8":     "callerKey=%ff",
		"NUL":           "callerKey=%00",
		"too large":     "callerKey=" + strings.Repeat("x", 64<<10),
	} {
		t.Logf("%s", name)
		s.get(s.server.URL + holdfast.CoBrandedPath + "?" + query)
		s.wantInvalid("The request cannot be read")
	}
	s.post(s.server.URL+holdfast.CoBrandedPath, params("callerKey", strings.Repeat("x", 65<<10)))
	s.wantInvalid("The request cannot be read: the request is larger than 64 KiB")
}

func TestHintsForSandboxCallers(t *testing.T) {
	request := func(s *site) holdfast.Params {
		return params("callerKey", s.Key.ID, "signatureVersion", "2", "signatureMethod", "HmacSHA256", "pipelineName",
			"SingleUse", "callerReference", "order 4711", "transactionAmount", "42.50", "returnURL", shopURL)
	}
	for _, row := range []struct {
		name, hint string
		signature  func(text string, sign func(string) string) string
	}{
		{"blank as plus", "blanks written as +", func(text string, sign func(string) string) string {
			return sign(strings.ReplaceAll(text, "%20", "+"))
		}},
		{"hexadecimal", "base64 of hexadecimal digits", func(string, func(string) string) string {
			return base64.StdEncoding.EncodeToString([]byte(strings.Repeat("0f", 32)))
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			p := request(s)
			text := holdfast.StringToSign(http.MethodGet, s.pages.Hosts[0], holdfast.CoBrandedPath, p)
			signature := row.signature(text, func(text string) string {
				signed, err := holdfast.SignHMAC(s.Key.Secret, holdfast.HmacSHA256, text)
				if err != nil {
					t.Fatal(err)
				}
				return signed
			})
			link := s.server.URL + holdfast.CoBrandedPath + "?" + append(p, params("signature", signature)...).Encode()
			s.get(link)
			s.wantInvalid("Invalid Signature")
			s.wantText(row.hint)
			s.wantText("transactionAmount=42.50")
			if right, err := holdfast.SignHMAC(s.Key.Secret, holdfast.HmacSHA256, text); err != nil ||
				strings.Contains(s.at.body, right) {
				t.Errorf("the page shows the right signature (%v)", err)
			}
			if strings.Contains(s.at.body, string(s.Key.Secret.Reveal())) {
				t.Error("the page shows the secret")
			}
		})
	}
}

func TestWrongPasswordIsTheSameAsNoAccount(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	signInPage := s.at
	answers := make(map[string]string)
	for _, email := range []string{s.Buyer.Email, "nobody@example.test"} {
		s.at = signInPage
		s.submit("email", email, "password", "wrong password")
		if s.at.status != http.StatusUnprocessableEntity {
			t.Errorf("status is %d for %s", s.at.status, email)
		}
		answers[strings.ReplaceAll(s.at.body, email, "someone")] = email
		if strings.Contains(s.at.body, "wrong password") {
			t.Error("the password came back")
		}
	}
	if len(answers) != 1 {
		t.Error("the two answers differ")
	}
}

func TestGuessing(t *testing.T) {
	for _, email := range []string{"ann@example.test", "nobody@example.test"} {
		t.Run(email, func(t *testing.T) {
			s := newSite(t)
			s.get(s.link(order()))
			for range party.AccountGuesses.Free {
				if s.submit("email", email, "password", "wrong password"); s.at.status != http.StatusUnprocessableEntity {
					t.Fatalf("status is %d before the limit", s.at.status)
				}
			}
			s.submit("email", strings.ToUpper(email), "password", holdfasttest.Password)
			if s.at.status != http.StatusTooManyRequests || s.at.header.Get("Retry-After") != "30" {
				t.Errorf("status is %d, Retry-After %q", s.at.status, s.at.header.Get("Retry-After"))
			}
			s.Clock.Advance(30 * time.Second)
			s.submit("email", email, "password", holdfasttest.Password)
			if known := email == s.Buyer.Email; known != strings.HasSuffix(s.at.url.Path, "/confirm") {
				t.Errorf("after the wait the browser is at %s", s.at.url)
			}
		})
	}
}

func TestGuessingByAddress(t *testing.T) { holdfasttest.Databases(t, guessingByAddress) }

func guessingByAddress(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.get(s.link(order()))
	for i := range party.AddressGuesses.Free {
		s.submit("email", string(rune('a'+i%26))+strings.Repeat("x", i/26)+"@example.test", "password", "wrong password")
	}
	s.signIn()
	if s.at.status != http.StatusTooManyRequests {
		t.Errorf("status is %d", s.at.status)
	}
}

// forwarded adds the header in which a proxy puts the client's address.
type forwarded struct{ from string }

func (f *forwarded) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("X-Forwarded-For", f.from)
	return http.DefaultTransport.RoundTrip(r)
}

// Behind a proxy, guesses are counted by the last address in its header.
// Earlier entries, which the client may have written, are ignored.
func TestGuessingBehindAProxy(t *testing.T) {
	s := newSite(t)
	s.pages.Sessions.AddressHeader = "X-Forwarded-For"
	proxy := &forwarded{}
	s.browser.Transport = proxy
	s.get(s.link(order()))
	for i := range party.AddressGuesses.Free {
		proxy.from = fmt.Sprintf("192.0.2.%d, 203.0.113.9", i)
		s.submit("email", fmt.Sprintf("nobody%d@example.test", i), "password", "wrong password")
	}
	if s.signIn(); s.at.status != http.StatusTooManyRequests {
		t.Errorf("the guesser's address: status is %d", s.at.status)
	}
	proxy.from = "203.0.113.9, 198.51.100.7"
	if s.signIn(); !strings.HasSuffix(s.at.url.Path, "/confirm") {
		t.Errorf("another address behind the same proxy: status is %d at %s", s.at.status, s.at.url)
	}
}

// The limits on guesses cannot be avoided by odd headers: neither a changing
// port nor an invalid address makes one client look like several.
func TestGuessingBehindAProxyWithOddHeaders(t *testing.T) {
	for name, entry := range map[string]func(i int) string{
		"a port each time": func(i int) string { return fmt.Sprintf("203.0.113.9:%d", 40000+i) },
		"rubbish":          func(i int) string { return fmt.Sprintf("unknown-%d", i) },
		"IPv6 of one /64":  func(i int) string { return fmt.Sprintf("[2001:db8::%x]:443", i) },
		"nothing":          func(int) string { return "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t)
			s.pages.Sessions.AddressHeader = "X-Forwarded-For"
			proxy := &forwarded{}
			s.browser.Transport = proxy
			s.get(s.link(order()))
			for i := range party.AddressGuesses.Free {
				proxy.from = entry(i)
				s.submit("email", fmt.Sprintf("nobody%d@example.test", i), "password", "wrong password")
			}
			proxy.from = entry(party.AddressGuesses.Free)
			if s.signIn(); s.at.status != http.StatusTooManyRequests {
				t.Errorf("status is %d", s.at.status)
			}
		})
	}
}

func TestReasonCannotScript(t *testing.T) {
	s := newSite(t)
	r := order()
	r.PaymentReason = `<b>Mug</b> <script>alert(1)</script><img src=x onerror=alert(1)><b onclick="alert(1)">x`
	r.WebsiteDescription = `"><script>alert(2)</script>`
	s.get(s.link(r))
	for _, tag := range []string{"<script>", "<img src=x", "<b onclick"} {
		if strings.Contains(s.at.body, tag) {
			t.Errorf("the page has %s", tag)
		}
	}
	if !strings.Contains(s.at.body, "<b>Mug</b>") {
		t.Error("<b> is not honoured")
	}
}

func TestHeaders(t *testing.T) {
	s := newSite(t)
	r := order()
	r.ReturnURL, r.CobrandingURL = "http://shop.example.test:8080/thanks", "https://img.example.test/logo.png"
	s.get(s.link(r))
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' " +
			"https://img.example.test; " +
			"form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
		"Cache-Control": "no-store", "Referrer-Policy": "same-origin", "X-Frame-Options": "DENY",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := s.at.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if regexp.MustCompile(`<style|<script>| style="| on[a-z]+="`).MatchString(s.at.body) {
		t.Error("the page has inline styles or scripts")
	}
	style := regexp.MustCompile(`href="(/cobranded-ui/assets/style\.[0-9a-f]+\.css)"`).FindStringSubmatch(s.at.body)
	if style == nil {
		t.Fatal("the page has no style sheet")
	}
	if s.get(s.server.URL + style[1]); s.at.status != http.StatusOK ||
		s.at.header.Get("Content-Type") != "text/css; charset=utf-8" {
		t.Errorf("the style sheet is answered with %d %s", s.at.status, s.at.header.Get("Content-Type"))
	}
}

// A page without a form runs no script. Other pages run only their own scripts.
func TestScripts(t *testing.T) {
	script := regexp.MustCompile(`<script type="module" src="/cobranded-ui/assets/([a-z]+)\.[0-9a-f]+\.js"></script>`)
	s := newSite(t)
	for _, row := range []struct {
		name, address string
		want          []string
	}{
		{"sign-in", s.link(order()), []string{"once"}},
		{"no page", s.server.URL + "/cobranded-ui/nowhere", nil},
		{"invalid request", s.server.URL + holdfast.CoBrandedPath, nil},
		{"card", "", []string{"once", "card"}},
	} {
		if row.address == "" {
			s.get(s.link(order()))
			s.signIn()
			row.address = s.server.URL + "/cobranded-ui/actions/card?visit=" + s.at.url.Query().Get("visit")
		}
		s.get(row.address)
		var got []string
		for _, found := range script.FindAllStringSubmatch(s.at.body, -1) {
			got = append(got, found[1])
		}
		allowed := strings.Contains(s.at.header.Get("Content-Security-Policy"), "script-src 'self';")
		if !slices.Equal(got, row.want) || strings.Count(s.at.body, "<script") != len(got) || allowed != (len(got) > 0) {
			t.Errorf("%s runs %v (allowed: %v), want %v", row.name, got, allowed, row.want)
		}
	}
}

func TestSessionCookie(t *testing.T) {
	s := newSite(t)
	var cookies []string
	for range 2 {
		s.get(s.link(order()))
		f := s.at.forms()[0]
		s.browser.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		s.send(f, "email", s.Buyer.Email, "password", holdfasttest.Password)
		set := s.at.header.Values("Set-Cookie")
		i := slices.IndexFunc(set, func(c string) bool { return strings.HasPrefix(c, "holdfast=") })
		if i < 0 {
			t.Fatalf("cookies are %q", set)
		}
		cookie, err := http.ParseSetCookie(set[i])
		if err != nil {
			t.Fatal(err)
		}
		if !cookie.HttpOnly || cookie.SameSite != http.SameSiteLaxMode || cookie.MaxAge != 0 || !cookie.Expires.IsZero() {
			t.Errorf("the cookie is %v", cookie)
		}
		cookies = append(cookies, cookie.Value)
		s.newBrowser()
	}
	if cookies[0] == cookies[1] {
		t.Error("two sessions have the same token")
	}
}

func TestSessionIsRenewedAtSignIn(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.signIn()
	visit := s.at.url.Query().Get("visit")
	before := s.session()
	s.post(s.server.URL+"/cobranded-ui/actions/sign-in",
		params("visit", visit, "email", s.Buyer.Email, "password", holdfasttest.Password))
	if after := s.session(); before == "" || after == "" || before == after {
		t.Errorf("the session is %q before and %q after", before, after)
	}
}

// session returns the browser's session cookie.
func (s *site) session() string {
	for _, c := range s.browser.Jar.Cookies(s.at.url) {
		if c.Name == "holdfast" {
			return c.Value
		}
	}
	return ""
}

func TestFormsOfOtherSites(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.signIn()
	f := s.at.forms()[0]
	for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example.test"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.server.URL+f.Action,
			strings.NewReader(f.Fields.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set(name, value)
		if s.do(r); s.at.status != http.StatusForbidden || s.at.back != nil {
			t.Errorf("with %s: %s the answer is %d to %v", name, value, s.at.status, s.at.back)
		}
	}
}

func TestBadForms(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	visit := s.at.url.Query().Get("visit")
	address := s.server.URL + "/cobranded-ui/actions/sign-in"
	for name, row := range map[string]struct {
		form   holdfast.Params
		status int
	}{
		"a field twice": {
			params("visit", visit, "email", "a@example.test", "email", "b@example.test"),
			http.StatusBadRequest,
		},
		"no visit":      {params("email", "a@example.test"), http.StatusNotFound},
		"unknown visit": {params("visit", "V9999"), http.StatusNotFound},
		"too large":     {params("visit", visit, "email", strings.Repeat("x", 65<<10)), http.StatusRequestEntityTooLarge},
		"not UTF-8":     {params("visit", visit, "email", "\xff"), http.StatusBadRequest},
		"a long password": {
			params("visit", visit, "email", s.Buyer.Email, "password", strings.Repeat("x", 5000)),
			http.StatusUnprocessableEntity,
		},
		"nothing typed in": {params("visit", visit), http.StatusUnprocessableEntity},
	} {
		if s.post(address, row.form); s.at.status != row.status {
			t.Errorf("%s: status is %d, want %d", name, s.at.status, row.status)
		}
	}
	if s.get(s.server.URL + "/cobranded-ui/nowhere"); s.at.status != http.StatusNotFound {
		t.Errorf("an unknown page is answered with %d", s.at.status)
	}
	for _, text := range []string{"Protected checkout", "Your card details"} {
		if strings.Contains(s.at.body, text) {
			t.Errorf("an unknown page says %q", text)
		}
	}
}

func TestSignUpRefused(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	s.get(s.server.URL + "/cobranded-ui/actions/sign-up?visit=" + s.at.url.Query().Get("visit"))
	for _, row := range []struct{ name, email, password, field string }{
		{"", "bea@example.test", "a few plain words", "name"},
		{"Bea", "bea", "a few plain words", "email"},
		{"Bea", "ANN@example.test", "a few plain words", "email"},
		{"Bea", "bea@example.test", "short", "password"},
	} {
		s.submit("name", row.name, "email", row.email, "password", row.password)
		if s.at.status != http.StatusUnprocessableEntity || !strings.Contains(s.at.body, `id="`+row.field+`-error"`) {
			t.Errorf("%+v: status is %d", row, s.at.status)
		}
	}
}
