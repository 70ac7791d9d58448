package account

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// CodeForm asks for the code of a letter.
func CodeForm(w webui.Words) webui.Form {
	return webui.Form{
		Submit: w.T("verify.submit"),
		Fields: []webui.Field{
			{Name: "code", Label: w.T("verify.code"), Hint: w.T("verify.code-hint"), Autocomplete: "one-time-code",
				InputMode: "numeric", Code: true},
		},
	}
}

// ReadCode is the code that a person typed.
func ReadCode(typed holdfast.Params) string { return digits(typed.Get("code")) }

// CodeProblem puts into the form why a code or a link proves nothing, and reports
// whether that is what the matter is.
func CodeProblem(w webui.Words, err error, form *webui.Form) bool {
	switch {
	case errors.Is(err, processor.ErrWrongCode):
		form.SetError("code", w.T("verify.wrong"))
	case errors.Is(err, processor.ErrCodeOver):
		form.SetError("code", w.T("verify.code-over"))
	case errors.Is(err, processor.ErrLinkOver):
		form.Problem = w.T("verify.link-over")
	case errors.Is(err, processor.ErrEmailTaken):
		form.Problem = w.T("sign-up.email-taken")
	default:
		return false
	}
	return true
}

// A proof in progress is what the verify page is about: the address of the account,
// or the one that is to take its place.
type proving struct {
	purpose party.ProofPurpose
	email   string
}

// proving is what the party has to prove: a new address, when there is a letter to
// one, or else its own. Neither is the zero value.
func (s *Server) proving(c *call) (p proving, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		letter, found, err := tx.Proof(c.Party.ID, party.ProvesNewEmail)
		switch {
		case found && !letter.LinkOver(s.Now()):
			p = proving{party.ProvesNewEmail, letter.Email}
		case !c.Party.EmailVerified:
			p = proving{party.ProvesEmail, c.Party.Email}
		}
		return err
	})
	return p, err
}

// provingBy is what the link of a letter proves: it need not be the letter whose
// code is asked for. Of a link that is over, whoever uses it is told.
func (s *Server) provingBy(c *call, secret string) (proving, error) {
	letter, err := s.Processor.ProvableBy(c.r.Context(), c.Party.ID, secret)
	if errors.Is(err, processor.ErrLinkOver) {
		return s.proving(c)
	}
	return proving{letter.Purpose, letter.Email}, err
}

// showVerify asks for the code, or, of who came by a letter's link, for a click: a
// program that follows links must not prove anything.
func (s *Server) showVerify(c *call) error {
	return s.renderVerify(c, http.StatusOK, CodeForm(c.words))
}

func (s *Server) renderVerify(c *call, status int, form webui.Form) error {
	w, secret := c.words, c.form.Get("link")
	var p proving
	var err error
	byLink := secret != "" && status == http.StatusOK
	if byLink {
		p, err = s.provingBy(c, secret)
	} else {
		p, err = s.proving(c)
	}
	if err != nil {
		return err
	}
	page := formPage{
		Heading: w.T("verify.heading"), Done: c.done(), Links: []link{{Label: w.T("account.to-overview"), Address: Root}},
	}
	if p == (proving{}) {
		page.Lead = w.T("verify.nothing")
		return s.renderForm(c, status, "", page)
	}
	page.Lead = w.T("verify.lead", "Email", p.email)
	form.Action, page.Form = Root+"verify", &form
	if byLink {
		page.Lead = w.T("verify.lead-link", "Email", p.email)
		form.Fields, form.Hidden, form.Submit = nil, given("link", secret), w.T("verify.confirm")
	} else if s.Processor.Letters != nil && p.purpose == party.ProvesEmail {
		page.Buttons = []action{post(w.T("verify.send"), "", "verify/send")}
	}
	if p.purpose == party.ProvesNewEmail {
		page.Links = append(page.Links, link{Label: w.T("verify.other-address"), Address: Root + "profile/email"})
	}
	return s.renderForm(c, status, "", page)
}

func (s *Server) verify(c *call) error {
	p, err := s.proving(c)
	if err != nil {
		return err
	}
	if secret := c.form.Get("link"); secret != "" {
		p.purpose, err = s.Processor.ProveByLink(c.r.Context(), c.Party.ID, secret)
	} else if p != (proving{}) {
		err = s.Processor.ProveByCode(c.r.Context(), c.Party.ID, p.purpose, ReadCode(c.form))
	}
	if err == nil {
		if p.purpose == party.ProvesNewEmail {
			return c.redirect("profile", did("email"))
		}
		return c.redirect("", did("verified"))
	}
	form := CodeForm(c.words)
	if !CodeProblem(c.words, err, &form) {
		return err
	}
	return s.renderVerify(c, http.StatusUnprocessableEntity, form)
}

func (s *Server) sendVerification(c *call) error {
	err := s.Processor.SendVerification(c.r.Context(), c.Party.ID, s.Browsers.From(c.r))
	if err == nil || errors.Is(err, processor.ErrNoMail) {
		return c.redirect("verify", did("sent"))
	}
	form := CodeForm(c.words)
	status, problem := LettersProblem(c.words, c.w.Header(), err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return s.renderVerify(c, status, form)
}
