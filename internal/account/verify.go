package account

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// CodeForm asks for the code in a letter.
func CodeForm(w webui.Words) webui.Form {
	return webui.Form{
		Submit: w.T("verify.submit"),
		Fields: []webui.Field{
			{
				Name: "code", Label: w.T("verify.code"), Hint: w.T("verify.code-hint"), Autocomplete: "one-time-code",
				InputMode: "numeric", Code: true,
			},
		},
	}
}

// ReadCode returns the code that a person typed.
func ReadCode(typed holdfast.Params) string { return digits(typed.Get("code")) }

// CodeProblem puts the reason why a code or link is not valid into the form. It
// reports whether err is about the code or link.
func CodeProblem(w webui.Words, err error, form *webui.Form) bool {
	switch {
	case errors.Is(err, identity.ErrWrongCode):
		form.SetError("code", w.T("verify.wrong"))
	case errors.Is(err, identity.ErrCodeOver):
		form.SetError("code", w.T("verify.code-over"))
	case errors.Is(err, identity.ErrLinkOver):
		form.Problem = w.T("verify.link-over")
	case errors.Is(err, identity.ErrEmailTaken):
		form.Problem = w.T("sign-up.email-taken")
	default:
		return false
	}
	return true
}

// proving is the address that the verify page is about: the account's address,
// or a new address that will replace it.
type proving struct {
	purpose party.ProofPurpose
	email   string
}

// proving returns the address that the party has to verify: a new address if a
// letter was sent to one, or else the account's own. It is zero if there is
// nothing to verify.
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

// provingBy returns the address that a link verifies. The link need not be from
// the letter whose code the page asks for. If the link has expired, the page
// shows proving's address, and submitting the link then shows the error.
func (s *Server) provingBy(c *call, secret string) (proving, error) {
	letter, err := s.Processor.Identity.ProvableBy(c.r.Context(), c.Party.ID, secret)
	if errors.Is(err, identity.ErrLinkOver) {
		return s.proving(c)
	}
	return proving{letter.Purpose, letter.Email}, err
}

// showVerify asks for the code. If the user came through the link of a letter,
// it asks for a click instead, because a program that merely follows links must
// not verify an address.
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
	} else if s.Processor.Identity.Letters != nil && p.purpose == party.ProvesEmail {
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
		p.purpose, err = s.Processor.Identity.ProveByLink(c.r.Context(), c.Party.ID, secret)
	} else if p != (proving{}) {
		err = s.Processor.Identity.ProveByCode(c.r.Context(), c.Party.ID, p.purpose, ReadCode(c.form))
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
	err := s.Processor.Identity.SendVerification(c.r.Context(), c.Party.ID, s.Sessions.From(c.r))
	if err == nil || errors.Is(err, identity.ErrNoMail) {
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
