package browser

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// jsonAPI is the JSON API of the site.
func (s *site) jsonAPI(log *slog.Logger) http.Handler {
	s.t.Helper()
	public, err := url.Parse(s.home)
	if err != nil {
		s.t.Fatal(err)
	}
	return (&api.Server{
		Processor: s.Processor, Store: s.DB.Reader, Keys: api.NewKeys(s.DB.CallerByJSONKey, s.Clock.Now), Public: public,
		Now: s.Clock.Now, NewRequestID: func() string { return s.IDs.Other("req_") }, Log: log,
	}).Handler()
}

// A jsonShop calls the JSON API as the shop's program does.
type jsonShop struct {
	*site
	key string
}

func (s *site) byJSON() jsonShop {
	s.t.Helper()
	_, key := s.JSONKey(s.Shop, processor.NewKey{})
	return jsonShop{s, key}
}

// ask makes a call that must succeed, and returns the fields of its answer that are
// text.
func (s jsonShop) ask(method, path, body string) map[string]string {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.home+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.key)
	r.Header.Set("Content-Type", "application/json")
	if method == http.MethodPost {
		r.Header.Set("Idempotency-Key", s.IDs.Other("call-"))
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode >= http.StatusBadRequest {
		s.t.Fatalf("%s %s: %s %s (%v)", method, path, answer.Status, text, err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		s.t.Fatal(err)
	}
	texts := map[string]string{}
	for name, value := range fields {
		if text, ok := value.(string); ok {
			texts[name] = text
		}
	}
	return texts
}

// checkout makes a checkout with more fields, such as `"language": "de"`.
func (s jsonShop) checkout(reference, more string) map[string]string {
	s.t.Helper()
	return s.ask(http.MethodPost, "/v1/checkouts", fmt.Sprintf(`{"type": "single_use", "reserve": true, "reference": %q,
		"amount": {"amount": "42.50", "currency": "USD"}, "description": "Two mugs", "return_url": %q%s}`,
		reference, s.shop, more))
}

// A buyer pays through a checkout that was made by JSON, and the shop holds and
// settles the amount by JSON.
func TestPayingThroughACheckout(t *testing.T) {
	t.Parallel()
	s, p := newSite(t).byJSON(), openBrowser(t)
	if _, err := s.Processor.AddCard(t.Context(), s.Buyer.ID, processor.NewCard{
		Number: processor.NewCardNumber("4242424242424242"), SecurityCode: processor.NewCardNumber("123"),
		ExpiryMonth: 11, ExpiryYear: 2031, Holder: "Ann Buyer",
	}, true); err != nil { // one that the sandbox knows
		t.Fatal(err)
	}
	made := s.checkout("order-1", "")
	p.open(made["url"])
	p.inspect("sign-in-checkout")
	s.signIn(p, s.Buyer)
	p.wantPage("confirm")
	p.wants("$42.50")
	p.inspect("confirm-checkout")
	p.submit()
	back := s.wantBack(p, holdfast.ReturnSuccessCC)
	if back.Params.Get("checkout") != made["id"] {
		t.Errorf("the browser is back with checkout %q, want %s", back.Params.Get("checkout"), made["id"])
	}
	approved := s.ask(http.MethodGet, "/v1/checkouts/"+made["id"], "")
	if approved["state"] != "approved" || approved["token"] != string(back.TokenID) {
		t.Fatalf("the checkout is %v", approved)
	}
	hold := s.ask(http.MethodPost, "/v1/holds", fmt.Sprintf(
		`{"token": %q, "amount": {"amount": "42.50", "currency": "USD"}}`, approved["token"]))
	if hold["state"] != "held" {
		t.Fatalf("the hold is %v", hold)
	}
	s.ask(http.MethodPost, "/v1/holds/"+hold["id"]+"/settle", `{"amount": {"amount": "40.00", "currency": "USD"}, "final": true}`)
	if hold = s.ask(http.MethodGet, "/v1/holds/"+hold["id"], ""); hold["state"] != "settled" {
		t.Errorf("the settled hold is %v", hold)
	}
	if after := s.ask(http.MethodGet, "/v1/checkouts/"+made["id"], ""); after["hold"] != hold["id"] {
		t.Errorf("after the hold the checkout is %v", after)
	}
	s.CheckBooks()
}

// A second browser learns that the checkout has another buyer, in the language of
// the checkout. After the checkout has expired, its pages lead back to the shop.
func TestACheckoutInTwoBrowsers(t *testing.T) {
	t.Parallel()
	s, first, second := newSite(t).byJSON(), openBrowser(t), openBrowser(t)
	made := s.checkout("order-1", `, "language": "de"`)
	first.open(made["url"])
	s.signIn(first, s.Buyer)
	first.wantPage("confirm")
	second.open(made["url"])
	s.signIn(second, s.Party("Bob", "bob@example.test"))
	second.wants("Diese Zahlung wurde mit einem anderen Konto begonnen.")
	second.inspect("sign-in-taken")

	s.ask(http.MethodPost, "/v1/sandbox/clock", `{"advance": "3h"}`)
	first.submit()
	s.wantBack(first, holdfast.ReturnAbandoned)
	if over := s.ask(http.MethodGet, "/v1/checkouts/"+made["id"], ""); over["state"] != "expired" {
		t.Errorf("the checkout is %v", over)
	}
}
