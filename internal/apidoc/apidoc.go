// Package apidoc reads and writes the parts of the pages in docs/api: notes
// written by hand next to a door, and tables. The doors' tests make the pages
// from the notes and from the door's own tables, so that a page cannot differ
// from the door.
package apidoc

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Notes are the hand-written part of one page: a title, an introduction, and
// sections below headings of the second level.
type Notes struct {
	Title, Intro string
	Sections     []Section
}

// A Section is the text below one heading.
type Section struct{ Heading, Text string }

// An Item is one line of a section, such as
//
//   - `CallerReference` (with RefundAmount) = none: your name for the refund.
//
// of which the words in brackets and the default may be missing. Lines that
// begin with two blanks continue the text.
type Item struct{ Name, Remark, Default, Text string }

// ReadNotes reads the notes in a file.
func ReadNotes(path string) (Notes, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Notes{}, fmt.Errorf("reading notes: %w", err)
	}
	var n Notes
	for i, part := range strings.Split("\n"+string(text), "\n## ") {
		heading, rest, _ := strings.Cut(part, "\n")
		if i > 0 {
			n.Sections = append(n.Sections, Section{heading, strings.TrimSpace(rest)})
			continue
		}
		title, intro, _ := strings.Cut(strings.TrimSpace(rest), "\n")
		n.Title, n.Intro = strings.TrimPrefix(title, "# "), strings.TrimSpace(intro)
	}
	if n.Title == "" || n.Intro == "" {
		return n, fmt.Errorf("%s has no title, or no introduction", path)
	}
	return n, nil
}

// Section is the text below a heading; empty if there is none.
func (n Notes) Section(heading string) string {
	for _, s := range n.Sections {
		if s.Heading == heading {
			return s.Text
		}
	}
	return ""
}

// Summary is the introduction's first sentence, without its links.
func (n Notes) Summary() string {
	first, _, _ := strings.Cut(Unwrap(n.Intro), ". ")
	first, _, _ = strings.Cut(first, "\n")
	return strings.TrimSuffix(linkForm.ReplaceAllString(first, "$1"), ".") + "."
}

var linkForm = regexp.MustCompile(`\[([^\]]+)\]\([^)]+\)`)

var itemForm = regexp.MustCompile("^- `([^`]+)`(?: \\(([^)]+)\\))?(?: = ([^:]+))?(?:: (.+))?$")

// MustRead is ReadNotes for a test, which fails if the file cannot be read.
func MustRead(t testing.TB, path string) Notes {
	t.Helper()
	n, err := ReadNotes(path)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// MustItems is Items for a test, which fails if a line is not an item.
func MustItems(t testing.TB, n Notes, heading string) []Item {
	t.Helper()
	items, err := n.Items(heading)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// Items reads the lines of a section.
func (n Notes) Items(heading string) ([]Item, error) {
	var all []Item
	for line := range strings.Lines(Unwrap(n.Section(heading))) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		m := itemForm.FindStringSubmatch(line)
		if m == nil {
			return nil, fmt.Errorf("%s, %s: %q is no item", n.Title, heading, line)
		}
		all = append(all, Item{Name: m[1], Remark: m[2], Default: m[3], Text: m[4]})
	}
	return all, nil
}

var wrapped = regexp.MustCompile(`(\S)\n *([^\s\-#|>0-9])`)

// Unwrap joins the lines of each paragraph and of each item.
func Unwrap(text string) string {
	return wrapped.ReplaceAllString(wrapped.ReplaceAllString(text, "$1 $2"), "$1 $2")
}

// Table writes a table, or nothing if it has no rows.
func Table(head []string, rows [][]string) string {
	if len(rows) == 0 {
		return ""
	}
	var b strings.Builder
	line := func(cells []string) {
		b.WriteString("|")
		for _, cell := range cells {
			b.WriteString(" " + strings.ReplaceAll(cell, "|", `\|`) + " |")
		}
		b.WriteString("\n")
	}
	line(head)
	b.WriteString(strings.Repeat("|---", len(head)) + "|\n")
	for _, row := range rows {
		line(row)
	}
	return b.String()
}

// Code quotes a name or a value.
func Code(s string) string { return "`" + s + "`" }

// Block writes a listing in a language.
func Block(language, text string) string {
	return "```" + language + "\n" + strings.TrimRight(text, "\n") + "\n```\n"
}

// Head is the title of a page, and what it is made from.
func Head(title, from string) string {
	return "# " + title + "\n\n<!-- Made by `make docs` from " + from + ". -->\n\n"
}

// Updating reports whether the test was started with -update and writes the
// pages.
func Updating() bool {
	f := flag.Lookup("update")
	return f != nil && f.Value.String() == "true"
}

// Check compares a page with the expected text, or writes it.
func Check(t testing.TB, path, want string) {
	t.Helper()
	if Updating() {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // pages are for everybody
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil { //nolint:gosec // pages are for everybody
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Errorf("a page is missing: %v; `make docs` writes it", err)
		return
	}
	if at, differ := firstDifference(string(got), want); differ {
		t.Errorf("%s, line %d is not what the tables say; `make docs` writes it anew", path, at)
	}
}

// firstDifference is the first line in which two texts differ.
func firstDifference(a, b string) (line int, differ bool) {
	as, bs := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(as), len(bs)) {
		if i >= len(as) || i >= len(bs) || as[i] != bs[i] {
			return i + 1, true
		}
	}
	return 0, false
}

// CheckFolder fails for pages of a folder that nothing makes.
func CheckFolder(t testing.TB, folder string, names []string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, name := range names {
		made[name+".md"] = true
	}
	for _, e := range entries {
		if !made[e.Name()] {
			t.Errorf("%s: there is nothing of this name", filepath.Join(folder, e.Name()))
		}
	}
}
