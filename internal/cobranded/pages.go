package cobranded

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = webui.MustParsePages(templateFiles)

// A frame is what every page of a visit shows: who asks for how much, and the
// way out.
type frame struct {
	Seller  string
	LogoURL string
	Back    string // what the way out leads to
	Reason  template.HTML
	Asked   agreement
	Lines   []account.Term // what the amount is made of
	Full    bool           // terms and breakdown are shown on small screens too
	Folded  bool           // small screens show seller and amount alone: all of it was there before
	Hidden  holdfast.Params
	Sender  string // who is signed in, or empty
}

// The pages' own types.
type (
	signInPage struct {
		Frame     frame
		Heading   string
		Ended     string // why there is another sign-in, or empty
		Form      webui.Form
		Passkey   *webui.PasskeyForm // where there can be passkeys
		SignUp    string             // the other page's address, or empty
		Forgotten string             // likewise, for who has forgotten the password
	}
	signUpPage struct {
		Frame  frame
		Form   webui.Form
		SignIn string
	}
	verifyPage struct {
		Frame frame
		Email string
		Form  webui.Form
		Send  string // action that sends another code
	}
	paymentPage struct {
		Frame   frame
		Action  string
		Problem string
		Choices []choice
		AddCard string // address of the card page, or empty
		AddBank string // action that adds the sandbox's bank account, or empty
		Decline bool   // there are ways to pay that the sender may have none of
	}
	cardPage struct {
		Frame frame
		Form  webui.Form
		Back  string // the payment page's address, or empty if there is nothing to choose
		// Others is likewise, for senders without a card; empty if only cards are taken.
		Others string
		Test   bool // say which card to use
	}
	addressPage struct {
		Frame   frame
		Heading string
		Action  string
		Choices []choice
		Form    *webui.Form // instead of choices
		Other   string      // address of the form, or of the choices
		Problem string
	}
	confirmPage struct {
		Frame      frame
		Caller     string
		Action     string
		Hidden     holdfast.Params
		Instrument account.InstrumentView
		Address    []string // lines; none if there is nothing to send
		Change     string   // address of the payment page
		ChangeShip string   // address of the address page, or empty
		Email      string   // the sender's, if the caller is to be told; else empty
		Breakdown  string   // that it does not add up, for the developer of a sandbox caller
	}
	returnPage struct {
		Site     string // where the browser goes
		Onward   template.URL
		Approved bool
	}
	messagePage struct {
		Heading string
		Text    []string
		Detail  string // in English, as are the rest
		Hints   []string
		Signed  string

		SignedV1 bool
		Signing  string // address of the page that explains signatures, or empty
	}
)

// A choice is one radio button.
type choice struct {
	Value    string
	Title    string
	Card     string // letters of its mark
	Detail   string
	Declined string // when it was, if at its last use
	Checked  bool
}

// frame is the page's surroundings for a call.
func (c *call) frame() frame {
	f := frame{
		Folded: c.visit.Sender != "" && c.visit.Sender == c.sender.ID,
		Seller: c.started.caller.Name, LogoURL: c.request.LogoURL, Back: cmp.Or(c.request.Website, c.started.caller.Name),
		Reason: account.Reason(c.request.Reason), Lines: c.breakdown(), Asked: c.agreement(), Hidden: c.hidden(),
	}
	if sellers := c.headline(c.sellers()); c.request.OfRecipient && sellers != "" && sellers != c.started.caller.Name {
		f.Seller = c.words.T("slip.through", "Seller", sellers, "Caller", c.started.caller.Name)
	}
	if c.visit.Sender != "" && c.visit.Sender == c.sender.ID {
		f.Sender = c.sender.Email
	}
	return f
}

// hidden is what each form of the visit carries.
func (c *call) hidden(more ...holdfast.Param) holdfast.Params {
	return append(holdfast.Params{{Name: "visit", Value: string(c.visit.ID)}}, more...)
}

// sends is a form that goes to one of the visit's actions.
func (c *call) sends(f webui.Form, action string) webui.Form {
	f.Action, f.Hidden = actions+action, c.hidden()
	return f
}

// Stages of the way.
const (
	stageSignIn = iota
	stagePayment
	stageAddress
	stageConfirm
)

func (c *call) render(status int, page, title string, stage int, content any) error {
	l := webui.Layout{
		Words: c.words, Title: title, Sandbox: c.started.caller.Sandbox, Content: content,
		Scripts: append([]string{"once.js"}, c.scripts...),
		Policy:  webui.Policy{ImageFrom: logoOrigin(c.request), Asks: slices.Contains(c.scripts, webui.PasskeyScript)},
	}
	for i, label := range []string{
		c.words.T("step.sign-in"), c.words.T("step.payment"), c.words.T("step.shipping"), c.words.T("step.confirm"),
	} {
		if i == stageAddress && !c.request.CollectAddress || i == stagePayment && !c.request.Pays() {
			continue
		}
		l.Steps = append(l.Steps, webui.Step{Label: label, Done: i < stage, Current: i == stage})
	}
	if status != http.StatusOK {
		l.Title = c.words.T("layout.error", "Title", title)
	}
	if c.r.Method == http.MethodPost {
		// What is wrong with a form is said in the answer to it. The browser may keep
		// that for its Back button, which otherwise asks to send the form again.
		c.w.Header().Set("Cache-Control", "private, no-cache")
	}
	return pages.Render(c.w, status, page, l)
}

// A notice is a page for those who have nowhere to return to, by the ids of what
// it says.
type notice struct {
	heading string
	text    []string
}

var (
	pageNotFound = notice{"lost.heading", []string{"lost.text"}}
	pageNoVisit  = notice{"no-visit.heading", []string{"no-visit.text", "no-visit.next"}}
	pageForeign  = notice{"foreign.heading", []string{"foreign.text"}}
	pageTooMuch  = notice{"too-much.heading", []string{"too-much.text"}}
	pageBadForm  = notice{"bad-form.heading", []string{"bad-form.text"}}
	pageFailed   = notice{"failed.heading", []string{"failed.text"}}
	pageInvalid  = notice{"invalid.heading", []string{"invalid.text", "invalid.next"}}
)

// page is the notice in words.
func (n notice) page(w webui.Words) messagePage {
	m := messagePage{Heading: w.T(n.heading)}
	for _, id := range n.text {
		m.Text = append(m.Text, w.T(id))
	}
	return m
}

func (s *Server) lost(w http.ResponseWriter, r *http.Request, status int, n notice) {
	words := webui.WordsFor(r)
	s.renderMessage(w, status, words, n.page(words))
}

// fail is for what is our fault: the sender sees that it is, the log why.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	level := slog.LevelError
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil { // nobody waits for the page
		level = slog.LevelDebug
	}
	s.Log.Log(r.Context(), level, "a page failed", "path", r.URL.Path, "error", err)
	status := http.StatusInternalServerError
	if store.IsUnavailable(err) {
		status = http.StatusServiceUnavailable
	}
	s.lost(w, r, status, pageFailed)
}

// invalid is the page that leads nowhere.
func (s *Server) invalid(w http.ResponseWriter, r *http.Request, d *distrusted) {
	words := webui.WordsFor(r)
	m := pageInvalid.page(words)
	m.Detail, m.Hints, m.Signed, m.SignedV1 = "Caller Input Exception: "+d.reason, d.hints, d.text, d.v1
	m.Signing = s.Signing
	s.renderMessage(w, http.StatusBadRequest, words, m)
}

func (s *Server) renderMessage(w http.ResponseWriter, status int, words webui.Words, m messagePage) {
	layout := webui.Layout{Words: words, Title: m.Heading, Wide: m.Signed != "", NoCheckout: true, Content: m}
	if err := pages.Render(w, status, "message", layout); err != nil {
		s.Log.Error("a page could not be written", "error", err)
	}
}
