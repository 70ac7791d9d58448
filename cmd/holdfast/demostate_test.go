package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/money"
)

// New passwords would not be those of the people who are in the store.
func TestDemoThatForgot(t *testing.T) {
	dir := t.TempDir()
	if _, err := startDemo(t, dir).end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	memory := filepath.Join(dir, demoFile)
	kept, err := os.ReadFile(memory)
	if err != nil {
		t.Fatal(err)
	}
	forgotten := func(how string) {
		t.Helper()
		out, code := holdfastCommand(t, "demo", "--json", "--data", dir)
		if code != exitFailed || !strings.Contains(out, memory+" is gone or empty") || !strings.Contains(out, "--data") {
			t.Errorf("a demo whose memory is %s: exit code %d\n%s", how, code, out)
		}
	}
	if err := os.WriteFile(memory, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	forgotten("empty")
	if err := os.Remove(memory); err != nil {
		t.Fatal(err)
	}
	forgotten("gone")
	if err := os.WriteFile(memory, kept, 0o600); err != nil {
		t.Fatal(err)
	}
	startDemo(t, dir).token("order-1-pay", money.Cents(100))
}
