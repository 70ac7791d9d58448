package holdfast_test

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

const lineColumnsMax = 120

// A habit is a way of writing that readers stumble over, and what to write
// instead.
type habit struct {
	pattern *regexp.Regexp
	instead string
}

var habits = []habit{
	{regexp.MustCompile(`(?i)\bwhoever\b`), `name the people: "users who", "anyone who", "the caller that"`},
	{regexp.MustCompile(`(?:^|[.:;!?] )Who (?:[a-z]|'s)[^?]*?(?:[.:;!]|$)`), `name the people: "users who"`},
	{
		regexp.MustCompile(`(?i)(?:[;:]|\b(?:of|for|to|from|by|with|than|as|lets|unless|if|because|that))` +
			` who (?:has|have|is|are|was|were|can|may|must|will|does|did|gives?|takes?|reads?|sends?|asks?|comes?|` +
			`waits?|knows?|uses?|signs?|signed|runs?|holds?|gets?|guesses|writes?|changes?|loses?|calls?|pays?)\b`),
		`name the people or the thing before "who"`,
	},
	{regexp.MustCompile(`(?i)\bat most most\b`), `say "at most max"`},
	{regexp.MustCompile(`(?i)\bbeside\b`), `say "also", "in addition to", "next to" or "compared with"`},
	{regexp.MustCompile(`(?i)\b(?:service|program|client|developer|server)s? of the time\b`), `say "FPS" or "old"`},
	{regexp.MustCompile(`(?i)\bcomes? to nothing\b`), `say "fails" or "has no effect"`},
	{regexp.MustCompile(`(?i)\bmend(?:s|ed|ing)?\b`), `say "fix" or "repair"`},
	{regexp.MustCompile(`(?i)\blately\b`), `say "recently"`},
}

// allowedPhrases are texts, by file, in which such a phrase is right. An empty text
// allows the whole file.
var allowedPhrases = map[string][]string{
	"tidy_test.go": {""}, // it has the patterns and the examples
}

// habitsOf tells which habits a text has. Line ends count as blanks.
func habitsOf(text string) (found []string) {
	text = strings.Join(strings.Fields(text), " ")
	for _, h := range habits {
		if hit := h.pattern.FindString(text); hit != "" {
			found = append(found, strconv.Quote(hit)+": "+h.instead)
		}
	}
	return found
}

func TestPlainEnglish(t *testing.T) {
	for _, file := range ownFiles(t, ".go", ".md") {
		for _, p := range prose(t, file) {
			if slices.ContainsFunc(allowedPhrases[file], func(a string) bool { return strings.Contains(p.text, a) }) {
				continue
			}
			for _, h := range habitsOf(p.text) {
				t.Errorf("%s:%d: %s", file, p.line, h)
			}
		}
	}
}

func TestHabits(t *testing.T) {
	for text, want := range map[string]bool{
		"Who gives a hold up asks for its release.":                         true,
		"The committer takes whoever waits.":                                true,
		"An action\nruns again; it is left to who may ask by then.":         true,
		"A store for who has the key.":                                      true,
		"A lease ends; who comes next takes it.":                            true,
		"It removes at most most rows.":                                     true,
		"Beside the token, the caller gets a status.":                       true,
		"The code that expires a hold also asks the network to release it.": false,
		"Users who sign up are told who pays.":                              false,
		"Who is told? The caller.":                                          false,
	} {
		if got := len(habitsOf(text)) > 0; got != want {
			t.Errorf("%q is found: %v, want %v", text, got, want)
		}
	}
}

func TestLinesAreShort(t *testing.T) {
	for _, file := range ownFiles(t, ".go") {
		unbreakable := unbreakableLines(t, file)
		for n, line := range strings.Split(readFile(t, file), "\n") {
			if columns := utf8.RuneCountInString(line); columns > lineColumnsMax && !unbreakable[n+1] {
				t.Errorf("%s:%d has %d columns, more than %d", file, n+1, columns, lineColumnsMax)
			}
		}
	}
}

// A passage is a text for people, and the line that it begins in.
type passage struct {
	line int
	text string
}

// prose returns the comments and the texts of a Go file, or the paragraphs of a
// document without its code.
func prose(t *testing.T, file string) (all []passage) {
	t.Helper()
	if filepath.Ext(file) == ".md" {
		return paragraphs(readFile(t, file))
	}
	set := token.NewFileSet()
	parsed, err := parser.ParseFile(set, file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range parsed.Comments {
		all = append(all, passage{set.Position(c.Pos()).Line, c.Text()})
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		literal, ok := n.(*ast.BasicLit)
		if ok && literal.Kind == token.STRING {
			all = append(all, passage{set.Position(literal.Pos()).Line, literal.Value})
		}
		return true
	})
	return all
}

func paragraphs(text string) (all []passage) {
	var p passage
	code := false
	for n, line := range strings.Split(text, "\n") {
		if strings.HasPrefix(strings.TrimSpace(line), "```") {
			code = !code
		}
		if code || strings.TrimSpace(line) == "" || strings.HasPrefix(line, "    ") {
			all = append(all, p)
			p = passage{line: n + 2}
			continue
		}
		p.text += line + "\n"
	}
	return append(all, p)
}

// unbreakableLines are the lines of a Go file that hold a part of a raw string,
// such as SQL, a field's tag or an example of the wire, or a string without a
// blank, such as a signature.
func unbreakableLines(t *testing.T, file string) map[int]bool {
	t.Helper()
	lines := map[int]bool{}
	source := []byte(readFile(t, file))
	set := token.NewFileSet()
	f := set.AddFile(file, -1, len(source))
	var s scanner.Scanner
	s.Init(f, source, nil, 0)
	for {
		at, kind, text := s.Scan()
		if kind == token.EOF {
			return lines
		}
		if kind == token.STRING && (strings.HasPrefix(text, "`") || !strings.Contains(text, " ")) {
			first := f.Line(at)
			for n := range strings.Count(text, "\n") + 1 {
				lines[first+n] = true
			}
		}
	}
}

// ownFiles are the repository's own files with one of the extensions, tools
// included; no vendored file and no test data.
func ownFiles(t *testing.T, extensions ...string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := strings.HasPrefix(entry.Name(), ".") && name != "."
		if entry.IsDir() && (hidden || entry.Name() == "testdata" || entry.Name() == "node_modules") {
			return fs.SkipDir
		}
		if !entry.IsDir() && slices.Contains(extensions, filepath.Ext(name)) {
			files = append(files, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("reading the names of the files: %v", err)
	}
	return files
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
