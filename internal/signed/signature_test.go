package signed_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/signed"
)

var (
	secret = holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn")
	signer = signed.Signer{Caller: party.Caller{ID: "C1", SignatureV1: true}, Key: party.AccessKey{Secret: secret}}
)

func params(pairs ...string) (p holdfast.Params) {
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	return p
}

// sent are parameters that need every kind of encoding and sorting.
var sent = params("B", "2", "A", "Tea & cakes ~ 50% off* (café)", "a.b", "=+", "aB", "", "", "nameless")

func hmacOf(t testing.TB, m holdfast.SignatureMethod, text string) string {
	t.Helper()
	signature, err := holdfast.SignHMAC(secret, m, text)
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// at returns a request to a host. local is the address of the listener, or
// empty if it is not known.
func at(verb, host, local string) *http.Request {
	r := httptest.NewRequest(verb, "/", nil)
	r.Host = host
	if local != "" {
		addr, err := net.ResolveTCPAddr("tcp", local)
		if err != nil {
			panic(err)
		}
		r = r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, addr))
	}
	return r
}

// version2 returns a request that is signed by version 2 for a verb, a host and
// a path.
func version2(t *testing.T, r *http.Request, m holdfast.SignatureMethod, verb, host, path string) *signed.Request {
	t.Helper()
	signature := hmacOf(t, m, holdfast.StringToSign(verb, host, path, sent))
	return &signed.Request{
		Request: r, Version: signed.Version2, Method: m,
		Params: slices.Insert(slices.Clone(sent), 2, holdfast.Param{Name: "Signature", Value: signature}), Field: "Signature",
		Verbs: []string{r.Method}, Paths: []string{"/"},
	}
}

func TestHosts(t *testing.T) {
	configured := []string{"Pay.Example.test", "api.example.test:8443", "[2001:DB8::1]:9443"}
	for _, row := range []struct {
		host, local string
		good, bad   []string // that a caller may have signed
	}{
		{
			host: "shop.example.test",
			good: []string{
				"shop.example.test", "pay.example.test", "api.example.test", "api.example.test:8443", "[2001:db8::1]",
				"[2001:db8::1]:9443", "fps.amazonaws.com", "fps.sandbox.amazonaws.com", "authorize.payments.amazon.com",
				"authorize.payments-sandbox.amazon.com",
			},
			bad: []string{
				"", "example.test", "shop.example.test:8080", "pay.example.test:8443", "shop.example.test.", "2001:db8::1",
				"fps.amazonaws.com:8080",
			},
		},
		{
			host: "10.0.0.7:9000", // a proxy sends its own name for the server
			good: []string{
				"10.0.0.7:9000", "10.0.0.7", "pay.example.test", "pay.example.test:9000", "api.example.test",
				"api.example.test:8443", "api.example.test:9000", "fps.amazonaws.com", "fps.amazonaws.com:9000",
			},
			bad: []string{"10.0.0.7:8443", "pay.example.test:9001", ":9000"},
		},
		{
			host: "Shop.Example.TEST", local: "127.0.0.1:8080", // the port is in no header
			good: []string{"shop.example.test", "shop.example.test:8080", "pay.example.test:8080", "fps.amazonaws.com:8080"},
			bad:  []string{"127.0.0.1", "127.0.0.1:8080", "shop.example.test:80"},
		},
		{
			host: "shop.example.test:80", local: "[::1]:8080",
			good: []string{"shop.example.test", "shop.example.test:80", "pay.example.test:80"},
			bad:  []string{"shop.example.test:8080", "pay.example.test:8080"},
		},
		{
			host: "[::1]:8080",
			good: []string{"[::1]:8080", "[::1]", "pay.example.test:8080"},
			bad:  []string{"::1", "[::1", "[::1]:80", "[:", ":1]"},
		},
		{host: "[::1]", good: []string{"[::1]", "pay.example.test"}, bad: []string{"[:", "[::1]:1]", "pay.example.test:1]"}},
		{host: "[::1]", local: "[::1]:8080", good: []string{"[::1]", "[::1]:8080", "pay.example.test:8080"}},
		{host: "shop.example.test:", good: []string{"shop.example.test:", "shop.example.test"}, bad: []string{""}},
		{host: "fps.amazonaws.com", good: []string{"fps.amazonaws.com"}},
	} {
		for verdict, hosts := range map[bool][]string{true: row.good, false: row.bad} {
			for _, host := range hosts {
				r := version2(t, at("POST", row.host, row.local), holdfast.HmacSHA256, "POST", host, "/")
				r.Hosts = configured
				if err := r.Check(signer); (err == nil) != verdict || err != nil && !errors.Is(err, signed.ErrWrong) {
					t.Errorf("sent to %q by %q, signed for %q: %v", row.host, row.local, host, err)
				}
			}
		}
	}
}

// Each host is tried once, because each costs a signature.
func TestEachHostOnce(t *testing.T) {
	r := version2(t, at("POST", "fps.amazonaws.com", "127.0.0.1:443"), holdfast.HmacSHA256, "POST", "x", "/")
	r.Hosts = []string{"FPS.amazonaws.com", "fps.amazonaws.com:443", "pay.example.test"}
	want := []string{
		"fps.amazonaws.com", "fps.amazonaws.com:443", "pay.example.test", "pay.example.test:443",
		"fps.sandbox.amazonaws.com", "fps.sandbox.amazonaws.com:443",
		"authorize.payments.amazon.com", "authorize.payments.amazon.com:443",
		"authorize.payments-sandbox.amazon.com", "authorize.payments-sandbox.amazon.com:443",
	}
	if diff := cmp.Diff(want, r.Refused().Hosts); diff != "" {
		t.Errorf("hosts (-want +got):\n%s", diff)
	}
}

func TestVersion2(t *testing.T) {
	const host = "shop.example.test"
	good := func(t *testing.T, m holdfast.SignatureMethod) *signed.Request {
		return version2(t, at("POST", host, ""), m, "POST", host, "/")
	}
	for name, row := range map[string]struct {
		change func(r *signed.Request)
		want   error
	}{
		"as it was signed":       {func(*signed.Request) {}, nil},
		"in another order":       {func(r *signed.Request) { slices.Reverse(r.Params) }, nil},
		"for an allowed version": {func(r *signed.Request) { r.Version = "1" }, signed.ErrWrong},
		"version 0":              {func(r *signed.Request) { r.Version = "0" }, signed.ErrVersion},
		"no version":             {func(r *signed.Request) { r.Version = "" }, signed.ErrVersion},
		"version 2 with a blank": {func(r *signed.Request) { r.Version = "2 " }, signed.ErrVersion},
		"a method of messages":   {func(r *signed.Request) { r.Method = holdfast.RSASHA1 }, signed.ErrWrong},
		"no method":              {func(r *signed.Request) { r.Method = "" }, signed.ErrWrong},
		"a method in lower case": {func(r *signed.Request) { r.Method = "hmacsha256" }, signed.ErrWrong},
		"a parameter more":       {func(r *signed.Request) { r.Params = append(r.Params, params("C", "")...) }, signed.ErrWrong},
		"a parameter less":       {func(r *signed.Request) { r.Params = r.Params[1:] }, signed.ErrWrong},
		"another value":          {func(r *signed.Request) { r.Params[0].Value = "3" }, signed.ErrWrong},
		"another name":           {func(r *signed.Request) { r.Params[0].Name = "b" }, signed.ErrWrong},
		"two parameters in one": {func(r *signed.Request) {
			r.Params = append(r.Params[2:], params("B", "2&A="+r.Params[1].Value)...)
		}, signed.ErrWrong},
		"plus signs not encoded": {func(r *signed.Request) {
			i := slices.IndexFunc(r.Params, func(p holdfast.Param) bool { return p.Name == r.Field })
			r.Params[i].Value = strings.ReplaceAll(r.Params[i].Value, "+", " ")
		}, nil},
		"no signature": {func(r *signed.Request) { r.Params = r.Params.Without("Signature") }, signed.ErrWrong},
		"an empty signature": {func(r *signed.Request) {
			r.Params = append(r.Params.Without("Signature"), params("Signature", "")...)
		}, signed.ErrWrong},
		"no base64": {func(r *signed.Request) {
			r.Params = append(r.Params.Without("Signature"), params("Signature", "\x00\n***")...)
		}, signed.ErrWrong},
		"another verb":        {func(r *signed.Request) { r.Verbs = []string{"GET"} }, signed.ErrWrong},
		"either verb":         {func(r *signed.Request) { r.Verbs = []string{"GET", "POST"} }, nil},
		"another path":        {func(r *signed.Request) { r.Paths = []string{"/fps/"} }, signed.ErrWrong},
		"either path":         {func(r *signed.Request) { r.Paths = []string{"/fps/", "/"} }, nil},
		"the empty path":      {func(r *signed.Request) { r.Paths = []string{""} }, nil},
		"a path in the host":  {func(r *signed.Request) { r.Host, r.Paths = host+"\n", []string{"/"} }, signed.ErrWrong},
		"a very long host":    {func(r *signed.Request) { r.Host = strings.Repeat("x:", 10_000) }, signed.ErrWrong},
		"a host of brackets":  {func(r *signed.Request) { r.Host = "]:[" }, signed.ErrWrong},
		"a host of two colon": {func(r *signed.Request) { r.Host = "::" }, signed.ErrWrong},
	} {
		for _, m := range []holdfast.SignatureMethod{holdfast.HmacSHA1, holdfast.HmacSHA256} {
			r := good(t, m)
			row.change(r)
			if err := r.Check(signer); !errors.Is(err, row.want) {
				t.Errorf("%s, %s: %v, want %v", name, m, err, row.want)
			}
			if row.want != nil {
				r.Refused().Explain(secret) // does not panic
			}
		}
	}
	for name, by := range map[string]signed.Signer{
		"another's key": {Key: party.AccessKey{Secret: holdfast.NewSecretKey("another")}},
		"no key":        {},
		"an empty key":  {Key: party.AccessKey{Secret: holdfast.NewSecretKey("")}},
	} {
		if err := good(t, holdfast.HmacSHA256).Check(by); !errors.Is(err, signed.ErrWrong) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestVersion1(t *testing.T) {
	made := func(field, signature string, also07 bool) *signed.Request {
		return &signed.Request{
			Request: at("POST", "any.example.test", ""), Version: signed.Version1, Field: field, Also07: also07,
			Params: append(slices.Clone(sent), params(field, signature)...), Paths: []string{holdfast.CoBrandedPath},
		}
	}
	of2009 := hmacOf(t, holdfast.HmacSHA1, holdfast.StringToSignV1(sent))
	of2007 := hmacOf(t, holdfast.HmacSHA1, holdfast.StringToSign2007(holdfast.CoBrandedPath, sent))
	for name, row := range map[string]struct {
		request *signed.Request
		want    error
	}{
		"2009":                    {made("signature", of2009, false), nil},
		"2009, its field of 2007": {made("awsSignature", of2009, true), nil},
		"2007":                    {made("awsSignature", of2007, true), nil},
		"2007 where it is not":    {made("signature", of2007, false), signed.ErrWrong},
		"the text of version 2": {
			made("signature", hmacOf(t, holdfast.HmacSHA1, holdfast.StringToSign("POST", "any.example.test", "/", sent)), true),
			signed.ErrWrong,
		},
		"SHA-256": {made("signature", hmacOf(t, holdfast.HmacSHA256, holdfast.StringToSignV1(sent)), true), signed.ErrWrong},
	} {
		if err := row.request.Check(signer); !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
		modern := signer
		modern.Caller.SignatureV1 = false
		if err := row.request.Check(modern); !errors.Is(err, signed.ErrVersion) {
			t.Errorf("%s, of a caller that may not use it: %v", name, err)
		}
		row.request.Params[0].Value = "3"
		if err := row.request.Check(signer); !errors.Is(err, signed.ErrWrong) {
			t.Errorf("%s, changed: %v", name, err)
		}
	}
}

// The two parts of a request are explained apart, wherever its signature is.
func TestPartsOfARefusedSignature(t *testing.T) {
	for _, row := range []struct {
		query, form string
		want        []holdfast.Params
	}{
		{"A=1&B=2", "C=3&Signature=x", []holdfast.Params{params("A", "1", "B", "2"), params("C", "3")}},
		{"A=1&Signature=x&B=2", "C=3", []holdfast.Params{params("A", "1", "B", "2"), params("C", "3")}},
		{"A=1", "Signature=x", nil},
		{"Signature=x", "A=1", nil},
		{"A=1&Signature=x", "", nil},
		{"", "A=1&Signature=x", nil},
	} {
		r := &signed.Request{
			Request: httptest.NewRequest("POST", "/?"+row.query, nil), Version: signed.Version2, Field: "Signature",
			Paths: []string{"/"},
		}
		for _, part := range []string{row.query, row.form} {
			p, err := holdfast.ParseParams(part)
			if err != nil {
				t.Fatal(err)
			}
			r.Params = append(r.Params, p...)
		}
		refused := r.Refused()
		if diff := cmp.Diff(row.want, refused.Parts); diff != "" || refused.Signature != "x" {
			t.Errorf("%q and %q: signature %q, parts (-want +got):\n%s", row.query, row.form, refused.Signature, diff)
		}
		if refused.Hosts[0] != "example.com" || len(refused.Params) != len(r.Params)-1 {
			t.Errorf("%q and %q: %+v", row.query, row.form, refused)
		}
	}
}

// The developer sees the host as the program sent it, because capitals are a
// usual mistake.
func TestRefusedHostKeepsItsCapitals(t *testing.T) {
	r := version2(t, at("POST", "Shop.example.test", ""), holdfast.HmacSHA256, "POST", "x", "/")
	if hosts := r.Refused().Hosts; hosts[0] != "Shop.example.test" || slices.Contains(hosts, "shop.example.test") {
		t.Errorf("the hosts are %q", hosts)
	}
}

func TestKnownMethod(t *testing.T) {
	for m, want := range map[holdfast.SignatureMethod]bool{
		holdfast.HmacSHA1: true, holdfast.HmacSHA256: true, holdfast.RSASHA1: false, "": false, "HmacMD5": false,
	} {
		if got := signed.KnownMethod(m); got != want {
			t.Errorf("%q is known: %t", m, got)
		}
	}
}
