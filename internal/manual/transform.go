package manual

import (
	"io/fs"
	"net/url"
	"path"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
)

// A transformer adapts a document of the repository to the server.
type transformer struct{}

// Transform points links between files at the rendered pages, and replaces
// links that leave the manual by their text. It labels the parts of tables,
// because small screens show tables as lists.
func (transformer) Transform(doc *ast.Document, reader text.Reader, pc parser.Context) {
	files, _ := pc.Get(filesKey).(fs.FS)
	file, _ := pc.Get(fileKey).(string)
	var away []*ast.Link
	var links []string
	//nolint:errcheck // what it calls never fails
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Link:
			to, target := lead(files, file, string(n.Destination))
			if to == "" {
				away = append(away, n)
				break
			}
			n.Destination = []byte(to)
			if target != "" {
				links = append(links, target)
			}
		case *extast.Table:
			nameParts(n, reader.Source())
		}
		return ast.WalkContinue, nil
	})
	for _, link := range away {
		unlink(link)
	}
	pc.Set(linksKey, links)
}

// lead returns the path on the server to which a link of a file leads, and the
// file that is served there. Both are empty if the server does not have it.
func lead(files fs.FS, from, destination string) (to, target string) {
	u, err := url.Parse(destination)
	if err != nil || u.Scheme != "" || u.Host != "" || u.RawQuery != "" {
		return "", ""
	}
	if u.Path == "" {
		return destination, ""
	}
	target = path.Join(path.Dir(from), u.Path)
	info, err := fs.Stat(files, target)
	if err == nil && info.IsDir() {
		target = path.Join(target, indexPage)
		info, err = fs.Stat(files, target)
	}
	if err != nil || info.IsDir() {
		return "", ""
	}
	return (&url.URL{Path: address(target), Fragment: u.Fragment}).String(), target
}

// unlink replaces a link by its content.
func unlink(link *ast.Link) {
	parent := link.Parent()
	for link.HasChildren() {
		parent.InsertBefore(parent, link, link.FirstChild())
	}
	parent.RemoveChild(parent, link)
}

// nameParts gives each part of a table its ARIA role, which the styles would
// otherwise remove, and each cell the name of its column.
func nameParts(table *extast.Table, source []byte) {
	table.SetAttributeString("role", "table")
	var columns []string
	for row := table.FirstChild(); row != nil; row = row.NextSibling() {
		_, head := row.(*extast.TableHeader)
		if !head {
			row.SetAttributeString("role", "row")
		}
		i := 0
		for cell := row.FirstChild(); cell != nil; cell = cell.NextSibling() {
			switch {
			case head:
				columns = append(columns, plain(cell, source))
				cell.SetAttributeString("role", "columnheader")
			default:
				cell.SetAttributeString("role", "cell")
				if i < len(columns) {
					cell.SetAttributeString("data-label", columns[i])
				}
			}
			i++
		}
	}
}
