package account

import (
	"errors"
	"net/http"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// sessionsMax is how many browsers a page shows.
const sessionsMax = 50

// showSecurity shows the password, the passkeys and the browsers in which the
// party is signed in.
func (s *Server) showSecurity(c *call) error {
	var keys []party.Passkey
	var sessions []party.SignedIn
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if keys, err = tx.Passkeys(c.Party.ID); err != nil {
			return err
		}
		sessions, err = tx.LastSignedIn(c.Party.ID, sessionsMax+1)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	return s.renderList(c, "security", listPage{Heading: w.T("menu.security"), Done: c.done(), Groups: []group{
		{
			Heading: w.T("security.password"), Text: w.T("security.password-text"),
			Links: []link{{Label: w.T("security.change-password"), Address: Root + "security/password"}},
		},
		s.passkeyGroup(c, keys),
		s.sessionGroup(c, sessions),
	}})
}

func (s *Server) passkeyGroup(c *call, keys []party.Passkey) group {
	w := c.words
	g := group{Heading: w.T("security.passkeys"), Text: w.T("security.passkeys-text")}
	for _, k := range keys {
		r := row{
			Title: k.Name, Facts: []Term{{w.T("security.created"), w.Day(k.Created)}},
			Links: []link{
				{
					Label: w.T("account.remove"), Of: k.Name,
					Address: pageURL("security/passkey/remove", given("passkey", string(k.ID))...),
				},
			},
		}
		used := w.T("security.never")
		if !k.LastUsed.IsZero() {
			used = w.Moment(k.LastUsed)
		}
		r.Facts = append(r.Facts, Term{w.T("security.last-used"), used})
		g.Rows = append(g.Rows, r)
	}
	if _, ok := s.Sessions.RelyingParty(c.r); ok {
		g.Links = []link{{Label: w.T("security.add-passkey"), Address: Root + "security/passkey"}}
	} else if g.Empty = s.passkeysElsewhere(c); g.Empty == "" {
		g.Empty = w.T("security.no-passkeys")
	}
	return g
}

func (s *Server) sessionGroup(c *call, sessions []party.SignedIn) group {
	w := c.words
	g := group{Heading: w.T("security.sessions"), Text: w.T("security.sessions-text")}
	others := len(sessions) > sessionsMax
	if others {
		g.Text += " " + w.T("security.last-sessions", "N", w.Count(sessionsMax))
	}
	for _, at := range sessions[:min(len(sessions), sessionsMax)] {
		if at.Over(processor.Micro(s.Now())) {
			continue
		}
		r := row{Title: deviceWords(w, at.Device), Facts: []Term{
			{w.T("security.begun"), w.Moment(at.Begun)}, {w.T("security.last-seen"), w.Moment(at.LastSeen)},
		}}
		if at.Network != "" {
			r.Facts = append(r.Facts, Term{w.T("security.network"), at.Network})
		}
		if at.ID == c.Session.ID {
			r.Mark = tag{w.T("security.here"), good}
		} else {
			others = true
			r.Buttons = []action{post(w.T("security.end"), r.Title, "security/session/end", "session", string(at.ID))}
		}
		g.Rows = append(g.Rows, r)
	}
	if others {
		g.Buttons = []action{post(w.T("security.end-others"), "", "security/session/others")}
	}
	return g
}

// deviceWords names a browser and its system, as far as they are known.
func deviceWords(w webui.Words, d party.Device) string {
	switch {
	case d.Browser != "" && d.System != "":
		return w.T("security.browser-on", "Browser", d.Browser, "System", d.System)
	case d.Browser+d.System != "":
		return d.Browser + d.System
	}
	return w.T("security.some-browser")
}

func (s *Server) endSession(c *call) error {
	id := party.SignedInID(c.form.Get("session"))
	if err := s.Processor.Identity.SignOutBrowser(c.r.Context(), c.Party.ID, id); err != nil {
		return err
	}
	return c.redirect("security", did("session"))
}

func (s *Server) endOtherSessions(c *call) error {
	if err := s.Processor.Identity.EndSignedInElsewhere(c.r.Context(), c.Session); err != nil {
		return err
	}
	return c.redirect("security", did("session"))
}

// own returns the party's password that the form asked for again.
func (s *Server) own(c *call) identity.OwnPassword {
	return identity.OwnPassword{Password: c.form.Get("password"), From: s.Sessions.From(c.r)}
}

func ownPasswordField(w webui.Words) webui.Field {
	return webui.Field{
		Name: "password", Label: w.T("security.present-password"), Type: "password", Autocomplete: "current-password",
	}
}

// ownProblem puts an error at the field for the party's password. status is
// zero if err is not about the password.
func ownProblem(w webui.Words, h http.Header, err error, form *webui.Form) (status int) {
	switch {
	case errors.Is(err, identity.ErrWrongPassword):
		form.SetError("password", w.T("security.wrong-password"))
		return http.StatusUnprocessableEntity
	case errors.Is(err, identity.ErrUnproved):
		form.Problem = w.T("security.factor-first")
		return http.StatusForbidden
	}
	status, form.Problem = SignInProblem(w, h, err)
	return status
}

func passwordForm(w webui.Words) webui.Form {
	return webui.Form{
		Action: Root + "security/password", Submit: w.T("security.save-password"),
		Fields: []webui.Field{ownPasswordField(w), newPasswordField(w)},
	}
}

func (s *Server) showPassword(c *call) error {
	return s.renderPassword(c, http.StatusOK, passwordForm(c.words))
}

func (s *Server) renderPassword(c *call, status int, form webui.Form) error {
	w := c.words
	form.Username = c.Party.Email
	return s.renderForm(c, status, "security", formPage{
		Heading: w.T("security.change-password"), Lead: w.T("security.change-lead"), Form: &form,
		Links: []link{{Label: w.T("security.back"), Address: Root + "security"}},
	})
}

func (s *Server) changePassword(c *call) error {
	form, password := passwordForm(c.words), c.form.Get("new-password")
	if message := passwordProblem(c.words, party.ValidPassword(password)); message != "" {
		form.SetError("new-password", message)
		return s.renderPassword(c, http.StatusUnprocessableEntity, form)
	}
	user, err := s.Processor.Identity.ChangePassword(c.r.Context(), c.Session, s.own(c), password)
	if err == nil {
		s.Sessions.know(c.w, user)
		return c.redirect("security", did("password"))
	}
	if message := passwordProblem(c.words, err); message != "" {
		form.SetError("new-password", message)
		return s.renderPassword(c, http.StatusUnprocessableEntity, form)
	}
	status := ownProblem(c.words, c.w.Header(), err, &form)
	if status == 0 {
		return err
	}
	return s.renderPassword(c, status, form)
}

func (s *Server) showPasskey(c *call) error { return s.renderPasskey(c, http.StatusOK, "") }

// renderPasskey shows the form with which the script creates a passkey.
func (s *Server) renderPasskey(c *call, status int, problem string) error {
	w := c.words
	if _, ok := s.Sessions.RelyingParty(c.r); !ok {
		return c.redirect("security")
	}
	form := webui.Form{
		Action: Root + "security/passkey", Submit: w.T("security.make-passkey"), Problem: problem,
		Fields: []webui.Field{
			{
				Name: "name", Label: w.T("security.passkey-name"), Hint: w.T("security.passkey-name-hint"), Autocomplete: "off",
				Value: c.form.Get("name"),
			},
			ownPasswordField(w),
		},
		Passkey: &webui.Passkey{
			Makes: true, Ask: Root + "security/passkey/ask", Working: w.T("passkey.working"), Failed: w.T("passkey.not-made"),
		},
	}
	return s.renderForm(c, status, "security", formPage{
		Heading: w.T("security.add-passkey"), Lead: w.T("security.passkey-lead"), Form: &form,
		Links: []link{{Label: w.T("security.back"), Address: Root + "security"}},
	}, webui.PasskeyScript)
}

// askNewPasskey checks the password and then asks the browser to create a
// passkey.
func (s *Server) askNewPasskey(c *call) error {
	r, ok := s.Sessions.RelyingParty(c.r)
	if !ok {
		return c.answerScript(http.StatusNotFound, passkeyAnswer{Refused: c.words.T("passkey.not-made")})
	}
	if problem := party.CheckLine(c.form.Get("name"), party.PasskeyNameMax); problem != "" {
		refused := lineProblem(c.words, problem, c.words.T("security.passkey-name-missing"))
		return c.answerScript(http.StatusUnprocessableEntity, passkeyAnswer{Refused: refused})
	}
	options, err := s.Processor.Identity.BeginPasskey(c.r.Context(), r, c.Session, s.own(c))
	if err == nil {
		return c.answerScript(http.StatusOK, passkeyAnswer{Options: options})
	}
	var form webui.Form
	status := ownProblem(c.words, c.w.Header(), err, &form)
	switch {
	case status != 0:
		return c.answerScript(status, passkeyAnswer{Refused: form.Problem})
	case isRefusal(err):
		return c.answerScript(http.StatusUnprocessableEntity, passkeyAnswer{Refused: c.words.T("security.too-many-passkeys")})
	}
	return err
}

func (s *Server) addPasskey(c *call) error {
	answer := c.form.Get("answer")
	if answer == "" {
		return s.renderPasskey(c, http.StatusUnprocessableEntity, c.words.T("security.passkey-needs-script"))
	}
	r, ok := s.Sessions.RelyingParty(c.r)
	if !ok || len(answer) > party.PasskeyAnswerMax {
		return s.renderPasskey(c, http.StatusUnprocessableEntity, c.words.T("passkey.not-made"))
	}
	_, err := s.Processor.Identity.AddPasskey(c.r.Context(), r, c.Party.ID, c.form.Get("name"), []byte(answer))
	refused, coded := errors.AsType[*holdfast.Error](err)
	switch {
	case err == nil:
		return c.redirect("security", did("passkey"))
	case errors.Is(err, identity.ErrPasskey):
		return s.renderPasskey(c, http.StatusUnprocessableEntity, c.words.T("passkey.not-made"))
	case coded && refused.Code == holdfast.InvalidParams:
		return s.renderPasskey(c, http.StatusUnprocessableEntity, c.words.T("security.passkey-name-missing"))
	}
	return err
}

func removePasskeyForm(w webui.Words, id string) webui.Form {
	return webui.Form{
		Action: Root + "security/passkey/remove", Submit: w.T("security.remove-passkey"), Hidden: given("passkey", id),
		Fields: []webui.Field{ownPasswordField(w)},
	}
}

func (s *Server) showRemovePasskey(c *call) error {
	return s.renderRemovePasskey(c, http.StatusOK, removePasskeyForm(c.words, c.form.Get("passkey")))
}

// renderRemovePasskey asks for the password or a passkey. Somebody else may be
// using a browser that was left signed in, and the passkey may be its owner's
// only way to sign in.
func (s *Server) renderRemovePasskey(c *call, status int, form webui.Form) error {
	w, id := c.words, party.PasskeyID(c.form.Get("passkey"))
	var keys []party.Passkey
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		keys, err = tx.Passkeys(c.Party.ID)
		return err
	})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(keys, func(k party.Passkey) bool { return k.ID == id })
	if i < 0 {
		return holdfast.Errorf(holdfast.InvalidParams, "there is no such passkey")
	}
	form.Username = c.Party.Email
	page := formPage{
		Heading: w.T("security.remove-passkey-heading", "Name", keys[i].Name), Lead: w.T("security.remove-passkey-lead"),
		Form:  &form,
		Links: []link{{Label: w.T("security.back"), Address: Root + "security"}},
	}
	var scripts []string
	if passkey, ok := s.Sessions.PasskeyForm(w, c.r, form.Action, form.Hidden); ok {
		passkey.Passkey.Label, passkey.Passkey.Failed = w.T("security.remove-by-passkey"), w.T("security.passkey-not-right")
		page.Passkey, scripts = &passkey, []string{webui.PasskeyScript}
	}
	return s.renderForm(c, status, "security", page, scripts...)
}

func (s *Server) removePasskey(c *call) error {
	id, form := party.PasskeyID(c.form.Get("passkey")), removePasskeyForm(c.words, c.form.Get("passkey"))
	var err error
	if answer := c.form.Get("answer"); answer != "" {
		r, ok := s.Sessions.RelyingParty(c.r)
		if err = identity.ErrPasskey; ok && len(answer) <= party.PasskeyAnswerMax {
			err = s.Processor.Identity.RemovePasskeyByPasskey(c.r.Context(), r, c.Party.ID, []byte(answer), s.Sessions.From(c.r),
				id)
		}
	} else {
		err = s.Processor.Identity.RemovePasskey(c.r.Context(), c.Session, s.own(c), id)
	}
	if err == nil {
		return c.redirect("security", did("passkey-removed"))
	}
	status := ownProblem(c.words, c.w.Header(), err, &form)
	if errors.Is(err, identity.ErrPasskey) {
		status, form.Problem = http.StatusUnprocessableEntity, c.words.T("security.passkey-not-right")
	}
	if status == 0 {
		return err
	}
	return s.renderRemovePasskey(c, status, form)
}
