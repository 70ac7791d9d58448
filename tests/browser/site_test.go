package browser

import (
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/cobranded"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/inbox"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A site is the pages and the Query API on a listener, with a clock that only
// the test moves. It also has a shop, which is another site for browsers. The
// caller is a marketplace; its buyer has a card, a balance and an address.
type site struct {
	*holdfasttest.World
	t     *testing.T
	pages *cobranded.Server
	sdk   *holdfast.Client

	members *holdfasttest.Members  // of the console
	hold    holdfast.TransactionID // that the pages of the console are about
	lasting holdfast.TransactionID // a hold on which every action is possible
	// endpoint is a webhook endpoint of the shop, with a delivery of the event at the
	// position.
	endpoint payment.EndpointID
	event    int64

	colleague  party.ID         // a member of the caller and of the server
	invitation string           // secret of a link
	approval   party.ApprovalID // of the caller

	home string // the address of the server
	shop string // the return URL of its links
	logo string // an https address

	Seller         party.Party
	RecipientToken holdfast.TokenID // of the seller

	mu       sync.Mutex
	visitors []http.Header // headers of requests for the shop and its logo
}

func newSite(t *testing.T) *site {
	t.Helper()
	if shared == nil {
		t.Skipf("%s is not set: make test sets it", BrowserEnv)
	}
	return newSiteOn(t, holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t)))
}

func newSiteOn(t *testing.T, db *store.DB) *site {
	t.Helper()
	s := &site{World: holdfasttest.NewWorld(t, db), t: t}
	s.Processor.Network = &sandbox.Network{Now: s.Clock.Now}
	s.serve()
	s.furnish()
	return s
}

func (s *site) serve() {
	s.t.Helper()
	log := slog.New(slog.DiscardHandler)
	s.pages = &cobranded.Server{
		Processor: s.Processor, Store: s.DB.Reader, Callers: s.Callers, Sign: holdfasttest.Sign, Now: s.Clock.Now, Log: log,
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	s.t.Cleanup(server.Close)
	s.home = server.URL
	s.pages.Hosts = []string{strings.TrimPrefix(s.home, "http://")}
	s.pages.Sessions = &account.Sessions{
		Processor: s.Processor, Store: s.DB.Reader, Kept: &store.Sessions{DB: s.DB, Now: s.Clock.Now}, Now: s.Clock.Now,
	}
	accounts := &account.Server{
		Processor: s.Processor, Store: s.DB.Reader, Sessions: s.pages.Sessions, Now: s.Clock.Now, Log: log,
	}
	mux.Handle("/cobranded-ui/", s.pages.Handler())
	mux.Handle(inbox.Path, (&inbox.Server{Store: s.DB.Reader, Log: log}).Handler())
	mux.Handle(account.Root, accounts.Handler())
	mux.Handle(console.Root, s.console(log))
	mux.Handle(api.Path, s.jsonAPI(log))
	mux.Handle("/", (&queryapi.Server{
		Processor: s.Processor, Store: s.DB.Reader, Callers: s.Callers, Hosts: s.pages.Hosts, Now: s.Clock.Now, Log: log,
	}).Handler())
	s.sdk = &holdfast.Client{
		Endpoint: s.home, CoBranded: s.home + holdfast.CoBrandedPath, AccessKeyID: s.Key.ID, SecretKey: s.Key.Secret,
		Now: s.Clock.Now,
	}

	shop := httptest.NewServer(http.HandlerFunc(s.serveShop))
	s.t.Cleanup(shop.Close)
	s.shop = strings.Replace(shop.URL, "127.0.0.1", "localhost", 1) + "/back"
	logo := httptest.NewTLSServer(http.HandlerFunc(s.serveLogo))
	s.t.Cleanup(logo.Close)
	s.logo = logo.URL + "/logo.svg"
}

// furnish gives the caller a seller, and the buyer other ways to pay.
func (s *site) furnish() {
	s.t.Helper()
	s.change(func(c *party.Caller) { c.Marketplace = true })
	s.Deposit(s.Buyer.ID, "500")
	s.Seller, s.RecipientToken = s.seller("Sam Seller")
	if _, err := s.Processor.Identity.AddAddress(s.t.Context(), s.Buyer.ID, holdfast.Address{
		Name: "Ann Buyer", Line1: "1 Main Street", City: "Springfield", State: "IL", Zip: "62701", Country: "US",
	}); err != nil {
		s.t.Fatal(err)
	}
}

// seller makes a recipient who is paid through the caller.
func (s *site) seller(name string) (party.Party, holdfast.TokenID) {
	s.t.Helper()
	recipient := s.Party(name, s.IDs.Other("seller")+"@example.test")
	s.Change(recipient.ID, func(p *party.Party) { p.Business = true })
	return recipient, s.Token(payment.Token{
		Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: recipient.ID,
	})
}

func (s *site) change(by func(*party.Caller)) {
	s.t.Helper()
	if _, err := s.Processor.ChangeCaller(s.t.Context(), s.Shop.ID, func(c party.Caller) (party.Caller, error) {
		by(&c)
		return c, nil
	}); err != nil {
		s.t.Fatal(err)
	}
}

// serveShop answers at every return address. On request it shows a page in a
// frame, or sends it a form.
func (s *site) serveShop(w http.ResponseWriter, r *http.Request) {
	s.visited(r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := shopPage.Execute(w, map[string]string{
		"Frame": r.FormValue("frame"), "Post": r.FormValue("post"), "Visit": r.FormValue("visit"),
	}); err != nil {
		s.t.Errorf("the shop's page: %v", err)
	}
}

var shopPage = template.Must(template.New("shop").Parse(`<!doctype html>
<html lang="en"><title>The shop</title><link rel="icon" href="data:,">
<main><h1>Back at the shop</h1>
{{with .Frame}}<iframe src="{{.}}"></iframe>{{end}}
{{if .Post}}<form method="post" action="{{.Post}}"><input type="hidden" name="visit" value="{{.Visit}}"><button>Win a prize</button></form>{{end}}
</main><script>document.title += ", with scripts"</script></html>`))

func (s *site) serveLogo(w http.ResponseWriter, r *http.Request) {
	s.visited(r)
	w.Header().Set("Content-Type", "image/svg+xml")
	w.Write([]byte(`<svg xmlns="http://www.w3.org/2000/svg" width="160" height="40" viewBox="0 0 160 40"><rect width="160" height="40" rx="6" fill="#7a3b1d"/><circle cx="22" cy="20" r="10" fill="#f6d9b8"/><path d="M44 14h100M44 26h70" stroke="#fff" stroke-width="5"/></svg>`)) //nolint:errcheck // the browser has gone
}

func (s *site) visited(r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.visitors = append(s.visitors, r.Header.Clone())
}

// wantBack fails the test unless the browser is back at the shop with a status
// and a valid signature.
func (s *site) wantBack(p *page, status holdfast.ReturnStatus) holdfast.Return {
	s.t.Helper()
	address := p.address()
	if !strings.HasPrefix(address, s.shop) {
		s.t.Fatalf("the browser is at %s, not back at the shop\n%s", address, p.text())
	}
	back, err := holdfasttest.Verifier(s.Shop.ID).ParseReturn(s.t.Context(), address)
	if err != nil {
		s.t.Fatalf("return URL %s: %v", address, err)
	}
	if back.Status != status {
		s.t.Fatalf("status is %s (%s), want %s", back.Status, back.ErrorMessage, status)
	}
	return back
}

// wantTokens fails the test unless the API finds this number of tokens for a
// reference.
func (s *site) wantTokens(reference holdfast.CallerReference, want int) {
	s.t.Helper()
	all, err := s.sdk.GetTokens(s.t.Context(), holdfast.GetTokensRequest{CallerReference: reference})
	if err != nil {
		s.t.Fatal(err)
	}
	if len(all.Tokens) != want {
		s.t.Errorf("%s has %d tokens, want %d: %+v", reference, len(all.Tokens), want, all.Tokens)
	}
	token, err := s.sdk.GetTokenByCaller(s.t.Context(), holdfast.GetTokenByCallerRequest{CallerReference: reference})
	if refused, ok := errors.AsType[*holdfast.Error](err); want == 0 && ok &&
		refused.Code == holdfast.InvalidCallerReference {
		return
	}
	if err != nil || want == 0 || token.TokenID != all.Tokens[0].TokenID {
		s.t.Errorf("GetTokenByCaller of %s: %+v, %v", reference, token, err)
	}
}

// signIn fills in the sign-in form and sends it.
func (s *site) signIn(p *page, user party.Party) {
	p.t.Helper()
	p.wantPage("sign-in")
	p.fill(`input[name=email]`, user.Email)
	p.fill(`input[name=password]`, holdfasttest.Password)
	p.submit()
}

// forget ends the browser's sign-in, as closing the browser does.
func (p *page) forget() {
	p.t.Helper()
	p.do("forgetting cookies", send(network.ClearBrowserCookies, cdp.Empty{}))
}
