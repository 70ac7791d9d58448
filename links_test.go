package holdfast_test

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
	"unicode"

	"github.com/holdfast-pay/holdfast/internal/compare"
)

// partsOfPages are put together into other pages. Their links are relative to
// those pages, which are checked in their place.
var partsOfPages = []string{"internal/queryapi/doc/", "internal/cobranded/doc/", "docs/benchmarks/remarks.md"}

var (
	mdFence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	mdSpan    = regexp.MustCompile("`[^`\n]*`")
	mdLink    = regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`)
	mdNamed   = regexp.MustCompile(`(?m)^ *\[[^\]]+\]: *(\S+)`)
	mdScheme  = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)
	mdHeading = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
)

// Every relative link in a Markdown file leads to a file, and its fragment to a
// heading.
func TestLinksLeadSomewhere(t *testing.T) {
	broken, links := brokenLinks(t, os.DirFS("."))
	for _, link := range broken {
		t.Errorf("%s, which does not exist", link)
	}
	if links < 500 {
		t.Errorf("found only %d links", links)
	}
}

func TestBrokenLinksAreFound(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	got, links := brokenLinks(t, fstest.MapFS{
		"a.md": file("# One `two`, three's\n[1](#one-two-threes) [2](b/c.md#same-1) [3](b) [4](#two) ![5](b/no.png)\n" +
			"`[6](no)`\n```\n[7](no)\n```\n[8](https://example.com/) [9](/a.md)\n[10]: no.md\n"),
		"b/c.md": file("## Same\n## Same\n[1](../a.md \"title\") [2](a.md)\n```\n# Code\n```\n[3](#code)\n"),
	})
	want := []string{
		"a.md links to #two", "a.md links to b/no.png", "a.md links to /a.md", "a.md links to no.md",
		"b/c.md links to a.md", "b/c.md links to #code",
	}
	if diff := compare.Diff(want, got); diff != "" || links != 10 {
		t.Errorf("%d links, of which these are broken (-want +got):\n%s", links, diff)
	}
}

// brokenLinks returns the links that lead nowhere, and the number of all relative
// links.
func brokenLinks(t *testing.T, files fs.FS) (broken []string, links int) {
	t.Helper()
	pages, names := markdown(t, files)
	for _, name := range names {
		if slices.ContainsFunc(partsOfPages, func(part string) bool { return strings.HasPrefix(name, part) }) {
			continue
		}
		text := mdSpan.ReplaceAllString(pages[name], "")
		for _, found := range append(mdLink.FindAllStringSubmatch(text, -1), mdNamed.FindAllStringSubmatch(text, -1)...) {
			if mdScheme.MatchString(found[1]) {
				continue
			}
			links++
			if !leadsSomewhere(files, pages, name, found[1]) {
				broken = append(broken, name+" links to "+found[1])
			}
		}
	}
	return broken, links
}

// markdown reads all Markdown files, without their blocks of code.
func markdown(t *testing.T, files fs.FS) (pages map[string]string, names []string) {
	t.Helper()
	pages = map[string]string{}
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (name == ".git" || entry.Name() == "testdata" || entry.Name() == "node_modules"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(name) != ".md":
			return nil
		}
		text, err := fs.ReadFile(files, name)
		pages[name] = mdFence.ReplaceAllString(string(text), "")
		names = append(names, name)
		return err
	})
	if err != nil {
		t.Fatalf("reading the documents: %v", err)
	}
	return pages, names
}

func leadsSomewhere(files fs.FS, pages map[string]string, from, link string) bool {
	target, fragment, _ := strings.Cut(link, "#")
	if target = path.Join(path.Dir(from), target); strings.HasPrefix(link, "#") {
		target = from
	}
	if _, err := fs.Stat(files, target); err != nil || strings.HasPrefix(link, "/") {
		return false
	}
	return fragment == "" || slices.Contains(anchors(pages[target]), fragment)
}

// anchors are the names that GitHub gives to the headings of a page.
func anchors(page string) (names []string) {
	seen := map[string]int{}
	for _, heading := range mdHeading.FindAllStringSubmatch(page, -1) {
		name := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, mdLink.ReplaceAllString(heading[1], "]"))
		seen[name]++
		if n := seen[name] - 1; n > 0 {
			name += "-" + strconv.Itoa(n)
		}
		names = append(names, name)
	}
	return names
}
