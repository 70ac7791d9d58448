package cobranded

import (
	"embed"
	"html/template"
	"io/fs"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = mustParse()

func mustParse() *webui.Pages {
	files, err := fs.Sub(templateFiles, "templates")
	if err != nil {
		panic("cobranded: " + err.Error()) // embedded: a test renders every page
	}
	parsed, err := webui.ParsePages(files)
	if err != nil {
		panic("cobranded: " + err.Error())
	}
	return parsed
}

// A frame is what every page of a visit shows: who asks for how much, and the
// way out.
type frame struct {
	Seller  string
	LogoURL string
	Website string // the link back names it
	Reason  template.HTML
	Asked   agreement
	Lines   []payment.BreakdownLine
	Full    bool // terms and breakdown are shown on small screens too
	Hidden  holdfast.Params
	Sender  string // who is signed in, or empty
}

// Back is what the way out is called.
func (f frame) Back() string {
	if f.Website != "" {
		return f.Website
	}
	return f.Seller
}

// The pages' own types.
type (
	signInPage struct {
		Frame   frame
		Heading string
		Form    webui.Form
		SignUp  string // the other page's address, or empty
	}
	signUpPage struct {
		Frame  frame
		Form   webui.Form
		SignIn string
	}
	paymentPage struct {
		Frame   frame
		Action  string
		Problem string
		Choices []choice
		AddCard string // address of the card page, or empty
		AddBank string // action that adds the sandbox's bank account, or empty
	}
	cardPage struct {
		Frame frame
		Form  webui.Form
		Back  string // the payment page's address, or empty if there is nothing to choose
		Test  bool   // say which card to use
	}
	addressPage struct {
		Frame   frame
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
		Instrument instrumentView
		Address    []string // lines; none if there is nothing to send
		Chosen     bool     // the sender chose the address here
		Change     string   // address of the payment page
		ChangeShip string   // address of the address page, or empty
		Email      string   // the sender's, if the caller is to be told; else empty
	}
	messagePage struct {
		Heading string
		Text    []string
		Detail  string
		Hints   []string
		Signed  string

		SignedV1 bool
	}
)

// A choice is one radio button.
type choice struct {
	Value   string
	Title   string
	Detail  string
	Checked bool
}

// frame is the page's surroundings for a call.
func (c *call) frame() frame {
	f := frame{
		Seller: c.started.caller.Name, LogoURL: c.request.LogoURL, Website: c.request.Website,
		Reason: inline(c.request.Reason), Lines: c.request.Breakdown, Asked: c.agreement(), Hidden: c.hidden(),
	}
	if sellers := c.sellers(); c.request.OfRecipient && sellers != "" {
		f.Seller = sellers + ", through " + c.started.caller.Name
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

// Stages of the way.
const (
	stageSignIn = iota
	stagePayment
	stageAddress
	stageConfirm
)

func (c *call) render(status int, page, title string, stage int, content any) error {
	l := webui.Layout{
		Title: title, Sandbox: c.started.caller.Sandbox, Content: content,
		Scripts: []string{"once.js"},
		Policy:  webui.Policy{FormTo: c.started.target.origin, ImageFrom: logoOrigin(c.request)},
	}
	if page == "card" {
		l.Scripts = append(l.Scripts, "card.js")
	}
	for i, label := range []string{"Sign in", "Payment", "Shipping", "Confirm"} {
		if i == stageAddress && !c.request.CollectAddress || i == stagePayment && !c.request.Pays() {
			continue
		}
		l.Steps = append(l.Steps, webui.Step{Label: label, Done: i < stage, Current: i == stage})
	}
	if status != http.StatusOK {
		l.Title = "Error: " + title
	}
	return pages.Render(c.w, status, page, l)
}

// Pages for those who have nowhere to return to.
var (
	pageNotFound = messagePage{
		Heading: "There is no page here",
		Text:    []string{"Please go back to the shop and start your payment again."},
	}
	pageNoVisit = messagePage{
		Heading: "This payment is no longer open",
		Text: []string{
			"It may have been finished already, or your session has ended. Nothing is charged by this page.",
			"Please go back to the shop to see your order, or to start again.",
		},
	}
	pageForeign = messagePage{
		Heading: "This form came from another site",
		Text:    []string{"For your safety it was not accepted, and nothing was authorised. Please go back to the shop and start your payment again."},
	}
	pageTooMuch = messagePage{
		Heading: "This is more than the form can take",
		Text:    []string{"Please go back, shorten what you entered and try again. Nothing was authorised."},
	}
	pageBadForm = messagePage{
		Heading: "The form could not be read",
		Text:    []string{"Please go back and try again. Nothing was authorised."},
	}
	pageFailed = messagePage{
		Heading: "Something went wrong on our side",
		Text:    []string{"Nothing was charged. Please go back and try again in a moment."},
	}
)

func (s *Server) lost(w http.ResponseWriter, status int, m messagePage) {
	if err := pages.Render(w, status, "message", webui.Layout{Title: m.Heading, Content: m}); err != nil {
		s.Log.Error("a page could not be written", "error", err)
	}
}

// fail is for what is our fault: the sender sees that it is, the log why.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	s.Log.Error("a page failed", "path", r.URL.Path, "error", err)
	s.lost(w, http.StatusInternalServerError, pageFailed)
}

// invalid is the page that leads nowhere.
func (s *Server) invalid(w http.ResponseWriter, d *distrusted) {
	m := messagePage{
		Heading: "Invalid Request",
		Text: []string{
			"The link that brought you here cannot be used. Nothing was authorised and nothing is charged.",
			"Please contact the web site that sent you.",
		},
		Detail: "Caller Input Exception: " + d.reason,
		Hints:  d.hints, Signed: d.text, SignedV1: d.v1,
	}
	layout := webui.Layout{Title: m.Heading, Wide: m.Signed != "", Content: m}
	if err := pages.Render(w, http.StatusBadRequest, "message", layout); err != nil {
		s.Log.Error("a page could not be written", "error", err)
	}
}
