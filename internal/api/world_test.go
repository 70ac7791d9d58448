package api_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A world is a server of the JSON API with a shop that has a key with all
// scopes.
type world struct {
	*holdfasttest.World
	server  *api.Server
	handler http.Handler
	key     string // of the shop, as text
	log     bytes.Buffer
	calls   atomic.Int64 // for idempotency keys
	saved   map[string]string
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOn(t, holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t)))
}

func newWorldOn(t testing.TB, db *store.DB) *world {
	t.Helper()
	w := &world{World: holdfasttest.NewWorld(t, db), saved: map[string]string{}}
	public, err := url.Parse("https://pay.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	var requests atomic.Int64
	w.server = &api.Server{
		Processor: w.Processor, Store: db.Reader, Keys: api.NewKeys(db.CallerByJSONKey, w.Clock.Now), Public: public,
		Now: w.Clock.Now, Log: slog.New(slog.NewTextHandler(&w.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		NewRequestID: func() string { return fmt.Sprintf("req_%04d", requests.Add(1)) },
	}
	w.handler = w.server.Handler()
	_, w.key = w.newKey(w.Shop.ID, party.AllScopes...)
	return w
}

// newKey makes a key of a caller.
func (w *world) newKey(c party.CallerID, scopes ...party.Scope) (party.JSONKey, string) {
	w.T.Helper()
	var names []string
	for _, scope := range scopes {
		names = append(names, string(scope))
	}
	all, err := party.ParseScopes(names)
	if err != nil {
		w.T.Fatal(err)
	}
	key, text, err := w.Processor.AddKey(w.T.Context(), c, processor.NewKey{Name: "Test", Scopes: all})
	if err != nil {
		w.T.Fatal(err)
	}
	return key, text
}

// An answer is what the server answered.
type answer struct {
	*httptest.ResponseRecorder
	t testing.TB
}

// A sent request is built by its options.
type option func(*http.Request)

func header(name, value string) option {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func bearer(key string) option { return header("Authorization", "Bearer "+key) }

// do sends a request with the shop's key and, if it is a POST, a new idempotency
// key.
func (w *world) do(method, path, body string, options ...option) answer {
	w.T.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	bearer(w.key)(r)
	if method == http.MethodPost {
		r.Header.Set("Idempotency-Key", fmt.Sprintf("call-%d", w.calls.Add(1)))
	}
	for _, o := range options {
		o(r)
	}
	to := httptest.NewRecorder()
	w.handler.ServeHTTP(to, r)
	got := answer{to, w.T}
	if at := r.URL.Path; !strings.HasPrefix(at, "/v1/openapi") && at != api.Path && at+"/" != api.Path {
		w.validate(r, got)
	}
	return got
}

// field returns a field of an answer by its JSON pointer, such as "/errors/0/code".
func (a answer) field(pointer string) any {
	a.t.Helper()
	var at any
	if err := json.Unmarshal(a.Body.Bytes(), &at); err != nil {
		a.t.Fatalf("the answer is not JSON: %v\n%s", err, a.Body)
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		switch v := at.(type) {
		case map[string]any:
			at = v[name]
		case []any:
			i := 0
			if _, err := fmt.Sscan(name, &i); err != nil || i >= len(v) {
				return nil
			}
			at = v[i]
		default:
			return nil
		}
	}
	return at
}

func (a answer) text(pointer string) string {
	a.t.Helper()
	text, _ := a.field(pointer).(string)
	return text
}

// want fails the test unless an answer has a status and, if it is a problem, a
// code.
func (a answer) want(status int, code string) answer {
	a.t.Helper()
	if a.Code != status || code != "" && a.text("/code") != code {
		a.t.Fatalf("answered %d %s, want %d %s", a.Code, a.Body, status, code)
	}
	return a
}

// newHold is the body of a hold with a new token.
func (w *world) newHold(value string) string {
	return fmt.Sprintf(`{"token":%q,"amount":{"amount":%q,"currency":"USD"}}`, w.Authorize(value), value)
}
