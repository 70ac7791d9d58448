package api

import (
	"flag"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const pagesDir = "../../docs/api/"

func readPage(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(pagesDir + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

var calls = regexp.MustCompile("`(GET|POST|PATCH|PUT|DELETE) (/v1/[^`? ]*)[^`]*`")

// Every call that the pages name exists.
func TestPagesNameCallsThatExist(t *testing.T) {
	s := &Server{Public: &url.URL{Scheme: "https", Host: "pay.example.test", Path: "/"}}
	s.register()
	known := map[string]bool{}
	for _, r := range s.routes.all {
		known[r.method+" "+r.path] = true
	}
	for _, name := range []string{
		"checkouts.md", "from-stripe.md", "json-api.md", "json-from-fps.md", "per-parcel.md", "../webhooks.md",
	} {
		for _, m := range calls.FindAllStringSubmatch(readPage(t, name), -1) {
			if !known[m[1]+" "+m[2]] {
				t.Errorf("%s names %s %s, which does not exist", name, m[1], m[2])
			}
		}
	}
}

// The page about the Query API has a row for each of its actions.
func TestPageFromFPSHasEveryAction(t *testing.T) {
	page := readPage(t, "json-from-fps.md")
	actions, err := filepath.Glob(pagesDir + "actions/*.md")
	if err != nil || len(actions) < 20 {
		t.Fatalf("%d actions, %v", len(actions), err)
	}
	for _, file := range actions {
		name := strings.TrimSuffix(filepath.Base(file), ".md")
		if row := fmt.Sprintf("\n| [%s](actions/%[1]s.md) |", name); !strings.Contains(page, row) {
			t.Errorf("the page has no row for %s", name)
		}
	}
}

// The page of codes is made from the tables of meanings and refusals. With -update
// it is written.
func TestPageOfCodes(t *testing.T) {
	var b strings.Builder
	b.WriteString("# Codes of the JSON API\n\n<!-- Made by `go test ./internal/api -run TestPageOfCodes -update`" +
		" from internal/api/meaning.go and refusal.go. -->\n\n" +
		"The answer to a refused request is a [problem](json-api.md#problems) with one of these codes.\n\n" +
		"| code | HTTP | meaning | what to do |\n|---|---|---|---|\n")
	for _, m := range meanings {
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s |\n", m.code, m.status, m.title, m.advice)
	}
	b.WriteString("\n## The codes of the Query API\n\n" +
		"Each code of the [Query API](errors.md) is one of these in JSON.\n\n" +
		"| code there | code in JSON |\n|---|---|\n")
	for _, code := range slices.Sorted(maps.Keys(refusals)) {
		fmt.Fprintf(&b, "| `%s` | `%s` |\n", code, refusals[code])
	}
	if flag.Lookup("update").Value.String() == "true" {
		if err := os.WriteFile(pagesDir+"json-codes.md", []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if readPage(t, "json-codes.md") != b.String() {
		t.Error("docs/api/json-codes.md is not what the tables say; run the test with -update")
	}
}
