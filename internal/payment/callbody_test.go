package payment_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

func TestCanonicalBody(t *testing.T) {
	for body, want := range map[string]string{
		"":                              `{}`,
		" \n":                           `{}`,
		`{ "b" : 1.0, "a": [ "<" ] }`:   `{"a":["<"],"b":1.0}`,
		`{"a":"\u0041\u0000","b":null}`: `{"a":"A\u0000","b":null}`,
		`{"n":12345678901234567890123}`: `{"n":12345678901234567890123}`,
		`[]`:                            `[]`,
		`{`:                             "",
		`{} {}`:                         "",
		`{"a":1}x`:                      "",
		"{\"a\":\"\xff\"}":              "",
	} {
		got, err := payment.CanonicalBody([]byte(body))
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", body, got, err, want)
		}
	}
}

func TestDifferences(t *testing.T) {
	for _, row := range []struct{ a, b, want string }{
		{`{}`, `{}`, ``},
		{`{"a":1,"b":{"c":[1,{"d":"x"}]}}`, `{"a":1,"b":{"c":[1,{"d":"y"}]}}`, `/b/c/1/d`},
		{`{"a":1}`, `{"a":"1"}`, `/a`},
		{`{"a":1}`, `{"a":1.0}`, `/a`},
		{`{"a":null}`, `{}`, `/a`},
		{`{"a":{}}`, `{"a":[]}`, `/a`},
		{`{"a":[1]}`, `{"a":[1,2,3]}`, `/a/1 /a/2`},
		{`{"z":1,"a":1}`, `{"z":2,"b":1}`, `/a /b /z`},
		{`{"a/b~":1}`, `{"a/b~":2}`, `/a~1b~0`},
		{`{}`, `[]`, `*`},
		{`1`, `2`, `*`},
	} {
		got := payment.Differences(row.a, row.b)
		if row.want == "*" {
			if !slices.Equal(got, []string{""}) {
				t.Errorf("%s and %s: %q, want the whole", row.a, row.b, got)
			}
			continue
		}
		if strings.Join(got, " ") != row.want {
			t.Errorf("%s and %s: %q, want %s", row.a, row.b, got, row.want)
		}
		if back := payment.Differences(row.b, row.a); !slices.Equal(back, got) {
			t.Errorf("%s and %s: %q one way and %q the other", row.a, row.b, got, back)
		}
	}
}

// A refusal stays small, however much differs and however long the names are.
func TestDifferencesAreBounded(t *testing.T) {
	var many []string
	for i := range 100 {
		many = append(many, fmt.Sprintf(`"n%03d":1`, i))
	}
	if got := payment.Differences("{"+strings.Join(many, ",")+"}", "{}"); len(got) != 20 || got[0] != "/n000" {
		t.Errorf("%d differences are named, the first is %q", len(got), got[0])
	}
	long := `{"outer":{"` + strings.Repeat("x", 300) + `":%d}}`
	if got := payment.Differences(fmt.Sprintf(long, 1), fmt.Sprintf(long, 2)); !slices.Equal(got, []string{"/outer"}) {
		t.Errorf("a long name is %q", got)
	}
}

// The canonical form of a body is its own canonical form, and two bodies differ
// exactly if their canonical forms do.
func FuzzCallBody(f *testing.F) {
	for _, pair := range [][2]string{
		{`{"a":1,"b":[true,null]}`, `{"b":[true,null],"a":1}`},
		{`{"a":"\ud800"}`, `{"a":"�"}`},
		{`{"a":{"b":{"c":[[[]]]}}}`, `{"a":{"b":{"c":[[{}]]}}}`},
		{`{"a":1e400}`, `{"a":-0}`},
		{`{"":""}`, `{"/~":0}`},
	} {
		f.Add(pair[0], pair[1])
	}
	f.Fuzz(func(t *testing.T, one, two string) {
		a, errA := payment.CanonicalBody([]byte(one))
		b, errB := payment.CanonicalBody([]byte(two))
		if errA == nil {
			if again, err := payment.CanonicalBody([]byte(a)); again != a || err != nil {
				t.Fatalf("%q is %q and then %q, %v", one, a, again, err)
			}
		}
		if errA != nil || errB != nil {
			return
		}
		got := payment.Differences(a, b)
		if (len(got) == 0) != (a == b) || len(got) > 20 {
			t.Fatalf("%q and %q: %q", a, b, got)
		}
		for _, pointer := range got {
			if pointer != "" && pointer[0] != '/' {
				t.Fatalf("%q is no JSON pointer", pointer)
			}
		}
	})
}
