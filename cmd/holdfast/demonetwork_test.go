package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A demo keeps its card network, and what has happened there.
func TestDemoOnAFakeOfStripe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "demo")
	first := startDemo(t, dir, "--network", "stripe-fake")
	if !strings.HasPrefix(first.answer.Network, "http://127.0.0.1:") {
		t.Errorf("the network is %q", first.answer.Network)
	}
	if out, code := holdfastCommand(t, "caller", "list", "--data", dir, "--json"); code != 0 ||
		!strings.Contains(out, `"marketplace":false`) {
		t.Errorf("caller list: exit code %d\n%s", code, out)
	}
	if out, code := holdfastCommand(t, "clock", "advance", "7d", "--data", dir); code == 0 {
		t.Errorf("the clock of a card network was moved:\n%s", out)
	}
	if _, err := first.end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	journal := filepath.Join(dir, networkFile)
	before, err := os.ReadFile(journal)
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(journal, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"At":"20`); err != nil { // as after a crash
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}

	if out, code := holdfastCommand(t, "demo", "--json", "--data", dir, "--network", "sandbox"); code != exitMisused ||
		!strings.Contains(out, "takes cards at stripe-fake") {
		t.Errorf("a demo with another network: exit code %d\n%s", code, out)
	}
	second := startDemo(t, dir)
	if diff := cmp.Diff(first.answer, second.answer); diff != "" {
		t.Errorf("the second start differs from the first (-first +second):\n%s", diff)
	}
	after, err := os.ReadFile(journal)
	if err != nil || string(after) != string(before) {
		t.Errorf("the journal was %q and is %q (%v)", before, after, err)
	}
	if _, err := second.end(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	booksAreRight(t, dir)
}
