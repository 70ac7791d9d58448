package cobranded

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// showVerify asks a signed-in user to verify the e-mail address. This is needed
// before they can be paid, and before they can pay once the time for paying
// without it is over.
func (s *Server) showVerify(c *call) error {
	switch {
	case c.sender.ID == "":
		return c.redirect("sign-in")
	case c.sender.EmailVerified, c.sender.Guest:
		return s.enter(c) // verified in another window, by the letter's link
	}
	return c.renderVerify(http.StatusOK, account.CodeForm(c.words))
}

func (c *call) renderVerify(status int, f webui.Form) error {
	return c.render(status, "verify", c.words.T("verify.heading"), stageSignIn, verifyPage{
		Frame: c.frame(), Email: c.sender.Email, Form: c.sends(f, "verify"), Send: actions + "send-code",
	})
}

func (s *Server) verify(c *call) error {
	if c.sender.ID == "" {
		return c.redirect("sign-in")
	}
	err := s.Processor.Identity.ProveByCode(c.r.Context(), c.sender.ID, party.ProvesEmail, account.ReadCode(c.form))
	if err == nil {
		return s.enter(c)
	}
	form := account.CodeForm(c.words)
	if !account.CodeProblem(c.words, err, &form) {
		return err
	}
	return c.renderVerify(http.StatusUnprocessableEntity, form)
}

// sendCode sends another letter.
func (s *Server) sendCode(c *call) error {
	if c.sender.ID == "" {
		return c.redirect("sign-in")
	}
	err := s.Processor.Identity.SendVerification(c.r.Context(), c.sender.ID, s.Sessions.From(c.r))
	if err == nil || errors.Is(err, identity.ErrNoMail) {
		return c.redirect("verify")
	}
	form := account.CodeForm(c.words)
	status, problem := account.LettersProblem(c.words, c.w.Header(), err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return c.renderVerify(status, form)
}
