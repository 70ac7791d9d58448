package api_test

import (
	"encoding/base64"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// twins are servers of the JSON API that differ only in their database: SQLite and,
// if the tests have one, PostgreSQL.
type twins []*world

func newTwins(f *testing.F) (all twins) {
	f.Helper()
	for _, address := range holdfasttest.Addresses(f) {
		all = append(all, prepareStory(newWorldOn(f, holdfasttest.Open(f, address(f)))))
	}
	return all
}

// begin makes the objects of the story with which it begins.
func (all twins) begin() twins {
	begins := []string{"create-endpoint", "create-checkout", "create-hold", "", "create-payment"}
	for _, w := range all {
		for _, s := range story {
			if !slices.Contains(begins, s.operation) {
				continue
			}
			if got := w.tell(s); got.Code >= http.StatusBadRequest {
				w.T.Fatalf("%s %s is refused: %s", s.method, s.path, got.Body)
			}
		}
	}
	return all
}

// send sends a request to every server. They answer alike, and with a problem that
// the document describes or with a success, never with a fault of the server.
func (all twins) send(t testing.TB, method, path, body string, options ...option) (first answer) {
	t.Helper()
	for i, w := range all {
		w.T = t
		got := w.do(method, path, body, options...)
		if got.Code >= http.StatusInternalServerError {
			t.Fatalf("%s %s %q: answered %d %s", method, path, body, got.Code, got.Body)
		}
		if i == 0 {
			first = got
		} else if got.Code != first.Code || got.Body.String() != first.Body.String() {
			t.Fatalf("%s %s %q: one database answers %d %s\nthe other one %d %s", method, path, body, first.Code, first.Body,
				got.Code, got.Body)
		}
	}
	return first
}

// hostileValues are JSON values that are wrong, or right at the edge.
func hostileValues() []string {
	return []string{
		``, `{}`, `[]`, `null`, "\ufeff{}", `{} {}`, `{"token":"\u0000"}`, `{"token":"\ud800"}`, "{\"token\":\"\xff\"}",
		`{"a":1,"a":2}`, `{"a":1,"\u0061":2}`, `{"metadata":{"a":"1","a":"2"}}`,
		`{"amount":{"amount":"1.00","amount":"2.00","currency":"USD"}}`,
		strings.Repeat(`{"a":`, 19) + `1` + strings.Repeat(`}`, 19), strings.Repeat(`{"a":`, 25),
		strings.Repeat(`[`, 60_000), strings.Repeat(`{"metadata":`, 5_000),
		`{"amount":{"amount":"1e5","currency":"USD"}}`, `{"a":{"b":[{"c":1e999}]}}`, `{"overlap_hours":1e2147483648}`,
		`{"overlap_hours":9223372036854775808}`, `{"overlap_hours":-0}`, `{"overlap_hours":` + strings.Repeat("9", 400) + `}`,
		`{"amount":{"amount":"92233720368547758.07","currency":"USD"}}`,
		`{"amount":{"amount":"` + strings.Repeat("9", 400) + `","currency":"USD"}}`,
		`{"deadline":"2026-11-24T00:00:00Z"}`, `{"to":"9999-12-31T23:59:59.999999999Z"}`, `{"since":"0001-01-01T00:00:00Z"}`,
		`{"url":"http://[::1"}`, `{"return_url":"javascript:alert(1)"}`, `{"types":["hold.*","\u202e"]}`,
	}
}

// FuzzBodies sends any text as the body of any operation.
func FuzzBodies(f *testing.F) {
	all := newTwins(f).begin()
	steps := bodies(f)
	names := slices.Sorted(maps.Keys(steps))
	for i, name := range names {
		f.Add(uint8(i), steps[name].body)
		for _, body := range hostileValues() {
			f.Add(uint8(i), body)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, body string) {
		s := steps[names[int(which)%len(names)]]
		got := all.send(t, s.method, all[0].pathOf(s), body)
		if s.operation == "move-clock" && got.Code == http.StatusOK {
			all.send(t, s.method, s.path, `{"reset":true}`) // nothing of the next inputs expires
		}
	})
}

// FuzzTarget reads any path with any query.
func FuzzTarget(f *testing.F) {
	all := newTwins(f).begin()
	for _, seed := range [][2]string{
		{"holds", "limit=1"},
		{"holds", "limit=99999999999999999999"},
		{"holds/1T1", ""},
		{"../holds", "%zz"},
		{"holds", "after=AAAAAAAAAAAAAAAA&state=held"},
		{"holds/1T1/settle", "created_from=2026-11-23T10:15:30Z"},
		{"", "a;b"},
		{"holds/\x00", "amount_from=1"},
		{"holds/\xff", "reference=%ff"},
		{"holds", "reference=%00"},
		{"holds", "limit=1&limit=2"},
		{"holds", "deadline_from=9999-12-31T23:59:59Z&deadline_to=0001-01-01T00:00:00Z"},
		{"payments", "amount_from=99999999999999999999&amount_to=-1"},
		{"payments", "amount_from=1e5"},
		{"events", "types=hold.*,%00&object=%e2%82"},
		{"tokens", "reference=" + strings.Repeat("x", 200)},
		{"holds/" + transaction(1), "expand=token,token,payments,"},
		{"balances/account", "x"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		all.send(t, "GET", "/v1/x", "", func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/v1/"+path, query })
	})
}

// FuzzCursor reads the lists after any cursor. What is no cursor of the list is
// refused.
func FuzzCursor(f *testing.F) {
	all := newTwins(f).begin()
	var lists []string
	for id, operation := range all[0].operations() {
		if strings.HasPrefix(id, "list-") && id != "list-endpoints" && id != "list-balances" {
			lists = append(lists, strings.Replace(operation[1], "{id}", "W0001", 1))
		}
	}
	slices.Sort(lists)
	cursors := []string{"", "x", "%00", "AAAAAAAAAAAAAAAA", strings.Repeat("A", 512), strings.Repeat("_", 513)}
	for _, path := range lists {
		if next := all.send(f, "GET", path+"?limit=1", "").text("/next"); next != "" {
			decoded, err := base64.RawURLEncoding.DecodeString(next)
			if err != nil {
				f.Fatal(err)
			}
			cursors = append(cursors, next, next+"A", next[1:], strings.ToLower(next), next+"\n",
				base64.StdEncoding.EncodeToString(decoded), base64.RawURLEncoding.EncodeToString(append(decoded, 0)))
		}
	}
	if len(cursors) < 12 {
		f.Fatal("no list has a second page")
	}
	for i := range lists {
		for _, after := range cursors {
			f.Add(uint8(i), after)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, after string) {
		path := lists[int(which)%len(lists)]
		got := all.send(t, "GET", path, "", func(r *http.Request) {
			q := r.URL.Query()
			q.Set("limit", "1")
			q.Set("after", after)
			r.URL.RawQuery = q.Encode()
		})
		if got.Code != http.StatusOK && got.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s after %q: answered %d %s", path, after, got.Code, got.Body)
		}
	})
}

// FuzzIdempotencyKey makes holds with any idempotency key. A good key makes one hold,
// however often it comes, and none with another body. A bad one makes none.
func FuzzIdempotencyKey(f *testing.F) {
	all := newTwins(f)
	for _, key := range []string{
		"order-1", "order-1 ", "", " ", "\x00", "\t", "é", "\xff", "~!", "'; DROP TABLE calls; --", strings.Repeat("k", 128),
		strings.Repeat("k", 129), "order-1\r\nX-Other: 1", "ORDER-1", "%41",
	} {
		f.Add(key)
	}
	body := func(amount string) string {
		return `{"token":"` + token(3) + `","amount":{"amount":"` + amount + `","currency":"USD"}}`
	}
	f.Fuzz(func(t *testing.T, key string) {
		send := func(amount string) answer {
			return all.send(t, "POST", "/v1/holds", body(amount), header("Idempotency-Key", key))
		}
		if payment.CheckIdempotencyKey(key) != nil {
			send("1.00").want(http.StatusBadRequest, "")
			return
		}
		first := send("1.00").want(http.StatusCreated, "")
		if again := send("1.00"); again.Code != first.Code || again.Body.String() != first.Body.String() {
			t.Errorf("with the key %q again: %d %s, want %s", key, again.Code, again.Body, first.Body)
		}
		send("2.00").want(http.StatusConflict, "idempotency_key_reused")
	})
}
