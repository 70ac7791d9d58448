package holdfast_test

import (
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"hash"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

// vectorSecret is the secret key of the worked examples.
const vectorSecret = "fps-test-secret-0123456789abcdefghijklmn"

// payParams is the parameter set P of the worked examples. It is not sorted,
// because signing sorts it.
var payParams = holdfast.Params{
	{"Version", "2008-09-17"},
	{"Action", "Pay"},
	{"AWSAccessKeyId", "FPSTESTACCESSKEY0001"},
	{"CallerDescription", "Tea & cakes ~ 50% off* (café)"},
	{"CallerReference", "order-1001"},
	{"SenderTokenId", "Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01"},
	{"SignatureMethod", "HmacSHA256"},
	{"SignatureVersion", "2"},
	{"Timestamp", "2026-11-23T10:15:30Z"},
	{"TransactionAmount.Value", "12.50"},
	{"TransactionAmount.CurrencyCode", "USD"},
}

// linkParams is the parameter set C of the worked examples, a Co-Branded link.
var linkParams = holdfast.Params{
	{"callerKey", "FPSTESTACCESSKEY0001"},
	{"callerReference", "cart-2001"},
	{"collectShippingAddress", "True"},
	{"currencyCode", "USD"},
	{"itemTotal", "10.00"},
	{"paymentMethod", "ABT,ACH,CC"},
	{"paymentReason", "One <b>mug</b>"},
	{"pipelineName", "SingleUse"},
	{"returnURL", "http://shop.example.test:8080/return?session=42"},
	{"shipping", "2.50"},
	{"signatureMethod", "HmacSHA256"},
	{"signatureVersion", "2"},
	{"transactionAmount", "12.50"},
	{"version", "2009-01-09"},
}

// kickParams is a link from the tests of a public client.
var kickParams = holdfast.Params{
	{"foo", "bar"},
	{"returnURL", "http://example.com/return"},
	{"pipelineName", "TestPipeline"},
	{"version", "2009-01-09"},
	{"callerKey", "foo"},
	{"signatureVersion", "2"},
	{"signatureMethod", "HmacSHA256"},
}

const (
	sandboxHost = "fps.sandbox.amazonaws.com"
	pagesHost   = "authorize.payments-sandbox.amazon.com"
)

func with(p holdfast.Params, name, value string) holdfast.Params {
	p = slices.Clone(p)
	for i := range p {
		if p[i].Name == name {
			p[i].Value = value
		}
	}
	return p
}

func TestSignatureVectorsHMAC(t *testing.T) {
	for _, v := range []struct {
		name             string
		secret           string
		verb, host, path string
		params           holdfast.Params
		method           holdfast.SignatureMethod
		want             string
	}{
		{
			"row 1", vectorSecret, "GET", sandboxHost, "/", payParams, holdfast.HmacSHA256,
			"kZZLPKRqS2PE51ovaYaaRH5TWbR6D0GXTV3B43eUlCM=",
		},
		{
			"row 1, host in capitals, no path", vectorSecret, "GET", strings.ToUpper(sandboxHost), "", payParams,
			holdfast.HmacSHA256, "kZZLPKRqS2PE51ovaYaaRH5TWbR6D0GXTV3B43eUlCM=",
		},
		{
			"row 2", vectorSecret, "POST", sandboxHost, "/", payParams, holdfast.HmacSHA256,
			"BURT9NUp3r7BiWxcIfSO2nAGY9DX1yTbYiCh9EVu+sc=",
		},
		{
			"row 3", vectorSecret, "GET", sandboxHost, "/", with(payParams, "SignatureMethod", "HmacSHA1"), holdfast.HmacSHA1,
			"tg5VZaz2Lif4aC2+xnNvxi4h6jk=",
		},
		{
			"row 4", vectorSecret, "POST", sandboxHost, "/", with(payParams, "SignatureMethod", "HmacSHA1"), holdfast.HmacSHA1,
			"Sxm5VKp7vyZlSNXpilU/ZBV18v0=",
		},
		{
			"row 5", vectorSecret, "GET", "fps.example.test:8443", "/", payParams, holdfast.HmacSHA256,
			"kx6dXPx8Ns4rCi+bkm95bEusqci7kzHaznqHms5GRr8=",
		},
		{
			"row 6", vectorSecret, "GET", "fps.example.test", "/", payParams, holdfast.HmacSHA256,
			"/7xbCKFBltAB+TxqDN9LjJ2V4iXZOfdtFUKMpkSfhWY=",
		},
		{
			"row 10", vectorSecret, "GET", pagesHost, holdfast.CoBrandedPath, linkParams, holdfast.HmacSHA256,
			"iVQhA6VzY9DrSAiu5vFVZkrrSyCCQpdKEHryBPx2Dls=",
		},
		{
			"row 11", vectorSecret, "GET", pagesHost, holdfast.CoBrandedPath, with(linkParams, "signatureMethod", "HmacSHA1"),
			holdfast.HmacSHA1, "yxqyBQIZ0o15Qlm4lad+f8G/hEY=",
		},
		{
			"row 12", vectorSecret, "POST", pagesHost, holdfast.CoBrandedPath, linkParams, holdfast.HmacSHA256,
			"ZFlBOoK/2TUuZY6bQ9YT/sXVx2thZ2pgCsGt+pGYnt4=",
		},
		{
			"kick signature", "bar", "GET", "example.com", "/api",
			holdfast.Params{{"hello", "world"}},
			holdfast.HmacSHA256,
			"Ro7iH0M+1hIR/SXGvT1kmF6Tg5uUKRSUd1AWaJHOcpE=",
		},
		{
			"kick pipeline", "bar", "GET", pagesHost, holdfast.CoBrandedPath, kickParams, holdfast.HmacSHA256,
			"OuUJQqFBJhezmcWOAhDGcsD/6OXpOLVlcbF3XMIZO3U=",
		},
	} {
		t.Run(v.name, func(t *testing.T) {
			secret := holdfast.NewSecretKey(v.secret)
			text := holdfast.StringToSign(v.verb, v.host, v.path, v.params)
			got, err := holdfast.SignHMAC(secret, v.method, text)
			if err != nil || got != v.want {
				t.Errorf("signed %q, %v; want %q; text:\n%s", got, err, v.want, text)
			}
			if !holdfast.VerifyHMAC(secret, v.method, text, v.want) {
				t.Error("the signature is refused")
			}
			if !holdfast.VerifyHMAC(secret, v.method, text, strings.ReplaceAll(v.want, "+", " ")) {
				t.Error("the signature with blanks for plus signs is refused")
			}
			if holdfast.VerifyHMAC(secret, v.method, text+"x", v.want) {
				t.Error("the signature passes for another text")
			}
		})
	}
}

func TestStringToSign(t *testing.T) {
	want := `GET
fps.sandbox.amazonaws.com
/
AWSAccessKeyId=FPSTESTACCESSKEY0001&Action=Pay&CallerDescription=Tea%20%26%20cakes%20~%2050%25%20off%2A%20%28caf%C3%A9%29&CallerReference=order-1001&SenderTokenId=Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01&SignatureMethod=HmacSHA256&SignatureVersion=2&Timestamp=2026-11-23T10%3A15%3A30Z&TransactionAmount.CurrencyCode=USD&TransactionAmount.Value=12.50&Version=2008-09-17`
	if diff := compare.Diff(want, holdfast.StringToSign("GET", sandboxHost, "/", payParams)); diff != "" {
		t.Errorf("row 1 (-want +got):\n%s", diff)
	}
	twice := holdfast.Params{{"a", "2"}, {"B", "x"}, {"a", "1"}}
	if got, want := holdfast.StringToSign("GET", "h", "/", twice), "GET\nh\n/\nB=x&a=1&a=2"; got != want {
		t.Errorf("a name twice: %q, want %q", got, want)
	}
}

func TestVerifyHMACRefuses(t *testing.T) {
	secret := holdfast.NewSecretKey(vectorSecret)
	text := holdfast.StringToSign("GET", sandboxHost, "/", payParams)
	for name, signature := range map[string]string{
		"row 8, sorted ignoring case":  "21XeSzxyZYxl3WcObGBjAgUh174fY4Krl+olgxBWZZA=",
		"row 9, plus for blank":        "I91jH1gZm6w1wwiCa1/WbtlIHwWoxpIVt88TrZOAlw8=",
		"row 2, the other verb":        "BURT9NUp3r7BiWxcIfSO2nAGY9DX1yTbYiCh9EVu+sc=",
		"row 6, another host":          "/7xbCKFBltAB+TxqDN9LjJ2V4iXZOfdtFUKMpkSfhWY=",
		"empty":                        "",
		"not base64":                   "!",
		"the first half of the digest": "kZZLPKRqS2PE51ovaYaaRA==",
	} {
		if holdfast.VerifyHMAC(secret, holdfast.HmacSHA256, text, signature) {
			t.Errorf("%s: accepted", name)
		}
	}
	good := "kZZLPKRqS2PE51ovaYaaRH5TWbR6D0GXTV3B43eUlCM="
	if holdfast.VerifyHMAC(secret, "HmacMD5", text, good) || holdfast.VerifyHMAC(secret, holdfast.RSASHA1, text, good) {
		t.Error("accepted under a method that is not an HMAC")
	}
	if holdfast.VerifyHMAC(holdfast.SecretKey{}, holdfast.HmacSHA256, text, good) {
		t.Error("accepted without a secret key")
	}
}

func TestSignHMACFails(t *testing.T) {
	for _, m := range []holdfast.SignatureMethod{"", "hmacsha256", "HmacMD5", holdfast.RSASHA1} {
		if s, err := holdfast.SignHMAC(holdfast.NewSecretKey("k"), m, "text"); err == nil {
			t.Errorf("method %q signed %q", m, s)
		}
	}
	for name, key := range map[string]holdfast.SecretKey{"no": {}, "an empty": holdfast.NewSecretKey("")} {
		if s, err := holdfast.SignHMAC(key, holdfast.HmacSHA256, "text"); err == nil {
			t.Errorf("%s key signed %q", name, s)
		}
	}
}

// One key makes many signatures at the same time, by both methods and over
// texts of any length.
func TestManySignWithOneKey(t *testing.T) {
	one := holdfast.NewSecretKey(vectorSecret)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for n := range 200 {
				text := strings.Repeat(strconv.Itoa(i), n*(i+1))
				for method, newHash := range map[holdfast.SignatureMethod]func() hash.Hash{
					holdfast.HmacSHA1: sha1.New, holdfast.HmacSHA256: sha256.New,
				} {
					mac := hmac.New(newHash, []byte(vectorSecret))
					mac.Write([]byte(text))
					want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
					if got, err := holdfast.SignHMAC(one, method, text); got != want || err != nil {
						t.Errorf("%s of %q is %q, want %q (%v)", method, text, got, want, err)
					}
				}
			}
		})
	}
	wait.Wait()
}

func vectorKey(t *testing.T) *rsa.PublicKey {
	t.Helper()
	block, _ := pem.Decode([]byte(`-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAqtD0AznUEkQHPHDZWwxI
ZiXh6/SIrGQHvx6X6SkmdIgMhrzKczIsXcE0eKgFMqINlylLKbvGtWqdLAutxBwo
8xnveCg2pCsI4HuN0EWQvDOhKD3CghaFZAtqurK0oARchfqBKLgrErljjnPuBRQ1
XlUYPW3ecM0szp/xTaGI73Q/yTyVi/FRmDCu7306JKECoWi/GB+DaChv8Xq7SmIs
D9bnRFu0huiwBd4N+fM4suZbekJPuD77mBUuNP/gsjXHO10STS7CX0knGHFXPKp+
/tSqy6DSY88LWtrf0EZqfpgRr8tgYH5KXQh8JykQusv3vUYobdSrj0s8/s80am1e
aQIDAQAB
-----END PUBLIC KEY-----
`))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return key.(*rsa.PublicKey)
}

// A vectorMessage is a signed message of the worked examples.
type vectorMessage struct {
	verb, endpoint, canonical, signature string
}

var (
	row15 = vectorMessage{
		"GET", "http://shop.example.test:8080/return",
		"callerReference=cart-2001&" +
			"certificateUrl=https%3A%2F%2Ffps.sandbox.amazonaws.com%2Fcerts%2F090911%2FPKICert.pem%3FrequestId%3Dabc123&" +
			"expiry=10%2F2028&session=42&signatureMethod=RSA-SHA1&signatureVersion=2&status=SC&" +
			"tokenID=Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01",
		"BWj1hC+M6uv97mwFH05dd4AATJBtcPQtQBJ/OW9dxnoCe2Y0to+s0LgdmAI5MLDOVOfn8mqlQXgf+W9dloYS0Wtc84BCxmJEUGJv" +
			"8xPOgJMSwh3vZSj2ahBXg5SDM6P77bgLqJSiUwV3siYXUtQG70COladsjogtEDd914OvwzUV9aACgCJlNy6edwHG+hr4DLU7YnXP" +
			"xKJBFQpHDzI5OcbZOiCjxxmKPp+2pSS1qwje/kOkIxzExZy1aNaoJTWI1guZApB0kPr/IYyj1U1qJg9jwTdd2GxOrZBQdTO/JIpW" +
			"mH6VrOJoAvL+iRX147e541exDn6es1jVMdb9WlbK/Q==",
	}
	row16 = vectorMessage{
		"POST", "http://shop.example.test/ipn",
		"buyerEmail=ann%2Btest%40example.test&buyerName=Ann%20Buyer&callerReference=order-1001&" +
			"certificateUrl=https%3A%2F%2Ffps.sandbox.amazonaws.com%2Fcerts%2F090911%2FPKICert.pem%3FrequestId%3Dabc123&" +
			"notificationType=TransactionStatus&operation=PAY&paymentMethod=CC&paymentReason=One%20mug&" +
			"recipientEmail=shop%40example.test&recipientName=Shop%20Inc&signatureMethod=RSA-SHA1&signatureVersion=2&" +
			"statusCode=Success&" +
			"statusMessage=The%20transaction%20was%20successful%20and%20the%20payment%20instrument%20was%20charged.&" +
			"transactionAmount=USD%2012.50&transactionDate=1795428930&transactionId=14TESTTXN00000000000000000000000P01&" +
			"transactionStatus=SUCCESS",
		"Wa8SgHWbfaxN5LUjRHLAHLkbZ7NaXDuAtjooeHTO/Gw3jtrgIZeyNIAVZjpid6xWgcf2cuvXYGuvngLDn1/oIjHJFVC4qCdx6kfZ" +
			"GUE+pngTpKLQUacEkbtW+Wgzyjdgro4qQ5qUggQa2V2xcGrfzBNHD7EFFAtjJ/7prdrsqsP8phOmpND2zypMiWQ6JlWIkH+B5RGR" +
			"GT1fBzoSG7ixvAio5LRbx0Pn4CB0gx7x/D+EcB4qF3s9tUaayWLfNGWvFTKzMJ94LYtOwg4/+m5C71NfL9tTrXQa0Pd7m3M9KyQf" +
			"bxTPjv1u+GwV3svN5UxXN7glI0ZouZC1Nkd2Ht1JAg==",
	}
)

// raw returns the message as delivered. Its parameters are in reverse order and
// have "+" for blanks; neither must matter.
func (m vectorMessage) raw() string {
	pairs := strings.Split(strings.ReplaceAll(m.canonical, "%20", "+"), "&")
	slices.Reverse(pairs)
	return "signature=" + url.QueryEscape(m.signature) + "&" + strings.Join(pairs, "&")
}

func TestSignatureVectorsRSA(t *testing.T) {
	key := vectorKey(t)
	for name, m := range map[string]vectorMessage{"row 15": row15, "row 16": row16} {
		if err := holdfast.VerifyMessageKeys([]*rsa.PublicKey{key}, m.verb, m.endpoint, m.raw()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		u, err := url.Parse(m.endpoint)
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprintf("%s\n%s\n%s\n%s", m.verb, u.Host, u.Path, m.canonical)
		for form, signature := range map[string]string{
			"as it is":               m.signature,
			"in lines of 76":         m.signature[:76] + "\n" + m.signature[76:152] + "\r\n" + m.signature[152:],
			"blanks for plus signs":  strings.ReplaceAll(m.signature, "+", " "),
			"a line break at an end": m.signature + "\n",
		} {
			if err := holdfast.VerifyRSAKey(key, text, signature); err != nil {
				t.Errorf("%s, signature %s: %v", name, form, err)
			}
		}
	}
}

func TestVerifyMessageRefuses(t *testing.T) {
	otherSignature := strings.Replace(row15.raw(), url.QueryEscape(row15.signature), url.QueryEscape(row16.signature), 1)
	for _, tt := range []struct {
		name                string
		verb, endpoint, raw string
	}{
		{"tampered status", "GET", row15.endpoint, strings.Replace(row15.raw(), "status=SC", "status=SA", 1)},
		{"tampered token", "GET", row15.endpoint, strings.Replace(row15.raw(), "SU01", "SU02", 1)},
		{"tampered name", "GET", row15.endpoint, strings.Replace(row15.raw(), "session=", "Session=", 1)},
		{"trailing slash", "GET", row15.endpoint + "/", row15.raw()},
		{"other path", "GET", "http://shop.example.test:8080/back", row15.raw()},
		{"other verb", "POST", row15.endpoint, row15.raw()},
		{"port dropped", "GET", "http://shop.example.test/return", row15.raw()},
		{"other host", "GET", "http://evil.example.test:8080/return", row15.raw()},
		{"extra parameter", "GET", row15.endpoint, row15.raw() + "&x=1"},
		{"parameter dropped", "GET", row15.endpoint, strings.Replace(row15.raw(), "&session=42", "", 1)},
		{"parameter doubled", "GET", row15.endpoint, row15.raw() + "&session=42"},
		{"second signature", "GET", row15.endpoint, row15.raw() + "&signature=" + url.QueryEscape(row15.signature)},
		{"second signature in capitals", "GET", row15.endpoint, row15.raw() + "&Signature=x"},
		{"another message's signature", "GET", row15.endpoint, otherSignature},
		{"other method", "GET", row15.endpoint, strings.Replace(row15.raw(), "RSA-SHA1", "HmacSHA1", 1)},
		{"other version", "GET", row15.endpoint, strings.Replace(row15.raw(), "signatureVersion=2", "signatureVersion=1", 1)},
		{"signature not base64", "GET", row15.endpoint, strings.Replace(row15.raw(), "signature=", "signature=%21", 1)},
		{"endpoint without host", "GET", "/return", row15.raw()},
		{"endpoint not http", "GET", "ftp://shop.example.test:8080/return", row15.raw()},
		{"broken escape", "GET", row15.endpoint, row15.raw() + "&x=%zz"},
		{"fragment in the endpoint", "GET", row15.endpoint + "#x", row15.raw()},
		{"empty", "GET", row15.endpoint, ""},
		{"tampered amount", "POST", row16.endpoint, strings.Replace(row16.raw(), "12.50", "99.50", 1)},
		{"notification by GET", "GET", row16.endpoint, row16.raw()},
		{"https for http with the port", "POST", "https://shop.example.test:80/ipn", row16.raw()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := holdfast.VerifyMessageKeys([]*rsa.PublicKey{vectorKey(t)}, tt.verb, tt.endpoint, tt.raw); err == nil {
				t.Error("accepted")
			}
		})
	}
}

func TestVerifyMessageNeedsACertificate(t *testing.T) {
	if err := holdfast.VerifyMessage(nil, row15.verb, row15.endpoint, row15.raw()); err == nil {
		t.Error("accepted with no certificate")
	}
	certs := []*x509.Certificate{testCert(t)}
	if err := holdfast.VerifyMessage(certs, row15.verb, row15.endpoint, row15.raw()); err == nil {
		t.Error("accepted with somebody else's certificate")
	}
	if err := holdfast.VerifyRSA(&x509.Certificate{}, "text", row15.signature); err == nil {
		t.Error("accepted with a certificate without a key")
	}
}

func TestSignRSAVerifies(t *testing.T) {
	cert := testCert(t)
	signature, err := holdfast.SignRSA(testKey(), "text")
	if err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(signature, "\r\n ") {
		t.Errorf("the signature has white space: %q", signature)
	}
	if err := holdfast.VerifyRSA(cert, "text", signature); err != nil {
		t.Error(err)
	}
	if err := holdfast.VerifyRSA(cert, "another text", signature); err == nil {
		t.Error("the signature passes for another text")
	}
}

func TestSignedHost(t *testing.T) {
	for address, want := range map[string]string{
		"http://Shop.Example.TEST/":      "shop.example.test",
		"http://shop.example.test:80/":   "shop.example.test",
		"http://shop.example.test:8080/": "shop.example.test:8080",
		"http://shop.example.test:443/":  "shop.example.test:443",
		"https://shop.example.test:443/": "shop.example.test",
		"https://shop.example.test:80/":  "shop.example.test:80",
		"https://shop.example.test:/":    "shop.example.test",
		"http://[::1]:80/":               "[::1]",
		"http://[::1]:8080/":             "[::1]:8080",
		"http://ann:pw@shop.test/":       "shop.test",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := holdfast.SignedHost(u); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}

func TestCanonicalPath(t *testing.T) {
	for path, want := range map[string]string{
		"":                     "/",
		"/":                    "/",
		"/a/b/":                "/a/b/",
		"/caf%c3%a9/~*":        "/caf%C3%A9/~%2A",
		"/café":                "/caf%C3%A9",
		"/a b":                 "/a%20b",
		"/a+b":                 "/a%2Bb",
		"/100%":                "/100%25",
		"/a%2520b":             "/a%2520b",
		holdfast.CoBrandedPath: holdfast.CoBrandedPath,
	} {
		got := holdfast.CanonicalPath(path)
		if got != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
		if again := holdfast.CanonicalPath(got); again != got {
			t.Errorf("%q: a second time %q", path, again)
		}
	}
}

func TestSecretKeyIsNotPrinted(t *testing.T) {
	c := holdfast.Client{SecretKey: holdfast.NewSecretKey("do-not-show")}
	encoded, err := json.Marshal(struct{ Key holdfast.SecretKey }{c.SecretKey})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{fmt.Sprint(c.SecretKey), fmt.Sprintf("%v %+v %#v", c, c, c), string(encoded)} {
		if strings.Contains(text, "do-not-show") {
			t.Errorf("the secret key is in %q", text)
		}
	}
}

// Some programs pass the whole address, with its query, as the endpoint. The
// query is ignored there, because the message's parameters come separately.
func TestVerifyMessageLooksAtNoQueryOfTheEndpoint(t *testing.T) {
	err := holdfast.VerifyMessageKeys([]*rsa.PublicKey{vectorKey(t)}, row15.verb, row15.endpoint+"?session=42",
		row15.raw())
	if err != nil {
		t.Error(err)
	}
}
