package cobranded

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A guest has no session. Its browser holds a cookie with the key of the visit,
// which was drawn for this guest. So the guest can do nothing in another visit, and
// nobody else can do anything in this one.

// lendGuest makes the browser the guest's. The cookie is sent to all pages of
// visits, also when a card network's page sends the browser back.
func (s *Server) lendGuest(w http.ResponseWriter, v payment.Visit) {
	s.setKey(w, guestKey, v, actions, v.Key, 0)
}

// endGuest removes the cookie from the browser.
func (s *Server) endGuest(w http.ResponseWriter, v payment.Visit) {
	s.setKey(w, guestKey, v, actions, "", -1)
}

// readGuest makes the visit's guest the sender of a request, if the browser is the
// guest's. A session in the same browser does not count in this visit then.
func (s *Server) readGuest(tx *store.ReadTx, c *call) error {
	if c.visit.Sender == "" || !s.holdsKey(guestKey, c.r, c.visit) {
		return nil
	}
	guest, found, err := tx.Party(c.visit.Sender)
	if err == nil && found && guest.Guest {
		ctx := store.ByActor(c.r.Context(), guest.Actor(s.Sessions.From(c.r)))
		c.sender, c.r = guest, c.r.WithContext(store.Unbound(ctx))
	}
	return err
}

func (c *call) takesGuests() bool { return c.request.TakesGuests(c.started.caller) }

// enterAsGuest makes a new guest the visit's sender. If the visit has another
// sender by now, the guest gets a visit of its own, but not of a checkout.
func (s *Server) enterAsGuest(c *call) error {
	if c.sender.Guest {
		return s.enter(c) // pressed twice
	}
	v, err := s.asGuest(c, c.visit.ID)
	switch {
	case errors.Is(err, processor.ErrNotSender) && c.visit.IsCheckout():
		return s.renderTaken(c)
	case errors.Is(err, processor.ErrNotSender):
		fresh, problem := s.begin(c.r, c.started)
		if end, ok := errors.AsType[*payment.PipelineEnd](problem); ok {
			return s.leaveWith(c, end)
		}
		if problem != nil {
			return problem
		}
		v, err = s.asGuest(c, fresh.ID)
	}
	tooMany, limited := errors.AsType[*processor.GuestsError](err)
	switch {
	case errors.Is(err, processor.ErrNoGuests), errors.Is(err, processor.ErrNotSender):
		return c.redirect("sign-in")
	case limited:
		c.guestProblem = guestsProblem(c.words, c.w.Header(), tooMany)
		return s.renderSignIn(c, http.StatusTooManyRequests, account.SignInForm(c.words))
	case err != nil:
		return err
	}
	s.lendKey(c.w, v)
	s.lendGuest(c.w, v)
	c.visit, c.sender = v, party.Party{ID: v.Sender, Guest: true}
	return s.proceed(c, v)
}

func (s *Server) asGuest(c *call, id payment.VisitID) (payment.Visit, error) {
	return s.Processor.EnterAsGuest(store.Unbound(c.r.Context()), id, s.Sessions.From(c.r), c.words.Tag())
}

// guestsProblem says that there were too many guests, and when to try again.
func guestsProblem(w webui.Words, h http.Header, e *processor.GuestsError) string {
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(e.Wait.Seconds()))))
	if e.Wait > time.Hour {
		return w.N("guest.too-many-hours", int(math.Ceil(e.Wait.Hours())))
	}
	return w.N("guest.too-many", int(math.Ceil(e.Wait.Minutes())))
}

// leaveGuest takes a guest out of the visit, so that an account can be used.
func (s *Server) leaveGuest(c *call) error {
	if _, err := s.Processor.LeaveVisit(c.r.Context(), c.visit.ID, c.sender.ID); err != nil {
		return err
	}
	s.endGuest(c.w, c.visit)
	return c.redirect("sign-in")
}

// guestCardForm is the card form with the guest's e-mail address. The name on the
// card is the guest's name.
func guestCardForm(w webui.Words, guest party.Party) webui.Form {
	form := account.CardForm(w, guest.Name)
	fields := []webui.Field{{
		Name: "email", Label: w.T("sign-in.email"), Type: "email", Value: guest.Email, Hint: w.T("guest.email-hint"),
		Autocomplete: "email", InputMode: "email",
	}}
	for _, field := range form.Fields {
		if field.Name != "default" { // a guest pays once
			fields = append(fields, field)
		}
	}
	form.Fields = fields
	return form
}

// addGuestCard passes the card of a guest to the network and chooses it, with the
// guest's name and e-mail address.
func (s *Server) addGuestCard(c *call) error {
	typed, form := account.ReadCard(c.words, c.form)
	email := party.GuestEmail(c.form.Get("email"))
	form = s.guestProblems(c, form, email)
	if form.Failed() {
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	v, err := s.Processor.AddGuestCard(c.r.Context(), c.visit.ID, c.sender.ID, email, typed)
	refused, byNetwork := errors.AsType[*processor.CardRefusedError](err)
	tooMany, limited := errors.AsType[*processor.GuestsError](err)
	status := http.StatusUnprocessableEntity
	switch {
	case err == nil:
		return s.proceed(c, v)
	case byNetwork:
		form.SetError(account.CardProblem(c.words, refused.Problem))
	case limited:
		status, form.Problem = http.StatusTooManyRequests, guestsProblem(c.words, c.w.Header(), tooMany)
	case isRefusal(err): // valid by real time, but expired by the caller's clock
		form.SetError("expiry", c.words.T("card.expired-by-shop"))
	case errors.Is(err, processor.ErrNotSender):
		return c.redirect("sign-in")
	default:
		return err
	}
	return s.renderCard(c, status, form)
}

// guestProblems is the guest's form with the values and the errors of another one,
// and with the error of the e-mail address.
func (s *Server) guestProblems(c *call, read webui.Form, email string) webui.Form {
	form := guestCardForm(c.words, c.sender)
	form.Fill(c.form, "number", "code")
	for _, wrong := range read.Wrong() {
		form.SetError(wrong.Name, wrong.Error)
		if wrong.Value == "" {
			form.Clear(wrong.Name) // a card number in the wrong field
		}
	}
	if email == "" {
		form.SetError("email", c.words.T("sign-up.email-wrong"))
		if party.LooksLikeCard(c.form.Get("email")) {
			form.Clear("email")
		}
	}
	return form
}
