package cobranded_test

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
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/cobranded"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

const shopURL = "http://shop.example.test/thanks?order=4711"

// A site serves the pages on a listener. It has a shop that sends senders
// there, and the sender's browser.
type site struct {
	*holdfasttest.World
	t       *testing.T
	pages   *cobranded.Server
	server  *httptest.Server
	shop    *holdfast.Client
	browser *http.Client
	log     *strings.Builder
	at      page // the page that the browser shows
}

func newSite(t *testing.T) *site {
	t.Helper()
	return newSiteOn(t, onSQLite(t))
}

func onSQLite(t *testing.T) *store.DB {
	t.Helper()
	return holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
}

func newSiteOn(t *testing.T, db *store.DB) *site {
	t.Helper()
	s := &site{World: holdfasttest.NewWorld(t, db), t: t, log: &strings.Builder{}}
	s.Processor.Network = &sandbox.Network{Now: s.Clock.Now}
	s.pages = &cobranded.Server{
		Processor: s.Processor, Store: db.Reader, Callers: s.Callers, Sign: holdfasttest.Sign, Now: s.Clock.Now,
		Log: slog.New(slog.NewTextHandler(s.log, nil)),
		Sessions: &account.Sessions{
			Processor: s.Processor, Store: db.Reader, Kept: &store.Sessions{DB: db, Now: s.Clock.Now}, Now: s.Clock.Now,
		},
	}
	s.serve()
	s.newBrowser()
	return s
}

func (s *site) serve() {
	s.server = httptest.NewServer(s.pages.Handler())
	s.t.Cleanup(s.server.Close)
	s.pages.Hosts = []string{strings.TrimPrefix(s.server.URL, "http://")}
	s.shop = &holdfast.Client{
		CoBranded: s.server.URL + holdfast.CoBrandedPath, AccessKeyID: s.Key.ID, SecretKey: s.Key.Secret,
	}
}

// newBrowser starts a browser without cookies. It follows redirects on the
// pages' server, and stops at redirects to other servers.
func (s *site) newBrowser() {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	s.browser = &http.Client{Jar: jar, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), s.server.URL) {
			return http.ErrUseLastResponse
		}
		return nil
	}}
}

// order returns an ordinary request.
func order() holdfast.SingleUseRequest {
	return holdfast.SingleUseRequest{
		CallerReference: "order-4711", ReturnURL: shopURL, TransactionAmount: holdfasttest.USD("42.50"),
		PaymentReason: "Two mugs", Reserve: true,
		ItemTotal: holdfasttest.USD("36.00"), Shipping: holdfasttest.USD("4.00"), Tax: holdfasttest.USD("2.50"),
	}
}

func (s *site) link(r holdfast.SingleUseRequest) string {
	s.t.Helper()
	link, err := s.shop.SingleUseURL(r)
	if err != nil {
		s.t.Fatal(err)
	}
	return link
}

// signed makes a signed link with any parameters, even those that the SDK would
// refuse.
func (s *site) signed(p holdfast.Params) string {
	s.t.Helper()
	p = append(params("callerKey", s.Key.ID, "signatureVersion", "2", "signatureMethod", "HmacSHA256"), p...)
	return s.server.URL + holdfast.CoBrandedPath + "?" + s.signature(http.MethodGet, s.pages.Hosts[0], p).Encode()
}

func (s *site) signature(verb, host string, p holdfast.Params) holdfast.Params {
	s.t.Helper()
	signature, err := holdfast.SignHMAC(s.Key.Secret, holdfast.SignatureMethod(p.Get("signatureMethod")),
		holdfast.StringToSign(verb, host, holdfast.CoBrandedPath, p))
	if err != nil {
		s.t.Fatal(err)
	}
	return append(p[:len(p):len(p)], holdfast.Param{Name: "signature", Value: signature})
}

// A page is the page that the browser shows, or the address to which it was
// sent.
type page struct {
	status int
	header http.Header
	body   string
	back   *url.URL // the return URL, if the browser was sent there
	url    *url.URL
}

func (s *site) do(r *http.Request) page {
	s.t.Helper()
	answer, err := s.browser.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.at = page{status: answer.StatusCode, header: answer.Header, body: string(body), url: answer.Request.URL}
	if location := answer.Header.Get("Location"); location != "" {
		if s.at.back, err = url.Parse(location); err != nil {
			s.t.Fatal(err)
		}
	}
	return s.at
}

func (s *site) get(address string) page {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return s.do(r)
}

func (s *site) post(address string, p holdfast.Params) page {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, address, strings.NewReader(p.Encode()))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return s.do(r)
}

func (p page) forms() []holdfasttest.Form { return holdfasttest.Forms(p.body) }

// submit sends the page's first form with some fields filled in, given as name
// and value pairs.
func (s *site) submit(filled ...string) page {
	s.t.Helper()
	forms := s.at.forms()
	if len(forms) == 0 {
		s.t.Fatalf("there is no form on %s:\n%s", s.at.url, s.at.body)
	}
	return s.send(forms[0], filled...)
}

// press sends the form of another action on the page.
func (s *site) press(action string) page {
	s.t.Helper()
	return s.send(s.formFor(action))
}

func (s *site) formFor(action string) holdfasttest.Form {
	s.t.Helper()
	for _, f := range s.at.forms() {
		if strings.HasSuffix(f.Action, "/"+action) {
			return f
		}
	}
	s.t.Fatalf("there is no form for %s on %s:\n%s", action, s.at.url, s.at.body)
	return holdfasttest.Form{}
}

func (s *site) send(f holdfasttest.Form, filled ...string) page {
	s.t.Helper()
	if f.Method != "post" {
		s.t.Fatalf("the form's method is %q", f.Method)
	}
	return s.post(s.server.URL+f.Action, f.Filled(filled...))
}

func (s *site) signIn() page {
	s.t.Helper()
	return s.send(s.formFor("sign-in"), "email", s.Buyer.Email, "password", holdfasttest.Password)
}

// wantPage fails the test unless the browser is on a page.
func (s *site) wantPage(name string) {
	s.t.Helper()
	if s.at.back != nil || !strings.HasSuffix(s.at.url.Path, "/"+name) {
		s.t.Fatalf("the browser is at %s (back: %v, status %d), want page %s:\n%s", s.at.url, s.at.back, s.at.status, name,
			s.at.body)
	}
}

func (s *site) wantText(text string) {
	s.t.Helper()
	if !strings.Contains(html.UnescapeString(s.at.body), text) {
		s.t.Errorf("the page does not say %q:\n%s", text, s.at.body)
	}
}

// wantBack fails the test unless the browser was sent to the shop with a status
// and a valid signature.
func (s *site) wantBack(status holdfast.ReturnStatus) holdfast.Return {
	s.t.Helper()
	back := s.wantBackAny()
	if back.Status != status {
		s.t.Fatalf("status is %s (%s), want %s", back.Status, back.ErrorMessage, status)
	}
	return back
}

// wantBackAny is wantBack with any status.
func (s *site) wantBackAny() holdfast.Return {
	s.t.Helper()
	if s.at.back == nil {
		s.t.Fatalf("the browser is at %s with status %d, not sent back:\n%s", s.at.url, s.at.status, s.at.body)
	}
	back, err := holdfasttest.Verifier(s.Shop.ID).ParseReturn(s.t.Context(), s.at.back.String())
	if err != nil {
		s.t.Fatalf("return URL %s: %v", s.at.back, err)
	}
	return back
}

// wantInvalid fails the test unless the page is the Invalid Request page.
func (s *site) wantInvalid(reason string) {
	s.t.Helper()
	if s.at.status != http.StatusBadRequest || s.at.back != nil {
		s.t.Fatalf("status is %d, sent to %v, want the Invalid Request page", s.at.status, s.at.back)
	}
	s.wantText("<h1>Invalid Request</h1>")
	s.wantText("Caller Input Exception: " + reason)
}

func (s *site) token(id holdfast.TokenID) payment.Token {
	s.t.Helper()
	var token payment.Token
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		token, _, err = tx.Token(id)
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return token
}

func (s *site) change(change func(party.Caller) party.Caller) {
	s.t.Helper()
	if _, err := s.Processor.ChangeCaller(s.t.Context(), s.Shop.ID, func(c party.Caller) (party.Caller, error) {
		return change(c), nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

func usd(value string) money.Amount { return holdfasttest.USD(value) }

// params returns parameters that are given as name and value pairs.
func params(pairs ...string) holdfast.Params {
	var p holdfast.Params
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	return p
}
