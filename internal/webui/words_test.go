package webui_test

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// inLanguage returns the words for an Accept-Language header.
func inLanguage(accept string) webui.Words {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	if accept != "" {
		r.Header.Set("Accept-Language", accept)
	}
	return webui.WordsFor(r)
}

func TestWordsFor(t *testing.T) {
	for accept, want := range map[string]string{
		"": "en-US", "*": "en-US", "nonsense;;q": "en-US", "fr, ja;q=0.9": "en-US", "en": "en-US", "en-US,en;q=0.5": "en-US",
		"en-GB": "en-GB", "en-AU": "en-GB", "de": "de", "de-DE,de;q=0.9,en;q=0.8": "de", "de-AT": "de-AT", "de-CH": "de-CH",
		"de-LI": "de", "es": "es", "es-ES": "es", "es-MX": "es-419", "es-AR": "es-419", "es-US": "es-US",
		"fr;q=0.9, es;q=0.8": "es", "en;q=0.1, de": "de",
		strings.Repeat("de,", 5000): "en-US",
	} {
		if got := inLanguage(accept).Tag(); got != want {
			t.Errorf("%.40q is answered in %s, want %s", accept, got, want)
		}
	}
}

func TestAmountsAndDates(t *testing.T) {
	at := time.Date(2026, time.March, 4, 15, 5, 0, 0, time.UTC)
	for accept, want := range map[string][]string{
		"en-US": {
			"$1,234.50", "2.5%", "1,000", "March 2026", "March 4, 2026", "Mar 4, 2026",
			"March 4, 2026, 3:05 PM\u00a0UTC",
		},
		"en-GB": {"US$1,234.50", "2.5%", "1,000", "March 2026", "4 March 2026", "4 Mar 2026", "4 March 2026, 15:05\u00a0UTC"},
		"de": {
			"1.234,50\u00a0$", "2,5\u00a0%", "1.000", "März 2026", "4. März 2026", "04.03.2026",
			"4. März 2026, 15:05\u00a0UTC",
		},
		"de-AT": {
			"$\u00a01\u00a0234,50", "2,5\u00a0%", "1\u00a0000", "März 2026", "4. März 2026", "04.03.2026",
			"4. März 2026, 15:05\u00a0UTC",
		},
		"de-CH": {
			"$\u00a01’234.50", "2.5%", "1’000", "März 2026", "4. März 2026", "04.03.2026",
			"4. März 2026, 15:05\u00a0UTC",
		},
		"es": {
			"1.234,50\u00a0US$", "2,5\u00a0%", "1.000", "marzo de 2026", "4 de marzo de 2026", "4 mar 2026",
			"4 de marzo de 2026, 15:05\u00a0UTC",
		},
		"es-MX": {
			"USD\u00a01,234.50", "2.5\u00a0%", "1,000", "marzo de 2026", "4 de marzo de 2026", "4 mar 2026",
			"4 de marzo de 2026, 15:05\u00a0UTC",
		},
		"es-US": {
			"$1,234.50", "2.5%", "1,000", "marzo de 2026", "4 de marzo de 2026", "4 mar 2026",
			"4 de marzo de 2026, 3:05 PM\u00a0UTC",
		},
	} {
		w := inLanguage(accept)
		got := []string{
			w.Dollars(money.Micros(1_234_500_000)), w.Percent("2.5"), w.Count(1000), w.Month(at), w.Day(at), w.Date(at),
			w.Moment(at),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", accept, diff)
		}
	}
	english := webui.Words{}
	for micro, want := range map[int64]string{
		0: "$0.00", 10_000: "$0.01", 42_500_000: "$42.50", 999_990_000: "$999.99", 1_000_000_000: "$1,000.00",
		1_234_567_890_000: "$1,234,567.89", -5_000_000: "−$5.00", 1: "$0.000001",
	} {
		if got := english.Dollars(money.Micros(micro)); got != want {
			t.Errorf("%d micro-dollars are %q, want %q", micro, got, want)
		}
	}
}

func TestNumbersInMessages(t *testing.T) {
	for accept, want := range map[string][]string{
		"en": {"Please check one field:", "Please check 0 fields:", "Please check 1,000,000 fields:"},
		"de": {"Bitte prüfen Sie ein Feld:", "Bitte prüfen Sie 0 Felder:", "Bitte prüfen Sie 1.000.000 Felder:"},
		// Spanish has a plural form of its own for millions.
		"es": {"Revise un campo:", "Revise 0 campos:", "Revise 1.000.000 campos:"},
	} {
		var got []string
		for _, n := range []int{1, 0, 1_000_000} {
			got = append(got, inLanguage(accept).N("form.check", n))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", accept, diff)
		}
	}
}

// A message has its plural forms by their names, such as "one" and "other".
type message map[string]string

func catalogue(t *testing.T, language string) map[string]message {
	t.Helper()
	files, err := filepath.Glob("words/*" + language + ".json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no catalogue (%v)", language, err)
	}
	all := make(map[string]message)
	for _, file := range files {
		read(t, file, all)
	}
	return all
}

// read adds the messages of a file. It fails the test if one of them exists
// already.
func read(t *testing.T, file string, all map[string]message) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var tree map[string]any
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	add := func(id string, m message) {
		if _, twice := all[id]; twice {
			t.Errorf("%s has %s, which another file has too", file, id)
		}
		all[id] = m
	}
	var walk func(prefix string, node map[string]any)
	walk = func(prefix string, node map[string]any) {
		for key, value := range node {
			switch v := value.(type) {
			case string:
				add(prefix+key, message{"other": v})
			case map[string]any:
				if other, plural := v["other"].(string); plural {
					add(prefix+key, message{"one": v["one"].(string), "other": other})
					continue
				}
				walk(prefix+key+".", v)
			}
		}
	}
	walk("", tree)
}

var placeholder = regexp.MustCompile(`{{\.\w+}}`)

func placeholders(m message) []string {
	found := placeholder.FindAllString(m["other"], -1)
	slices.Sort(found)
	return slices.Compact(found)
}

// Every language has every message, with the same placeholders.
func TestCataloguesAgree(t *testing.T) {
	english := catalogue(t, "en")
	for _, language := range []string{"de", "es"} {
		other := catalogue(t, language)
		for id, m := range english {
			translated, ok := other[id]
			if !ok {
				t.Errorf("%s has no %s: %q", language, id, m["other"])
				continue
			}
			if diff := cmp.Diff(placeholders(m), placeholders(translated)); diff != "" {
				t.Errorf("%s: the placeholders of %s differ (-English +translated):\n%s", language, id, diff)
			}
			if len(m) != len(translated) {
				t.Errorf("%s: %s has %d forms, English %d", language, id, len(translated), len(m))
			}
			if strings.TrimSpace(translated["other"]) == "" {
				t.Errorf("%s: %s is empty", language, id)
			}
		}
		for id := range other {
			if _, ok := english[id]; !ok {
				t.Errorf("%s has %s, but English does not", language, id)
			}
		}
	}
}

// idUsed finds message ids in the doors' code and templates.
var idUsed = regexp.MustCompile(`(?:\bt |\bn |\.T\(|\.N\()"([^"]+)"`)

// Every message that a page uses exists, and every message is used by a page.
func TestEveryMessageIsUsed(t *testing.T) {
	english := catalogue(t, "en")
	var sources strings.Builder
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || filepath.Ext(path) != ".go" &&
			filepath.Ext(path) != ".html" {
			return err
		}
		text, err := os.ReadFile(path)
		sources.Write(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, use := range idUsed.FindAllStringSubmatch(sources.String(), -1) {
		if _, ok := english[use[1]]; !ok && use[1] != "id" {
			t.Errorf("%s is used, but it is in no catalogue", use[1])
		}
	}
	for id := range english {
		if !strings.Contains(sources.String(), `"`+id+`"`) {
			t.Errorf("%s is in the catalogue, but it is not used", id)
		}
	}
}

// Each message can be said in each language.
func TestEveryMessageCanBeSaid(t *testing.T) {
	filled := []any{}
	for _, m := range catalogue(t, "en") {
		for _, p := range placeholders(m) {
			filled = append(filled, strings.Trim(p, "{}."), "X")
		}
	}
	for id, m := range catalogue(t, "en") {
		for _, w := range webui.AllWords() {
			said := w.T(id, filled...)
			if len(m) > 1 {
				said = w.N(id, 1, filled...) + w.N(id, 2, filled...)
			}
			if said == "" || strings.Contains(said, "{{") || strings.Contains(said, "<no value>") {
				t.Errorf("%s in %s is %q", id, w.Tag(), said)
			}
		}
	}
}
