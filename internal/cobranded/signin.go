package cobranded

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// showSignIn shows the sign-in page. Users who are already signed in skip it,
// unless their account cannot be used here: then they can sign in with another
// one.
func (s *Server) showSignIn(c *call) error {
	form := account.SignInForm(c.words)
	switch may, err := s.mayEnter(c); {
	case err != nil:
		return err
	case may:
		return s.enter(c)
	case c.form.Get("cancel") != "" && c.sender.ID == "":
		form.Problem = c.words.T("sign-in.to-cancel")
	case c.sender.ID != "":
		form.Problem = c.words.T("sign-in.cannot-use", "Email", c.sender.Email)
	}
	return s.renderSignIn(c, http.StatusOK, form)
}

// mayEnter reports whether the user is signed in with an account that can be
// used for this visit. Another account would end the visit by entering it.
func (s *Server) mayEnter(c *call) (bool, error) {
	if c.sender.ID == "" {
		return false, nil
	}
	problem, err := s.Processor.AccountProblem(c.r.Context(), c.visit, c.sender.ID)
	return err == nil && problem == nil, err
}

// enter makes the signed-in user the visit's sender and leads to the next page.
func (s *Server) enter(c *call) error {
	v, err := s.Processor.EnterVisit(c.r.Context(), c.visit.ID, c.sender.ID)
	switch {
	case errors.Is(err, processor.ErrNotSender) && c.visit.IsCheckout():
		return s.renderTaken(c)
	case errors.Is(err, processor.ErrNotSender):
		return s.openOwnVisit(c)
	}
	if err != nil {
		return err
	}
	s.lendKey(c.w, v)
	return s.proceed(c, v)
}

// openOwnVisit opens a new visit for a user whose link led to the visit of another
// sender.
func (s *Server) openOwnVisit(c *call) error {
	v, err := s.begin(c.r, c.started)
	if end, ok := errors.AsType[*payment.PipelineEnd](err); ok {
		return s.leaveWith(c, end)
	}
	if err != nil {
		return err
	}
	if v, err = s.Processor.EnterVisit(c.r.Context(), v.ID, c.sender.ID); err != nil {
		return err
	}
	s.lendKey(c.w, v)
	return s.proceed(c, v)
}

func (s *Server) renderSignIn(c *call, status int, f webui.Form) error {
	page := signInPage{
		Frame: c.frame(), Heading: c.signInHeading(), Form: c.sends(f, "sign-in"), SignUp: pageURL("sign-up", c.visit.ID),
	}
	if status == http.StatusOK {
		page.Ended = c.ended()
	}
	if c.request.Edited != "" {
		page.SignUp = "" // a new account has no token to edit
	}
	if c.takesGuests() {
		page.Guest, page.GuestProblem, page.Heading = actions+"guest", c.guestProblem, c.words.T("guest.heading")
	}
	if s.Processor.Identity.Letters != nil {
		page.Forgotten = account.ForgottenURL(c.visit.ID)
	}
	if form, ok := s.Sessions.PasskeyForm(c.words, c.r, actions+"passkey", c.hidden()); ok {
		page.Passkey = &form
		c.scripts = append(c.scripts, webui.PasskeyScript)
	}
	title := page.Heading
	if status == http.StatusOK && f.Failed() {
		title = c.words.T("layout.error", "Title", title)
	}
	return c.render(status, "sign-in", title, stageSignIn, page)
}

// ended tells the visit's sender why they have to sign in again, and that the
// payment is still open.
func (c *call) ended() string {
	why := account.VisitorOf(c.r.Context()).Ended.Words(c.words)
	if why == "" || c.visit.Sender == "" {
		return ""
	}
	switch c.request.Pipeline {
	case payment.PipelineSingleUse:
		return why + " " + c.words.T("ended.payment-open")
	case payment.PipelineMultiUse, payment.PipelineRecurring, payment.PipelineRecipient, payment.PipelineEditToken,
		payment.PipelineSetupPrepaid, payment.PipelineSetupPostpaid:
	}
	return why + " " + c.words.T("ended.go-on")
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
	user, err := s.Sessions.SignIn(c.r, c.words, c.form)
	if err == nil {
		err = s.beginSession(c, user)
	}
	if err == nil {
		return s.enter(c)
	}
	form := account.SignInForm(c.words)
	form.Fill(c.form, "password")
	status, problem := account.SignInProblem(c.words, c.w.Header(), err)
	if problem == "" {
		return err
	}
	form.Problem = problem
	return s.renderSignIn(c, status, form)
}

func (s *Server) signInByPasskey(c *call) error {
	user, err := s.Sessions.PasskeySignIn(c.r, c.words, c.form.Get("answer"))
	if err == nil {
		err = s.beginSession(c, user)
	}
	switch {
	case err == nil:
		return s.enter(c)
	case !errors.Is(err, identity.ErrPasskey) && !errors.Is(err, identity.ErrWrongPassword):
		return err
	}
	form := account.SignInForm(c.words)
	form.Problem = c.words.T("passkey.failed")
	return s.renderSignIn(c, http.StatusUnprocessableEntity, form)
}

// beginSession gives the browser a new session for the party that signed in or
// up.
func (s *Server) beginSession(c *call, user party.Party) error {
	visitor, err := s.Sessions.Begin(c.w, c.r, user)
	if err != nil {
		return err
	}
	c.sender, c.r = user, visitor.Bind(c.r)
	return nil
}

// showSignUp shows the sign-up page. It is skipped like showSignIn, which links
// here for users whose account cannot be used.
func (s *Server) showSignUp(c *call) error {
	if may, err := s.mayEnter(c); err != nil {
		return err
	} else if may {
		return s.enter(c)
	}
	return c.renderSignUp(http.StatusOK, account.SignUpForm(c.words))
}

func (c *call) renderSignUp(status int, f webui.Form) error {
	return c.render(status, "sign-up", c.words.T("sign-up.heading"), stageSignIn, signUpPage{
		Frame: c.frame(), Form: c.sends(f, "sign-up"), SignIn: pageURL("sign-in", c.visit.ID),
	})
}

func (s *Server) signUp(c *call) error {
	n, form := account.ReadNewParty(c.words, c.form)
	if form.Failed() {
		return c.renderSignUp(http.StatusUnprocessableEntity, form)
	}
	user, err := s.Processor.Identity.SignUp(c.r.Context(), n, s.Sessions.From(c.r))
	if err == nil {
		err = s.beginSession(c, user)
	}
	if err == nil {
		return s.enter(c)
	}
	status := account.SignUpProblem(c.words, c.w.Header(), err, &form)
	if status == 0 {
		return err
	}
	return c.renderSignUp(status, form)
}

// signOut signs the user out. If the user is the visit's sender, somebody else
// can then sign in to it.
func (s *Server) signOut(c *call) error {
	if c.sender.Guest {
		return s.leaveGuest(c)
	}
	if _, err := s.Processor.LeaveVisit(c.r.Context(), c.visit.ID, c.sender.ID); err != nil {
		return err
	}
	if err := s.Sessions.End(c.r); err != nil {
		return err
	}
	return c.redirect("sign-in")
}
