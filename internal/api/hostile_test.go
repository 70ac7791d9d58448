package api_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// bodies are the steps of the story that have a body, with the body.
func bodies(t testing.TB) map[string]step {
	t.Helper()
	all := map[string]step{}
	for _, s := range story {
		text, err := os.ReadFile(filepath.Join("examples", s.operation+".request.json"))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		s.body = string(text)
		all[s.operation] = s
	}
	if len(all) < 10 {
		t.Fatalf("only %d operations have a body", len(all))
	}
	return all
}

// A wrong body is a body of an example with one change, and what is wrong with it.
type wrongBody struct {
	name, body       string
	status           int
	pointer, problem string // of the first error
}

// wrongBodies are bodies that no operation may accept.
func wrongBodies(t *testing.T, good string) (all []wrongBody) {
	t.Helper()
	const unprocessable = http.StatusUnprocessableEntity
	begin := func(with string) string { return strings.Replace(good, "{", "{"+with+",", 1) }
	if strings.TrimSpace(good) == "{}" {
		begin = func(with string) string { return "{" + with + "}" }
	}
	all = []wrongBody{
		{"unknown field", begin(`"colour":"red"`), unprocessable, "/colour", "unknown_field"},
		{"name twice", begin(`"x":1,"x":2`), http.StatusBadRequest, "/x", "duplicate_field"},
		{"deep", begin(`"x":` + strings.Repeat(`[`, 30) + strings.Repeat(`]`, 30)), http.StatusBadRequest, "", "invalid_json"},
		{"a list", `[` + good + `]`, unprocessable, "", "wrong_type"},
		{"cut off", good[:strings.LastIndex(good, "}")], http.StatusBadRequest, "", "invalid_json"},
		{"large", begin(`"x":"` + strings.Repeat("x", 70_000) + `"`), http.StatusRequestEntityTooLarge, "", ""},
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(good), &fields); err != nil {
		t.Fatal(err)
	}
	with := func(name, value string) string {
		changed := maps.Clone(fields)
		changed[name] = json.RawMessage(value)
		text, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		other := `"text"`
		if fields[name][0] == '"' {
			other = `1e999999999`
		}
		all = append(all,
			wrongBody{"type of " + name, with(name, other), unprocessable, "/" + name, "wrong_type"},
			wrongBody{"null as " + name, with(name, `null`), unprocessable, "/" + name, "wrong_type"})
		switch fields[name][0] {
		case '2': // a whole number
			for _, number := range []string{`99999999999999999999`, `1e2`, `2.5`, `-1`} {
				all = append(all, wrongBody{number, with(name, number), unprocessable, "/" + name, "invalid_value"})
			}
		case '{':
			if name == "amount" {
				all = append(all, wrongAmounts(with)...)
			}
		}
	}
	return all
}

// wrongAmounts are bodies with an amount that is none.
func wrongAmounts(with func(name, value string) string) (all []wrongBody) {
	for _, value := range []string{
		"12.505", "-1.00", "1e3", "99999999999999999999", "1,50", "", " 1", "0x10", "١٢", "NaN",
	} {
		all = append(all, wrongBody{
			"the amount " + value, with("amount", `{"amount":"`+value+`","currency":"USD"}`),
			http.StatusUnprocessableEntity, "/amount/amount", "invalid_value",
		})
	}
	for _, currency := range []string{"EUR", "usd", "", "USDT"} {
		all = append(all, wrongBody{
			"the currency " + currency, with("amount", `{"amount":"1.00","currency":"`+currency+`"}`),
			http.StatusUnprocessableEntity, "/amount/currency", "invalid_value",
		})
	}
	return all
}

// Every operation refuses bodies that are wrong, before it does anything. The
// answer says where the fault is.
func TestBadBodiesOfEveryOperation(t *testing.T) {
	w := storyWorld(t)
	entries := len(w.entries())
	for operation, s := range bodies(t) {
		path := strings.NewReplacer("{lasting}", "1T1").Replace(s.path)
		for _, wrong := range wrongBodies(t, s.body) {
			got := w.do(s.method, path, wrong.body)
			if got.Code != wrong.status || got.text("/errors/0/code") != wrong.problem ||
				wrong.pointer != "" && got.text("/errors/0/pointer") != wrong.pointer {
				t.Errorf("%s, %s: answered %d %s", operation, wrong.name, got.Code, got.Body)
			}
		}
	}
	if n := len(w.Network.Asked()); n > 0 || len(w.entries()) > entries {
		t.Errorf("the network was asked %d times, and the audit log has %d new entries", n, len(w.entries())-entries)
	}
}

// Every operation that needs an idempotency key refuses a request without one. No
// key can be used for two operations.
func TestIdempotencyKeysOfEveryOperation(t *testing.T) {
	w := storyWorld(t)
	first := map[string]step{} // by idempotency key
	for _, s := range story {
		if s.key != "" {
			w.tell(s, header("Idempotency-Key", "")).want(http.StatusBadRequest, "idempotency_key_missing")
		}
		w.tell(s)
		if s.key != "" {
			first[s.key] = s
		}
	}
	for _, s := range story {
		for key, other := range first {
			if s.key == "" || other.path == s.path {
				continue
			}
			got := w.tell(s, header("Idempotency-Key", key)).want(http.StatusConflict, "idempotency_key_reused")
			if !strings.Contains(got.text("/detail"), "POST /v1/") {
				t.Errorf("%s with the key of %s: %s", s.path, other.path, got.Body)
			}
		}
	}
}

// A cursor of another list is refused by every list.
func TestCursorsOfEveryList(t *testing.T) {
	w := storyWorld(t)
	for range 2 {
		w.do("POST", "/v1/holds", w.newHold("5.00")).want(http.StatusCreated, "")
	}
	foreign := w.do("GET", "/v1/holds?limit=1", "").text("/next")
	lists := 0
	for id, operation := range w.operations() {
		path := strings.Replace(operation[1], "{id}", "W0001", 1)
		if !strings.HasPrefix(id, "list-") || id == "list-endpoints" || id == "list-balances" {
			continue
		}
		lists++
		for _, after := range []string{"x", strings.Repeat("A", 24), foreign, foreign + "A", "%00"} {
			if id == "list-holds" && after == foreign {
				continue
			}
			got := w.do("GET", path+"?after="+after, "")
			if got.Code != http.StatusUnprocessableEntity ||
				got.text("/code") != "invalid_cursor" && got.text("/code") != "invalid_request" {
				t.Errorf("%s after %s: answered %d %s", id, after, got.Code, got.Body)
			}
		}
	}
	if lists < 6 {
		t.Errorf("only %d lists have cursors", lists)
	}
}
