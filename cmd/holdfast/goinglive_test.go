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

// An operator can follow the steps: the server is stopped while the store is
// sealed, gets the key, starts when there is an account, and runs when it is
// checked.
func TestOrderOfGoingLive(t *testing.T) {
	text, err := os.ReadFile("../../docs/going-live.md")
	if err != nil {
		t.Fatal(err)
	}
	_, steps, _ := strings.Cut(string(text), "\n## Step by step\n")
	steps, _, _ = strings.Cut(steps, "\n## ")
	rest := indented(steps)
	for _, command := range []string{
		"systemctl stop holdfast", "holdfast seal keygen", "holdfast seal on", "/examples/seal-key.conf",
		"systemctl daemon-reload", "export HOLDFAST_STORE", "holdfast network add", "systemctl start holdfast",
		"holdfast network set", "holdfast network check", "holdfast caller create",
	} {
		_, after, found := strings.Cut(rest, command)
		if !found {
			t.Fatalf("%q is missing, or comes too early", command)
		}
		rest = after
	}
	if strings.Contains(rest, "systemctl") {
		t.Error("the server is started or stopped again")
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
