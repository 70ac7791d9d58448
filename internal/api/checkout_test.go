package api_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// onBoth runs a test on each kind of database.
func onBoth(t *testing.T, test func(*testing.T, *world)) {
	t.Helper()
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) { test(t, newWorldOn(t, db)) })
}

// usd is an amount in a body.
func usd(value string) string { return fmt.Sprintf(`{"amount":%q,"currency":"USD"}`, value) }

// aCheckout is a body for a checkout of a type, with more fields.
func aCheckout(kind string, more ...string) string {
	fields := append([]string{`"type":"` + kind + `"`}, more...)
	if !strings.Contains(strings.Join(more, ""), `"return_url"`) {
		fields = append(fields, `"return_url":"https://shop.example.test/thanks"`)
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// approves goes the way of the buyer, who has a card.
func (w *world) approves(id string) payment.Visit {
	w.T.Helper()
	v, err := w.Processor.EnterVisit(w.T.Context(), payment.VisitID(id), w.Buyer.ID)
	if err == nil && !v.Over() {
		v, err = w.Processor.ConfirmVisit(w.T.Context(), v.ID, w.Buyer.ID, processor.Shown{
			Instrument: v.Instrument, Address: v.Address,
		})
	}
	if err != nil {
		w.T.Fatalf("approving checkout %s: %v", id, err)
	}
	return v
}

// A checkout is made, approved, held and settled by JSON, and tells of all.
func TestFromACheckoutToThePayment(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		made := w.do("POST", "/v1/checkouts", aCheckout("single_use", `"amount":`+usd("42.50"), `"reserve":true`,
			`"collect_email":true`, `"metadata":{"cart":"7"}`), header("Idempotency-Key", "order-1"))
		made.want(http.StatusCreated, "")
		id := made.text("/id")
		if made.text("/state") != "open" || made.text("/reference") != "order-1" || made.text("/metadata/cart") != "7" ||
			made.text("/amount/amount") != "42.50" ||
			!strings.HasPrefix(made.text("/url"), "https://pay.example.test/cobranded-ui/checkout/") {
			t.Errorf("the new checkout is %s", made.Body)
		}
		w.approves(id)
		approved := w.do("GET", "/v1/checkouts/"+id, "").want(http.StatusOK, "")
		token := approved.text("/token")
		if approved.text("/state") != "approved" || token == "" || approved.text("/status") != "SC" ||
			approved.text("/buyer_email") != w.Buyer.Email || approved.field("/hold") != nil {
			t.Errorf("the approved checkout is %s", approved.Body)
		}
		hold := w.do("POST", "/v1/holds", fmt.Sprintf(`{"token":%q,"amount":%s}`, token, usd("42.50")))
		hold.want(http.StatusCreated, "")
		if got := w.do("GET", "/v1/checkouts/"+id, ""); got.text("/hold") != hold.text("/id") {
			t.Errorf("after the hold %s the checkout is %s", hold.text("/id"), got.Body)
		}
		used := w.do("GET", "/v1/tokens/"+token, "").want(http.StatusOK, "")
		if used.text("/state") != "used" || used.text("/used_by") != hold.text("/id") || used.text("/type") != "single_use" {
			t.Errorf("the token is %s", used.Body)
		}
		w.do("POST", "/v1/checkouts/"+id+"/cancel", "").want(http.StatusConflict, "checkout_state")
		again := w.do("POST", "/v1/checkouts", aCheckout("single_use", `"amount":`+usd("42.50"), `"reference":"order-1"`))
		if again.want(http.StatusConflict, "reference_in_use"); again.text("/errors/0/pointer") != "/reference" {
			t.Errorf("the reference again: %s", again.Body)
		}
	})
}

// All that the pipelines refuse is refused with the field that it is about.
func TestBadCheckouts(t *testing.T) {
	w := newWorld(t)
	amount := `"amount":` + usd("42.50")
	for _, row := range []struct {
		name, body string
		pointers   string
	}{
		{"unknown type", aCheckout("lifelong", amount), "/type"},
		{"no amount", aCheckout("single_use"), "/amount"},
		{"amount of nothing", aCheckout("single_use", `"amount":`+usd("0")), "/amount"},
		{"small amount", aCheckout("single_use", `"amount":`+usd("0.01")), "/amount"},
		{"large amount", aCheckout("single_use", `"amount":`+usd("10000.01")), "/amount"},
		{"no period", aCheckout("recurring", amount), "/period"},
		{"strange period", aCheckout("recurring", amount, `"period":"1 fortnight"`), "/period"},
		{"long period", aCheckout("recurring", amount, `"period":"1201 months"`), "/period"},
		{"no total", aCheckout("multi_use"), "/total_limit"},
		{"amount above the total", aCheckout("multi_use", amount, `"total_limit":`+usd("40")), "/amount"},
		{
			"limit of both kinds", aCheckout("multi_use", `"total_limit":`+usd("40"), `"limits":[{"count":1,"amount":`+usd("1")+`}]`),
			"/limits/0",
		},
		{"limit of nothing", aCheckout("multi_use", `"total_limit":`+usd("40"), `"limits":[{"period":"1 day"}]`), "/limits/0"},
		{
			"limit of zero", aCheckout("multi_use", `"total_limit":`+usd("40"), `"limits":[{"count":1},{"amount":`+usd("0")+`}]`),
			"/limits/1",
		},
		{"field of another type", aCheckout("single_use", amount, `"period":"1 day"`, `"total_limit":`+usd("40")), "/total_limit /period"},
		{"hold of a recurring token", aCheckout("recurring", amount, `"period":"1 day"`, `"reserve":true`), "/reserve"},
		{"breakdown of a multi-use token", aCheckout("multi_use", `"total_limit":`+usd("40"), `"breakdown":{"tax":`+usd("1")+`}`), "/breakdown/tax"},
		{"expiry that is over", aCheckout("recurring", amount, `"period":"1 day"`, `"expires":"2001-01-01T00:00:00Z"`), "/expires"},
		{
			"expiry before the start", aCheckout("recurring", amount, `"period":"1 day"`,
				`"starts":"2026-12-24T00:00:00Z"`, `"expires":"2026-12-23T00:00:00Z"`), "/expires",
		},
		{"late start", aCheckout("recurring", amount, `"period":"1 day"`, `"starts":"2099-01-01T00:00:00Z"`), "/starts"},
		{"no card for a hold", aCheckout("single_use", amount, `"reserve":true`, `"payment_methods":["balance"]`), "/payment_methods"},
		{"unknown method", aCheckout("single_use", amount, `"payment_methods":["cash"]`), "/payment_methods/0"},
		{"recipient of no marketplace", aCheckout("single_use", amount, `"recipients":["K1"]`), "/recipients"},
		{"two recipients", aCheckout("single_use", amount, `"recipients":["K1","K2"]`), "/recipients"},
		{"relative return URL", aCheckout("single_use", amount, `"return_url":"/thanks"`), "/return_url"},
		{"scheme of an application", aCheckout("single_use", amount, `"return_url":"myshop://thanks"`), "/return_url"},
		{"own status", aCheckout("single_use", amount, `"return_url":"https://shop.example.test/?status=SC"`), "/return_url"},
		{"own checkout", aCheckout("single_use", amount, `"return_url":"https://shop.example.test/?checkout=1"`), "/return_url"},
		{"logo without TLS", aCheckout("single_use", amount, `"logo_url":"http://shop.example.test/logo.png"`), "/logo_url"},
		{"unknown language", aCheckout("single_use", amount, `"language":"fr"`), "/language"},
		{"control character", aCheckout("single_use", amount, `"description":"a\u001b[2J"`), "/description"},
		{"two addresses", aCheckout("single_use", amount, `"collect_address":true`, `"ship_to":{"city":"Ames"}`), "/ship_to"},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := w.do("POST", "/v1/checkouts", row.body)
			var pointers []string
			for i := 0; got.field(fmt.Sprintf("/errors/%d", i)) != nil; i++ {
				pointers = append(pointers, got.text(fmt.Sprintf("/errors/%d/pointer", i)))
			}
			if got.Code != http.StatusUnprocessableEntity && got.Code != http.StatusForbidden ||
				strings.Join(pointers, " ") != row.pointers {
				t.Errorf("answered %d %s, want faults at %s", got.Code, got.Body, row.pointers)
			}
		})
	}
	if got := w.do("GET", "/v1/checkouts", ""); len(got.field("/data").([]any)) != 0 {
		t.Errorf("the refused checkouts left %s", got.Body)
	}
}

// What the operator has allowed a caller, its checkouts may have.
func TestReturnAddressesOfCheckouts(t *testing.T) {
	w := newWorld(t)
	if _, err := w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.ReturnSchemes = "com.example.shop"
		return c, nil
	}); err != nil {
		t.Fatal(err)
	}
	for _, address := range []string{"com.example.shop://thanks", "http://localhost:3000/thanks?order=1#top"} {
		w.do("POST", "/v1/checkouts", aCheckout("single_use", `"amount":`+usd("5"), `"return_url":"`+address+`"`)).
			want(http.StatusCreated, "")
	}
}

// The languages of the document are those of the pages.
func TestLanguagesOfCheckouts(t *testing.T) {
	w := newWorld(t)
	for _, words := range webui.AllWords() {
		w.do("POST", "/v1/checkouts", aCheckout("single_use", `"amount":`+usd("5"), `"language":"`+words.Tag()+`"`)).
			want(http.StatusCreated, "")
	}
}

func TestCheckoutsExpireAndAreCancelled(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		body := aCheckout("single_use", `"amount":`+usd("5"), `"reference":"order-1"`)
		first := w.do("POST", "/v1/checkouts", body).want(http.StatusCreated, "").text("/id")
		for range 2 {
			got := w.do("POST", "/v1/checkouts/"+first+"/cancel", "").want(http.StatusOK, "")
			if got.text("/state") != "cancelled" || got.text("/status") != "CE" {
				t.Errorf("the cancelled checkout is %s", got.Body)
			}
		}
		second := w.do("POST", "/v1/checkouts", body).want(http.StatusCreated, "").text("/id")
		w.do("POST", "/v1/sandbox/clock", `{"advance":"3h"}`).want(http.StatusOK, "")
		w.Clock.Advance(2 * time.Second) // the door keeps a caller for a second
		if got := w.do("GET", "/v1/checkouts/"+second, ""); got.text("/state") != "expired" {
			t.Errorf("the second checkout is %s", got.Body)
		}
		w.do("POST", "/v1/checkouts/"+second+"/cancel", "").want(http.StatusConflict, "checkout_state")
		third := w.do("POST", "/v1/checkouts", body).want(http.StatusCreated, "").text("/id")
		for filter, want := range map[string]string{
			"":                  third + " " + second + " " + first,
			"state=open":        third,
			"state=expired":     second,
			"state=cancelled":   first,
			"reference=order-1": third + " " + second + " " + first,
			"reference=order-2": "",
		} {
			if got := w.all("/v1/checkouts", filter); got != want {
				t.Errorf("the list %q has %q, want %q", filter, got, want)
			}
		}
	})
}

// all are the ids of a list, read page by page.
func (w *world) all(path, filter string) string {
	w.T.Helper()
	var ids []string
	for after := ""; ; {
		page := w.do("GET", path+"?limit=1&"+filter+after, "").want(http.StatusOK, "")
		for i := range page.field("/data").([]any) {
			ids = append(ids, page.text(fmt.Sprintf("/data/%d/id", i)))
		}
		if more, _ := page.field("/has_more").(bool); !more {
			return strings.Join(ids, " ")
		}
		after = "&after=" + page.text("/next")
	}
}

func TestTokensOfACaller(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		limit := payment.Limit{Kind: payment.LimitAmount, Value: 100_000_000}
		count := payment.Limit{Kind: payment.LimitCount, Value: 2, Period: payment.Period{N: 1, Unit: payment.Month}}
		lasting := string(w.Token(payment.Token{
			Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: holdfast.MethodCC, Reference: "card-1",
		}, limit, count))
		single, cancelled := string(w.Authorize("20")), string(w.Authorize("30"))
		w.do("POST", "/v1/holds", fmt.Sprintf(`{"token":%q,"amount":%s}`, lasting, usd("12.50"))).want(http.StatusCreated, "")
		got := w.do("GET", "/v1/tokens/"+lasting, "").want(http.StatusOK, "")
		if got.text("/limits/0/amount_left/amount") != "87.50" || got.field("/limits/1/count_left") != 1.0 ||
			got.text("/limits/1/period") != "1 month" || got.text("/limits/1/resets") == "" || got.text("/method") != "card" {
			t.Errorf("the token is %s", got.Body)
		}
		for range 2 {
			got := w.do("POST", "/v1/tokens/"+cancelled+"/cancel", "").want(http.StatusOK, "")
			if got.text("/state") != "cancelled" {
				t.Errorf("the cancelled token is %s", got.Body)
			}
		}
		w.do("POST", "/v1/holds", fmt.Sprintf(`{"token":%q,"amount":%s}`, cancelled, usd("1"))).
			want(http.StatusUnprocessableEntity, "token_not_active")
		for filter, want := range map[string]string{
			"":                             cancelled + " " + single + " " + lasting,
			"state=active":                 lasting + " " + single,
			"state=cancelled":              cancelled,
			"state=used":                   "",
			"type=multi_use":               lasting,
			"state=active&type=single_use": single,
			"reference=card-1":             lasting,
			"reference=card-1&state=used":  "",
		} {
			if got := w.all("/v1/tokens", filter); got != want {
				t.Errorf("the list %q has %q, want %q", filter, got, want)
			}
		}
		w.do("GET", "/v1/tokens?state=active&after="+w.do("GET", "/v1/tokens?limit=1", "").text("/next"), "").
			want(http.StatusUnprocessableEntity, "invalid_cursor")
	})
}

func TestBalances(t *testing.T) {
	onBoth(t, func(t *testing.T, w *world) {
		w.Paid("50.00", "order-1")
		prepaid, _, _ := w.Aggregate(holdfast.MethodPrepaid, "100")
		credit, _, _ := w.Aggregate(holdfast.MethodDebt, "200")
		if got, want := w.all("/v1/balances", ""), "account "+string(credit.ID)+" "+string(prepaid.ID); got != want {
			t.Errorf("the list has %q, want %q", got, want)
		}
		account := w.do("GET", "/v1/balances/account", "").want(http.StatusOK, "")
		if account.text("/amount/amount") == "0.00" || account.text("/kind") != "account" {
			t.Errorf("the balance is %s", account.Body)
		}
		got := w.do("GET", "/v1/balances/"+string(credit.ID), "").want(http.StatusOK, "")
		if got.text("/kind") != "credit" || got.text("/limit/amount") != "200.00" || got.text("/amount/amount") != "0.00" {
			t.Errorf("the credit instrument is %s", got.Body)
		}
		_, other := w.newKey(w.OtherShop().ID, allScopes...)
		w.do("GET", "/v1/balances/"+string(prepaid.ID), "", bearer(other)).want(http.StatusNotFound, "not_found")
		w.SetStanding(w.Owner.ID, party.Suspended)
		w.do("GET", "/v1/balances/account", "").want(http.StatusUnprocessableEntity, "account_state")
	})
}

func TestSandboxClock(t *testing.T) {
	w := newWorld(t)
	begin := w.do("GET", "/v1/sandbox/clock", "").want(http.StatusOK, "")
	if begin.field("/offset_seconds") != 0.0 {
		t.Errorf("the clock is %s", begin.Body)
	}
	if got := w.do("POST", "/v1/sandbox/clock", `{"advance":"1h30m"}`); got.field("/offset_seconds") != 5400.0 {
		t.Errorf("the moved clock is %s", got.Body)
	}
	now := w.CallerNow()
	if got := w.do("POST", "/v1/sandbox/clock", fmt.Sprintf(`{"to":%q}`, now.Add(time.Hour).Format(time.RFC3339Nano))); got.
		field("/offset_seconds") != 9000.0 {
		t.Errorf("the clock that was moved to a time is %s", got.Body)
	}
	for _, body := range []string{
		`{}`, `{"advance":"1h","reset":true}`, `{"advance":"0h"}`, `{"advance":"99999999999h"}`, `{"advance":"-1h"}`,
		`{"advance":"90000h"}`, `{"to":"2001-01-01T00:00:00Z"}`, `{"to":"9999-01-01T00:00:00Z"}`, `{"reset":false}`,
	} {
		if got := w.do("POST", "/v1/sandbox/clock", body); got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s is answered with %d %s", body, got.Code, got.Body)
		}
	}
	if got := w.do("POST", "/v1/sandbox/clock", `{"reset":true}`); got.field("/offset_seconds") != 0.0 {
		t.Errorf("the reset clock is %s", got.Body)
	}
	w.AtStripe("")
	w.Clock.Advance(2 * time.Second) // the door keeps a caller for a second
	w.do("GET", "/v1/sandbox/clock", "").want(http.StatusForbidden, "not_allowed")
	w.do("POST", "/v1/sandbox/clock", `{"advance":"1h"}`).want(http.StatusForbidden, "not_allowed")
}

// Events about tokens and checkouts use the words of their resources.
func TestEventsHaveTheWordsOfResources(t *testing.T) {
	w := newWorld(t)
	made := w.do("POST", "/v1/checkouts", aCheckout("recurring", `"amount":`+usd("5"), `"period":"1 month"`))
	made.want(http.StatusCreated, "")
	w.approves(made.text("/id"))
	_, _, settles := w.Aggregate(holdfast.MethodDebt, "200")
	compared := 0
	for _, e := range w.Feed() {
		path := map[payment.EventType]string{
			payment.EventTokenCreated: "/v1/tokens/", payment.EventCheckoutCompleted: "/v1/checkouts/",
		}[e.Type]
		if path == "" {
			continue
		}
		var told map[string]any
		if err := json.Unmarshal([]byte(e.Data), &told); err != nil {
			t.Fatal(err)
		}
		shown := w.do("GET", path+e.ObjectID, "").want(http.StatusOK, "")
		for _, field := range []string{"id", "state", "type", "use", "amount_type", "reference", "status", "token"} {
			if got := shown.field("/" + field); got != told[field] {
				t.Errorf("%s of %s is %v in the event and %v in the resource", field, e.ObjectID, told[field], got)
			}
			compared++
		}
	}
	if compared < 24 || settles == "" { // the recurring token, the checkout, and the token that settles the debt
		t.Errorf("only %d fields were compared", compared)
	}
}
