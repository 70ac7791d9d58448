package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func (s *Server) showSignIn(c *call) error {
	if c.Party.ID != "" {
		return s.goOn(c)
	}
	return s.renderSignIn(c, http.StatusOK, SignInForm(c.words))
}

// goOn redirects a user who has signed in to the requested page.
func (s *Server) goOn(c *call) error {
	to, link := c.form.Get("to"), c.form.Get("link")
	switch {
	case strings.HasPrefix(to, ConsoleRoot):
		webui.Redirect(c.w, c.r, (&url.URL{Path: to, RawQuery: given("link", link).Encode()}).RequestURI())
		return nil
	case !isPlace(to):
		return c.redirect("")
	case to == "verify":
		return c.redirect(to, given("link", link)...)
	}
	return c.redirect(to)
}

// along returns the parameters that the sign-in and sign-up pages pass on.
func (c *call) along() []string {
	return []string{"to", c.form.Get("to"), "link", c.form.Get("link")}
}

func (s *Server) renderSignIn(c *call, status int, f webui.Form) error {
	w, along := c.words, given(c.along()...)
	f.Action, f.Hidden, f.Submit = Root+"sign-in", along, w.T("account.sign-in")
	page := formPage{
		Heading: w.T("account.sign-in"), Done: c.done(), Form: &f,
		Asides: []aside{
			{Text: w.T("sign-in.new"), Link: link{Label: w.T("sign-in.create"), Address: pageURL("sign-up", along...)}},
		},
	}
	if status == http.StatusOK && page.Done == "" {
		page.Lead = c.Ended.Words(w)
	}
	if s.Processor.Identity.Letters != nil {
		page.Asides = append(page.Asides, aside{Link: link{Label: w.T("forgotten.link"), Address: Root + "forgotten"}})
	}
	if form, ok := s.Sessions.PasskeyForm(c.words, c.r, Root+"passkey", along); ok {
		page.Passkey = &form
		return s.renderForm(c, status, "sign-in", page, webui.PasskeyScript)
	}
	page.Aside = s.passkeysElsewhere(c)
	return s.renderForm(c, status, "sign-in", page)
}

func (s *Server) signIn(c *call) error {
	user, err := s.Sessions.SignIn(c.r, c.words, c.form)
	if err == nil {
		err = s.begin(c, user)
	}
	if err == nil {
		return s.goOn(c)
	}
	form := SignInForm(c.words)
	form.Fill(c.form, "password")
	status, problem := SignInProblem(c.words, c.w.Header(), err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return s.renderSignIn(c, status, form)
}

// begin gives the browser a new session for the party that signed in or up.
func (s *Server) begin(c *call, user party.Party) (err error) {
	c.Visitor, err = s.Sessions.Begin(c.w, c.r, user)
	return err
}

// A passkeyAnswer is the answer to the script: the options for the browser, or
// an error message.
type passkeyAnswer struct {
	Options json.RawMessage `json:"options,omitempty"`
	Refused string          `json:"refused,omitempty"`
}

func (c *call) answerScript(status int, a passkeyAnswer) error {
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("answering a script: %w", err)
	}
	c.w.Header().Set("Content-Type", "application/json")
	c.w.WriteHeader(status)
	_, err = c.w.Write(text)
	return err
}

// askPasskey asks the browser for any passkey of this server.
func (s *Server) askPasskey(c *call) error {
	r, ok := s.Sessions.RelyingParty(c.r)
	if !ok {
		return c.answerScript(http.StatusNotFound, passkeyAnswer{Refused: c.words.T("passkey.failed")})
	}
	options, err := s.Processor.Identity.AskPasskey(c.r.Context(), r, s.Sessions.From(c.r))
	if err == nil {
		return c.answerScript(http.StatusOK, passkeyAnswer{Options: options})
	}
	status, problem := SignInProblem(c.words, c.w.Header(), err)
	if problem == "" {
		return err
	}
	return c.answerScript(status, passkeyAnswer{Refused: problem})
}

func (s *Server) signInByPasskey(c *call) error {
	user, err := s.Sessions.PasskeySignIn(c.r, c.words, c.form.Get("answer"))
	if err == nil {
		c.Visitor, err = s.Sessions.BeginByPasskey(c.w, c.r, user)
	}
	switch {
	case err == nil:
		return s.goOn(c)
	case !errors.Is(err, identity.ErrPasskey) && !errors.Is(err, identity.ErrWrongPassword):
		return err
	}
	form := SignInForm(c.words)
	form.Problem = c.words.T("passkey.failed")
	return s.renderSignIn(c, http.StatusUnprocessableEntity, form)
}

func (s *Server) showSignUp(c *call) error {
	if c.Party.ID != "" {
		return s.goOn(c)
	}
	return s.renderSignUp(c, http.StatusOK, SignUpForm(c.words))
}

func (s *Server) renderSignUp(c *call, status int, f webui.Form) error {
	w, along := c.words, given(c.along()...)
	f.Action, f.Hidden, f.Submit = Root+"sign-up", along, w.T("account.sign-up")
	return s.renderForm(c, status, "sign-up", formPage{
		Heading: w.T("sign-up.heading"), Lead: w.T("sign-up.lead"), Form: &f,
		Links: []link{{Label: w.T("account.have-one"), Address: pageURL("sign-in", along...)}},
	})
}

func (s *Server) signUp(c *call) error {
	n, form := ReadNewParty(c.words, c.form)
	if form.Failed() {
		return s.renderSignUp(c, http.StatusUnprocessableEntity, form)
	}
	user, err := s.Processor.Identity.SignUp(c.r.Context(), n, s.Sessions.From(c.r))
	if err == nil {
		err = s.begin(c, user)
	}
	if err == nil {
		return s.goOn(c)
	}
	status := SignUpProblem(c.words, c.w.Header(), err, &form)
	if status == 0 {
		return err
	}
	return s.renderSignUp(c, status, form)
}

func (s *Server) signOut(c *call) error {
	if err := s.Sessions.End(c.r); err != nil {
		return err
	}
	return c.redirect("sign-in")
}
