package stripefake_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

const (
	sessionsPath = "/v1/checkout/sessions"
	doneURL      = "https://hf.example/back?page={CHECKOUT_SESSION_ID}"
	backURL      = "https://hf.example/choose"
)

func setupParams(more ...string) string {
	return values(append([]string{
		"mode", "setup", "currency", "usd", "payment_method_types[]", "card", "wallet_options[link][display]", "never",
		"success_url", doneURL, "cancel_url", backURL, "client_reference_id", "V1", "locale", "de",
		"metadata[holdfast_visit]", "V1",
		"setup_intent_data[metadata][holdfast_visit]", "V1", "payment_method_options[card][request_three_d_secure]",
		"automatic",
	}, more...)...)
}

func paymentParams(more ...string) string {
	return values(append([]string{
		"mode", "payment", "payment_method_types[]", "card", "success_url", doneURL, "cancel_url", backURL,
		"line_items[0][quantity]", "1", "line_items[0][price_data][currency]", "usd",
		"line_items[0][price_data][unit_amount]", "4250",
		"line_items[0][price_data][product_data][name]", "Corner Shop", "payment_intent_data[capture_method]", "manual",
		"payment_intent_data[metadata][holdfast_key]", "H1/Authorize", "payment_intent_data[statement_descriptor_suffix]",
		"ORDER A",
		"submit_type", "book",
	}, more...)...)
}

// A browser clicks the pages of the fake. It runs no script and keeps no cookie.
type browser struct {
	f    *fake
	at   string
	page string
}

// open goes to a page, or stops at an address that is not the fake's.
func (b *browser) open(address string) {
	b.f.t.Helper()
	b.follow(http.MethodGet, address, nil)
}

func (b *browser) follow(method, address string, form url.Values) {
	b.f.t.Helper()
	b.at, b.page = address, ""
	if !strings.HasPrefix(address, b.f.URL()) {
		return
	}
	r, err := http.NewRequest(method, address, strings.NewReader(form.Encode()))
	if err != nil {
		b.f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	if err != nil {
		b.f.t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode == http.StatusSeeOther {
		b.open(resp.Header.Get("Location"))
		return
	}
	text := make([]byte, 1<<20)
	n, _ := resp.Body.Read(text)
	b.page = string(text[:n])
	if strings.Contains(b.page, "<script") || strings.Contains(b.page, "javascript:") || strings.Contains(b.page, " on") &&
		regexp.MustCompile(`\son\w+=`).MatchString(b.page) {
		b.f.t.Errorf("the page has a script: %s", b.page)
	}
}

func (b *browser) sees(words string) {
	b.f.t.Helper()
	if !strings.Contains(b.page, words) {
		b.f.t.Errorf("at %s: the page has no %q: %s", b.at, words, b.page)
	}
}

// types fills the form of the card page and presses its button.
func (b *browser) types(button, number string) {
	b.f.t.Helper()
	b.sees(`<button type="submit">` + button + `</button>`)
	form := url.Values{"number": {number}, "expiry": {"12 / 34"}, "cvc": {"123"}}
	if strings.Contains(b.page, `name="email"`) {
		form.Set("name", "Ann Buyer")
		form.Set("email", "ann@buyer.example")
	}
	b.follow(http.MethodPost, b.at, form)
}

func TestSetupPage(t *testing.T) {
	f := newFake(t)
	customer := f.post(customersPath, "name=Ann&email=ann@buyer.example").id()
	n := f.post(sessionsPath, setupParams("customer", customer))
	f.want(n, "status", "open", "payment_status", "no_payment_required", "payment_intent", nil, "client_reference_id",
		"V1",
		"expires_at", int(f.clock.Now().Add(24*time.Hour).Unix()))
	f.want(f.get("/v1/setup_intents/"+n.at("setup_intent").(string), ""), "status", "requires_payment_method",
		"metadata.holdfast_visit", "V1")

	b := &browser{f: f}
	b.open(n.at("url").(string))
	b.sees(`<a href="` + backURL + `">Back</a>`)
	b.sees("fake of Stripe")
	b.types("Save card", "4242 4242 4242 4242")
	if b.at != "https://hf.example/back?page="+n.id() {
		t.Errorf("the browser is at %s", b.at)
	}
	n = f.get(sessionsPath+"/"+n.id(), "expand[]=setup_intent.payment_method&expand[]=setup_intent.latest_attempt")
	f.want(n, "status", "complete", "url", nil, "setup_intent.status", "succeeded",
		"setup_intent.payment_method.card.last4", "4242",
		"setup_intent.payment_method.card.exp_month", 12, "setup_intent.payment_method.card.exp_year", 2034,
		"setup_intent.payment_method.customer", customer, "setup_intent.latest_attempt.status", "succeeded",
		"setup_intent.latest_attempt.payment_method_details.card.three_d_secure", nil)
	f.wantEvents("payment_method.attached", "setup_intent.succeeded", "checkout.session.completed")
	f.do(400, "POST", sessionsPath+"/"+n.id()+"/expire", "")

	b.open(f.URL() + "/c/pay/" + n.id())
	b.sees("You are done here")
}

func TestSetupPageWithDeclineAndBank(t *testing.T) {
	f := newFake(t)
	customer := f.post(customersPath, "name=Ann&email=ann@buyer.example").id()
	n := f.post(sessionsPath, setupParams("customer", customer))
	b := &browser{f: f}
	b.open(n.at("url").(string))
	b.types("Save card", "4000000000000002")
	b.sees(`<p class="problem" role="alert">Your card was declined.</p>`)
	b.types("Save card", "4000002500003155")
	b.sees("Confirm at your bank")
	b.follow(http.MethodPost, b.at, url.Values{"result": {"fail"}})
	b.types("Save card", "4000002500003155")
	b.follow(http.MethodPost, b.at, url.Values{"result": {"complete"}})
	if b.at != "https://hf.example/back?page="+n.id() {
		t.Errorf("the browser is at %s: %s", b.at, b.page)
	}
	n = f.get(sessionsPath+"/"+n.id(), "expand[]=setup_intent.payment_method&expand[]=setup_intent.latest_attempt")
	f.want(n, "setup_intent.latest_attempt.payment_method_details.card.three_d_secure.result", "authenticated")

	// The card was set up for payments without the buyer.
	card := n.at("setup_intent.payment_method.id").(string)
	id := f.post("/v1/payment_intents", "amount=500&currency=usd&payment_method_types[]=card"+
		"&capture_method=manual&customer="+customer+
		"&payment_method="+card).id()
	f.want(f.post("/v1/payment_intents/"+id+"/confirm", "off_session=true"), "status", "requires_capture")
}

func TestPaymentPage(t *testing.T) {
	f := newFake(t)
	n := f.post(sessionsPath, paymentParams())
	f.want(n, "status", "open", "payment_status", "unpaid", "payment_intent", nil, "amount_total", 4250)
	b := &browser{f: f}
	b.open(n.at("url").(string))
	b.sees("Corner Shop: $42.50")
	b.types("Pay $42.50", "4000000000009995")
	b.sees("Your card has insufficient funds.")
	payment := f.get(sessionsPath+"/"+n.id(), "").at("payment_intent").(string)
	f.do(400, "POST", "/v1/payment_intents/"+payment+"/cancel", "")
	f.do(400, "POST", "/v1/payment_intents/"+payment+"/confirm", "payment_method=pm_card_visa")
	b.types("Pay $42.50", "4000 0000 0000 3220")
	b.follow(http.MethodPost, b.at, url.Values{"result": {"complete"}})
	if b.at != "https://hf.example/back?page="+n.id() {
		t.Errorf("the browser is at %s: %s", b.at, b.page)
	}
	n = f.get(sessionsPath+"/"+n.id(), "expand[]=payment_intent.latest_charge&expand[]=payment_intent.payment_method")
	f.want(n, "status", "complete", "payment_status", "unpaid", "customer", nil, "customer_details.email",
		"ann@buyer.example",
		"customer_details.name", "Ann Buyer", "payment_intent.id", payment, "payment_intent.status", "requires_capture",
		"payment_intent.amount_capturable", 4250, "payment_intent.metadata.holdfast_key", "H1/Authorize",
		"payment_intent.latest_charge.payment_method_details.card.three_d_secure.result", "authenticated",
		"payment_intent.payment_method.customer", nil)
	if until := f.Holds()[0].Until; !until.Equal(f.clock.Now().Add(7 * 24 * time.Hour)) {
		t.Errorf("the hold lives until %v", until)
	}
	if attempts := f.Attempts(payment); attempts != 2 {
		t.Errorf("%d attempts", attempts)
	}
	f.post("/v1/payment_intents/"+payment+"/cancel", "")
}

// A payment that also keeps the card makes a customer of a guest.
func TestPaymentPageThatKeepsTheCard(t *testing.T) {
	f := newFake(t)
	n := f.post(sessionsPath, paymentParams("payment_intent_data[setup_future_usage]", "on_session"))
	next, err := f.Submit(n.id(), stripefake.Typed{Name: "Ann", Email: "ann@buyer.example", Number: "4242424242424242"})
	if err != nil || next != "https://hf.example/back?page="+n.id() {
		t.Fatalf("next is %s, %v", next, err)
	}
	n = f.get(sessionsPath+"/"+n.id(), "expand[]=payment_intent.payment_method")
	customer, _ := n.at("customer").(string)
	if customer == "" || n.at("payment_intent.payment_method.customer") != customer {
		t.Errorf("session is %s", n.text)
	}
	again, err := f.Submit(n.id(), stripefake.Typed{Number: "4242424242424242"})
	if err != nil || again != next || f.Held() != 4250 {
		t.Errorf("pressed again: %s %v, held %d", again, err, f.Held())
	}
}

func TestWhatThePageRefuses(t *testing.T) {
	f := newFake(t)
	id := f.post(sessionsPath, paymentParams()).id()
	good := stripefake.Typed{
		Name: "Ann", Email: "ann@buyer.example", Number: "4242424242424242", Expiry: "12/34",
		SecurityCode: "123",
	}
	for _, change := range []func(*stripefake.Typed){
		func(x *stripefake.Typed) { x.Number = "4242424242424241" },
		func(x *stripefake.Typed) { x.Number = "4012888888881881" }, // no test card of the fake
		func(x *stripefake.Typed) { x.Number = "4242 4242 4242 424x" },
		func(x *stripefake.Typed) { x.Expiry = "02/26" },
		func(x *stripefake.Typed) { x.Expiry = "13/30" },
		func(x *stripefake.Typed) { x.SecurityCode = "12" },
		func(x *stripefake.Typed) { x.Email = "ann" },
		func(x *stripefake.Typed) { x.Name = " " },
	} {
		typed := good
		change(&typed)
		var problem *stripefake.ProblemError
		if next, err := f.Submit(id, typed); !errors.As(err, &problem) {
			t.Errorf("%+v: %s %v", typed, next, err)
		}
	}
	if len(f.Objects("payment_intent")) != 0 || len(f.Objects("payment_method")) != 0 {
		t.Error("a refused form had an effect")
	}
	if _, err := f.Submit(id, good); err != nil {
		t.Error(err)
	}
}

func TestSessionsExpire(t *testing.T) {
	f := newFake(t)
	until := f.clock.Now().Add(30 * time.Minute)
	byClock := f.post(sessionsPath, setupParams("expires_at", fmt.Sprint(until.Unix())))
	byCall := f.post(sessionsPath, paymentParams())
	var problem *stripefake.ProblemError
	if _, err := f.Submit(byCall.id(), stripefake.Typed{
		Name: "Ann", Email: "a@b.example",
		Number: "4000000000000002",
	}); !errors.As(err, &problem) {
		t.Fatal(err)
	}
	f.want(f.post(sessionsPath+"/"+byCall.id()+"/expire", ""), "status", "expired", "url", nil)
	f.wantEvents("payment_intent.canceled", "checkout.session.expired")
	f.clock.move(30*time.Minute - time.Second)
	f.want(f.get(sessionsPath+"/"+byClock.id(), ""), "status", "open")
	f.clock.move(time.Second)
	f.want(f.get(sessionsPath+"/"+byClock.id(), "expand[]=setup_intent"), "status", "expired", "setup_intent.status",
		"canceled")
	f.wantEvents("setup_intent.canceled", "checkout.session.expired")
	if _, err := f.Submit(byClock.id(), stripefake.Typed{Number: "4242424242424242"}); !errors.As(err, &problem) {
		t.Errorf("an expired page takes a card: %v", err)
	}
	b := &browser{f: f}
	b.open(f.URL() + "/c/pay/" + byClock.id())
	b.sees("This page has expired")
	if len(f.Holds()) != 0 {
		t.Error("an expired session holds money")
	}
}

func TestSessionsThatAreWrong(t *testing.T) {
	f := newFake(t)
	f.Set(func(s *stripefake.Settings) { s.Validate = nil })
	soon, late := f.clock.Now().Add(29*time.Minute).Unix(), f.clock.Now().Add(24*time.Hour+time.Second).Unix()
	for _, row := range []struct{ params, param string }{
		{"success_url=https://hf.example", "mode"},
		{"mode=setup&currency=usd", "success_url"},
		{"mode=subscription&success_url=https://hf.example", "mode"},
		{"mode=setup&success_url=https://hf.example", "currency"},
		{"mode=setup&currency=usd&success_url=back", "success_url"},
		{setupParams("expires_at", unix(soon)), "expires_at"},
		{setupParams("expires_at", unix(late)), "expires_at"},
		{setupParams("submit_type", "book"), "submit_type"},
		{setupParams("payment_intent_data[capture_method]", "manual"), "payment_intent_data"},
		{setupParams("wallet_options[link][display]", "often"), "wallet_options[link][display]"},
		{"mode=payment&success_url=https://hf.example", "line_items"},
		{paymentParams("line_items[0][price_data][unit_amount]", "49"), "amount"},
		{
			paymentParams("payment_intent_data[statement_descriptor_suffix]", "A*"),
			"payment_intent_data[statement_descriptor_suffix]",
		},
		{paymentParams("setup_intent_data[description]", "x"), "setup_intent_data"},
		{paymentParams("customer_email", "a@b.example", "customer", "cus_none"), "customer"},
	} {
		status := http.StatusBadRequest
		if row.param == "customer" {
			status = http.StatusNotFound
		}
		f.want(f.do(status, "POST", sessionsPath, row.params), "error.param", row.param)
	}
	if len(f.Objects("checkout.session")) != 0 {
		t.Error("a wrong request had an effect")
	}
}

// The buyer is present, and the bank asks.
func TestBuyerPresentConfirms(t *testing.T) {
	for _, passed := range []bool{true, false} {
		f := newFake(t)
		id := f.intent("pm_card_threeDSecure2Required", 500, "").id()
		p := f.post("/v1/payment_intents/"+id+"/confirm", values("return_url", "https://hf.example/back?visit=V1"))
		f.want(p, "status", "requires_action", "next_action.type", "redirect_to_url")
		b := &browser{f: f}
		b.open(p.at("next_action.redirect_to_url.url").(string))
		b.sees("Confirm at your bank")
		bank := b.at
		result, word, status := "complete", "succeeded", "requires_capture"
		if !passed {
			result, word, status = "fail", "failed", "requires_payment_method"
		}
		b.follow(http.MethodPost, b.at, url.Values{"result": {result}})
		if !strings.HasPrefix(b.at, "https://hf.example/back?") || !strings.Contains(b.at, "redirect_status="+word) ||
			!strings.Contains(b.at, "payment_intent="+id) || !strings.Contains(b.at, "visit=V1") {
			t.Errorf("the browser is at %s", b.at)
		}
		f.want(f.get("/v1/payment_intents/"+id, ""), "status", status, "next_action", nil)
		b.open(bank)
		b.sees("Nothing to confirm")
		b.open(strings.Replace(bank, "_secret_", "_other_", 1))
		b.sees("404")
		if f.Attempts(id) != 1 {
			t.Errorf("%d attempts", f.Attempts(id))
		}
	}
}

// Without a return address the merchant's page would have to run a script.
func TestActionWithoutReturnAddress(t *testing.T) {
	f := newFake(t)
	id := f.intent("pm_card_threeDSecure2Required", 500, "").id()
	f.want(f.post("/v1/payment_intents/"+id+"/confirm", ""), "next_action.type", "use_stripe_sdk")
	f.want(f.post("/v1/payment_intents/"+id+"/cancel", ""), "status", "canceled", "next_action", nil)
	if err := f.Authenticate(id, true); err == nil {
		t.Error("a canceled payment was authenticated")
	}
}

// After authentication_required a buyer could still come and confirm.
func TestAuthenticateLater(t *testing.T) {
	f := newFake(t)
	customer := f.post(customersPath, "").id()
	card := f.post("/v1/payment_methods/pm_card_authenticationRequired/attach", "customer="+customer).id()
	create := func() string {
		id := f.post("/v1/payment_intents", "amount=500&currency=usd&payment_method_types[]=card"+
			"&capture_method=manual&customer="+
			customer+"&payment_method="+card).id()
		f.want(f.do(402, "POST", "/v1/payment_intents/"+id+"/confirm", "off_session=true"), "error.code",
			"authentication_required")
		return id
	}
	left, closed := create(), create()
	f.post("/v1/payment_intents/"+closed+"/cancel", "cancellation_reason=abandoned")
	if err := f.Authenticate(left, true); err != nil || f.Held() != 500 {
		t.Errorf("%v, held %d", err, f.Held())
	}
	if err := f.Authenticate(closed, true); err == nil || f.Held() != 500 {
		t.Errorf("%v, held %d", err, f.Held())
	}
}
