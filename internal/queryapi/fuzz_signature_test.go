package queryapi_test

import (
	"bufio"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// FuzzSignature signs any parameters and sends them in every spelling that
// programs use. The server must compute the same text for every spelling, and
// refuse the signature if anything was changed.
func FuzzSignature(f *testing.F) {
	for _, seed := range []string{
		"CallerDescription=Tea+%26+cakes+~+50%25+off*+(caf%C3%A9)", "a=1&A=2&a.b=3&aB=4&a-b=5", "=&x", "b=%0D%0A%09&%20=%2B",
		"k=%7E%2A!'();:@/?#[]$,", "=%F0%9F%98%80", "x=%25%32%36&x%3D=%3D", "Signature2=x&signature=y", "z=+&y=%20",
	} {
		f.Add(seed, false)
	}
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, raw string, sha1 bool) {
		given, err := holdfast.ParseParams(raw)
		if err != nil || len(raw) > 4<<10 {
			return
		}
		method := holdfast.HmacSHA256
		if sha1 {
			method = holdfast.HmacSHA1
		}
		p := holdfast.Params{
			{Name: "Action", Value: "None"},
			{Name: "AWSAccessKeyId", Value: keys["shop"]},
			{Name: "SignatureVersion", Value: "2"},
			{Name: "SignatureMethod", Value: string(method)},
			{Name: "Timestamp", Value: testNow.Format("2006-01-02T15:04:05Z")},
			{Name: "Version", Value: "2010-08-28"},
		}
		for _, param := range given {
			if _, taken := p.Lookup(param.Name); !taken && param.Name != "Signature" {
				p = append(p, param)
			}
		}
		const signed = "<Message>The action None is not known.</Message>" // said only to those whose signature is right
		for _, verb := range []string{http.MethodGet, http.MethodPost} {
			signature := holdfast.Param{Name: "Signature", Value: sign(t, verb, testHost, "/", p)}
			sent := append(slices.Clone(p), signature)
			for name, spelling := range spellings {
				if answer := sendRaw(t, w.handler, verb, encodeAs(spelling, sent)); !strings.Contains(answer, signed) {
					t.Errorf("%s, %s, %q: %s", verb, name, encodeAs(spelling, sent), answer)
				}
				slices.Reverse(sent)
			}
			last := len(p) - 1
			for _, forged := range []holdfast.Params{
				append(slices.Clone(p[:last]), holdfast.Param{Name: p[last].Name, Value: p[last].Value + " "}, signature),
				append(slices.Clone(p[:last]), holdfast.Param{Name: p[last].Name + "0", Value: p[last].Value}, signature),
				append(slices.Clone(sent), holdfast.Param{Name: "\U0010FFFF" + raw[:min(len(raw), 1)]}),
			} {
				if answer := sendRaw(t, w.handler, verb, forged.Encode()); strings.Contains(answer, signed) {
					t.Errorf("%s %q is not what was signed: %s", verb, forged.Encode(), answer)
				}
			}
		}
	})
}

// spellings write one name or value. All of them read as the same text.
var spellings = map[string]func(string) string{
	"as it is signed": nil,
	"as a form":       url.QueryEscape,
	"as little encoded as may be": func(text string) string {
		return escapeBytes(text, "%%%02X",
			func(c byte) bool { return c <= ' ' || c == 0x7f || strings.IndexByte("%&+=#", c) >= 0 })
	},
	"all encoded, in lower case": func(text string) string {
		return escapeBytes(text, "%%%02x", func(byte) bool { return true })
	},
}

func encodeAs(spelling func(string) string, p holdfast.Params) string {
	if spelling == nil {
		return p.Encode()
	}
	pairs := make([]string, 0, len(p))
	for _, param := range p {
		pairs = append(pairs, spelling(param.Name)+"="+spelling(param.Value))
	}
	return strings.Join(pairs, "&")
}

func escapeBytes(text, format string, escaped func(byte) bool) string {
	var b strings.Builder
	for i := range len(text) {
		if escaped(text[i]) {
			fmt.Fprintf(&b, format, text[i])
		} else {
			b.WriteByte(text[i])
		}
	}
	return b.String()
}

// sendRaw sends parameters as they are encoded and returns the answer's body.
func sendRaw(t *testing.T, h http.Handler, verb, encoded string) string {
	t.Helper()
	wire := "GET /?" + encoded + " HTTP/1.1\r\nHost: " + testHost + "\r\n\r\n"
	if verb == http.MethodPost {
		wire = fmt.Sprintf("POST / HTTP/1.1\r\nHost: %s\r\nContent-Type: "+
			"application/x-www-form-urlencoded\r\nContent-Length: %d\r\n\r\n%s", testHost, len(encoded), encoded)
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(wire)))
	if err != nil {
		t.Fatalf("%v in %q", err, wire)
	}
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r.WithContext(t.Context()))
	return answer.Body.String()
}

// FuzzClient sends any text with the SDK. The server may refuse the request,
// but not its signature.
func FuzzClient(f *testing.F) {
	f.Add("Tea & cakes ~ 50% off* (café)", "https://shop.example.test/ipn?a=b+c", false)
	f.Add("\r\n\t \x7f", "+%20%2B=&;#", true)
	f.Add("\xff", "\x00", false)
	w := newWorld(f)
	f.Fuzz(func(t *testing.T, text, more string, sha1 bool) {
		if len(text)+len(more) > 4<<10 {
			return
		}
		client := &holdfast.Client{
			Endpoint: "http://" + testHost + ":8443/", AccessKeyID: keys["shop"], SecretKey: holdfast.NewSecretKey(secret),
			HTTP: &http.Client{Transport: inProcess{w.handler}}, Now: w.clock, RetriesMax: -1,
		}
		if sha1 {
			client.Method = holdfast.HmacSHA1
		}
		_, errCancel := client.Cancel(t.Context(), holdfast.CancelRequest{
			TransactionID: transactionID(1), Description: text, OverrideIPNURL: more,
		})
		_, errToken := client.GetTokenByCaller(t.Context(), holdfast.GetTokenByCallerRequest{
			TokenID: holdfast.TokenID(more), CallerReference: holdfast.CallerReference(text),
		})
		for _, err := range []error{errCancel, errToken} {
			refused, ok := errors.AsType[*holdfast.Error](err)
			if !ok {
				t.Fatalf("%q, %q: not a refusal: %v", text, more, err)
			}
			switch refused.Code {
			case holdfast.InvalidTransactionID, holdfast.InvalidCallerReference, holdfast.InvalidTokenID, holdfast.InvalidParams:
			default:
				t.Errorf("%q, %q: %v", text, more, refused)
			}
		}
	})
}

// inProcess is a network of one handler.
type inProcess struct{ http.Handler }

func (n inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := httptest.NewRecorder()
	received := r.Clone(r.Context())
	received.Host = r.URL.Host
	n.ServeHTTP(answer, received)
	return answer.Result(), nil
}
