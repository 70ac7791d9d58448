// Package webui is what the doors for browsers share: the page around a page,
// form fields, styles and security headers. Everything works without
// JavaScript; there is none.
package webui

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
)

//go:embed templates/*.html
var shared embed.FS

// A Layout is what stands around a page's own content.
type Layout struct {
	Title   string // of the window; the page's h1 is its own
	Sandbox bool   // no money moves here
	Steps   []Step
	Wide    bool // text and code want more room than a form
	Content any  // the page's own type
}

// A Step is one stage of the way, as the sender is shown it.
type Step struct {
	Label   string
	Done    bool
	Current bool
}

// Pages are a door's templates, each inside the layout.
type Pages struct{ byName map[string]*template.Template }

// ParsePages reads every *.html of a door. Each defines "content", and may use
// the fields and forms of this package. A file that begins with "_" belongs to
// all of them.
func ParsePages(files fs.FS) (*Pages, error) {
	base, err := template.New("layout").Funcs(template.FuncMap{
		"dollars": Dollars,
		"asset":   AssetPath,
	}).ParseFS(shared, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the shared templates: %w", err)
	}
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("listing templates: %w", err)
	}
	pages := &Pages{byName: make(map[string]*template.Template)}
	for _, file := range names {
		if strings.HasPrefix(file, "_") {
			if _, err := base.ParseFS(files, file); err != nil {
				return nil, fmt.Errorf("reading template %s: %w", file, err)
			}
		}
	}
	for _, file := range names {
		if strings.HasPrefix(file, "_") {
			continue
		}
		page, err := base.Clone()
		if err == nil {
			page, err = page.ParseFS(files, file)
		}
		if err != nil {
			return nil, fmt.Errorf("reading template %s: %w", file, err)
		}
		pages.byName[strings.TrimSuffix(path.Base(file), ".html")] = page
	}
	return pages, nil
}

// Names are the pages there are.
func (p *Pages) Names() []string {
	var names []string
	for name := range p.byName {
		names = append(names, name)
	}
	return names
}

// Render writes a page. Nothing is written before the template has run to its
// end, so that a page is whole or an error.
func (p *Pages) Render(w http.ResponseWriter, status int, name string, l Layout) error {
	page, ok := p.byName[name]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	var out bytes.Buffer
	if err := page.ExecuteTemplate(&out, "layout", l); err != nil {
		return fmt.Errorf("rendering page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, err := w.Write(out.Bytes())
	return err
}
