package holdfasttest

import (
	"html"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// The largest sizes of a page for a slow phone, in bytes. The HTML must arrive
// in one round trip, which is ten segments: a server sends so many before it
// waits for an answer. The second limit is for the HTML and all its files.
const (
	htmlMax = 14_000
	pageMax = 50_000
)

var (
	assetPattern = regexp.MustCompile(webui.AssetsPrefix + `[^"]+`)
	idPattern    = regexp.MustCompile(` id="([^"]+)"`)
	forPattern   = regexp.MustCompile(` for="([^"]+)"`)
	formPattern  = regexp.MustCompile(`(?s)<form ([^>]*)>(.*?)</form>`)
	inputPattern = regexp.MustCompile(`<input ([^>]*)>`)
	attribute    = regexp.MustCompile(`([a-z-]+)="([^"]*)"`)
)

// CheckPage fails the test unless a page is small and complete, and has
// everything that screen readers need.
func CheckPage(t testing.TB, page, body string) {
	t.Helper()
	checkSize(t, page, body)
	if strings.Contains(html.UnescapeString(body), "<no value>") {
		t.Errorf("%s: a message is incomplete", page)
	}
	if n := strings.Count(body, "<h1"); n != 1 {
		t.Errorf("%s has %d h1", page, n)
	}
	for _, part := range []string{`<html lang="`, `<main id="main"`, "<header", `name="viewport"`} {
		if !strings.Contains(body, part) {
			t.Errorf("%s lacks %s", page, part)
		}
	}
	if open, closed := strings.Count(body, "<form"), strings.Count(body, "</form>"); open != closed {
		t.Errorf("%s opens %d forms and closes %d", page, open, closed)
	}
	ids := make(map[string]bool)
	for _, id := range idPattern.FindAllStringSubmatch(body, -1) {
		if ids[id[1]] {
			t.Errorf("%s has the id %s twice", page, id[1])
		}
		ids[id[1]] = true
	}
	labelled := make(map[string]bool)
	for _, label := range forPattern.FindAllStringSubmatch(body, -1) {
		labelled[label[1]] = true
		if !ids[label[1]] {
			t.Errorf("%s has a label for %s, which does not exist", page, label[1])
		}
	}
	for _, input := range inputPattern.FindAllString(body, -1) {
		id := idPattern.FindStringSubmatch(input)
		if !strings.Contains(input, "hidden") && (id == nil || !labelled[id[1]]) {
			t.Errorf("%s has no label for %s", page, input)
		}
	}
}

func checkSize(t testing.TB, page, body string) {
	t.Helper()
	if len(body) > htmlMax {
		t.Errorf("%s has %d bytes of HTML", page, len(body))
	}
	all := len(body)
	found := assetPattern.FindAllString(body, -1)
	for _, path := range found {
		w := httptest.NewRecorder()
		webui.Assets().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
		if w.Code != http.StatusOK {
			t.Errorf("%s loads %s, which answers with %d", page, path, w.Code)
		}
		all += w.Body.Len()
	}
	if len(found) == 0 || all > pageMax {
		t.Errorf("%s has %d files and %d bytes in all", page, len(found), all)
	}
}

// A Form is a form of a page, parsed for a test.
type Form struct {
	Action, Method string
	Fields         holdfast.Params
}

var (
	selectPattern = regexp.MustCompile(`(?s)<select([^>]*)>(.*?)</select>`)
	chosenPattern = regexp.MustCompile(`<option([^>]*) selected>`)
)

// Forms returns the forms of a page in their order.
func Forms(body string) (forms []Form) {
	for _, match := range formPattern.FindAllStringSubmatch(body, -1) {
		own := attributes(match[1])
		f := Form{Action: own["action"], Method: own["method"]}
		for _, input := range inputPattern.FindAllStringSubmatch(match[2], -1) {
			a := attributes(input[1])
			if (a["type"] == "radio" || a["type"] == "checkbox") && !strings.Contains(input[1], " checked") {
				continue
			}
			f.Fields = append(f.Fields, holdfast.Param{Name: a["name"], Value: a["value"]})
		}
		for _, choice := range selectPattern.FindAllStringSubmatch(match[2], -1) {
			chosen := chosenPattern.FindStringSubmatch(choice[2])
			if chosen == nil {
				continue
			}
			f.Fields = append(f.Fields, holdfast.Param{
				Name: attributes(choice[1])["name"], Value: attributes(chosen[1])["value"],
			})
		}
		forms = append(forms, f)
	}
	return forms
}

// Filled returns the form's fields with new values for some of them. pairs are
// names and values in turn.
func (f Form) Filled(pairs ...string) holdfast.Params {
	p := append(holdfast.Params{}, f.Fields...)
	for i := 0; i+1 < len(pairs); i += 2 {
		p = append(p.Without(pairs[i]), holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	return p
}

func attributes(tag string) map[string]string {
	found := make(map[string]string)
	for _, a := range attribute.FindAllStringSubmatch(tag, -1) {
		found[a[1]] = html.UnescapeString(a[2])
	}
	return found
}
