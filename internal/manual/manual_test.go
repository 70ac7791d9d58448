package manual_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/docs"
	"github.com/holdfast-pay/holdfast/internal/manual"
)

// nothing answers requests for which the manual has no page.
var nothing = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })

func ask(t *testing.T, h http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, "/", nil)
	r.URL.Path = path
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func api() http.Handler {
	return (&manual.Server{Files: docs.API(), Log: slog.New(slog.DiscardHandler)}).Handler(nothing)
}

var (
	hrefs = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	ids   = regexp.MustCompile(` id="([^"]*)"`)
)

// Every page can be reached from the first one. Every link leads to a page of
// this server.
func TestEveryLinkLeadsSomewhere(t *testing.T) {
	h := api()
	bodies := map[string]string{}
	type link struct{ from, to string }
	var links []link
	waiting := []string{manual.Path}
	for len(waiting) > 0 {
		path := waiting[0]
		waiting = waiting[1:]
		if _, seen := bodies[path]; seen {
			continue
		}
		w := ask(t, h, http.MethodGet, path)
		if w.Code != http.StatusOK {
			t.Fatalf("%s has status %d", path, w.Code)
		}
		bodies[path] = w.Body.String()
		if w.Header().Get("Content-Type") != "text/html; charset=utf-8" {
			continue
		}
		for _, m := range hrefs.FindAllStringSubmatch(bodies[path], -1) {
			u, err := url.Parse(m[1])
			if err != nil || u.Scheme != "" || u.Host != "" {
				t.Errorf("%s has a link that leaves the server: %s", path, m[1])
				continue
			}
			if u.Path == "" {
				u.Path = path
			}
			if strings.HasPrefix(u.Path, "/cobranded-ui/assets/") {
				continue
			}
			waiting = append(waiting, u.Path)
			links = append(links, link{path, u.Path + "#" + u.Fragment})
		}
	}
	for _, l := range links {
		path, fragment, _ := strings.Cut(l.to, "#")
		if fragment == "" {
			continue
		}
		found := false
		for _, id := range ids.FindAllStringSubmatch(bodies[path], -1) {
			found = found || id[1] == fragment
		}
		if !found {
			t.Errorf("%s links to %s, but the page has no such anchor", l.from, l.to)
		}
	}
	for _, page := range []string{
		"signing", "return-url", "notifications", "idempotency", "sandbox-clock", "versions", "vectors.json",
	} {
		if _, ok := bodies[manual.Path+page]; !ok {
			t.Errorf("no link leads to %s", page)
		}
	}
}

// A page has the layout, can be cached by its ETag, and may load nothing from
// other servers.
func TestAPageIsKept(t *testing.T) {
	h := api()
	w := ask(t, h, http.MethodGet, "/doc/signing", "Accept-Language", "de")
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; " +
			"frame-ancestors 'none'; base-uri 'none'",
		"Cache-Control":          "public, no-cache",
		"X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	for _, text := range []string{
		"<title>Signing · Holdfast</title>", `<html lang="en-US">`, `<h1 id="signing">Signing</h1>`,
		`aria-current="page">Signing<`,
	} {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("the page does not have %s", text)
		}
	}
	if strings.Contains(w.Body.String(), "style=") || strings.Contains(w.Body.String(), "<script") {
		t.Error("the page has a style or a script of its own")
	}
	etag := w.Header().Get("ETag")
	w = ask(t, h, http.MethodGet, "/doc/signing", "If-None-Match", etag)
	if w.Code != http.StatusNotModified || w.Body.Len() > 0 {
		t.Errorf("with its ETag: %d and %d bytes", w.Code, w.Body.Len())
	}
	w = ask(t, h, http.MethodHead, "/doc/signing")
	if w.Code != http.StatusOK || w.Body.Len() > 0 || w.Header().Get("ETag") != etag {
		t.Errorf("HEAD: %d with %d bytes and ETag %s", w.Code, w.Body.Len(), w.Header().Get("ETag"))
	}
	if other := ask(t, h, http.MethodGet, "/doc/versions").Header().Get("ETag"); other == etag || etag == "" {
		t.Errorf("two pages have the ETag %s", etag)
	}
}

func TestOtherAddressesAreNotThePages(t *testing.T) {
	h := api()
	for _, path := range []string{
		"/doc/signing/", "/doc/signing.md", "/doc/README", "/doc/../doc/signing", "/doc//signing", "/doc/Signing",
		"/doc/../../docs.go", "/doc/signing\x00", "/doc/.", "", "/", "/doc/2010-08-28/AmazonFPS.xsd",
	} {
		if w := ask(t, h, http.MethodGet, path); w.Code != http.StatusTeapot {
			t.Errorf("%q is answered with %d", path, w.Code)
		}
	}
	w := ask(t, h, http.MethodDelete, "/doc/signing")
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("DELETE: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if w = ask(t, h, http.MethodGet, "/doc"); w.Code != http.StatusFound || w.Header().Get("Location") != manual.Path {
		t.Errorf("/doc: %d, and leads to %s", w.Code, w.Header().Get("Location"))
	}
}

// A document is rendered as harmless HTML.
func TestDocuments(t *testing.T) {
	files := fstest.MapFS{
		"README.md": {Data: []byte("# First\n\n- [b](b.md)\n- [pay](actions/Pay.md#errors)\n- [actions](actions)\n" +
			"- [out](../operating.md) [far](https://evil.test/) [script](javascript:alert(1))\n\n" +
			"<script>alert(1)</script>\n\nA <b onclick=x>bold</b> word\n")},
		"a.md":              {Data: []byte("# A\n")},
		"b.md":              {Data: []byte("# `B` & *more*\n\n| one | two |\n|---|---:|\n| 1 | 2 |\n")},
		"actions/README.md": {Data: []byte("# Actions\n")},
		"actions/Pay.md":    {Data: []byte("# Pay\n\n[up](../b.md)\n\n## Errors\n")},
	}
	h := (&manual.Server{Files: files, Log: slog.New(slog.DiscardHandler)}).Handler(nothing)
	first := ask(t, h, http.MethodGet, "/doc/").Body.String()
	for _, text := range []string{
		`<a href="/doc/b">b</a>`, `<a href="/doc/actions/Pay#errors">pay</a>`, `<a href="/doc/actions/">actions</a>`,
		"<li>out far script</li>", "bold word",
	} {
		if !strings.Contains(strings.ReplaceAll(first, "<!-- raw HTML omitted -->", ""), text) {
			t.Errorf("the first page does not have %s:\n%s", text, first)
		}
	}
	for _, text := range []string{"evil", "alert", "onclick"} {
		if strings.Contains(first, text) {
			t.Errorf("the first page has %s:\n%s", text, first)
		}
	}
	_, pages, _ := strings.Cut(first, "<nav")
	var order []string
	for _, m := range hrefs.FindAllStringSubmatch(pages, -1) {
		order = append(order, m[1])
	}
	if diff := cmp.Diff([]string{"/doc/", "/doc/b", "/doc/a", "/doc/actions/", "/doc/actions/Pay"}, order); diff != "" {
		t.Errorf("the order of pages (-want +got):\n%s", diff)
	}
	b := ask(t, h, http.MethodGet, "/doc/b").Body.String()
	for _, text := range []string{
		"<title>B &amp; more · Holdfast</title>", `<td role="cell" data-label="two">2</td>`, `<tr role="row">`,
		`<table role="table">`,
	} {
		if !strings.Contains(b, text) {
			t.Errorf("the page does not have %s:\n%s", text, b)
		}
	}
	up := ask(t, h, http.MethodGet, "/doc/actions/Pay").Body.String()
	if !strings.Contains(up, `<a href="/doc/b">up</a>`) || !strings.Contains(up, `<a href="/doc/">First</a>`) {
		t.Errorf("a page in a directory does not link to the page above:\n%s", up)
	}
}

// A document without a title is an error.
func TestADocumentWithoutATitle(t *testing.T) {
	var log strings.Builder
	files := fstest.MapFS{"README.md": {Data: []byte("Text\n")}}
	h := (&manual.Server{Files: files, Log: slog.New(slog.NewTextHandler(&log, nil))}).Handler(nothing)
	w := ask(t, h, http.MethodGet, "/doc/")
	if w.Code != http.StatusTeapot || !strings.Contains(log.String(), "README.md has no title") {
		t.Errorf("the status is %d, and the log says %s", w.Code, log.String())
	}
}
