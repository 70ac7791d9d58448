package account

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func (s *Server) showReset(c *call) error { return s.renderReset(c, http.StatusOK, "") }

// renderReset asks for the new password if the link is valid.
func (s *Server) renderReset(c *call, status int, problem string) error {
	w, secret := c.words, c.form.Get("link")
	account, err := s.Processor.Identity.ForgottenBy(c.r.Context(), secret)
	if errors.Is(err, identity.ErrLinkOver) {
		return s.renderForm(c, http.StatusGone, "sign-in", formPage{
			Heading: w.T("reset.over"), Lead: w.T("reset.over-text"),
			Links: []link{{Label: w.T("reset.again"), Address: ForgottenURL(c.visit())}},
		})
	}
	if err != nil {
		return err
	}
	form := webui.Form{
		Action: Root + "reset", Submit: w.T("reset.submit"), Hidden: given("link", secret, "visit", string(c.visit())),
		Fields: []webui.Field{newPasswordField(w)}, Username: account.Email,
	}
	if problem != "" {
		form.SetError("new-password", problem)
	}
	page := formPage{Heading: w.T("reset.heading"), Lead: w.T("reset.lead", "Email", account.Email), Form: &form}
	if !account.EmailVerified {
		page.Aside = w.T("reset.takes-over")
	}
	return s.renderForm(c, status, "sign-in", page)
}

func newPasswordField(w webui.Words) webui.Field {
	return webui.Field{
		Name: "new-password", Label: w.T("security.new-password"), Type: "password", Autocomplete: "new-password",
		Hint: w.T("sign-up.password-hint", "Min", party.PasswordMin),
	}
}

// reset sets the new password. It also makes the browser a known device, so
// that strangers who guess passwords cannot lock the owner out. The link alone
// gives no session: the owner signs in with the new password. A visit continues
// on its own sign-in page.
func (s *Server) reset(c *call) error {
	password := c.form.Get("new-password")
	if message := passwordProblem(c.words, party.ValidPassword(password)); message != "" {
		return s.renderReset(c, http.StatusUnprocessableEntity, message)
	}
	user, err := s.Processor.Identity.ResetPassword(c.r.Context(), c.form.Get("link"), password)
	if errors.Is(err, identity.ErrLinkOver) {
		return s.renderReset(c, http.StatusGone, "")
	}
	if message := passwordProblem(c.words, err); message != "" {
		return s.renderReset(c, http.StatusUnprocessableEntity, message)
	}
	if status, message := SignInProblem(c.words, c.w.Header(), err); message != "" {
		return s.renderReset(c, status, message)
	}
	if err != nil {
		return err
	}
	s.Sessions.know(c.w, user)
	if visit := c.visit(); visit != "" {
		webui.Redirect(c.w, c.r, visitURL(visit))
		return nil
	}
	return c.redirect("sign-in", did("reset"))
}
