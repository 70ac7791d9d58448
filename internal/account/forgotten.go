package account

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// ForgottenURL is the address of the page on which a sender can reset the
// password during a visit.
func ForgottenURL(visit payment.VisitID) string {
	return pageURL("forgotten", given("visit", string(visit))...)
}

// visitMax is the largest size of a visit's id in a link or form, in bytes.
const visitMax = 64

// visit returns the visit from which the page was opened, or empty.
func (c *call) visit() payment.VisitID {
	if id := c.form.Get("visit"); len(id) <= visitMax {
		return payment.VisitID(id)
	}
	return ""
}

// LettersProblem says that too many letters were requested and when to try
// again. It is empty if err is another error.
func LettersProblem(w webui.Words, h http.Header, err error) (status int, problem string) {
	blocked, ok := errors.AsType[*identity.GuessesError](err)
	if !ok {
		return 0, ""
	}
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(blocked.Wait.Seconds()))))
	if blocked.Wait <= 30*time.Second {
		return http.StatusTooManyRequests, w.T("letters.blocked-briefly")
	}
	return http.StatusTooManyRequests, w.N("letters.blocked", int(math.Ceil(blocked.Wait.Minutes())))
}

func (s *Server) showForgotten(c *call) error {
	return s.renderForgotten(c, http.StatusOK, webui.Form{})
}

func forgottenForm(w webui.Words) webui.Form {
	return webui.Form{
		Action: Root + "forgotten", Submit: w.T("forgotten.submit"),
		Fields: []webui.Field{
			{Name: "email", Label: w.T("sign-in.email"), Type: "email", Autocomplete: "username", InputMode: "email"},
		},
	}
}

func (s *Server) renderForgotten(c *call, status int, typed webui.Form) error {
	w := c.words
	page := formPage{Heading: w.T("forgotten.heading"), Links: c.backToSignIn()}
	if s.Processor.Identity.Letters == nil {
		page.Lead = w.T("forgotten.no-mail")
		return s.renderForm(c, status, "sign-in", page)
	}
	form := forgottenForm(w)
	form.Fill(c.form)
	form.Problem = typed.Problem
	for _, wrong := range typed.Wrong() {
		form.SetError(wrong.Name, wrong.Error)
	}
	form.Hidden = given("visit", string(c.visit()))
	page.Lead, page.Form = w.T("forgotten.lead"), &form
	return s.renderForm(c, status, "sign-in", page)
}

func (c *call) backToSignIn() []link {
	if visit := c.visit(); visit != "" {
		return []link{{Label: c.words.T("account.to-payment"), Address: visitURL(visit)}}
	}
	return []link{{Label: c.words.T("account.to-sign-in"), Address: Root + "sign-in"}}
}

// forgotten gives the same answer whether the account exists or not.
func (s *Server) forgotten(c *call) error {
	w, email := c.words, c.form.Get("email")
	form := forgottenForm(w)
	if !party.ValidEmail(email) {
		form.SetError("email", w.T("sign-up.email-wrong"))
		return s.renderForgotten(c, http.StatusUnprocessableEntity, form)
	}
	err := s.Processor.Identity.Forgotten(c.r.Context(), email, s.Sessions.From(c.r), string(c.visit()))
	if errors.Is(err, identity.ErrNoMail) {
		return s.renderForgotten(c, http.StatusNotFound, form)
	}
	if err != nil {
		var status int
		if status, form.Problem = LettersProblem(w, c.w.Header(), err); status == 0 {
			return err
		}
		return s.renderForgotten(c, status, form)
	}
	return s.renderForm(c, http.StatusOK, "sign-in", formPage{
		Heading: w.T("forgotten.sent"), Lead: w.T("forgotten.sent-text"), Aside: w.T("forgotten.sent-aside"),
		Links: c.backToSignIn(),
	})
}
