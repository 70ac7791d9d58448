package https_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/https"
)

func TestRedirect(t *testing.T) {
	public := &url.URL{Scheme: "https", Host: "pay.example.com", Path: "/"}
	for _, row := range []struct {
		verb, target string
		want         string // the address; empty means refused
	}{
		{"GET", "/", "https://pay.example.com/"},
		{"GET", "/cobranded-ui/actions/start?a=1&b=%2F", "https://pay.example.com/cobranded-ui/actions/start?a=1&b=%2F"},
		{"HEAD", "/healthz", "https://pay.example.com/healthz"},
		{"GET", "/a%2Fb%20c", "https://pay.example.com/a%2Fb%20c"},
		{"GET", "//evil.test/x", "https://pay.example.com//evil.test/x"},
		{"GET", "http://evil.test/x?y", "https://pay.example.com/x?y"},
		{"GET", "http://evil.test", "https://pay.example.com/"},
		{"GET", "mailto:.evil.test/x", "https://pay.example.com/"},
		{"GET", "*", "https://pay.example.com/*"},
		{"POST", "/", ""},
		{"PUT", "/", ""},
		{"DELETE", "/", ""},
		{"OPTIONS", "*", ""},
		{"CONNECT", "evil.test:443", ""},
		{"BREW", "/", ""},
	} {
		t.Run(row.verb+" "+row.target, func(t *testing.T) {
			target, err := url.ParseRequestURI(row.target)
			if row.verb == http.MethodConnect {
				target, err = &url.URL{Host: row.target}, nil
			}
			if err != nil {
				t.Fatal(err)
			}
			r := httptest.NewRequest(http.MethodGet, "http://evil.test/", strings.NewReader("Action=Pay&Signature=secret"))
			r.Method, r.URL, r.Host = row.verb, target, "evil.test"
			w := httptest.NewRecorder()
			https.Redirect(public).ServeHTTP(w, r)
			wantStatus := http.StatusMovedPermanently
			if row.want == "" {
				wantStatus = http.StatusForbidden
				if body := w.Body.String(); !strings.Contains(body, "https://pay.example.com/") ||
					strings.Contains(body, "secret") {
					t.Errorf("refused with %q", body)
				}
			}
			if w.Code != wantStatus || w.Header().Get("Location") != row.want {
				t.Errorf("answered %d to %q, want %d to %q", w.Code, w.Header().Get("Location"), wantStatus, row.want)
			}
			if got := w.Header().Get("Strict-Transport-Security"); got != "" {
				t.Errorf("plain HTTP has the header Strict-Transport-Security: %q", got)
			}
		})
	}
}

func TestCheckHost(t *testing.T) {
	for host, good := range map[string]bool{
		"pay.example.com": true, "PAY.example.com": true, "a.b.c.example.co.uk": true, "xn--bcher-kva.example": true,
		"pay-1.example.com": true, "": false, "example": false, "localhost": false, "pay.local": false,
		"*.example.com": false, "192.0.2.1": false, "[2001:db8::1]": false,
		"pay.example.com:443": false, "https://pay.example.com": false, "pay.example.com/": false, "pay example.com": false,
		"pay..example.com": false, "-pay.example.com": false, "bücher.example": false, "pay.example.com.": false,
		strings.Repeat("a", 64) + ".example.com": false, strings.Repeat("a.", 130) + "com": false,
	} {
		if err := https.CheckHost(host, https.LetsEncrypt); (err == nil) != good {
			t.Errorf("%q: %v", host, err)
		}
	}
	if err := https.CheckHost("pay.local", "https://ca.local/dir"); err != nil {
		t.Errorf("a private name for a private authority: %v", err)
	}
}
