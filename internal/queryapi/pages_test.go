package queryapi_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// docs/api/sandbox-clock.md has the clock's parameters and the fields of its answer.
func TestClockPage(t *testing.T) {
	page := holdfasttest.ReadPage(t, "sandbox-clock.md").Under("## The clock")
	var parameters, fields []string
	for _, row := range page.Table("parameter") {
		parameters = append(parameters, holdfasttest.Quoted(row[0])...)
	}
	for _, row := range page.Table("field") {
		fields = append(fields, holdfasttest.Quoted(row[0])...)
	}
	if diff := cmp.Diff(queryapi.ClockParameters(), parameters); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	w := newWorld(t)
	answer := w.send(http.MethodGet, "/sandbox/clock", w.signed(http.MethodGet, "/sandbox/clock", "shop", nil, "Version"))
	var said map[string]string
	if err := json.Unmarshal([]byte(answer[strings.Index(answer, "{"):]), &said); err != nil {
		t.Fatalf("%v: %s", err, answer)
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(said)), fields); diff != "" {
		t.Errorf("fields (-want +got):\n%s", diff)
	}
	var headers []string
	for _, row := range holdfasttest.ReadPage(t, "sandbox-clock.md").Under("### Headers").Rows() {
		headers = append(headers, holdfasttest.Quoted(row[0])...)
	}
	if want := []string{holdfast.HeaderTime, holdfast.HeaderDeadline}; !slices.Equal(headers, want) {
		t.Errorf("headers %q, want %q", headers, want)
	}
}

// docs/api/sandbox-clock.md has the clock's own errors, with their status.
func TestClockPageHasTheErrors(t *testing.T) {
	want := map[string]string{}
	for _, row := range holdfasttest.ReadPage(t, "sandbox-clock.md").Under("## The clock").Table("code") {
		want[holdfasttest.Quoted(row[0])[0]] = row[1]
	}
	got := map[string]string{}
	w := newWorld(t)
	for _, row := range []struct{ caller, pair string }{
		{"shop", ""},
		{"shop", "Advance=x"},
		{"shop", "Advance=0s"},
		{"shop", "Advance=99999999h"},
		{"shop", "Reset=yes"},
		{"shop", "Days=7"},
		{"live", "Advance=1h"},
	} {
		var p holdfast.Params
		if name, value, given := strings.Cut(row.pair, "="); given {
			p = holdfast.Params{{Name: name, Value: value}}
		}
		request := w.signed(http.MethodPost, "/sandbox/clock", row.caller, p, "Version")
		answer := w.send(http.MethodPost, "/sandbox/clock", request)
		code := errorCode.FindStringSubmatch(answer)
		if code == nil {
			t.Fatalf("%v is not refused: %s", row, answer)
		}
		got[code[1]] = statusLine.FindString(answer)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("errors (-page +server):\n%s", diff)
	}
}

var (
	errorCode  = regexp.MustCompile(`<Code>(\w+)<`)
	statusLine = regexp.MustCompile(`\b[1-5][0-9][0-9]\b`)
)

// docs/api/versions.md has the additions of each version, and the spellings.
func TestVersionsPage(t *testing.T) {
	page := holdfasttest.ReadPage(t, "versions.md")
	added, parameters := queryapi.Since(holdfast.Version2010)
	section := page.Under("### What 2010-08-28 added")
	if diff := cmp.Diff(slices.Sorted(slices.Values(added)), linked(section.After("Actions").Items())); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
	var said []string
	for _, item := range section.After("Parameters").Items() {
		for _, action := range linked([]string{item}) {
			said = append(said, action+" "+holdfasttest.Quoted(item)[0])
		}
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(parameters)), said); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if earlier, _ := queryapi.Since(holdfast.Version2008); len(earlier) > 0 {
		t.Errorf("version 2008 is one that adds: %v", earlier)
	}
	want, got := map[queryapi.Spelling]bool{}, map[queryapi.Spelling]bool{}
	for _, s := range queryapi.Spellings() {
		want[s] = true
	}
	for _, row := range page.Under("## Spellings").Rows() {
		name, also := holdfasttest.Quoted(row[1])[0], holdfasttest.Quoted(row[2])[0]
		got[queryapi.Spelling{Action: row[0], Name: name, Also: also}] = true
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("spellings (-want +got):\n%s", diff)
	}
}

// The table of versions says what the server does.
func TestVersionsPageIsWhatIsAnswered(t *testing.T) {
	w := newWorld(t)
	for _, row := range holdfasttest.ReadPage(t, "versions.md").Under("## Versions of the API").Rows() {
		for _, version := range append(holdfasttest.Quoted(row[0]), map[string][]string{"none": {""}}[row[0]]...) {
			want := "<Code>InvalidRequest</Code>"
			switch {
			case strings.HasPrefix(row[1], "answers in this version"):
				want = "http://fps.amazonaws.com/doc/" + version + "/"
			case strings.HasPrefix(row[1], "answers in "):
				want = "http://fps.amazonaws.com/doc/" + strings.TrimPrefix(row[1], "answers in ") + "/"
			}
			p := holdfast.Params{{Name: "Action", Value: "GetAccountBalance"}, {Name: "Version", Value: version}}
			if answer := w.send(http.MethodGet, "/", w.signed(http.MethodGet, "/", "shop", p)); !strings.Contains(answer, want) {
				t.Errorf("version %q: %s, want %s", version, answer, want)
			}
		}
	}
}

// docs/api/idempotency.md has the actions that take a CallerReference and move
// money.
func TestIdempotencyPageHasTheActions(t *testing.T) {
	want := slices.DeleteFunc(queryapi.ActionsWith("CallerReference"), func(name string) bool {
		return strings.Contains(name, "Token") || name == "InstallPaymentInstruction" // the reference is a token's
	})
	slices.Sort(want)
	page := holdfasttest.ReadPage(t, "idempotency.md").Under("## References of requests")
	if diff := cmp.Diff(want, linked(page.Items())); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

var actionLink = regexp.MustCompile(`\[(\w+)\]\(actions/(\w+)\.md\)`)

// linked are the actions that a text links to, sorted.
func linked(items []string) (names []string) {
	for _, m := range actionLink.FindAllStringSubmatch(strings.Join(items, "\n"), -1) {
		names = append(names, m[2])
	}
	slices.Sort(names)
	return names
}
