package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A line is a figure with its measured values.
type line struct {
	figure
	value, yardstick, judged spread
	runs                     int
	compared                 bool
}

// met reports whether the median of the runs reaches the goal. A figure without
// a goal always does.
func (l line) met() bool { return l.goal.good == nil || l.goal.good(l.judged.median) }

// lineOf calculates a figure for each run, because a value and its yardstick
// are comparable only within a run.
func lineOf(f figure, d rowData) (line, error) {
	l := line{figure: f, compared: f.yardstick != ""}
	values, err := d.at(f.value)
	if err != nil {
		return l, err
	}
	yardsticks := make([]float64, len(values))
	if l.compared {
		if yardsticks, err = d.at(f.yardstick); err != nil {
			return l, err
		}
	}
	judged := f.goal.judged
	if judged == nil {
		judged = ratio
	}
	results := make([]float64, len(values))
	for i := range values {
		results[i] = judged(values[i], yardsticks[i])
	}
	l.value, l.yardstick, l.judged, l.runs = spreadOf(values), spreadOf(yardsticks), spreadOf(results), len(values)
	return l, nil
}

// writePage writes docs/benchmarks.md and its charts from the data.
func writePage(root, data string) error {
	var m machine
	if found, err := readJSON(filepath.Join(data, "machine.json"), &m); err != nil || !found {
		return fmt.Errorf("reading the description of the machine (found: %v): %w", found, err)
	}
	var lines []line
	var missing, troubles []string
	occasions := map[occasion][]string{}
	for _, r := range rows {
		var d rowData
		found, err := readJSON(filepath.Join(data, r.name+".json"), &d)
		if err != nil {
			return err
		}
		if !found {
			missing = append(missing, r.name)
			continue
		}
		troubles = append(troubles, d.troubles()...)
		occasions[d.occasion] = append(occasions[d.occasion], r.name)
		for _, f := range r.figures {
			l, err := lineOf(f, d)
			if errors.Is(err, errNotMeasured) {
				missing = append(missing, f.title)
				continue
			}
			if err != nil {
				return err
			}
			if d.Size > 0 {
				l.title += fmt.Sprintf(" (%s)", number(float64(d.Size)))
			}
			lines = append(lines, l)
		}
	}
	charts, err := drawCharts(data, lines)
	if err != nil {
		return err
	}
	// People write their remarks in a separate file.
	remarks, err := os.ReadFile(filepath.Join(data, "remarks.md"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	text := pageText(m, lines, charts) + occasionsText(occasions) + notes(missing, troubles) + string(remarks)
	return os.WriteFile(filepath.Join(root, "docs", "benchmarks.md"), []byte(text), 0o644)
}

func pageText(m machine, lines []line, charts []chart) string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Measured by `+"`make bench`"+
		`, which anybody can run. The data is in [benchmarks](benchmarks); this page is generated from it.

| | |
|---|---|
| processor | %s, %d cores |
| memory | %s |
| system | %s, stores on %s |
| Go | %s |
| PostgreSQL | %s |

`, m.CPU, m.Cores, m.Memory, m.System, m.Filesystem, m.Go, m.PostgreSQL)
	b.WriteString(method)
	b.WriteString("Each figure is the median of its runs, with the lowest and the highest in brackets.\n\n")
	b.WriteString("| | measured | compared with | ratio | goal | runs | |\n|---|---|---|---|---|---|---|\n")
	for _, l := range lines {
		b.WriteString(l.text())
	}
	b.WriteString("\n")
	for _, c := range charts {
		fmt.Fprintf(&b, "![%s](benchmarks/%s)\n\n", c.title, c.file)
	}
	return b.String()
}

// occasionsText lists when each row was measured: rows may be of different
// commits.
func occasionsText(all map[occasion][]string) string {
	var b strings.Builder
	for _, o := range slices.SortedFunc(maps.Keys(all),
		func(x, y occasion) int { return strings.Compare(fmt.Sprint(x), fmt.Sprint(y)) }) {
		fmt.Fprintf(&b, "Measured on %s at %s, %s each time, on %s: %s.\n\n",
			o.Date, o.Commit, o.Duration, o.CPU, strings.Join(all[o], ", "))
	}
	return b.String()
}

// notes list failed requests and missing rows.
func notes(missing, troubles []string) string {
	var b strings.Builder
	if len(troubles) > 0 {
		b.WriteString("Some requests failed. A killed server answers no requests for a while; any other failure is a " +
			"fault.\n\n")
		for _, t := range troubles {
			b.WriteString("- " + t + "\n")
		}
		b.WriteString("\n")
	}
	if len(missing) > 0 {
		fmt.Fprintf(&b, "Not measured yet: %s.\n\n", strings.Join(missing, "; "))
	}
	return b.String()
}

const method = `## Method

The load comes from ` + "`holdfast bench`" + `, a separate process on the same cores. Every request is signed and has its own token. Every
answer covers the whole action: the signature, the CallerReference, intent and outcome in two durable commits, the sandbox's card network,
the postings, the history and the rows of the notifications. Notifications are not delivered meanwhile, except where a row says so: there a
receiver on the loopback interface takes them, and a search finds the highest rate that the deliveries keep up with. Commits wait for the
disk: SQLite in WAL mode with synchronous=FULL, PostgreSQL with fsync and synchronous_commit on.

Each run measures a figure and its yardstick one after the other, so that other load on the machine affects both. The ratio is that of a
run. After each measurement the bench looks up every acknowledged transaction; a missing one would end the run. Then it audits all books,
except in the rows of large stores. After a storm it audits the books of the caller whose holds expired.

The JSON API is compared with Reserve on the same store: first all connections reserve, then all create holds. The merchants have keys of both
kinds, so both write the same events.

Processor times are those of the whole process during the measurement, from /proc, divided by the successful answers. That of PostgreSQL is the sum
of all its processes. The write-ahead log is the distance that ` + "`pg_current_wal_lsn`" + ` moved.

## Figures

`

func (l line) text() string {
	judged, goal := "", l.goal.text
	if l.compared {
		judged = shown(l.judged, "×")
	}
	mark := ""
	if l.goal.good != nil {
		if mark = "✓"; !l.met() {
			mark = "**missed**"
		}
	}
	against := ""
	if l.compared {
		against = fmt.Sprintf("%s: %s", l.against, shown(l.yardstick, l.unit))
	}
	return fmt.Sprintf("| %s | %s | %s | %s | %s | %d | %s |\n", l.title, shown(l.value, l.unit), against, judged, goal,
		l.runs, mark)
}

func shown(s spread, unit string) string {
	return fmt.Sprintf("%s %s (%s … %s)", number(s.median), unit, number(s.min), number(s.max))
}

// number formats x with about three significant digits.
func number(x float64) string {
	switch {
	case x >= 1_000_000:
		return fmt.Sprintf("%d,%03d,%03d", int(x)/1_000_000, int(x)/1000%1000, int(x)%1000)
	case x >= 1000:
		return fmt.Sprintf("%d,%03d", int(x)/1000, int(x)%1000)
	case x >= 100 || x == float64(int(x)):
		return fmt.Sprintf("%.0f", x)
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.2f", x)
}
