package main

import (
	"fmt"
	"os"
	"strings"
)

// A score counts the results of a package's mutants. Mutants that time out
// count as killed.
type score struct {
	dir                       string
	mutants, killed, timedOut int
	survivors                 []*mutant
}

func scoreOf(dir string, mutants []*mutant) score {
	s := score{dir: dir}
	for _, m := range mutants {
		switch m.fate {
		case notViable:
			continue
		case killed:
			s.killed++
		case timedOut:
			s.killed++
			s.timedOut++
		case lived:
			s.survivors = append(s.survivors, m)
		}
		s.mutants++
	}
	return s
}

// tenths is the share of killed mutants, in tenths of a percent, rounded down.
func (s score) tenths() int { return s.killed * 1000 / max(s.mutants, 1) }

// reasons say, by [mutant.key], why a survivor changes nothing that a test
// could see.
type reasons map[string]string

// readReasons reads lines with file, kind, source line and reason, separated by
// tabs.
func readReasons(path string) (reasons, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the reasons: %w", err)
	}
	return parseReasons(string(text))
}

func parseReasons(text string) (reasons, error) {
	all := make(reasons)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		column := strings.Split(line, "\t")
		if len(column) != 4 || column[3] == "" {
			return nil, fmt.Errorf("a reason has four columns: %q", line)
		}
		all[strings.Join(column[:3], "\t")] = column[3]
	}
	return all, nil
}

// verdict returns an error if too many mutants survive, or if a survivor has no
// reason.
func verdict(scores []score, known reasons) error {
	var wrong []string
	for _, s := range scores {
		if s.tenths() < killedMin*10 {
			wrong = append(wrong, fmt.Sprintf("%s: %d of %d mutants are killed, less than %d %%", s.dir, s.killed, s.mutants,
				killedMin))
		}
		for _, m := range s.survivors {
			if known[m.key(s.dir)] == "" {
				wrong = append(wrong, fmt.Sprintf("%s/%s:%d:%d: %s survives without a reason", s.dir, m.file, m.line,
					m.column, m.kind))
			}
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("%d findings:\n%s", len(wrong), strings.Join(wrong, "\n"))
	}
	return nil
}

// page returns the text of docs/mutants.md.
func page(scores []score, known reasons) string {
	var b strings.Builder
	b.WriteString(`# Mutation testing

<!-- Written by "make mutants". Do not edit. -->

` + "`make mutants`" + ` puts small faults, called mutants, into the packages with the rules, one at a time, and runs the package's own tests on each.
A mutant that no test notices survives. A mutant that makes the tests hang until they time out counts as killed.
[Gremlins](https://github.com/go-gremlins/gremlins) lists the mutants; ` + "`tools/mutants`" + ` runs them
([decision 47](decisions/0047-mutants.md)). This takes minutes, so CI does not do it. The command fails if a package is below 90 %, or if
a survivor has no reason in ` + "`tools/mutants/equivalent.txt`" + `.

| Package | Mutants | Killed | of these timed out | Survivors | Score |
| --- | ---: | ---: | ---: | ---: | ---: |
`)
	for _, s := range scores {
		fmt.Fprintf(&b, "| `%s` | %d | %d | %d | %d | %d.%d %% |\n", s.dir, s.mutants, s.killed, s.timedOut, len(s.survivors),
			s.tenths()/10, s.tenths()%10)
	}
	b.WriteString("\n## Survivors\n\n| Place | Kind | Line | Why |\n| --- | --- | --- | --- |\n")
	for _, s := range scores {
		for _, m := range s.survivors {
			reason := known[m.key(s.dir)]
			if reason == "" {
				reason = "**No reason: a test is missing.**"
			}
			fmt.Fprintf(&b, "| `%s/%s` | %s | `%s` | %s |\n", s.dir, m.file, m.kind,
				strings.ReplaceAll(m.code, "|", `\|`), reason)
		}
	}
	return b.String()
}
