package holdfasttest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/docs"
)

// A Page is a page of docs/api, for tests that compare it with the code.
type Page struct {
	t    testing.TB
	text string
}

// ReadPage reads a page of docs/api, such as "signing.md".
func ReadPage(t testing.TB, name string) Page {
	t.Helper()
	text, err := fs.ReadFile(docs.API(), name)
	if err != nil {
		t.Fatal(err)
	}
	return Page{t, string(text)}
}

// Under is the part of the page under a heading, such as "## Fields", up to the
// next heading.
func (p Page) Under(heading string) Page {
	p.t.Helper()
	_, rest, found := strings.Cut(p.text, "\n"+heading+"\n")
	if !found {
		p.t.Fatalf("the page has no heading %q", heading)
	}
	rest, _, _ = strings.Cut(rest, "\n#")
	return Page{p.t, rest}
}

// After is the part of the page after a text.
func (p Page) After(text string) Page {
	p.t.Helper()
	_, rest, found := strings.Cut(p.text, text)
	if !found {
		p.t.Fatalf("the page does not say %q", text)
	}
	return Page{p.t, rest}
}

// Rows are the cells of the first table, without its head.
func (p Page) Rows() (rows [][]string) {
	p.t.Helper()
	for line := range strings.Lines(p.text) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "|") {
			if rows != nil {
				break
			}
			continue
		}
		cells := strings.Split(strings.Trim(line, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		rows = append(rows, cells)
	}
	if len(rows) < 3 {
		p.t.Fatalf("there is no table in:\n%s", p.text)
	}
	return rows[2:]
}

// Table are the cells of the table whose first column has the name column,
// without its head.
func (p Page) Table(column string) (rows [][]string) {
	p.t.Helper()
	head := "| " + column + " |"
	return Page{p.t, head + p.After("\n"+head).text}.Rows()
}

// Items are the items of the first list.
func (p Page) Items() (items []string) {
	p.t.Helper()
	for line := range strings.Lines(p.text) {
		item, ok := strings.CutPrefix(strings.TrimSpace(line), "- ")
		switch {
		case ok:
			items = append(items, item)
		case items != nil:
			return items
		}
	}
	if items == nil {
		p.t.Fatalf("there is no list in:\n%s", p.text)
	}
	return items
}

var quoted = regexp.MustCompile("`([^`]+)`")

// Quoted are the parts of a text that are marked as code.
func Quoted(text string) (words []string) {
	for _, m := range quoted.FindAllStringSubmatch(text, -1) {
		words = append(words, m[1])
	}
	return words
}

// Constants are the values of all constants of a type in the root's words.go.
func Constants(t testing.TB, ofType string) (values []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../words.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		name, ok := spec.Type.(*ast.Ident)
		if !ok || name.Name != ofType {
			return true
		}
		for _, value := range spec.Values {
			text, err := strconv.Unquote(value.(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			values = append(values, text)
		}
		return true
	})
	if values == nil {
		t.Fatalf("words.go has no constants of type %s", ofType)
	}
	return values
}
