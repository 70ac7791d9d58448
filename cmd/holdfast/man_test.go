package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestManPages(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "man1")
	var said bytes.Buffer
	now := func() time.Time { return time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC) }
	code := run(t.Context(), []string{"man", dir}, world{Out: &said, Err: &said, Now: now})
	if code != exitFine || said.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, &said)
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || !slices.Contains(pages, filepath.Join(dir, "holdfast-tx-list.1")) {
		t.Fatalf("the pages are %v, %v", pages, err)
	}
	nodes := visible(commandTree())
	if len(pages) != len(nodes) {
		t.Errorf("%d pages for %d commands", len(pages), len(nodes))
	}
	if _, err := exec.LookPath("mandoc"); err != nil {
		t.Skip("mandoc is not installed")
	}
	lint := exec.Command("mandoc", append([]string{"-T", "lint", "-W", "style"}, pages...)...)
	if out, err := lint.CombinedOutput(); err != nil {
		t.Errorf("mandoc -T lint: %v\n%s", err, out)
	}
	for _, node := range nodes {
		text := shownPage(t, filepath.Join(dir, manName(node)+".1"))
		want := []string{node.FullPath(), "EXIT STATUS", "SEE ALSO"}
		for _, f := range flagsOf(node) {
			want = append(want, "--"+f.Name)
			if f.HasDefault && f.Default != "" {
				want = append(want, "(default: "+f.Default)
			}
		}
		for line := range strings.Lines(node.Detail) {
			if line != "Examples:\n" {
				want = append(want, line)
			}
		}
		for _, words := range want {
			if words := strings.Join(strings.Fields(words), " "); !strings.Contains(text, words) {
				t.Errorf("the page %s lacks %q:\n%s", manName(node), words, text)
			}
		}
	}
}

// overstruck matches letters that are printed twice to show them bold.
var overstruck = regexp.MustCompile(`.\x08`)

// shownPage is a page as a reader sees it, in one line. Every page that it refers
// to must exist.
func shownPage(t *testing.T, path string) string {
	t.Helper()
	out, err := exec.Command("mandoc", "-T", "ascii", "-O", "width=1000", path).Output()
	if err != nil {
		t.Fatalf("mandoc %s: %v", path, err)
	}
	plain := overstruck.ReplaceAllString(string(out), "")
	_, also, _ := strings.Cut(plain, "SEE ALSO")
	for _, word := range strings.Fields(also) {
		name, found := strings.CutSuffix(strings.TrimSuffix(word, ","), "(1)")
		footer := name == strings.ToUpper(name)
		if _, err := os.Stat(filepath.Join(filepath.Dir(path), name+".1")); found && !footer && err != nil {
			t.Errorf("%s refers to %s, which is not there", path, word)
		}
	}
	return strings.Join(strings.Fields(plain), " ")
}
