package manual

import (
	"bytes"
	"fmt"
	"html/template"
	"io/fs"
	"path"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

const (
	extensionPage = ".md"
	indexPage     = "README.md"
)

// markdown is CommonMark with tables. It drops HTML. It also drops the
// alignment of columns, which would need an inline style.
var markdown = goldmark.New(
	goldmark.WithExtensions(extension.NewTable(extension.WithTableCellAlignMethod(extension.TableCellAlignNone))),
	goldmark.WithParserOptions(parser.WithAutoHeadingID(), parser.WithASTTransformers(util.Prioritized(transformer{}, 0))),
)

// A document is a parsed page, before its links to other pages are resolved.
type document struct {
	file    string // such as "actions/Pay.md"
	title   string
	links   []string // files that it links to, in their order
	content template.HTML
}

// A page is the data of the template.
type page struct {
	Content template.HTML
	Up      *entry // the first page, but on itself
	Groups  []group
}

// makeFiles renders every page and adds the other files unchanged.
func makeFiles(files fs.FS) (map[string]served, error) {
	made := map[string]served{}
	var documents []document
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source, err := fs.ReadFile(files, name)
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
		if path.Ext(name) != extensionPage {
			made[address(name)] = newServed("application/json", source)
			return nil
		}
		rendered, err := render(files, name, source)
		documents = append(documents, rendered)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("making the pages: %w", err)
	}
	for _, d := range documents {
		content := page{Content: d.content, Groups: groups(documents, d.file)}
		if d.file != indexPage {
			content.Up = &entry{Label: titleOf(documents, indexPage), Address: address(indexPage)}
		}
		body, err := pages.Page("manual", webui.Layout{Title: d.title, NoCheckout: true, Wide: true, Content: content})
		if err != nil {
			return nil, fmt.Errorf("making the page of %s: %w", d.file, err)
		}
		made[address(d.file)] = newServed("text/html; charset=utf-8", body)
	}
	return made, nil
}

// address is the path of a file: "/doc/actions/Pay" for "actions/Pay.md", and
// "/doc/actions/" for "actions/README.md".
func address(file string) string {
	dir, name := path.Split(file)
	if name == indexPage {
		return Path + dir
	}
	return Path + strings.TrimSuffix(file, extensionPage)
}

// These keys pass values from a document to its transformer and back.
var (
	filesKey = parser.NewContextKey()
	fileKey  = parser.NewContextKey()
	linksKey = parser.NewContextKey()
)

func render(files fs.FS, name string, source []byte) (document, error) {
	pc := parser.NewContext()
	pc.Set(filesKey, files)
	pc.Set(fileKey, name)
	root := markdown.Parser().Parse(text.NewReader(source), parser.WithContext(pc))
	d := document{file: name, title: titleIn(root, source)}
	if d.title == "" {
		return d, fmt.Errorf("%s has no title", name)
	}
	d.links, _ = pc.Get(linksKey).([]string)
	var out bytes.Buffer
	if err := markdown.Renderer().Render(&out, source, root); err != nil {
		return d, fmt.Errorf("rendering %s: %w", name, err)
	}
	d.content = template.HTML(out.String()) //nolint:gosec // the renderer escapes all text and leaves HTML out
	return d, nil
}

// titleIn returns the first heading.
func titleIn(root ast.Node, source []byte) string {
	heading, ok := root.FirstChild().(*ast.Heading)
	if !ok || heading.Level != 1 {
		return ""
	}
	return plain(heading, source)
}

// plain returns the text of a node without its markup.
func plain(n ast.Node, source []byte) string {
	var b strings.Builder
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		if t, ok := child.(*ast.Text); ok {
			b.Write(t.Segment.Value(source))
			continue
		}
		b.WriteString(plain(child, source))
	}
	return b.String()
}
