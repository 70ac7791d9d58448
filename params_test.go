package holdfast_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

func TestParseParams(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want holdfast.Params
	}{
		{"", nil},
		{"&&", nil},
		{"a=1&b=2", holdfast.Params{{"a", "1"}, {"b", "2"}}},
		{"b=2&&a=1&", holdfast.Params{{"b", "2"}, {"a", "1"}}},
		{"a", holdfast.Params{{"a", ""}}},
		{"a=", holdfast.Params{{"a", ""}}},
		{"=1", holdfast.Params{{"", "1"}}},
		{"a=b=c", holdfast.Params{{"a", "b=c"}}},
		{"a=1+2%202%2B2", holdfast.Params{{"a", "1 2 2+2"}}},
		{"a;b=1;2", holdfast.Params{{"a;b", "1;2"}}},
		{"caf%C3%A9=%c3%a9", holdfast.Params{{"café", "é"}}},
		{"a=é", holdfast.Params{{"a", "é"}}},
		{"a=1&a=2&A=3", holdfast.Params{{"a", "1"}, {"a", "2"}, {"A", "3"}}},
		{"a=~*:/,'()", holdfast.Params{{"a", "~*:/,'()"}}},
	} {
		got, err := holdfast.ParseParams(tt.raw)
		if err != nil {
			t.Errorf("%q: %v", tt.raw, err)
		}
		if diff := compare.Diff(tt.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", tt.raw, diff)
		}
	}
}

func TestParseParamsRefuses(t *testing.T) {
	for name, raw := range map[string]string{
		"half an escape":       "a=%2",
		"no escape":            "a=100%",
		"not hexadecimal":      "a=%zz",
		"escape in a name":     "%g1=a",
		"invalid UTF-8":        "a=%ff",
		"invalid UTF-8, raw":   "a=\xff",
		"invalid UTF-8, name":  "%c3=1",
		"overlong UTF-8":       "a=%c0%af",
		"NUL":                  "a=b%00c",
		"NUL in a name":        "a%00=c",
		"surrogate as UTF-8":   "a=%ed%a0%80",
		"after good parameter": "a=1&b=%",
	} {
		if got, err := holdfast.ParseParams(raw); err == nil {
			t.Errorf("%s: got %v", name, got)
		} else if strings.Contains(err.Error(), "100%") {
			t.Errorf("%s: the error quotes the value: %v", name, err)
		}
	}
}

func TestParamsReading(t *testing.T) {
	p := holdfast.Params{{"returnURL", "u"}, {"Signature", "s1"}, {"a", ""}, {"signature", "s2"}, {"a", "2"}}
	if got := p.Get("returnURL"); got != "u" {
		t.Errorf("Get: %q", got)
	}
	if got := p.Get("returnUrl"); got != "" {
		t.Errorf("Get ignores case: %q", got)
	}
	if v, ok := p.Lookup("a"); v != "" || !ok {
		t.Errorf("Lookup of an empty value: %q, %v", v, ok)
	}
	if _, ok := p.Lookup("b"); ok {
		t.Error("Lookup found what is not there")
	}
	if got, ok := p.Fold("RETURNurl"); !ok || got != (holdfast.Param{Name: "returnURL", Value: "u"}) {
		t.Errorf("Fold: %v, %v", got, ok)
	}
	if got, ok := p.Fold("x"); ok {
		t.Errorf("Fold found %v", got)
	}
	if name, ok := p.Duplicate(); name != "a" || !ok {
		t.Errorf("Duplicate: %q, %v", name, ok)
	}
	if name, ok := p[:4].Duplicate(); ok {
		t.Errorf("Duplicate ignores case: %q", name)
	}
	want := holdfast.Params{{"returnURL", "u"}, {"a", ""}, {"a", "2"}}
	if diff := compare.Diff(want, p.Without("SIGNATURE")); diff != "" {
		t.Errorf("Without (-want +got):\n%s", diff)
	}
	// Unicode folds ſ to s, but "ſignature" is an ordinary parameter and is
	// signed.
	long := holdfast.Params{{"ſignature", "x"}}
	if got := long.Without("signature"); len(got) != 1 {
		t.Errorf("Without took %v for a signature", long)
	}
}

func TestSameName(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"TokenId", "tOKENiD", true},
		{"", "", true},
		{"a", "ab", false},
		{"to\u212aenId", "tokenId", false}, // a Kelvin sign
		{"token\u017f", "tokens", false},   // a long s
		{"\u00e9", "\u00c9", false},
		{"a@", "A`", false}, // next to the letters
		{"[", "{", false},
	} {
		if got := holdfast.SameName(row.a, row.b); got != row.want {
			t.Errorf("SameName(%q, %q) is %v", row.a, row.b, got)
		}
		if got := holdfast.FoldName(row.a) == holdfast.FoldName(row.b); got != row.want {
			t.Errorf("FoldName makes %q and %q the same: %v", row.a, row.b, got)
		}
	}
}

func TestTooManyParams(t *testing.T) {
	most := strings.Repeat("a=1&", holdfast.ParamsMax-1) + "a=1"
	if p, err := holdfast.ParseParams(most); err != nil || len(p) != holdfast.ParamsMax {
		t.Errorf("%d parameters: %d, %v", holdfast.ParamsMax, len(p), err)
	}
	if p, err := holdfast.ParseParams(most + "&a=1"); err == nil {
		t.Errorf("%d parameters are read", len(p))
	}
}

func TestParamsEncode(t *testing.T) {
	p := holdfast.Params{{"z", "café ~*+;"}, {"a b", "&=/:,%"}, {"empty", ""}, {"kept", "AZaz09-_.~"}}
	want := "z=caf%C3%A9%20~%2A%2B%3B&a%20b=%26%3D%2F%3A%2C%25&empty=&kept=AZaz09-_.~"
	if got := p.Encode(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := holdfast.Params(nil).Encode(); got != "" {
		t.Errorf("none: %q", got)
	}
}

// FuzzParams checks that parsed parameters, encoded again, read the same for
// this package and for the standard library.
func FuzzParams(f *testing.F) {
	for _, raw := range []string{"", "a=1&b=2", "a+b=%20", "a;b=c", "a=%", "%ff", "a=%00", "&&=&", row15.raw(), "é=~*+"} {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		p, err := holdfast.ParseParams(raw)
		if err != nil {
			return
		}
		encoded := p.Encode()
		again, err := holdfast.ParseParams(encoded)
		if err != nil {
			t.Fatalf("%q: its encoding %q: %v", raw, encoded, err)
		}
		// The pair "=" has an empty name and an empty value, and is kept.
		if diff := compare.Diff(p, again); diff != "" {
			t.Fatalf("%q (-first +again):\n%s", raw, diff)
		}
		values, err := url.ParseQuery(encoded)
		if err != nil {
			t.Fatalf("%q: its encoding %q: %v", raw, encoded, err)
		}
		for _, param := range p {
			if got := values.Get(param.Name); got != p.Get(param.Name) {
				t.Fatalf("%q: net/url reads %q as %q", raw, param.Name, got)
			}
		}
	})
}
