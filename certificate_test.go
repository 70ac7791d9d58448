package holdfast_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

func TestParseCertificates(t *testing.T) {
	one := string(testCertPEM())
	for name, tt := range map[string]struct {
		pem  string
		want int
	}{
		"one":             {one, 1},
		"two":             {one + one, 2},
		"text around":     {"Subject: fps\n" + one + "\nend\n", 1},
		"other block":     {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n" + one, 1},
		"none":            {"", 0},
		"no certificate":  {"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", 0},
		"broken contents": {"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0},
	} {
		certs, err := holdfast.ParseCertificates([]byte(tt.pem))
		if len(certs) != tt.want || (err != nil) != (tt.want == 0) {
			t.Errorf("%s: %d certificates, %v", name, len(certs), err)
		}
	}
}

func TestFetchCertificates(t *testing.T) {
	f := newFakeServer(t, answerWith(http.StatusOK, string(testCertPEM())))
	prefix := f.URL + "/certs/"
	certs, err := f.client().FetchCertificates(t.Context(), prefix, prefix+"112326/PKICert.pem?requestId=abc")
	if err != nil || len(certs) != 1 || !certs[0].Equal(testCert(t)) {
		t.Fatalf("got %v, %v", certs, err)
	}
	if got := f.requests()[0]; got.verb != http.MethodGet || got.uri != "/certs/112326/PKICert.pem?requestId=abc" {
		t.Errorf("asked %+v", got)
	}
}

func TestFetchCertificatesRefusesOtherAddresses(t *testing.T) {
	f := newFakeServer(t, answerWith(http.StatusOK, string(testCertPEM())))
	for name, tt := range map[string]struct{ prefix, address string }{
		"other path":         {f.URL + "/certs/", f.URL + "/other/PKICert.pem"},
		"climbing out":       {f.URL + "/certs/", f.URL + "/certs/../other.pem"},
		"climbing, encoded":  {f.URL + "/certs/", f.URL + "/certs/%2e%2e/other.pem"},
		"other scheme":       {strings.Replace(f.URL, "http:", "https:", 1), f.URL + "/PKICert.pem"},
		"longer host":        {"https://fps.example.test", "https://fps.example.test.evil.test/PKICert.pem"},
		"longer port":        {"http://127.0.0.1:1", f.URL + "/PKICert.pem"},
		"user in the way":    {"https://fps.example.test", "https://fps.example.test@evil.test/PKICert.pem"},
		"with a user":        {f.URL, strings.Replace(f.URL, "//", "//ann:pw@", 1) + "/PKICert.pem"},
		"no prefix":          {"", f.URL + "/PKICert.pem"},
		"prefix not http":    {"file:///", "file:///etc/passwd"},
		"address unreadable": {f.URL, "http://[::1"},
		"no address":         {f.URL, ""},
	} {
		if certs, err := f.client().FetchCertificates(t.Context(), tt.prefix, tt.address); err == nil {
			t.Errorf("%s: got %v", name, certs)
		}
	}
	if asked := f.requests(); len(asked) != 0 {
		t.Errorf("asked %v", asked)
	}
}

func TestFetchCertificatesFails(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/PKICert.pem" {
				w.Header().Set("Location", "/elsewhere.pem")
				w.WriteHeader(http.StatusFound)
				return
			}
			answerWith(http.StatusOK, string(testCertPEM()))(w, r)
		},
		"not found":      answerWith(http.StatusNotFound, string(testCertPEM())),
		"no certificate": answerWith(http.StatusOK, "hello"),
		"64 KiB and 1":   answerWith(http.StatusOK, string(testCertPEM())+strings.Repeat("\n", 64<<10)),
		"no answer":      answerNothing,
	} {
		f := newFakeServer(t, answer)
		if certs, err := f.client().FetchCertificates(t.Context(), f.URL, f.URL+"/PKICert.pem"); err == nil {
			t.Errorf("%s: got %v", name, certs)
		}
	}
}
