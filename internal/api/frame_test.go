package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

var allScopes = party.AllScopes

// Bodies that are wrong are refused before anything is read or written, with the
// place and the kind of each fault.
func TestBadBodies(t *testing.T) {
	const token = `"token":"K1"`
	const amount = `"amount":{"amount":"12.50","currency":"USD"}`
	w := newWorld(t)
	for _, row := range []struct {
		name, body   string
		status       int
		code         string
		pointer, why string // of the first error
	}{
		{"unknown field", `{` + token + `,` + amount + `,"colour":"red"}`, 422, "invalid_request", "/colour", "unknown_field"},
		{"unknown field in an object", `{` + token + `,"amount":{"amount":"1","currency":"USD","x":1}}`, 422, "invalid_request", "/amount/x", "unknown_field"},
		{"another case", `{"Token":"K1",` + amount + `}`, 422, "invalid_request", "/Token", "unknown_field"},
		{"missing field", `{` + amount + `}`, 422, "invalid_request", "/token", "missing_field"},
		{"missing everything", ``, 400, "invalid_json", "", "invalid_json"},
		{"number as amount", `{` + token + `,"amount":{"amount":12.5,"currency":"USD"}}`, 422, "invalid_request", "/amount/amount", "wrong_type"},
		{"amount as text", `{` + token + `,"amount":"12.50"}`, 422, "invalid_request", "/amount", "wrong_type"},
		{"huge number", `{` + token + `,"amount":1e999999999}`, 422, "invalid_request", "/amount", "wrong_type"},
		{"huge amount", `{` + token + `,"amount":{"amount":"99999999999999999999","currency":"USD"}}`, 422, "invalid_request", "/amount/amount", "invalid_value"},
		{"large amount", `{"token":"` + string(w.Authorize("20.00")) + `","amount":{"amount":"999999999999","currency":"USD"}}`, 422, "amount_out_of_range", "", ""},
		{"three decimals", `{` + token + `,"amount":{"amount":"12.505","currency":"USD"}}`, 422, "invalid_request", "/amount/amount", "invalid_value"},
		{"negative", `{` + token + `,"amount":{"amount":"-1","currency":"USD"}}`, 422, "invalid_request", "/amount/amount", "invalid_value"},
		{"exponent", `{` + token + `,"amount":{"amount":"1e3","currency":"USD"}}`, 422, "invalid_request", "/amount/amount", "invalid_value"},
		{"other currency", `{` + token + `,"amount":{"amount":"1","currency":"EUR"}}`, 422, "invalid_request", "/amount/currency", "invalid_value"},
		{"null", `{"token":null,` + amount + `}`, 422, "invalid_request", "/token", "wrong_type"},
		{"name twice", `{` + token + `,` + amount + `,"token":"K2"}`, 400, "duplicate_field", "/token", "duplicate_field"},
		{"name twice, escaped", `{` + token + `,` + amount + `,"\u0074oken":"K2"}`, 400, "duplicate_field", "/token", "duplicate_field"},
		{"deep", `{"metadata":` + strings.Repeat(`{"a":`, 30) + `1` + strings.Repeat(`}`, 30) + `}`, 400, "invalid_json", "", "invalid_json"},
		{"deep list", strings.Repeat(`[`, 60_000), 400, "invalid_json", "", "invalid_json"},
		{"a list", `[]`, 422, "invalid_request", "", "wrong_type"},
		{"text", `hello`, 400, "invalid_json", "", "invalid_json"},
		{"cut off", `{` + token, 400, "invalid_json", "", "invalid_json"},
		{"something after it", `{` + token + `,` + amount + `} {}`, 400, "invalid_json", "", "invalid_json"},
		{"no UTF-8", "{\"token\":\"\xff\"," + amount + `}`, 400, "invalid_json", "", "invalid_json"},
		{"half a surrogate", `{"token":"\ud800",` + amount + `}`, 400, "invalid_json", "", "invalid_json"},
		{"zero character", `{"token":"a\u0000",` + amount + `}`, 422, "invalid_request", "/token", "invalid_value"},
		{"empty token", `{"token":"",` + amount + `}`, 422, "invalid_request", "/token", "invalid_value"},
		{"long reference", `{` + token + `,` + amount + `,"reference":"` + strings.Repeat("x", 129) + `"}`, 422, "invalid_request", "/reference", "invalid_value"},
		{"wrong time", `{` + token + `,` + amount + `,"deadline":"tomorrow"}`, 422, "invalid_request", "/deadline", "invalid_value"},
		{"past deadline", `{` + token + `,` + amount + `,"deadline":"2020-01-01T00:00:00Z"}`, 422, "deadline_invalid", "/deadline", "invalid_value"},
		{"metadata of a number", `{` + token + `,` + amount + `,"metadata":{"a":1}}`, 422, "invalid_request", "/metadata/a", "wrong_type"},
		{"large metadata", `{` + token + `,` + amount + `,"metadata":{"a":"` + strings.Repeat("x", 501) + `"}}`, 422, "metadata_invalid", "/metadata/a", "invalid_value"},
		{"large body", `{"token":"` + strings.Repeat("x", 70_000) + `"}`, 413, "body_too_large", "", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			got := w.do("POST", "/v1/holds", row.body).want(row.status, row.code)
			pointer, why := got.text("/errors/0/pointer"), got.text("/errors/0/code")
			if why != row.why || row.pointer != "" && pointer != row.pointer {
				t.Errorf("the answer is %s", got.Body)
			}
			if n := len(w.Network.Asked()); n > 0 {
				t.Errorf("the network was asked %d times", n)
			}
		})
	}
}

// All faults of a body come in one answer.
func TestAllFaultsAtOnce(t *testing.T) {
	w := newWorld(t)
	got := w.do("POST", "/v1/holds", `{"amount":{"amount":1},"b":1,"a":[{}]}`).want(422, "invalid_request")
	var places []string
	for i := 0; got.field(fmt.Sprintf("/errors/%d", i)) != nil; i++ {
		places = append(places, got.text(fmt.Sprintf("/errors/%d/pointer", i)))
	}
	if s := strings.Join(places, " "); s != "/amount/amount /amount/currency /b /a /token" {
		t.Errorf("the faults are at %s", s)
	}
	many := `{"x":1,`
	for i := range 100 {
		many += fmt.Sprintf(`"x%d":1,`, i)
	}
	got = w.do("POST", "/v1/holds", strings.TrimSuffix(many, ",")+`}`).want(422, "invalid_request")
	if got.field("/errors/19") == nil || got.field("/errors/20") != nil {
		t.Errorf("not 20 faults: %s", got.Body)
	}
}

// Keys that are missing, wrong, revoked, expired or of another mode are refused
// before the body is read.
func TestBadKeys(t *testing.T) {
	w := newWorld(t)
	revoked, revokedText := w.newKey(w.Shop.ID, allScopes...)
	if _, err := w.Processor.RevokeKey(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	short := w.shortKey()
	w.do("GET", "/v1/holds", "", bearer(short)).want(http.StatusOK, "")
	w.Clock.Advance(time.Hour)
	for _, row := range []struct{ name, header, code string }{
		{"none", "", "key_missing"},
		{"another scheme", "Basic Zm9vOmJhcg==", "key_missing"},
		{"no key", "Bearer ", "key_unknown"},
		{"no such key", "Bearer hf_test_J9999_" + strings.Repeat("x", 49), "key_unknown"},
		{"mistyped", "Bearer " + w.key[:len(w.key)-1] + "x", "key_unknown"},
		{"another secret", "Bearer " + strings.Replace(w.key, "000000", "000001", 1), "key_unknown"},
		{"live", "Bearer " + strings.Replace(w.key, "test", "live", 1), "key_unknown"},
		{"revoked", "Bearer " + revokedText, "key_revoked"},
		{"expired", "Bearer " + short, "key_expired"},
		{"lower case", "bearer " + short, "key_expired"},
		{"long", "Bearer " + strings.Repeat("x", 100_000), "key_unknown"},
	} {
		got := w.do("POST", "/v1/holds", "not JSON", header("Authorization", row.header))
		if got.Code != http.StatusUnauthorized || got.text("/code") != row.code ||
			got.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: answered %d %s", row.name, got.Code, got.Body)
		}
	}
	got := w.do("GET", "/v1/holds", "", func(r *http.Request) { r.Header.Add("Authorization", "Bearer "+w.key) })
	got.want(http.StatusUnauthorized, "key_missing")
	if strings.Contains(w.log.String(), "hf_test_") || strings.Contains(w.log.String(), w.key[20:40]) {
		t.Errorf("the log has a key:\n%s", w.log.String())
	}
}

// shortKey is a key that expires in an hour.
func (w *world) shortKey() string {
	w.T.Helper()
	_, text, err := w.Processor.AddKey(w.T.Context(), w.Shop.ID, processor.NewKey{
		Name: "Short", Scopes: "read", Life: time.Hour,
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return text
}

// A key that lacks the scope of an operation is refused, and the answer names the
// scope. A payment at once needs a second one.
func TestScopes(t *testing.T) {
	w := newWorld(t)
	for id, operation := range w.operations() {
		path := strings.Replace(operation[1], "{id}", "1T1", 1)
		missing := 0
		for _, scope := range allScopes {
			var others []party.Scope
			for _, other := range allScopes {
				if other != scope {
					others = append(others, other)
				}
			}
			_, key := w.newKey(w.Shop.ID, others...)
			got := w.do(operation[0], path, "", bearer(key), header("Idempotency-Key", "k"))
			if got.Code != http.StatusForbidden {
				continue
			}
			missing++
			if got.text("/code") != "scope_missing" || got.text("/scope") != string(scope) {
				t.Errorf("%s without %s: %s", id, scope, got.Body)
			}
		}
		if missing != 1 {
			t.Errorf("%s needs %d scopes, want 1", id, missing)
		}
	}
	_, key := w.newKey(w.Shop.ID, party.ScopeHold)
	got := w.do("POST", "/v1/payments", `{"token": "K1", "amount": {"amount": "1.00", "currency": "USD"}}`, bearer(key),
		header("Idempotency-Key", "k"))
	if got.Code != http.StatusForbidden || got.text("/scope") != string(party.ScopeSettle) {
		t.Errorf("a payment with the scope hold alone: %s", got.Body)
	}
}

// Paths, methods, parameters and headers that are wrong.
func TestBadRequests(t *testing.T) {
	w := newWorld(t)
	long, form := strings.Repeat("x", 129), header("Content-Type", "application/x-www-form-urlencoded")
	second := func(r *http.Request) { r.Header.Add("Idempotency-Key", "b") }
	for _, row := range []struct {
		method, target string
		status         int
		code           string
		options        []option
	}{
		{"GET", "/v1/nothing", 404, "not_found", nil},
		{"GET", "/v1/holds/", 404, "not_found", nil},
		{"GET", "/v1//holds", 404, "not_found", nil},
		{"GET", "/v1/../v1/holds", 404, "not_found", nil},
		{"GET", "/v1/holds/1/2/3", 404, "not_found", nil},
		{"DELETE", "/v1/holds", 405, "method_not_allowed", nil},
		{"HEAD", "/v1/holds", 405, "", nil},
		{"GET", "/v1/holds/nothing", 404, "not_found", nil},
		{"GET", "/v1/holds/%00", 404, "not_found", nil},
		{"GET", "/v1/holds/" + strings.Repeat("x", 200), 422, "invalid_request", nil},
		{"GET", "/v1/holds?colour=red", 422, "invalid_request", nil},
		{"GET", "/v1/holds?limit=1&limit=2", 422, "invalid_request", nil},
		{"GET", "/v1/holds?limit=0", 422, "invalid_request", nil},
		{"GET", "/v1/holds?limit=101", 422, "invalid_request", nil},
		{"GET", "/v1/holds?limit=x", 422, "invalid_request", nil},
		{"GET", "/v1/holds?limit=99999999999999999999", 422, "invalid_request", nil},
		{"GET", "/v1/holds?state=lost", 422, "invalid_request", nil},
		{"GET", "/v1/holds?created_from=today", 422, "invalid_request", nil},
		{"GET", "/v1/holds?amount_from=1.234", 422, "invalid_request", nil},
		{"GET", "/v1/holds?state=%zz", 422, "invalid_request", nil},
		{"GET", "/v1/holds?after=xyz", 422, "invalid_cursor", nil},
		{"POST", "/v1/holds", 400, "idempotency_key_missing", []option{header("Idempotency-Key", "")}},
		{"POST", "/v1/holds", 400, "idempotency_key_invalid", []option{header("Idempotency-Key", "a b")}},
		{"POST", "/v1/holds", 400, "idempotency_key_invalid", []option{header("Idempotency-Key", long)}},
		{"POST", "/v1/holds", 400, "idempotency_key_invalid", []option{second}},
		{"POST", "/v1/holds", 415, "media_type_not_supported", []option{form}},
		{"POST", "/v1/holds", 415, "media_type_not_supported", []option{header("Content-Encoding", "gzip")}},
	} {
		got := w.do(row.method, row.target, "", row.options...)
		if got.Code != row.status || row.code != "" && got.text("/code") != row.code {
			t.Errorf("%s %s: answered %d %s, want %d %s", row.method, row.target, got.Code, got.Body, row.status, row.code)
		}
		if got.Header().Get("Request-Id") == "" || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s: the headers are %v", row.method, row.target, got.Header())
		}
	}
}

// A cursor belongs to its caller and its filters.
func TestCursors(t *testing.T) {
	w := newWorld(t)
	for range 3 {
		w.do("POST", "/v1/holds", w.newHold("5.00")).want(http.StatusCreated, "")
	}
	first := w.do("GET", "/v1/holds?limit=2", "").want(http.StatusOK, "")
	next := first.text("/next")
	if first.field("/has_more") != true || next == "" {
		t.Fatalf("the answer is %s", first.Body)
	}
	second := w.do("GET", "/v1/holds?limit=2&after="+next, "").want(http.StatusOK, "")
	if second.field("/has_more") != false || second.field("/data/1") != nil ||
		second.text("/data/0/id") == first.text("/data/1/id") {
		t.Errorf("the second page is %s", second.Body)
	}
	w.do("GET", "/v1/holds?state=held&after="+next, "").want(422, "invalid_cursor")
	_, other := w.newKey(w.OtherShop().ID, allScopes...)
	w.do("GET", "/v1/holds?limit=2&after="+next, "", bearer(other)).want(422, "invalid_cursor")
	w.do("GET", "/v1/holds?limit=2&after="+next[:len(next)-2], "").want(422, "invalid_cursor")
}

// A fault of the server is answered without its text, which goes to the log.
func TestAFaultOfTheServer(t *testing.T) {
	w := newWorld(t)
	if err := w.DB.Close(); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(2 * time.Second) // the key is read again
	got := w.do("GET", "/v1/holds", "")
	if got.Code < 500 || strings.Contains(got.Body.String(), "sql") || got.text("/request_id") == "" {
		t.Errorf("answered %d %s", got.Code, got.Body)
	}
	if !strings.Contains(w.log.String(), got.text("/request_id")) {
		t.Errorf("the log does not have the request:\n%s", w.log.String())
	}
}
