package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzBody sends any text as the body of a hold. The answer is a problem that the
// document describes, or a hold, and never a fault of the server.
func FuzzBody(f *testing.F) {
	w := newWorld(f)
	token := w.Authorize("5.00")
	good := `{"token":"` + string(token) + `","amount":{"amount":"5.00","currency":"USD"},"metadata":{"a":"b"}}`
	for _, seed := range []string{
		good, ``, `{}`, `[]`, `null`, `{"token":1}`, `{"amount":{"amount":"1e5"}}`, `{"a":{"b":[{"c":1e999}]}}`,
		strings.Repeat(`{"a":`, 25), `{"a":1,"a":2}`, "\ufeff{}", `{"token":"\u0000"}`, `{"deadline":"2026-11-24T00:00:00Z"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		w.T = t
		got := w.do("POST", "/v1/holds", body)
		if got.Code >= http.StatusInternalServerError {
			t.Errorf("%q: answered %d %s", body, got.Code, got.Body)
		}
	})
}

// FuzzTarget sends any path and query.
func FuzzTarget(f *testing.F) {
	w := newWorld(f)
	for _, seed := range [][2]string{
		{"holds", "limit=1"},
		{"holds/1T1", ""},
		{"holds", "after=AAAAAAAAAAAAAAAA&state=held"},
		{"../holds", "%zz"},
		{"holds/1T1/settle", "created_from=2026-11-23T10:15:30Z"},
		{"", "a;b"},
		{"holds/\x00", "amount_from=1"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		w.T = t
		got := w.do("GET", "/v1/x", "", func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/v1/"+path, query })
		if got.Code >= http.StatusInternalServerError {
			t.Errorf("%q ? %q: answered %d %s", path, query, got.Code, got.Body)
		}
	})
}
