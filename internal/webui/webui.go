// Package webui has the code that all doors for browsers share: the layout of
// pages, form fields, messages, styles and security headers. All pages work
// without JavaScript, except passkeys; scripts only make forms easier to use.
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
	"sync"
)

//go:embed templates/*.html
var shared embed.FS

// A Layout is everything on a page around its own content.
type Layout struct {
	Words   Words  // of the language that the page is in
	Title   string // of the window; the page's h1 is its own
	Sandbox bool   // no money moves here
	Steps   []Step
	Menu    *Menu // of an account's pages; nil on others
	// NoCheckout is set on pages where nobody pays. They do not mention cards.
	NoCheckout bool
	Wide       bool         // text and code want more room than a form
	Scripts    []string     // files of the assets, such as "card.js"
	Policy     Policy       // what else the page may reach
	Network    string       // the card network whose page takes the card; empty in the sandbox
	Onward     template.URL // where the browser goes on to at once; empty stays
	Content    any          // the page's own type
}

// A Step is one stage of a payment, as the sender sees it.
type Step struct {
	Label   string
	Done    bool
	Current bool
}

// A Menu has the links to an account's pages. It is empty until somebody has
// signed in.
type Menu struct {
	Email   string // who has
	SignOut string // where the button goes
	Links   []MenuLink
}

// A MenuLink is one page of the menu.
type MenuLink struct {
	Label, Address string
	Current        bool
}

// Pages has the templates of a door, each inside the layout.
type Pages struct{ byName map[string]*page }

// A page is made for a language when it is first shown in it. Making all pages
// at the start would take most of a server's memory at rest.
type page struct {
	parsed *template.Template // copied for each language, never executed

	mu sync.Mutex
	in map[string]*template.Template // by the language's tag
}

// template returns the page in the language of the words.
func (p *page) template(words Words) (*template.Template, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if t, ok := p.in[words.Tag()]; ok {
		return t, nil
	}
	t, err := p.parsed.Clone()
	if err != nil {
		return nil, fmt.Errorf("copying the template: %w", err)
	}
	p.in[words.Tag()] = t.Funcs(words.funcs())
	return t, nil
}

// MustParsePages is ParsePages for a door's embedded folder "templates". It
// panics on an error; tests render every page.
func MustParsePages(door fs.FS) *Pages {
	files, err := fs.Sub(door, "templates")
	if err != nil {
		panic("webui: " + err.Error())
	}
	parsed, err := ParsePages(files)
	if err != nil {
		panic("webui: " + err.Error())
	}
	return parsed
}

// ParsePages reads every *.html file of a door. Each file defines "content" and
// may use the fields and forms of this package. Templates in a file whose name
// begins with "_" can be used by all files. {{t "id" "Name" value}} inserts a
// message, and {{n "id" number}} a message about a number of things.
func ParsePages(files fs.FS) (*Pages, error) {
	base, err := template.New("layout").Funcs(Words{}.funcs()).ParseFS(shared, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the shared templates: %w", err)
	}
	names, err := fs.Glob(files, "*.html")
	if err != nil {
		return nil, fmt.Errorf("listing templates: %w", err)
	}
	pages := &Pages{byName: make(map[string]*page)}
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
		parsed, err := base.Clone()
		if err == nil {
			parsed, err = parsed.ParseFS(files, file)
		}
		if err != nil {
			return nil, fmt.Errorf("reading template %s: %w", file, err)
		}
		pages.byName[strings.TrimSuffix(path.Base(file), ".html")] = &page{
			parsed: parsed, in: make(map[string]*template.Template),
		}
	}
	return pages, nil
}

// funcs are the functions that templates may call.
func (w Words) funcs() template.FuncMap {
	return template.FuncMap{
		"t": w.T, "n": w.N, "dollars": w.Dollars, "moment": w.Moment, "lang": w.Tag, "asset": AssetPath,
	}
}

// Names returns the names of all pages.
func (p *Pages) Names() []string {
	var names []string
	for name := range p.byName {
		names = append(names, name)
	}
	return names
}

// Render writes a page with its policy. It writes nothing before the whole
// template has run, so the browser never gets half a page.
func (p *Pages) Render(w http.ResponseWriter, status int, name string, l Layout) error {
	body, err := p.Page(name, l)
	if err != nil {
		return err
	}
	l.Policy.Scripts = len(l.Scripts) > 0
	l.Policy.Set(w)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", l.Words.Tag())
	w.WriteHeader(status)
	_, err = w.Write(body)
	return err
}

// Page returns a page as HTML. A page without scripts of its own can be stored
// and sent again, with the zero Policy.
func (p *Pages) Page(name string, l Layout) ([]byte, error) {
	page, ok := p.byName[name]
	if !ok {
		return nil, fmt.Errorf("there is no page %q", name)
	}
	t, err := page.template(l.Words)
	if err != nil {
		return nil, fmt.Errorf("rendering page %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := t.ExecuteTemplate(&out, "layout", l); err != nil {
		return nil, fmt.Errorf("rendering page %s: %w", name, err)
	}
	return orderly(out.Bytes()), nil
}
