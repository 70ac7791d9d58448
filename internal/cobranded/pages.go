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
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = webui.MustParsePages(templateFiles)

// A frame has the parts that every page of a visit shows: the caller, the
// amount, and the link to cancel.
type frame struct {
	Seller  string
	LogoURL string
	Back    string // the site to which "Cancel and return" leads
	Reason  template.HTML
	Asked   agreement
	Lines   []account.Term // the parts of the amount
	Full    bool           // small screens show terms and breakdown, too
	Folded  bool           // small screens show only the seller and the amount: an earlier page showed the rest
	Hidden  holdfast.Params
	Sender  string // the signed-in user's address, or empty
	Guest   bool   // the sender is a guest
}

// The pages' own types.
type (
	signInPage struct {
		Frame   frame
		Heading string
		Ended   string // why the sender has to sign in again, or empty
		Form    webui.Form
		Passkey *webui.PasskeyForm // if passkeys can be used
		SignUp  string             // address of the other page, or empty
		Guest   string             // action for guests, or empty
		// GuestProblem says why nobody may continue as a guest now.
		GuestProblem string
		Forgotten    string // address of the page to reset the password, or empty
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
		Decline bool   // senders may say that they have none of the payment methods
	}
	cardPage struct {
		Frame frame
		Form  webui.Form
		Back  string // address of the payment page, or empty if there is no choice
		// Others is the same address, for senders without a card. It is empty if the
		// caller takes only cards.
		Others string
		Test   bool // show a test card's number
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
		Action     string
		Hidden     holdfast.Params
		Instrument account.InstrumentView
		Address    []string // lines; none if nothing is shipped
		Change     string   // address of the payment page
		ChangeShip string   // address of the address page, or empty
		Email      string   // the sender's address, or where a guest gives it; empty if it is not shown
		EmailLabel string   // says who gets the address
		Consent    string   // text about a card that is kept, to which the sender agrees
		Script     string   // warns senders whose browser cannot show the next page
		Breakdown  string   // warns a sandbox caller's developer that it does not add up
	}
	returnPage struct {
		Site     string // the site to which the browser returns
		Onward   template.URL
		Approved bool
	}
	messagePage struct {
		Heading string
		Text    []string
		Detail  string // in English, like the fields below
		Hints   []string
		Signed  string

		SignedV1 bool
		Signing  string // address of the page that explains signatures, or empty
	}
)

// A choice is a radio button.
type choice struct {
	Value    string
	Title    string
	Card     string // letters in its mark
	Detail   string
	Declined string // when it was declined, if it was at its last use
	Checked  bool
}

// frame returns the frame of a call's pages.
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
		f.Sender, f.Guest = c.sender.Email, c.sender.Guest
	}
	return f
}

// hidden returns the hidden fields of each form of the visit.
func (c *call) hidden(more ...holdfast.Param) holdfast.Params {
	return append(holdfast.Params{{Name: "visit", Value: string(c.visit.ID)}}, more...)
}

// sends returns a form that is sent to one of the visit's actions.
func (c *call) sends(f webui.Form, action string) webui.Form {
	f.Action, f.Hidden = actions+action, c.hidden()
	return f
}

// The steps of a visit that pages show.
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
		Policy: webui.Policy{
			ImageFrom: logoOrigin(c.request), Asks: slices.Contains(c.scripts, webui.PasskeyScript), FormsTo: c.leads,
		},
	}
	if c.onNetwork() {
		l.Network = c.brand()
	}
	for i, label := range []string{
		c.words.T("step.sign-in"), c.words.T("step.payment"), c.words.T("step.shipping"), c.words.T("step.confirm"),
	} {
		cardLater := !c.request.Pays() || c.visit.Instrument == payment.CardOnPage
		if i == stageAddress && !c.request.CollectAddress || i == stagePayment && cardLater {
			continue
		}
		l.Steps = append(l.Steps, webui.Step{Label: label, Done: i < stage, Current: i == stage})
	}
	if status != http.StatusOK {
		l.Title = c.words.T("layout.error", "Title", title)
	}
	if c.r.Method == http.MethodPost {
		// The answer to a form shows its errors. The browser may cache this answer;
		// otherwise its Back button would ask to send the form again.
		c.w.Header().Set("Cache-Control", "private, no-cache")
	}
	return pages.Render(c.w, status, page, l)
}

// A notice is a message page for users who cannot be sent back, given by the
// ids of its texts.
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

// page returns the notice in words.
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

// fail answers with a page for internal errors and logs the error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	level := slog.LevelError
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil { // the browser has disconnected
		level = slog.LevelDebug
	}
	path := r.URL.Path
	if strings.HasPrefix(path, payment.CheckoutPath) {
		path = payment.CheckoutPath // the rest is secret
	}
	s.Log.Log(r.Context(), level, "a page failed", "path", path, "error", err)
	status := http.StatusInternalServerError
	if store.IsUnavailable(err) {
		status = http.StatusServiceUnavailable
	}
	s.lost(w, r, status, pageFailed)
}

// invalid answers with the Invalid Request page, which does not link back to
// the caller.
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
