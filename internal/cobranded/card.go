package cobranded

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func (s *Server) showCard(c *call) error {
	switch {
	case c.holdsOnPage():
		return c.redirect("payment")
	case c.onNetwork():
		return s.renderNetworkCard(c, http.StatusOK, c.problemWords())
	}
	if c.sender.Guest {
		return s.renderCard(c, http.StatusOK, guestCardForm(c.words, c.sender))
	}
	return s.renderCard(c, http.StatusOK, account.CardForm(c.words, c.sender.Name))
}

func (s *Server) renderCard(c *call, status int, form webui.Form) error {
	if status != http.StatusOK && form.Problem == "" {
		form.Problem = c.words.T("card.not-added")
	}
	usable, err := s.usable(c)
	if err != nil {
		return err
	}
	page := cardPage{Frame: c.frame(), Form: c.sends(form, "card"), Test: c.started.caller.Sandbox}
	switch {
	case len(usable) > 0 || !c.request.Offers(holdfast.MethodCC):
		page.Back = pageURL("payment", c.visit.ID)
	case c.otherThanCards():
		page.Others = pageURL("payment", c.visit.ID) + "&others=1"
	}
	c.scripts = append(c.scripts, "card.js")
	return c.render(status, "card", c.words.T("card.heading"), stagePayment, page)
}

// addCard passes a card to the network and chooses it. If the card has an
// error, the page is shown again without the number and the security code,
// which no page may contain.
func (s *Server) addCard(c *call) error {
	if c.onNetwork() {
		return s.keepCard(c)
	}
	if c.sender.Guest {
		return s.addGuestCard(c)
	}
	typed, form := account.ReadCard(c.words, c.form)
	if form.Failed() {
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	card, err := s.Processor.AddCard(c.r.Context(), c.sender.ID, typed, c.form.Get("default") != "")
	if refused, ok := errors.AsType[*processor.CardRefusedError](err); ok {
		form.SetError(account.CardProblem(c.words, refused.Problem))
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	if isRefusal(err) {
		form.Problem = c.words.T("methods.too-many")
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	v, err := s.Processor.ChooseInstrument(c.r.Context(), c.visit.ID, c.sender.ID, card.ID)
	if isRefusal(err) { // valid by real time, but expired by the caller's clock
		form.SetError("expiry", c.words.T("card.expired-by-shop"))
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	return s.proceed(c, v)
}

// isRefusal reports whether an error is a refusal of the request, and not an
// internal error.
func isRefusal(err error) bool {
	_, ok := errors.AsType[*holdfast.Error](err)
	return ok
}
