package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/api"
)

var (
	links = regexp.MustCompile(`(?:href|src)="([^"]*)"`)
	ids   = regexp.MustCompile(` id="([^"]*)"`)
)

// The reference names every operation and code, loads nothing from other hosts and
// runs no script. Its links lead somewhere.
func TestReference(t *testing.T) {
	w := newWorld(t)
	got := w.do("GET", api.Path, "", header("Authorization", "")).want(http.StatusOK, "")
	page := got.Body.String()
	if policy := got.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'") ||
		strings.Contains(policy, "script") || strings.Contains(policy, "unsafe") {
		t.Errorf("the policy is %s", policy)
	}
	if strings.Contains(page, "<script") || strings.Contains(page, "style=") {
		t.Error("the page has a script or a style of its own")
	}
	anchors := map[string]bool{}
	for _, m := range ids.FindAllStringSubmatch(page, -1) {
		if anchors[m[1]] {
			t.Errorf("the page has the anchor %s twice", m[1])
		}
		anchors[m[1]] = true
	}
	for _, m := range links.FindAllStringSubmatch(page, -1) {
		to := m[1]
		switch {
		case strings.HasPrefix(to, "#"):
			if !anchors[to[1:]] && to != "#main" {
				t.Errorf("the page has no anchor for %s", to)
			}
		case !strings.HasPrefix(to, "/cobranded-ui/assets/") && !strings.HasPrefix(to, "/doc/") &&
			!strings.HasPrefix(to, "/v1/openapi."):
			t.Errorf("the page links to %s", to)
		}
	}
	for id := range w.operations() {
		if !anchors[id] {
			t.Errorf("the page does not have %s", id)
		}
	}
	if !anchors["scope_missing"] || !anchors["Hold"] {
		t.Error("the page does not have the codes or the objects")
	}
}

// The document can be had without a key, as JSON and as YAML, and is cached by its
// ETag.
func TestDocument(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/v1/openapi.json", "/v1/openapi.yaml", api.Path} {
		got := w.do("GET", path, "", header("Authorization", "")).want(http.StatusOK, "")
		again := w.do("GET", path, "", header("If-None-Match", got.Header().Get("ETag")))
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s with its ETag: %d", path, again.Code)
		}
	}
	if got := w.do("GET", "/v1", ""); got.Code != http.StatusFound || got.Header().Get("Location") != api.Path {
		t.Errorf("/v1: %d", got.Code)
	}
}
