package queryapi_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// The published vectors of request signatures, sent as requests. Their token
// does not exist, and only a request with a right signature gets that answer.
func TestSignatureVectors(t *testing.T) {
	w := newWorld(t)
	const good, bad, old = "<Code>InvalidTokenId_Sender</Code>", "<Code>InvalidSignature</Code>",
		"SignatureVersion 1 is not supported"
	const host = "fps.sandbox.amazonaws.com"
	for _, row := range []struct {
		name, verb, host, method, signature, want string
	}{
		{"1", "GET", host, "HmacSHA256", "kZZLPKRqS2PE51ovaYaaRH5TWbR6D0GXTV3B43eUlCM=", good},
		{"2", "POST", host, "HmacSHA256", "BURT9NUp3r7BiWxcIfSO2nAGY9DX1yTbYiCh9EVu+sc=", good},
		{"3", "GET", host, "HmacSHA1", "tg5VZaz2Lif4aC2+xnNvxi4h6jk=", good},
		{"4", "POST", host, "HmacSHA1", "Sxm5VKp7vyZlSNXpilU/ZBV18v0=", good},
		{"5", "GET", "fps.example.test:8443", "HmacSHA256", "kx6dXPx8Ns4rCi+bkm95bEusqci7kzHaznqHms5GRr8=", good},
		{"6", "GET", "fps.example.test:8443", "HmacSHA256", "/7xbCKFBltAB+TxqDN9LjJ2V4iXZOfdtFUKMpkSfhWY=", good},
		{"7", "GET", host, "", "9dysvuvLbvMRtzwXQyVwuZgQVtg=", old},
		{"8", "GET", host, "HmacSHA256", "21XeSzxyZYxl3WcObGBjAgUh174fY4Krl+olgxBWZZA=", bad},
		{"9", "GET", host, "HmacSHA256", "I91jH1gZm6w1wwiCa1/WbtlIHwWoxpIVt88TrZOAlw8=", bad},
		{"1, as POST", "POST", host, "HmacSHA256", "kZZLPKRqS2PE51ovaYaaRH5TWbR6D0GXTV3B43eUlCM=", bad},
		{
			"1, another host that is not ours", "GET", "fps.example.test", "HmacSHA256",
			"kx6dXPx8Ns4rCi+bkm95bEusqci7kzHaznqHms5GRr8=", bad,
		},
		{
			"1, on a host of another name", "GET", "127.0.0.1:8080", "HmacSHA256",
			"kZZLPKRqS2PE51ovaYaaRH5TWbR6D0GXTV3B43eUlCM=", good,
		},
		{"2, plus signs not encoded", "POST", host, "HmacSHA256", "BURT9NUp3r7BiWxcIfSO2nAGY9DX1yTbYiCh9EVu sc=", good},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := holdfast.Params{
				{Name: "Signature", Value: row.signature},
				{Name: "Version", Value: "2008-09-17"},
				{Name: "Action", Value: "Pay"},
				{Name: "AWSAccessKeyId", Value: "FPSTESTACCESSKEY0001"},
				{Name: "CallerDescription", Value: "Tea & cakes ~ 50% off* (café)"},
				{Name: "CallerReference", Value: "order-1001"},
				{Name: "SenderTokenId", Value: "Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01"},
				{Name: "SignatureVersion", Value: "2"},
				{Name: "SignatureMethod", Value: row.method},
				{Name: "Timestamp", Value: "2026-11-23T10:15:30Z"},
				{Name: "TransactionAmount.CurrencyCode", Value: "USD"},
				{Name: "TransactionAmount.Value", Value: "12.50"},
			}
			if row.method == "" {
				p = p.Without("SignatureMethod")
				p[7].Value = "1"
			}
			answer := ask(w.handler, row.verb, row.host, p)
			if !strings.Contains(answer.Body.String(), row.want) {
				t.Errorf("answered %s, want %s", answer.Body, row.want)
			}
		})
	}
}

// Row 7 of the vectors, version 1, for a caller that may use it: with either
// verb and any host, because its text has neither.
func TestSignatureV1(t *testing.T) {
	w := newWorld(t)
	if _, err := w.p.ChangeCaller(t.Context(), "CSHOP", func(c party.Caller) (party.Caller, error) {
		c.SignatureV1 = true
		return c, nil
	}); err != nil {
		t.Fatal(err)
	}
	const good, bad, unsupported = "<Code>InvalidTokenId_Sender</Code>", "<Code>SignatureDoesNotMatch</Code>",
		"SignatureVersion 0 is not supported; use version 2."
	row7 := holdfast.Params{
		{Name: "Signature", Value: "9dysvuvLbvMRtzwXQyVwuZgQVtg="},
		{Name: "Version", Value: "2008-09-17"},
		{Name: "Action", Value: "Pay"},
		{Name: "AWSAccessKeyId", Value: "FPSTESTACCESSKEY0001"},
		{Name: "CallerDescription", Value: "Tea & cakes ~ 50% off* (café)"},
		{Name: "CallerReference", Value: "order-1001"},
		{Name: "SenderTokenId", Value: "Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01"},
		{Name: "SignatureVersion", Value: "1"},
		{Name: "Timestamp", Value: "2026-11-23T10:15:30Z"},
		{Name: "TransactionAmount.CurrencyCode", Value: "USD"},
		{Name: "TransactionAmount.Value", Value: "12.50"},
	}
	set := func(name, value string) holdfast.Params {
		return append(row7.Without(name), holdfast.Param{Name: name, Value: value})
	}
	for name, row := range map[string]struct {
		p    holdfast.Params
		want string
	}{
		"row 7":          {row7, good},
		"another amount": {set("TransactionAmount.Value", "12.51"), bad},
		"another name": {append(row7.Without("CallerReference"),
			holdfast.Param{Name: "Callerreference", Value: "order-1001"}), bad},
		"a parameter more":      {set("Description", "x"), bad},
		"a parameter less":      {row7.Without("CallerReference"), bad},
		"version 2's signature": {set("Signature", "kZZLPKRqS2PE51ovaYaaRH5TWbR6D0GXTV3B43eUlCM="), bad},
		"sent as version 0":     {set("SignatureVersion", "0"), unsupported},
		"sent as version 2": {append(set("SignatureVersion", "2"),
			holdfast.Param{Name: "SignatureMethod", Value: "HmacSHA1"}), "<Code>InvalidSignature</Code>"},
		"an access key of others": {
			set("AWSAccessKeyId", keys["other"]),
			"SignatureVersion 1 is not supported; use version 2.",
		},
	} {
		for _, verb := range []string{"GET", "POST"} {
			if answer := ask(w.handler, verb, "10.0.0.7:9000", row.p); !strings.Contains(answer.Body.String(), row.want) {
				t.Errorf("%s by %s: answered %s, want %s", name, verb, answer.Body, row.want)
			}
		}
	}
}

func TestConfiguredHosts(t *testing.T) {
	w := newWorld(t)
	w.token("A", w.tokenOf(nil))
	w.server.Hosts = []string{"Pay.Example.test", "api.example.test:8443"}
	for host, want := range map[string]int{
		"pay.example.test": 200, "api.example.test:8443": 200, "api.example.test": 200,
		"pay.example.test:9000": 200, // the port of the request, on the configured name
		"fps.amazonaws.com":     200, "authorize.payments.amazon.com": 200,
		"pay.example.test:9001": 403, "example.test": 403, "": 403,
	} {
		p := w.signed("POST", "/", "shop",
			holdfast.Params{{Name: "Action", Value: "GetTokenByCaller"}, {Name: "TokenId", Value: string(tokenID("A"))}},
			"Signature")
		p = append(p, holdfast.Param{Name: "Signature", Value: sign(t, "POST", host, "/", p)})
		if answer := ask(w.handler, "POST", "10.0.0.7:9000", p); answer.Code != want {
			t.Errorf("signed for %q: %d %s, want %d", host, answer.Code, answer.Body, want)
		}
	}
}

func ask(h http.Handler, verb, host string, p holdfast.Params) *httptest.ResponseRecorder {
	target, content := "/", p.Encode()
	if verb == http.MethodGet {
		target, content = "/?"+content, ""
	}
	r := httptest.NewRequest(verb, target, strings.NewReader(content))
	r.Host = host
	if verb == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	return answer
}
