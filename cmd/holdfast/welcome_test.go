package main

import (
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// A browser at the API's address gets a page; a program gets the API's answer.
func TestABrowserAtTheAPIsAddress(t *testing.T) {
	demo := startDemo(t, filepath.Join(t.TempDir(), "demo"))
	const (
		browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
		page    = "text/html; charset=utf-8"
		xml     = "text/xml"
	)
	for _, row := range []struct {
		method, path, accept string
		status               int
		kind                 string
		says                 []string
	}{
		{"GET", "", browser, 200, page, []string{
			`href="/account/"`, `href="/inbox/"`, "AmazonFPS.xsd", "<code>" + demo.answer.Endpoint,
		}},
		{"GET", "", "text/html", 200, page, nil},
		{"GET", "nonsense", browser, 404, page, []string{`href="/account/"`}},
		{"GET", "", "", 403, xml, []string{"AuthFailure"}},
		{"GET", "", "*/*", 403, xml, []string{"AuthFailure"}},
		{"GET", "", "text/html;q=0, */*", 403, xml, nil},
		{"GET", "nonsense", "*/*", 404, xml, []string{"InvalidRequest"}},
		{"GET", "?Action=GetTokens", browser, 403, xml, nil},
		{"POST", "", browser, 403, xml, nil},
		{"GET", "sandbox/clock", browser, 403, xml, nil},
		{"GET", "doc/2010-08-28/AmazonFPS.xsd", browser, 200, "application/xml", nil},
		{"GET", "doc/", browser, 200, page, []string{`href="/doc/signing"`, "The API · Holdfast"}},
		{"GET", "doc/signing", "", 200, page, []string{"HmacSHA256"}},
		{"GET", "doc", "", 200, page, []string{`href="/doc/signing"`}},
		{"GET", "doc/vectors.json", "", 200, "application/json", []string{"stringToSign"}},
		{"POST", "doc/signing", "", 405, "text/plain; charset=utf-8", nil},
		{"GET", "doc/signing.md", browser, 404, page, []string{`href="/doc/"`}},
		{"GET", "doc/signing.md", "*/*", 404, xml, []string{"InvalidRequest"}},
		{"GET", "doc/../doc/signing/", "*/*", 404, xml, nil},
		{"GET", "doc/..%2fdocs.go", "*/*", 404, xml, nil},
		{"GET", "doc//signing", "*/*", 404, xml, nil},
		{"GET", "doc/2010-08-28/", "*/*", 404, xml, nil},
		{"GET", "demo/logo.svg", "image/*", 200, "image/svg+xml", []string{"<svg"}},
	} {
		r, err := http.NewRequestWithContext(t.Context(), row.method, demo.answer.Endpoint+row.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if row.accept != "" {
			r.Header.Set("Accept", row.accept)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		name := row.method + " /" + row.path + " for " + row.accept
		if answer.StatusCode != row.status || answer.Header.Get("Content-Type") != row.kind {
			t.Errorf("%s: %d %s, want %d %s\n%s", name, answer.StatusCode, answer.Header.Get("Content-Type"), row.status,
				row.kind, body)
		}
		for _, text := range row.says {
			if !strings.Contains(string(body), text) {
				t.Errorf("%s does not say %q:\n%s", name, text, body)
			}
		}
	}
}
