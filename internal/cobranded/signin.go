package cobranded

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// showSignIn is skipped by who is signed in already, unless that account cannot
// pay here: then there is the choice of another one.
func (s *Server) showSignIn(c *call) error {
	form := signInForm(c.words)
	if c.sender.ID != "" {
		problem, err := s.Processor.AccountProblem(c.r.Context(), c.visit, c.sender.ID)
		if err != nil {
			return err
		}
		if problem == nil {
			return s.enter(c)
		}
		form.Problem = c.words.T("sign-in.cannot-use", "Email", c.sender.Email)
	}
	return c.renderSignIn(http.StatusOK, form)
}

// enter takes the one who is signed in to what the visit needs next.
func (s *Server) enter(c *call) error {
	v, err := s.Processor.EnterVisit(c.r.Context(), c.visit.ID, c.sender.ID)
	if err != nil {
		return err
	}
	return s.proceed(c, v)
}

func signInForm(w webui.Words) webui.Form {
	return webui.Form{
		Submit: w.T("sign-in.submit"),
		Fields: []webui.Field{
			{Name: "email", Label: w.T("sign-in.email"), Type: "email", Autocomplete: "username", InputMode: "email", MaxLength: party.EmailMax},
			{Name: "password", Label: w.T("sign-in.password"), Type: "password", Autocomplete: "current-password", MaxLength: party.PasswordMax},
		},
	}
}

func (c *call) renderSignIn(status int, f webui.Form) error {
	page := signInPage{Frame: c.frame(), Heading: c.signInHeading(), Form: c.sends(f, "sign-in"), SignUp: pageURL("sign-up", c.visit.ID)}
	if c.request.Edited != "" {
		page.SignUp = "" // a new account has authorised nothing yet
	}
	title := page.Heading
	if status == http.StatusOK && f.Failed() {
		title = c.words.T("layout.error", "Title", title)
	}
	return c.render(status, "sign-in", title, stageSignIn, page)
}

func (c *call) signInHeading() string {
	switch c.request.Pipeline {
	case payment.PipelineRecipient:
		return c.words.T("sign-in.to-be-paid")
	case payment.PipelineEditToken:
		return c.words.T("sign-in.to-edit")
	case payment.PipelineSetupPrepaid, payment.PipelineSetupPostpaid:
		return c.words.T("sign-in.to-set-up")
	case payment.PipelineSingleUse, payment.PipelineMultiUse, payment.PipelineRecurring:
	}
	return c.words.T("sign-in.to-pay")
}

func (s *Server) signIn(c *call) error {
	who, err := s.Processor.SignIn(c.r.Context(), processor.SignIn{
		Email: c.form.Get("email"), Password: c.form.Get("password"), From: s.from(c.r),
	})
	if err == nil {
		return s.begun(c, who)
	}
	form := signInForm(c.words)
	form.Fill(c.form, "password")
	status, problem := signInProblem(c.words, c.w.Header(), err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return c.renderSignIn(status, form)
}

// signInProblem says what to tell somebody who could not be signed in, and when
// to try again; nothing means that it is our fault.
func signInProblem(w webui.Words, h http.Header, err error) (status int, problem string) {
	if errors.Is(err, processor.ErrWrongPassword) {
		return http.StatusUnprocessableEntity, w.T("sign-in.wrong")
	}
	blocked, ok := errors.AsType[*processor.GuessesError](err)
	if !ok {
		return 0, ""
	}
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(blocked.Wait.Seconds()))))
	if blocked.Wait <= 30*time.Second {
		return http.StatusTooManyRequests, w.T("sign-in.blocked-briefly")
	}
	return http.StatusTooManyRequests, w.N("sign-in.blocked", int(math.Ceil(blocked.Wait.Minutes())))
}

// begun gives the browser a new session of the one who signed in or up.
func (s *Server) begun(c *call, who party.Party) error {
	if err := s.beginSession(c.r.Context(), who.ID); err != nil {
		return err
	}
	c.sender = who
	return s.enter(c)
}

func (s *Server) showSignUp(c *call) error {
	if c.sender.ID != "" {
		return s.enter(c)
	}
	return c.renderSignUp(http.StatusOK, signUpForm(c.words))
}

func signUpForm(w webui.Words) webui.Form {
	return webui.Form{
		Submit: w.T("sign-up.submit"),
		Fields: []webui.Field{
			{Name: "name", Label: w.T("sign-up.name"), Autocomplete: "name", MaxLength: party.NameMax},
			{Name: "email", Label: w.T("sign-in.email"), Type: "email", Autocomplete: "username", InputMode: "email", MaxLength: party.EmailMax},
			{
				Name: "password", Label: w.T("sign-in.password"), Type: "password", Autocomplete: "new-password", MaxLength: party.PasswordMax,
				Hint: w.T("sign-up.password-hint", "Min", party.PasswordMin),
			},
		},
	}
}

func (c *call) renderSignUp(status int, f webui.Form) error {
	return c.render(status, "sign-up", c.words.T("sign-up.heading"), stageSignIn, signUpPage{
		Frame: c.frame(), Form: c.sends(f, "sign-up"), SignIn: pageURL("sign-in", c.visit.ID),
	})
}

func (s *Server) signUp(c *call) error {
	n, form := readNewParty(c.words, c.form)
	if form.Failed() {
		return c.renderSignUp(http.StatusUnprocessableEntity, form)
	}
	who, err := s.Processor.SignUp(c.r.Context(), n, s.from(c.r))
	if err == nil {
		return s.begun(c, who)
	}
	if errors.Is(err, processor.ErrEmailTaken) {
		form.SetError("email", c.words.T("sign-up.email-taken"))
		return c.renderSignUp(http.StatusUnprocessableEntity, form)
	}
	status, problem := signInProblem(c.words, c.w.Header(), err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return c.renderSignUp(status, form)
}

// readNewParty reads what somebody typed who signs up; what is wrong with it
// stands beside the form's fields.
func readNewParty(w webui.Words, typed holdfast.Params) (processor.NewParty, webui.Form) {
	form := signUpForm(w)
	form.Fill(typed, "password")
	n := processor.NewParty{
		Name: strings.TrimSpace(typed.Get("name")), Email: strings.TrimSpace(typed.Get("email")), Password: typed.Get("password"),
	}
	if n.Name == "" || len(n.Name) > party.NameMax {
		form.SetError("name", w.T("sign-up.name-wrong"))
	}
	if !party.ValidEmail(n.Email) {
		form.SetError("email", w.T("sign-up.email-wrong"))
	}
	if message := passwordProblem(w, party.ValidPassword(n.Password)); message != "" {
		form.SetError("password", message)
	}
	return n, form
}

// passwordProblem is what is wrong with a new password, in words.
func passwordProblem(w webui.Words, err error) string {
	switch {
	case errors.Is(err, party.ErrPasswordShort):
		return w.T("sign-up.password-short", "Min", party.PasswordMin)
	case errors.Is(err, party.ErrPasswordLong):
		return w.T("sign-up.password-long")
	}
	return ""
}

// signOut lets somebody else sign in to the same visit.
func (s *Server) signOut(c *call) error {
	if err := s.endSession(c.r.Context()); err != nil {
		return err
	}
	if _, err := s.Processor.LeaveVisit(c.r.Context(), c.visit.ID); err != nil {
		return err
	}
	return c.redirect("sign-in")
}
