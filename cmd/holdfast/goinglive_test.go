package main

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The commands in docs/going-live.md exist.
func TestCommandsOfGoingLive(t *testing.T) {
	text, err := os.ReadFile("../../docs/going-live.md")
	if err != nil {
		t.Fatal(err)
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
