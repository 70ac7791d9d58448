package cobranded

import (
	"errors"
	"fmt"
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
	form := c.signInForm()
	if c.sender.ID != "" {
		problem, err := s.Processor.AccountProblem(c.r.Context(), c.visit, c.sender.ID)
		if err != nil {
			return err
		}
		if problem == nil {
			return s.enter(c)
		}
		form.Problem = "You are signed in as " + c.sender.Email + ". This account cannot be used here. Please use another one."
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

func (c *call) signInForm() webui.Form {
	return webui.Form{
		Action: actions + "sign-in", Hidden: c.hidden(), Submit: "Sign in and continue",
		Fields: []webui.Field{
			{Name: "email", Label: "E-mail address", Type: "email", Autocomplete: "username", InputMode: "email", MaxLength: party.EmailMax},
			{Name: "password", Label: "Password", Type: "password", Autocomplete: "current-password", MaxLength: party.PasswordMax},
		},
	}
}

func (c *call) renderSignIn(status int, f webui.Form) error {
	page := signInPage{Frame: c.frame(), Heading: c.signInHeading(), Form: f, SignUp: pageURL("sign-up", c.visit.ID)}
	if c.request.Edited != "" {
		page.SignUp = "" // a new account has authorised nothing yet
	}
	return c.render(status, "sign-in", page.Heading, stageSignIn, page)
}

func (c *call) signInHeading() string {
	switch c.request.Pipeline {
	case payment.PipelineRecipient:
		return "Sign in to be paid"
	case payment.PipelineEditToken:
		return "Sign in to change how you pay"
	case payment.PipelineSetupPrepaid, payment.PipelineSetupPostpaid:
		return "Sign in to set this up"
	case payment.PipelineSingleUse, payment.PipelineMultiUse, payment.PipelineRecurring:
	}
	return "Sign in to pay"
}

func (s *Server) signIn(c *call) error {
	who, err := s.Processor.SignIn(c.r.Context(), processor.SignIn{
		Email: c.form.Get("email"), Password: c.form.Get("password"), From: s.from(c.r),
	})
	if err == nil {
		return s.begun(c, who)
	}
	form := c.signInForm()
	form.Fill(c.form, "password")
	status, problem := signInProblem(c.w, err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return c.renderSignIn(status, form)
}

// signInProblem says what to tell somebody who could not be signed in; nothing
// means that it is our fault.
func signInProblem(w http.ResponseWriter, err error) (status int, problem string) {
	if errors.Is(err, processor.ErrWrongPassword) {
		return http.StatusUnprocessableEntity, "The e-mail address or the password is not right. Please check both and try again."
	}
	if blocked, ok := errors.AsType[*processor.GuessesError](err); ok {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(blocked.Wait.Seconds()))))
		return http.StatusTooManyRequests, "There were too many attempts to sign in. Please wait " + wait(blocked.Wait) + " and try again."
	}
	return 0, ""
}

// wait is a duration in words, rounded up.
func wait(d time.Duration) string {
	switch minutes := int(math.Ceil(d.Minutes())); {
	case d <= 30*time.Second:
		return "half a minute"
	case minutes == 1:
		return "a minute"
	default:
		return fmt.Sprintf("%d minutes", minutes)
	}
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
	return c.renderSignUp(http.StatusOK, c.signUpForm())
}

func (c *call) signUpForm() webui.Form {
	return webui.Form{
		Action: actions + "sign-up", Hidden: c.hidden(), Submit: "Create account and continue",
		Fields: []webui.Field{
			{Name: "name", Label: "Your name", Autocomplete: "name", MaxLength: party.NameMax},
			{Name: "email", Label: "E-mail address", Type: "email", Autocomplete: "username", InputMode: "email", MaxLength: party.EmailMax},
			{
				Name: "password", Label: "Password", Type: "password", Autocomplete: "new-password", MaxLength: party.PasswordMax,
				Hint: fmt.Sprintf("At least %d characters. A few unrelated words are easy to remember.", party.PasswordMin),
			},
		},
	}
}

func (c *call) renderSignUp(status int, f webui.Form) error {
	return c.render(status, "sign-up", "Create an account", stageSignIn, signUpPage{
		Frame: c.frame(), Form: f, SignIn: pageURL("sign-in", c.visit.ID),
	})
}

func (s *Server) signUp(c *call) error {
	form := c.signUpForm()
	form.Fill(c.form, "password")
	n := processor.NewParty{
		Name: strings.TrimSpace(c.form.Get("name")), Email: strings.TrimSpace(c.form.Get("email")), Password: c.form.Get("password"),
	}
	checkNewParty(&form, n)
	if form.Failed() {
		return c.renderSignUp(http.StatusUnprocessableEntity, form)
	}
	who, err := s.Processor.SignUp(c.r.Context(), n, s.from(c.r))
	if err == nil {
		return s.begun(c, who)
	}
	if refused, ok := errors.AsType[*holdfast.Error](err); ok {
		form.Problem = sentence(refused.Message)
		return c.renderSignUp(http.StatusUnprocessableEntity, form)
	}
	if errors.Is(err, processor.ErrEmailTaken) {
		form.SetError("email", "There is an account with this e-mail address already. Please sign in instead.")
		return c.renderSignUp(http.StatusUnprocessableEntity, form)
	}
	status, problem := signInProblem(c.w, err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return c.renderSignUp(status, form)
}

func checkNewParty(form *webui.Form, n processor.NewParty) {
	if n.Name == "" || len(n.Name) > party.NameMax {
		form.SetError("name", "Please enter your name.")
	}
	if !party.ValidEmail(n.Email) {
		form.SetError("email", "Please enter an e-mail address such as ann@example.com.")
	}
	if refused, ok := errors.AsType[*holdfast.Error](party.ValidPassword(n.Password)); ok {
		form.SetError("password", sentence(refused.Message))
	}
}

// sentence makes a refusal's message one for a page.
func sentence(message string) string {
	if message == "" {
		return ""
	}
	return strings.ToUpper(message[:1]) + message[1:] + "."
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
