package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
)

var sentByGet = regexp.MustCompile(`(?s)<form method="get".*?</form>`)

const visa = "4242 4242 4242 4242"

// visits lets a browser note the addresses that it requests, with those that it tells
// servers as the page before.
func (b *browser) visits() *[]string {
	var all []string
	b.client.Transport = noting{&all}
	return &all
}

type noting struct{ to *[]string }

func (n noting) RoundTrip(r *http.Request) (*http.Response, error) {
	*n.to = append(*n.to, r.URL.String(), r.Header.Get("Referer"))
	return http.DefaultTransport.RoundTrip(r)
}

// search sends the form of a page.
func (b *browser) search(path string, pairs ...string) *browser {
	b.t.Helper()
	b.get(path)
	for _, f := range holdfasttest.Forms(b.body) {
		if strings.HasSuffix(f.Action, "sign-out") {
			continue
		}
		if f.Method != "post" {
			b.t.Errorf("the filter of %s is sent by %s", path, f.Method)
		}
		filled := url.Values{}
		for _, p := range f.Filled(pairs...) {
			filled.Set(p.Name, p.Value)
		}
		return b.post(strings.TrimPrefix(f.Action, console.Root), filled)
	}
	b.t.Fatalf("%s has no form:\n%s", path, b.body)
	return b
}

// A search leads to an address that others can open, except for words that must be in
// no address.
func TestSearchByForm(t *testing.T) {
	s := newSite(t)
	hold := s.Reserved("42.50", "order-4711")
	s.Reserved("7.25", "order-4712")
	b := s.as(party.RoleSupport, s.Shop.ID)
	b.search(s.caller("find"), "q", "order 4711").wantStatus(http.StatusOK).want("Hold order-4711")
	if want := console.Root + s.payment(hold.ID); b.url.Path != want {
		t.Errorf("the search leads to %s, want %s", b.url.Path, want)
	}
	b.search(s.caller("find"), "q", s.Buyer.Email).want("order-4711", "order-4712")
	if b.url.Query().Get("q") != s.Buyer.Email {
		t.Errorf("the search leads to %s", b.url)
	}
	b.search(s.caller("find"), "q", "").wantStatus(http.StatusOK).wantNot("Nothing was found")

	visits := b.visits()
	for _, secret := range []string{
		visa, "order 1 " + visa, "hf_live_K01_" + strings.Repeat("a", 49), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
	} {
		b.search(s.caller("find"), "q", secret).wantStatus(http.StatusUnprocessableEntity).
			want("card number or a secret").wantNot(secret)
	}
	b.search(s.caller("find"), "q", "Correct-Horse-9").wantStatus(http.StatusOK).want("Nothing was found")
	b.search(s.caller("find"), "q", string(hold.Token)).wantStatus(http.StatusOK).want("order-4711")
	for _, at := range *visits {
		for _, secret := range []string{"4242", "hf_live", "whsec", "Horse", string(hold.Token)} {
			if strings.Contains(at, secret) {
				t.Errorf("%q is in an address: %s", secret, at)
			}
		}
	}
	if strings.Contains(s.log.String(), "4242") {
		t.Errorf("the log says:\n%s", s.log)
	}
}

// Each page with a filter keeps card numbers out of its address: if they are typed, and
// if somebody follows a link with one.
func TestFiltersKeepCardNumbersOut(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, "")
	for path, field := range map[string]string{
		s.caller("find"): "q", "server/find": "q", "server/parties": "q", s.caller("audit"): "actor",
		"server/audit": "object", s.caller("risk"): "least", s.caller("reports"): "month",
		s.caller("reports/statement"): "month", s.caller("reports/ledger"): "month",
	} {
		for way, send := range map[string]func(){
			"the form": func() { b.search(path, field, visa) },
			"a link":   func() { b.get(path + "?" + url.Values{field: {visa}, "sort": {"amount"}}.Encode()) },
		} {
			send()
			b.wantStatus(http.StatusUnprocessableEntity).want("card number or a secret").wantNot(visa, "4242424242424242")
			if strings.Contains(b.url.String(), "4242") {
				t.Errorf("%s of %s leads to %s", way, path, b.url)
			}
		}
	}
	// No other page has a filter that is sent by GET and has a field to type into.
	for _, r := range s.console.Routes() {
		path := strings.NewReplacer("{caller}", string(s.Shop.ID), "{day}", "2026-11-23").Replace(r.Path)
		if r.Method != http.MethodGet || strings.Contains(path, "{") {
			continue
		}
		b.get(path)
		for _, form := range sentByGet.FindAllString(b.body, -1) {
			if strings.Contains(form, "<input ") {
				t.Errorf("the filter of %s is sent by GET:\n%s", r.Path, form)
			}
		}
	}
	b.search("server/parties", "q", s.Buyer.Email).wantStatus(http.StatusOK).want(s.Buyer.Name)
	b.search("server/parties", "q", "Correct-Horse-9").wantStatus(http.StatusOK)
	if strings.Contains(b.url.String(), "Horse") {
		t.Errorf("the search for a party leads to %s", b.url)
	}
	b.search(s.caller("risk"), "least", "50", "within", "24").wantStatus(http.StatusOK)
	if q := b.url.Query(); q.Get("least") != "50" || q.Get("within") != "24" {
		t.Errorf("the filter leads to %s", b.url)
	}
}
