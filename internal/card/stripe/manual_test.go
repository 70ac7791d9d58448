package stripe

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The operator's manual names the rights that are checked and the events that are
// read, and no others.
func TestManual(t *testing.T) {
	text, err := os.ReadFile("../../../docs/going-live.md")
	if err != nil {
		t.Fatal(err)
	}
	_, keys, _ := strings.Cut(string(text), "## The restricted key")
	keys, _, _ = strings.Cut(keys, "\n## ")
	var named []string
	for _, row := range regexp.MustCompile(`(?m)^\| ([A-Z][^|]+) \| (read|write) \|`).FindAllStringSubmatch(keys, -1) {
		named = append(named, row[1]+": "+row[2])
	}
	var checked []string
	for _, r := range rights {
		checked = append(checked, r.name)
	}
	if !slices.Equal(named, checked) {
		t.Errorf("the manual names the rights %q, and these are checked: %q", named, checked)
	}

	_, events, _ := strings.Cut(string(text), "## The webhook endpoint")
	events, _, _ = strings.Cut(events, "\n## ")
	listed := regexp.MustCompile(`(?m)\b[a-z_]+(?:\.[a-z_]+)+\b`).FindAllString(events, -1)
	slices.Sort(listed)
	read := slices.Sorted(slices.Values(slices.Concat(eventTypes[:]...)))
	if !slices.Equal(slices.Compact(listed), read) {
		t.Errorf("the manual lists the events %q, and these are read: %q", listed, read)
	}
}
