package console_test

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A site serves the console and the account pages on a listener. Members come from
// Members.Add.
type site struct {
	*holdfasttest.World
	t       testing.TB
	members *holdfasttest.Members
	console *console.Server
	server  *httptest.Server
	log     *strings.Builder
	sent    map[string]bool // the keys of the forms that were sent and accepted
}

func newSite(t testing.TB) *site {
	t.Helper()
	return newSiteAt(t, t.TempDir()+"/holdfast.db")
}

func newSiteAt(t testing.TB, address string) *site {
	t.Helper()
	return newSiteOn(t, holdfasttest.Open(t, address))
}

func newSiteOn(t testing.TB, db *store.DB) *site {
	t.Helper()
	s := &site{World: holdfasttest.NewWorld(t, db), t: t, log: &strings.Builder{}}
	s.members = &holdfasttest.Members{World: s.World}
	log := slog.New(slog.NewTextHandler(s.log, nil))
	sessions := &account.Sessions{
		Processor: s.Processor, Store: db.Reader, Kept: &store.Sessions{DB: db, Now: s.Clock.Now}, Now: s.Clock.Now,
	}
	s.console = &console.Server{
		Processor: s.Processor, Store: db.Reader, Sessions: sessions, Now: s.Clock.Now, Log: log,
		System: func() console.System { return console.System{Version: "1.2.3", Started: holdfasttest.Start} },
	}
	mux := http.NewServeMux()
	mux.Handle(console.Root, s.console.Handler())
	mux.Handle(account.Root, (&account.Server{
		Processor: s.Processor, Store: db.Reader, Sessions: sessions, Now: s.Clock.Now, Log: log,
	}).Handler())
	s.server = httptest.NewServer(mux)
	t.Cleanup(s.server.Close)
	return s
}

// A browser has its cookies and the page that it shows. It follows redirects.
type browser struct {
	*site
	client http.Client
	header http.Header // sent with each request
	status int
	answer http.Header
	body   string
	url    *url.URL
}

func (s *site) newBrowser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{site: s, client: http.Client{Jar: jar}, header: http.Header{"Sec-Fetch-Site": {"same-origin"}}}
}

// as returns the browser of a new member, signed in.
func (s *site) as(role party.Role, caller party.CallerID) *browser {
	s.t.Helper()
	return s.signedIn(s.members.Add(role, caller))
}

func (s *site) signedIn(p party.Party) *browser {
	s.t.Helper()
	b := s.newBrowser()
	b.signIn(p)
	return b
}

func (b *browser) signIn(p party.Party) {
	b.t.Helper()
	b.do(http.MethodPost, account.Root+"sign-in", url.Values{"email": {p.Email}, "password": {holdfasttest.Password}})
	if strings.Contains(b.url.Path, "sign-in") {
		b.t.Fatalf("%s cannot sign in: %s", p.Email, b.body)
	}
	b.members.Prove(p)
}

func (b *browser) do(method, path string, form url.Values) {
	b.t.Helper()
	send := func() { b.send(method, path, form) }
	if strings.HasPrefix(path, console.Root) && method == http.MethodPost {
		b.audited(path, form, send)
		return
	}
	send()
}

func (b *browser) send(method, path string, form url.Values) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), method, b.server.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header = b.header.Clone()
	if method == http.MethodPost {
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
	b.status, b.answer, b.body, b.url = answer.StatusCode, answer.Header, string(text), answer.Request.URL
}

// get opens a page by its path below Root.
func (b *browser) get(path string) *browser {
	b.t.Helper()
	b.do(http.MethodGet, console.Root+path, nil)
	return b
}

func (b *browser) post(path string, form url.Values) *browser {
	b.t.Helper()
	b.do(http.MethodPost, console.Root+path, form)
	return b
}

func (b *browser) wantStatus(status int) *browser {
	b.t.Helper()
	if b.status != status {
		b.t.Errorf("%s answers %d, want %d:\n%s", b.url.Path, b.status, status, b.body)
	}
	return b
}

// want fails the test if the page lacks one of the texts.
func (b *browser) want(texts ...string) *browser {
	b.t.Helper()
	shown := html.UnescapeString(b.body)
	for _, text := range texts {
		if !strings.Contains(shown, text) {
			b.t.Errorf("%s does not say %q:\n%s", b.url, text, b.body)
		}
	}
	return b
}

// wantNot fails the test if the page has one of the texts.
func (b *browser) wantNot(texts ...string) *browser {
	b.t.Helper()
	shown := html.UnescapeString(b.body)
	for _, text := range texts {
		if strings.Contains(shown, text) {
			b.t.Errorf("%s says %q:\n%s", b.url, text, b.body)
		}
	}
	return b
}

// values are the values of an attribute on the page, in their order.
func (b *browser) values(attribute string) (values []string) {
	for _, found := range regexp.MustCompile(` `+attribute+`="([^"]*)"`).FindAllStringSubmatch(b.body, -1) {
		values = append(values, html.UnescapeString(found[1]))
	}
	return values
}
