package account

import (
	"errors"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// showProfile shows the party's name, e-mail address and kind of account.
func (s *Server) showProfile(c *call) error {
	w, p := c.words, c.Party
	name := group{
		Heading: w.T("profile.name"), Text: p.Name,
		Links: []link{{Label: w.T("account.change"), Of: w.T("profile.name"), Address: Root + "profile/name"}},
	}
	email := group{Heading: w.T("profile.email"), Text: p.Email, Mark: tag{w.T("profile.verified"), good}}
	if !p.EmailVerified {
		email.Mark = tag{w.T("profile.unverified"), wait}
		if s.Processor.Identity.Letters != nil {
			email.Links = []link{{Label: w.T("overview.verify-link"), Address: Root + "verify"}}
		}
	}
	if s.Processor.Identity.Letters != nil {
		email.Links = append(email.Links, link{
			Label: w.T("account.change"), Of: w.T("profile.email"), Address: Root + "profile/email",
		})
	}
	change, err := s.proving(c)
	if err != nil {
		return err
	}
	if change.purpose == party.ProvesNewEmail {
		email.Rows = []row{{
			Title: change.email, Detail: w.T("profile.pending-email"),
			Links: []link{{Label: w.T("overview.verify-link"), Of: change.email, Address: Root + "verify"}},
		}}
	}
	kind := group{Heading: w.T("profile.kind"), Text: w.T("profile.personal")}
	switch {
	case p.Business:
		kind.Text = w.T("profile.business")
	case s.Processor.Live:
		kind.Empty = w.T("profile.business-operator")
	default:
		kind.Buttons = []action{post(w.T("profile.become-business"), "", "profile/business")}
	}
	return s.renderList(c, "profile", listPage{
		Heading: w.T("menu.profile"), Done: c.done(), Groups: []group{name, email, kind},
	})
}

func (s *Server) backToProfile(w webui.Words) []link {
	return []link{{Label: w.T("profile.back"), Address: Root + "profile"}}
}

func nameForm(w webui.Words, name string) webui.Form {
	return webui.Form{
		Action: Root + "profile/name", Submit: w.T("account.save"),
		Fields: []webui.Field{
			{Name: "name", Label: w.T("sign-up.name"), Value: name, Hint: w.T("profile.name-hint"), Autocomplete: "name"},
		},
	}
}

func (s *Server) showName(c *call) error {
	return s.renderName(c, http.StatusOK, nameForm(c.words, c.Party.Name))
}

func (s *Server) renderName(c *call, status int, form webui.Form) error {
	return s.renderForm(c, status, "profile", formPage{
		Heading: c.words.T("profile.change-name"), Form: &form, Links: s.backToProfile(c.words),
	})
}

func (s *Server) changeName(c *call) error {
	name := strings.TrimSpace(c.form.Get("name"))
	if problem := party.CheckLine(name, party.NameMax); problem != "" {
		form := nameForm(c.words, name)
		setLineProblem(c.words, &form, "name", problem, c.words.T("sign-up.name-wrong"))
		return s.renderName(c, http.StatusUnprocessableEntity, form)
	}
	if _, err := s.Processor.Identity.Rename(c.r.Context(), c.Party.ID, name); err != nil {
		return err
	}
	return c.redirect("profile", did("name"))
}

func emailForm(w webui.Words) webui.Form {
	return webui.Form{
		Action: Root + "profile/email", Submit: w.T("profile.send"),
		Fields: []webui.Field{
			{Name: "email", Label: w.T("profile.new-email"), Type: "email", Autocomplete: "email", InputMode: "email"},
			ownPasswordField(w),
		},
	}
}

func (s *Server) showEmail(c *call) error { return s.renderEmail(c, http.StatusOK, emailForm(c.words)) }

func (s *Server) renderEmail(c *call, status int, form webui.Form) error {
	w := c.words
	page := formPage{
		Heading: w.T("profile.change-email"), Lead: w.T("profile.change-email-lead", "Email", c.Party.Email), Form: &form,
		Links: s.backToProfile(w),
	}
	if s.Processor.Identity.Letters == nil {
		page.Lead, page.Form = w.T("profile.no-mail"), nil
	}
	return s.renderForm(c, status, "profile", page)
}

func (s *Server) changeEmail(c *call) error {
	w, form, email := c.words, emailForm(c.words), strings.TrimSpace(c.form.Get("email"))
	form.Fill(c.form, "password")
	if !party.ValidEmail(email) {
		form.SetError("email", w.T("sign-up.email-wrong"))
		return s.renderEmail(c, http.StatusUnprocessableEntity, form)
	}
	err := s.Processor.Identity.ChangeEmail(c.r.Context(), c.Session, s.own(c), email)
	switch {
	case err == nil:
		return c.redirect("verify", did("sent"))
	case errors.Is(err, identity.ErrNoMail):
		return s.renderEmail(c, http.StatusNotFound, form)
	case errors.Is(err, identity.ErrEmailTaken):
		form.SetError("email", w.T("sign-up.email-taken"))
		return s.renderEmail(c, http.StatusUnprocessableEntity, form)
	}
	status := ownProblem(w, c.w.Header(), err, &form)
	if status == 0 {
		return err
	}
	return s.renderEmail(c, status, form)
}

// becomeBusiness makes the account a business account, which can be paid by
// card.
func (s *Server) becomeBusiness(c *call) error {
	if c.Party.Name == "" {
		return c.redirect("profile/name") // its buyers must see a name
	}
	if _, err := s.Processor.BecomeBusiness(c.r.Context(), c.Party.ID); err != nil {
		return err
	}
	return c.redirect("profile", did("business"))
}
