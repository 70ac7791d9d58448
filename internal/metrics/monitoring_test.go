package metrics_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// families returns the labels of every metric that a server can have, by name.
func families(t *testing.T) map[string][]string {
	t.Helper()
	s := newSet(holdfasttest.NewClock())
	s.Watch(store.Reader{})
	s.Queues(func() (int, int) { return 0, 0 })
	s.File("some.db")
	all := map[string][]string{}
	for _, f := range s.Families() {
		all[f.Name] = f.Labels
	}
	if len(all) < 40 {
		t.Fatalf("there are %d metrics: %v", len(all), all)
	}
	return all
}

func ours(name string) bool { return strings.HasPrefix(name, "holdfast_") }

// The table of metrics in docs/operating.md has each metric with its labels.
func TestMetricsAreListed(t *testing.T) {
	text, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	row := regexp.MustCompile("(?m)^\\| `(holdfast_\\w+)` \\|([^|]*)\\| \\S")
	listed, label := map[string][]string{}, regexp.MustCompile("`(\\w+)`")
	for _, m := range row.FindAllStringSubmatch(string(text), -1) {
		var labels []string
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			labels = append(labels, l[1])
		}
		slices.Sort(labels)
		listed[m[1]] = labels
	}
	want := families(t)
	maps.DeleteFunc(want, func(name string, _ []string) bool { return !ours(name) })
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("docs/operating.md lists other metrics (-want +got):\n%s", diff)
	}
}

var (
	metricName = regexp.MustCompile(`\b(?:holdfast|go|process)_\w+\b`)
	selector   = regexp.MustCompile(`(\w+)\{([^}]*)\}`)
	matcher    = regexp.MustCompile(`(\w+) *(?:=~|!~|!=|=)`)
	grouping   = regexp.MustCompile(`\bby \(([^)]*)\)`)
	ofSeries   = regexp.MustCompile(`_(?:bucket|sum|count)$`)
)

// checkNames requires the metrics and labels in a text to exist.
func checkNames(t *testing.T, known map[string][]string, where, text string) {
	t.Helper()
	labels := []string{"job", "instance", "le"}
	for _, name := range metricName.FindAllString(text, -1) {
		if _, ok := known[name]; !ok {
			name = ofSeries.ReplaceAllString(name, "")
		}
		of, ok := known[name]
		if !ok {
			t.Errorf("%s: there is no metric %s", where, name)
		}
		labels = append(labels, of...)
	}
	for _, s := range selector.FindAllStringSubmatch(text, -1) {
		for _, m := range matcher.FindAllStringSubmatch(s[2], -1) {
			if !slices.Contains(labels, m[1]) {
				t.Errorf("%s: %s has no label %s", where, s[1], m[1])
			}
		}
	}
	for _, g := range grouping.FindAllStringSubmatch(text, -1) {
		for name := range strings.SplitSeq(g[1], ",") {
			if !slices.Contains(labels, strings.TrimSpace(name)) {
				t.Errorf("%s: no metric in it has the label %s", where, name)
			}
		}
	}
}

// A panel is what the tests look at of a panel in Grafana.
type panel struct {
	ID          int
	Type, Title string
	Description string
	GridPos     struct{ X, Y, W, H int }
	Targets     []struct{ RefID, Expr string }
}

func dashboard(t *testing.T) []panel {
	t.Helper()
	text, err := os.ReadFile("../../docs/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		UID           string
		SchemaVersion int
		Panels        []panel
	}
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatal(err)
	}
	if d.UID == "" || d.SchemaVersion < 36 || len(d.Panels) < 20 {
		t.Fatalf("the dashboard has UID %q, version %d and %d panels", d.UID, d.SchemaVersion, len(d.Panels))
	}
	return d.Panels
}

// Every expression of the dashboard is about metrics that exist, and every panel
// has a place of its own.
func TestDashboard(t *testing.T) {
	known := families(t)
	ids, places := map[int]string{}, map[string]string{}
	for _, p := range dashboard(t) {
		if other, taken := ids[p.ID]; taken {
			t.Errorf("%s and %s have the same id", p.Title, other)
		}
		ids[p.ID] = p.Title
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				place := fmt.Sprint(x, " ", y)
				if other, taken := places[place]; taken || x >= 24 {
					t.Fatalf("%s is over %q at %s", p.Title, other, place)
				}
				places[place] = p.Title
			}
		}
		if p.Type == "row" {
			continue
		}
		if len(p.Targets) == 0 || p.Description == "" || p.Title == "" {
			t.Errorf("panel %d %q has %d expressions and the description %q", p.ID, p.Title, len(p.Targets), p.Description)
		}
		for _, target := range p.Targets {
			checkNames(t, known, p.Title, target.Expr)
			if !strings.Contains(target.Expr, "{job=") {
				t.Errorf("%s: %s is about every job", p.Title, target.Expr)
			}
		}
	}
}

// promtool accepts every expression of the dashboard.
func TestDashboardsExpressions(t *testing.T) {
	var rules strings.Builder
	rules.WriteString("groups:\n  - name: dashboard\n    rules:\n")
	for _, p := range dashboard(t) {
		for _, target := range p.Targets {
			expr := strings.NewReplacer("$__rate_interval", "1m", "$job", "holdfast").Replace(target.Expr)
			fmt.Fprintf(&rules, "      - record: panel:%d%s\n        expr: %q\n", p.ID, target.RefID, expr)
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	holdfasttest.Promtool(t, "", "check", "rules", file)
}

// The alerts are about metrics that exist, every alert is tested, and the tests
// pass.
func TestAlerts(t *testing.T) {
	const dir = "../../docs/monitoring/"
	known := families(t)
	alerts, err := os.ReadFile(dir + "alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	tests, err := os.ReadFile(dir + "alerts_test.yml")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`(?m)- alert: (\w+)$`)
	all := name.FindAllStringSubmatchIndex(string(alerts), -1)
	if len(all) < 10 {
		t.Fatalf("there are %d alerts", len(all))
	}
	for i, at := range all {
		rest := string(alerts[at[1]:])
		if i+1 < len(all) {
			rest = string(alerts[at[1]:all[i+1][0]])
		}
		alert := string(alerts[at[2]:at[3]])
		expr, _, _ := strings.Cut(rest, "labels: {severity")
		checkNames(t, known, alert, expr)
		if strings.Count(string(tests), "alertname: "+alert+"\n")+strings.Count(string(tests), "alertname: "+alert+",") != 2 {
			t.Errorf("the tests do not have %s once when it fires and once when it does not", alert)
		}
		if !strings.Contains(rest, "summary: ") || !strings.Contains(rest, "description: ") {
			t.Errorf("%s does not say what to do", alert)
		}
	}
	holdfasttest.Promtool(t, "", "check", "rules", dir+"alerts.yml")
	holdfasttest.Promtool(t, "", "test", "rules", dir+"alerts_test.yml")
}

// The table of docs/scale.md names metrics and alerts that exist.
func TestWhatToWatch(t *testing.T) {
	text, err := os.ReadFile("../../docs/scale.md")
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := os.ReadFile("../../docs/monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## What to watch")
	if !found {
		t.Fatal("docs/scale.md has no section about what to watch")
	}
	section, _, _ = strings.Cut(section, "\n## ")
	checkNames(t, families(t), "docs/scale.md", section)
	named := regexp.MustCompile("`(Holdfast\\w+)`").FindAllStringSubmatch(section, -1)
	if len(named) < 8 {
		t.Errorf("the table names %d alerts", len(named))
	}
	for _, m := range named {
		if !strings.Contains(string(alerts), "- alert: "+m[1]+"\n") {
			t.Errorf("there is no alert %s", m[1])
		}
	}
}
