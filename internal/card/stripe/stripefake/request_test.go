package stripefake_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
)

func TestKeysOfTheAPI(t *testing.T) {
	f := newFake(t)
	f.SetKey("rk_test_reader", stripefake.Rights{"payment_intent": "read", "customer": "write"})
	for _, row := range []struct {
		key, method, path string
		status            int
		message           string
	}{
		{"", "GET", "/v1/events", 401, "did not provide an API key"},
		{"rk_test_nobodysKey", "GET", "/v1/events", 401, "Invalid API Key provided: rk_test_******sKey"},
		{stripefake.TestKey, "GET", "/v1/account", 403, "rak_accounts_kyc_basic_read"},
		{stripefake.UnrestrictedKey, "GET", "/v1/account", 200, ""},
		{stripefake.TestKey, "GET", "/v1/webhook_endpoints", 403, "rak_webhook_read"},
		{stripefake.TestKey, "GET", "/v1/disputes", 200, ""},
		{"rk_test_reader", "GET", "/v1/payment_intents", 200, ""},
		{"rk_test_reader", "POST", "/v1/payment_intents", 403, "rak_payment_intent_write"},
		{"rk_test_reader", "GET", "/v1/refunds", 403, "rak_charge_read"},
		{"rk_test_reader", "POST", "/v1/customers", 200, ""},
	} {
		f.key = row.key
		params := ""
		if row.path == "/v1/payment_intents" && row.method == "POST" {
			params = "amount=500&currency=usd"
		}
		got := f.do(row.status, row.method, row.path, params)
		if !strings.Contains(got.text, row.message) {
			t.Errorf("%s %s with %q: %s", row.method, row.path, row.key, got.text)
		}
		if row.key != "" && strings.Contains(got.text, row.key) {
			t.Errorf("%s %s shows the key: %s", row.method, row.path, got.text)
		}
	}
}

func TestRevokedKey(t *testing.T) {
	f := newFake(t)
	f.RevokeKey(f.key)
	f.do(401, "GET", "/v1/events", "")
	f.keyed(401, "POST", customersPath, "k", "name=Ann")
	f.RestoreKey(f.key)
	f.keyed(200, "POST", customersPath, "k", "name=Ann")
}

// Expanding an object needs the right to read it.
func TestExpandNeedsRights(t *testing.T) {
	f := newFake(t)
	id := f.held("pm_card_visa", 500)
	f.SetKey("rk_test_reader", stripefake.Rights{"payment_intent": "read"})
	f.key = "rk_test_reader"
	f.get("/v1/payment_intents/"+id, "")
	got := f.do(403, "GET", "/v1/payment_intents/"+id, "expand[]=latest_charge")
	if !strings.Contains(got.text, "rak_charge_read") {
		t.Errorf("answer is %s", got.text)
	}
}

// The objects of one mode do not exist in the other.
func TestModesAreApart(t *testing.T) {
	f := newFake(t)
	id := f.held("pm_card_visa", 500)
	f.key = stripefake.LiveKey
	got := f.do(404, "GET", "/v1/payment_intents/"+id, "")
	f.want(got, "error.code", "resource_missing")
	if !strings.Contains(got.text, "a similar object exists in test mode") {
		t.Errorf("answer is %s", got.text)
	}
	if found := f.get("/v1/payment_intents", "").list(); len(found) != 0 {
		t.Errorf("live mode lists %v", found)
	}
}

func TestRequestsThatAreWrong(t *testing.T) {
	f := newFake(t)
	f.Set(func(s *stripefake.Settings) { s.Validate = nil }) // each row is the fake's own judgement
	id := f.held("pm_card_visa", 500)
	long := strings.Repeat("v", 501)
	for _, row := range []struct {
		path, params, code, param string
	}{
		{"/v1/payment_intents", "currency=usd", "parameter_missing", "amount"},
		{"/v1/payment_intents", "amount=500", "parameter_missing", "currency"},
		{"/v1/payment_intents", "amount=5.00&currency=usd", "parameter_invalid_integer", "amount"},
		{"/v1/payment_intents", "amount=49&currency=usd", "amount_too_small", "amount"},
		{"/v1/payment_intents", "amount=100000000&currency=usd", "amount_too_large", "amount"},
		{"/v1/payment_intents", "amount=500&currency=jpy", "", "currency"},
		{"/v1/payment_intents", "amount=500&currency=usd&capture_method=later", "", "capture_method"},
		{"/v1/payment_intents", "amount=500&currency=usd&statement_descriptor=SHOP", "", "statement_descriptor"},
		{"/v1/payment_intents", "amount=500&currency=usd&off_session=true", "", "off_session"},
		{"/v1/payment_intents", "amount=500&currency=usd&error_on_requires_action=true", "", "error_on_requires_action"},
		{"/v1/payment_intents", "amount=500&currency=usd&metadata[k]=" + long, "", "metadata[k]"},
		{"/v1/payment_intents", "amount=500&currency=usd&metadata[" + long[:41] + "]=1", "", "metadata"},
		{
			"/v1/payment_intents", "amount=500&currency=usd&confirm=true&off_session=true&setup_future_usage=off_session", "",
			"off_session",
		},
		{"/v1/payment_intents/" + id + "/cancel", "cancellation_reason=expired", "", "cancellation_reason"},
		{"/v1/payment_intents/" + id + "/capture", "amount_to_capture=0", "parameter_invalid_integer", "amount_to_capture"},
		{"/v1/payment_intents/" + id + "/capture", "final_capture=false", "", "final_capture"},
		{"/v1/customers", "email=nobody", "email_invalid", "email"},
		{"/v1/customers?expand[]=x", "expand[]=nothing", "", "expand"},
		{"/v1/customers", "expand[]=a.b.c.d.e", "", "expand"},
		{"/v1/refunds", "amount=5", "parameter_missing", "payment_intent"},
	} {
		got := f.do(400, "POST", row.path, row.params)
		f.want(got, "error.type", "invalid_request_error")
		if code, _ := got.at("error.code").(string); code != row.code || got.at("error.param") != row.param {
			t.Errorf("%s %s: %s", row.path, row.params, got.text)
		}
		if got.header.Get("Stripe-Should-Retry") != "false" || !strings.HasPrefix(got.header.Get("Request-Id"), "req_") {
			t.Errorf("%s %s: %v", row.path, row.params, got.header)
		}
	}
	if len(f.Objects("payment_intent")) != 1 || len(f.Holds()) != 1 {
		t.Error("a wrong request had an effect")
	}
}

func TestFaultsOfPrograms(t *testing.T) {
	f := newFake(t)
	f.Set(func(s *stripefake.Settings) { s.Validate = nil })
	f.want(f.do(400, "POST", customersPath, "nam=Ann"), "error.code", "parameter_unknown", "error.param", "nam")
	f.wantFaults("unknown parameter: nam")
	f.get("/v1/payment_intents/search", "query=status:'succeeded'")
	f.wantFaults("a search lags")
	f.do(404, "GET", "/v1/subscriptions", "")
	f.wantFaults("not an endpoint")
	f.post(customersPath+"/"+f.post(customersPath, "").id(), "description=a+b%26c%2Bd")

	r, err := http.NewRequest(http.MethodPost, f.URL()+customersPath, strings.NewReader(`{"name":"Ann"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(f.key, "")
	r.Header.Set("Content-Type", "application/json")
	got, err := f.send(r)
	if err != nil || got.status != 400 {
		t.Fatalf("a body of JSON: %v %v", got, err)
	}
	f.wantFaults("no Stripe-Version", "content type")
}

func TestStatementSuffix(t *testing.T) {
	f := newFake(t)
	f.Set(func(s *stripefake.Settings) { s.Validate = nil })
	for _, row := range []struct {
		suffix string
		status int
	}{
		{"ORDER 4711", 200},
		{"CAFÉ 1", 200},
		{"TWELVELETTER", 200},
		{"THIRTEENLETTE", 400},
		{"A*B", 400},
		{"A'B", 400},
		{`A"B`, 400},
		{"A<B", 400},
		{`A\B`, 400},
		{"4711", 400},
		{"注文 A", 400},
	} {
		f.do(row.status, "POST", "/v1/payment_intents", values("amount", "500", "currency", "usd", "payment_method_types[]",
			"card",
			"statement_descriptor_suffix", row.suffix))
	}
}

// One endpoint takes so many requests a second. Others go on.
func TestRateLimit(t *testing.T) {
	f := newFake(t)
	f.Set(func(s *stripefake.Settings) { s.PerSecond = 3 })
	for range 3 {
		f.get("/v1/events", "")
	}
	got := f.do(429, "GET", "/v1/events", "")
	f.want(got, "error.code", "rate_limit")
	if got.header.Get("Stripe-Rate-Limited-Reason") != "endpoint-rate" || got.header.Get("Stripe-Should-Retry") != "" {
		t.Errorf("headers are %v", got.header)
	}
	f.get("/v1/refunds", "")
	f.clock.move(time.Second)
	f.get("/v1/events", "")
}

// An answer tells the time of the fake's clock.
func TestDateOfAnswers(t *testing.T) {
	f := newFake(t)
	for range 2 { // the second one is repeated
		date := f.keyed(200, "POST", customersPath, "k", "").header.Get("Date")
		if want := f.clock.Now().Format(http.TimeFormat); date != want {
			t.Errorf("the date is %s, want %s", date, want)
		}
		f.clock.move(time.Hour)
	}
}

func TestLists(t *testing.T) {
	f := newFake(t)
	began := f.clock.Now().Unix()
	var ids []string
	for range 5 {
		ids = append([]string{f.post(customersPath, "name=Ann").id()}, ids...)
		f.clock.move(time.Second)
	}
	for _, row := range []struct {
		params string
		want   []string
		more   bool
	}{
		{"", ids, false},
		{"limit=2", ids[:2], true},
		{"limit=2&starting_after=" + ids[1], ids[2:4], true},
		{"limit=2&starting_after=" + ids[2], ids[3:], false},
		{"limit=2&ending_before=" + ids[3], ids[1:3], false},
		{"created[gte]=" + unix(began+2), ids[:3], false},
		{"created[gt]=" + unix(began+2), ids[:2], false},
		{"created[lt]=" + unix(began+1), ids[4:], false},
		{"created[lte]=" + unix(began+1), ids[3:], false},
		{"created=" + unix(began), ids[4:], false},
	} {
		got := f.get(customersPath, row.params)
		var found []string
		for _, o := range got.list() {
			found = append(found, o["id"].(string))
		}
		if strings.Join(found, " ") != strings.Join(row.want, " ") || got.at("has_more") != row.more {
			t.Errorf("%s: %v more %v, want %v %v", row.params, found, got.at("has_more"), row.want, row.more)
		}
	}
	f.do(400, "GET", customersPath, "limit=101")
	f.do(404, "GET", customersPath, "starting_after=cus_none")
}

func unix(at int64) string { return strconv.FormatInt(at, 10) }

func TestCardsBelongToCustomers(t *testing.T) {
	f := newFake(t)
	ann, card := f.card("pm_card_visa")
	bob := f.post(customersPath, "name=Bob").id()
	create := func(status int, customer, card string) reply {
		t.Helper()
		params := "amount=500&currency=usd&payment_method_types[]=card&payment_method=" + card
		if customer != "" {
			params += "&customer=" + customer
		}
		return f.do(status, "POST", "/v1/payment_intents", params)
	}
	create(400, bob, card)
	create(400, "", card)
	f.want(create(404, ann, "pm_none"), "error.code", "resource_missing", "error.param", "payment_method")
	f.want(create(404, "cus_none", card), "error.code", "resource_missing", "error.param", "customer")
	id := create(200, ann, card).id()
	if err := f.Detach(card); err != nil {
		t.Fatal(err)
	}
	f.wantEvents("payment_method.detached")
	f.do(400, "POST", "/v1/payment_intents/"+id+"/confirm", "off_session=true")
	create(400, ann, card)
	f.do(400, "POST", "/v1/payment_methods/"+card+"/attach", "customer="+ann)
	f.do(402, "POST", "/v1/payment_methods/pm_card_chargeDeclined/attach", "customer="+ann)

	// Without a customer, a card can be used once.
	once := f.post("/v1/payment_methods", "type=card&card[token]=tok_visa").id()
	id = create(200, "", once).id()
	f.post("/v1/payment_intents/"+id+"/confirm", "error_on_requires_action=true")
	create(400, "", once)
	f.want(f.do(200, "DELETE", customersPath+"/"+ann, ""), "deleted", true)
	create(404, ann, "pm_card_visa")
}
