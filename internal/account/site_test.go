package account_test

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A site serves the account pages on a listener and collects their letters.
type site struct {
	*holdfasttest.World
	t      *testing.T
	server *httptest.Server
	post   *holdfasttest.Postbox
	log    *strings.Builder
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOn(t, holdfasttest.Open(t, t.TempDir()+"/holdfast.db"))
}

func newSiteOn(t *testing.T, db *store.DB) *site {
	t.Helper()
	s := &site{World: holdfasttest.NewWorld(t, db), t: t, log: &strings.Builder{}}
	s.post = s.Mailing()
	s.server = httptest.NewUnstartedServer(nil)
	public := &url.URL{Scheme: "http", Host: s.server.Listener.Addr().String(), Path: "/"}
	s.server.Config.Handler = (&account.Server{
		Processor: s.Processor, Store: db.Reader, Now: s.Clock.Now, Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Sessions: &account.Sessions{
			Processor: s.Processor, Store: db.Reader, Kept: &store.Sessions{DB: db, Now: s.Clock.Now}, Now: s.Clock.Now,
			Public: public,
		},
	}).Handler()
	s.server.Start()
	t.Cleanup(s.server.Close)
	return s
}

// A browser has its cookies and the page that it shows.
type browser struct {
	*site
	client *http.Client
	base   string      // address of the server, without a final slash
	header http.Header // sent with each request
	at     page
}

type page struct {
	status int
	header http.Header
	body   string
	url    *url.URL
}

// newBrowser returns a browser without cookies. It follows redirects between
// the account pages, and stops at redirects to other pages.
func (s *site) newBrowser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	b := &browser{site: s, base: s.server.URL, header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}
	b.client = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), b.base+account.Root) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
	return b
}

// ann returns the buyer's browser, signed in.
func (s *site) ann() *browser {
	s.t.Helper()
	b := s.newBrowser()
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.wantPage("")
	return b
}

func (b *browser) do(verb, address, body string) page {
	b.t.Helper()
	ask := func() { b.ask(verb, address, body) }
	if verb == http.MethodPost {
		b.audited(address, ask)
	} else {
		ask()
	}
	return b.at
}

func (b *browser) ask(verb, address, body string) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), verb, address, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = b.header.Clone()
	if verb == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.client.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at = page{status: answer.StatusCode, header: answer.Header, body: string(text), url: answer.Request.URL}
}

// get opens one of the pages, "methods?done=card".
func (b *browser) get(place string) page {
	b.t.Helper()
	return b.do(http.MethodGet, b.base+account.Root+place, "")
}

func (b *browser) postTo(place string, pairs ...string) page {
	b.t.Helper()
	return b.do(http.MethodPost, b.base+account.Root+place, params(pairs...).Encode())
}

// send sends the page's form for an action, filled in with name and value
// pairs. If there are several, it sends the one that has the hidden value.
func (b *browser) send(action, hidden string, filled ...string) page {
	b.t.Helper()
	for _, f := range holdfasttest.Forms(b.at.body) {
		if f.Action == account.Root+action && f.Method == "post" && (hidden == "" || has(f.Fields, hidden)) {
			return b.do(http.MethodPost, b.base+f.Action, f.Filled(filled...).Encode())
		}
	}
	b.t.Fatalf("there is no form for %s on %s:\n%s", action, b.at.url, b.at.body)
	return page{}
}

func has(p holdfast.Params, value string) bool {
	for _, field := range p {
		if field.Value == value {
			return true
		}
	}
	return false
}

func (b *browser) signIn(email, password string) page {
	b.t.Helper()
	b.get("sign-in")
	return b.send("sign-in", "", "email", email, "password", password)
}

// signUp creates an account for Nora.
func (b *browser) signUp() page {
	b.t.Helper()
	b.get("sign-up")
	return b.send("sign-up", "", "name", "Nora New", "email", nora, "password", holdfasttest.Password)
}

const nora = "nora@example.test"

// wantPage fails the test unless the browser shows the page without an error.
func (b *browser) wantPage(place string) {
	b.t.Helper()
	if b.at.url.Path != account.Root+place || b.at.status != http.StatusOK {
		b.t.Fatalf("the browser is at %s with status %d, want page %q:\n%s", b.at.url, b.at.status, place, b.at.body)
	}
}

func (b *browser) wantStatus(what string, want int) {
	b.t.Helper()
	if b.at.status != want {
		b.t.Errorf("%s: status %d, want %d", what, b.at.status, want)
	}
}

func (b *browser) wantText(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if !strings.Contains(html.UnescapeString(b.at.body), text) {
			b.t.Errorf("%s does not say %q:\n%s", b.at.url, text, b.at.body)
		}
	}
}

func (b *browser) wantNoText(texts ...string) {
	b.t.Helper()
	for _, text := range texts {
		if strings.Contains(html.UnescapeString(b.at.body), text) {
			b.t.Errorf("%s says %q", b.at.url, text)
		}
	}
}

// cookie returns the browser's session cookie.
func (b *browser) cookie() string {
	b.t.Helper()
	at, err := url.Parse(b.base)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.client.Jar.Cookies(at) {
		if c.Name == "holdfast" {
			return c.Value
		}
	}
	return ""
}

// params returns parameters that are given as name and value pairs.
func params(pairs ...string) (p holdfast.Params) {
	for i := 0; i+1 < len(pairs); i += 2 {
		p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	return p
}
