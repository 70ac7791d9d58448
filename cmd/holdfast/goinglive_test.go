package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/card/stripe"
)

// docs/going-live.md lists exactly the events that the server acts on, and its
// commands exist.
func TestGoingLiveIsTrue(t *testing.T) {
	text, err := os.ReadFile("../../docs/going-live.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The webhook endpoint\n")
	section, _, _ = strings.Cut(section, "\n## ")
	listed := regexp.MustCompile(`[a-z_]+(?:\.[a-z_]+)+`).FindAllString(indented(section), -1)
	want := stripe.EventTypes()
	slices.Sort(listed)
	slices.Sort(want)
	if diff := cmp.Diff(want, listed); diff != "" {
		t.Errorf("the page lists other events (-want +got):\n%s", diff)
	}
	commands := 0
	for line := range strings.Lines(strings.ReplaceAll(indented(string(text)), "\\\n", " ")) {
		line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
		command, found := strings.CutPrefix(strings.TrimSpace(line), "holdfast ")
		if !found {
			continue
		}
		commands++
		args := shellWords(command)
		if !slices.Contains(args, "--store") && args[0] != "seal" {
			args = append(args, "--store", "holdfast.db") // from the environment
		}
		if _, err := parsedWith(t, args...); err != nil {
			t.Errorf("%q: %v", line, err)
		}
	}
	if commands < 10 {
		t.Errorf("%d commands are found", commands)
	}
}

// indented are the lines of a page that are code.
func indented(page string) string {
	var code strings.Builder
	for line := range strings.Lines(page) {
		if strings.HasPrefix(line, "    ") {
			code.WriteString(line)
		}
	}
	return code.String()
}
