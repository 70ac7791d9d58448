package account

import (
	"embed"
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = webui.MustParsePages(templateFiles)

// The pages' own types.
type (
	// A formPage has one form, and the facts that it needs.
	formPage struct {
		Heading string
		Lead    string
		Done    string // what was just done
		Rows    []row
		Problem string // for pages without a form
		Facts   []Term
		Note    string // in the sandbox
		Code    string // to copy from the note
		Form    *webui.Form
		Passkey *webui.PasskeyForm
		Aside   string
		Asides  []aside
		Links   []link
		Buttons []action
	}
	// A listPage lists the things that a party has, in groups.
	listPage struct {
		Heading string
		Lead    string
		Done    string
		Filter  *filterView
		Groups  []group
		Links   []link
		Next    string // address of the next page, or empty
	}
	messagePage struct {
		Heading string
		Text    []string
	}
)

// A filterView is a form that selects what a list shows.
type filterView struct {
	Label  string // of the control that opens the form
	Open   bool
	Form   webui.Form
	Chosen string // what is selected; empty if everything is
	All    link
}

// A group is a part of a list, with links and buttons for the whole group.
type group struct {
	Heading string
	Text    string
	Mark    tag  // shown after the text
	Large   bool // the text is an amount
	Figures []Term
	Facts   []Term
	Rows    []row
	Entries []row  // in columns, one line for each
	Empty   string // shown if there are no rows and entries
	Links   []link
	Buttons []action
}

// A row is one thing of a list.
type row struct {
	Title   string
	Card    string // letters in its mark, if it is a card
	Address string // of its own page, if it has one
	Date    string // of an entry
	Detail  string
	Line    string // its terms, in one line
	Mark    tag
	Amount  string
	Quiet   bool   // the amount has not moved
	Of      string // shown after the amount
	Facts   []Term
	Links   []link
	Buttons []action
}

// A tag is a short label, such as a state.
type tag struct {
	Word string
	Tone tone
}

// A tone is the colour of a tag, a class of the stylesheet. The zero tone is grey.
type tone string

const (
	quiet tone = ""
	good  tone = "good"
	wait  tone = "wait"
	wrong tone = "wrong"
)

// A Term is one labelled fact, such as a term of an approval.
type Term struct{ Label, Value string }

// A link leads to a page.
type link struct {
	Label   string
	Of      string // what it belongs to, for screen readers
	Address string
}

// An aside is a link in a line of its own, less prominent than a button.
type aside struct {
	Text string
	Link link
}

// An action is a button: a form without visible fields.
type action struct {
	Label  string
	Of     string
	Action string
	Hidden holdfast.Params
	Danger bool // it removes something
}

// post returns a button whose form is sent to one of our pages.
func post(label, of, place string, pairs ...string) action {
	return action{Label: label, Of: of, Action: Root + place, Hidden: given(pairs...)}
}

// menu returns the menu for a signed-in user.
func (c *call) menu(current string) *webui.Menu {
	if c.Party.ID == "" {
		return &webui.Menu{}
	}
	w := c.words
	m := &webui.Menu{Email: c.Party.Email, SignOut: Root + "sign-out"}
	for _, page := range []struct{ place, label string }{
		{"", w.T("menu.overview")},
		{"methods", w.T("menu.methods")},
		{"addresses", w.T("menu.addresses")},
		{"authorisations", w.T("menu.authorisations")},
		{"history", w.T("menu.history")},
		{"security", w.T("menu.security")},
		{"profile", w.T("menu.profile")},
	} {
		m.Links = append(m.Links, webui.MenuLink{
			Label: page.label, Address: Root + page.place, Current: page.place == current,
		})
	}
	return m
}

// A view is a page that is ready to be rendered.
type view struct {
	status  int // zero means OK
	page    string
	place   string // of the menu
	title   string
	scripts []string
	real    bool // it shows real money, whatever the rest of the server does
	content any
}

func (s *Server) render(c *call, v view) error {
	l := webui.Layout{
		Words: c.words, Title: v.title, Sandbox: !s.Processor.Live && !v.real, Menu: c.menu(v.place),
		Scripts: append([]string{"once.js"}, v.scripts...), Content: v.content,
		NoCheckout: !slices.Contains(v.scripts, cardScript),
	}
	for _, script := range v.scripts {
		l.Policy.Asks = l.Policy.Asks || script == webui.PasskeyScript
	}
	status := v.status
	if status == 0 {
		status = http.StatusOK
	}
	if status != http.StatusOK {
		l.Title = c.words.T("layout.error", "Title", v.title)
	}
	return pages.Render(c.w, status, v.page, l)
}

// renderForm shows a page with a form. If the form has an error, status is the
// status of that error.
func (s *Server) renderForm(c *call, status int, place string, page formPage, scripts ...string) error {
	return s.render(c, view{
		status: status, page: "form", place: place, title: page.Heading, scripts: scripts, content: page,
	})
}

func (s *Server) renderList(c *call, place string, page listPage) error {
	return s.render(c, view{page: "list", place: place, title: page.Heading, content: page})
}

// A notice is a page with a short message, given by the ids of its texts.
type notice struct {
	heading string
	text    []string
}

var (
	pageNotFound  = notice{"nowhere.heading", []string{"nowhere.text"}}
	pageNotThere  = notice{"not-there.heading", []string{"not-there.text"}}
	pageForeign   = notice{"foreign.heading", []string{"foreign-account.text"}}
	pageDownloads = notice{"downloads.heading", []string{"downloads.text"}}
	pageTooMuch   = notice{"too-much.heading", []string{"too-much-account.text"}}
	pageBadForm   = notice{"bad-form.heading", []string{"bad-form-account.text"}}
	pageFailed    = notice{"failed.heading", []string{"failed-account.text"}}
)

func (n notice) page(w webui.Words) messagePage {
	m := messagePage{Heading: w.T(n.heading)}
	for _, id := range n.text {
		m.Text = append(m.Text, w.T(id))
	}
	return m
}

func (s *Server) lost(w http.ResponseWriter, r *http.Request, status int, n notice) {
	c := &call{w: w, r: r, words: webui.WordsFor(r), Visitor: VisitorOf(r.Context())}
	m := n.page(c.words)
	if err := s.render(c, view{status: status, page: "message", place: "-", title: m.Heading, content: m}); err != nil {
		s.Log.Error("a page could not be written", "error", err)
	}
}

// doings are the messages about completed actions. A redirect carries the part
// after the dot to the next page.
var doings = []string{
	"done.verified", "done.email", "done.sent", "done.reset", "done.password", "done.passkey", "done.passkey-removed",
	"done.session", "done.card", "done.bank", "done.method-removed", "done.address", "done.address-removed",
	"done.default", "done.cancelled", "done.ended", "done.ending", "done.stopped", "done.name", "done.business",
	"done.claimed",
}

// done returns the message about the action that was just completed. It ignores
// values that are not in doings.
func (c *call) done() string {
	if id := "done." + c.form.Get("done"); slices.Contains(doings, id) {
		return c.words.T(id)
	}
	return ""
}

func did(what string) holdfast.Param { return holdfast.Param{Name: "done", Value: what} }
