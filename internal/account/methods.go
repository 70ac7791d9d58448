package account

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// showMethods lists the payment methods.
func (s *Server) showMethods(c *call) error {
	var all []payment.Instrument
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Instruments(c.Party.ID)
		all = payment.Lasting(all)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	g := group{Text: w.T("methods.when-paying")}
	if s.Processor.TakesTypedCards() {
		g = group{Links: []link{{Label: w.T("methods.add-card"), Address: Root + "methods/card"}}}
	}
	bank := false
	for _, i := range all {
		bank = bank || i.Method == holdfast.MethodACH
		g.Rows = append(g.Rows, methodRow(w, i, i.Expired(s.Now())))
	}
	if !bank && !s.Processor.Live {
		g.Buttons = []action{post(w.T("methods.add-bank"), "", "methods/bank")}
	}
	return s.renderList(c, "methods", listPage{
		Heading: w.T("menu.methods"), Lead: w.T("methods.lead"), Done: c.done(), Groups: []group{g},
	})
}

func methodRow(w webui.Words, i payment.Instrument, expired bool) row {
	v := InstrumentIn(w, i)
	r := row{Title: v.Title, Detail: v.Detail, Card: v.Card}
	switch {
	case i.Default:
		r.Mark = tag{w.T("methods.default"), good}
	case expired:
		r.Mark = tag{w.T("methods.expired"), wrong}
	}
	if !i.Default && !expired {
		r.Buttons = append(r.Buttons, post(w.T("methods.make-default"), v.Title, "methods/default", "method", string(i.ID)))
	}
	if i.Method != holdfast.MethodABT {
		r.Links = []link{
			{Label: w.T("account.remove"), Of: v.Title, Address: pageURL("methods/remove", given("method", string(i.ID))...)},
		}
	}
	return r
}

func (s *Server) showCard(c *call) error {
	if !s.Processor.TakesTypedCards() {
		return c.redirect("methods")
	}
	return s.renderCard(c, http.StatusOK, CardForm(c.words, c.Party.Name))
}

// testCard is a card number that the sandbox accepts.
const testCard = "4242 4242 4242 4242"

func (s *Server) renderCard(c *call, status int, form webui.Form) error {
	w := c.words
	if status != http.StatusOK && form.Problem == "" {
		form.Problem = w.T("card.not-added")
	}
	form.Action, form.Submit = Root+"methods/card", w.T("methods.save-card")
	page := formPage{
		Heading: w.T("card.heading"), Form: &form,
		Links: []link{{Label: w.T("methods.back"), Address: Root + "methods"}},
	}
	if !s.Processor.Live {
		page.Note, page.Code = w.T("card.sandbox"), testCard
	}
	return s.renderForm(c, status, "methods", page, cardScript)
}

func (s *Server) addCard(c *call) error {
	if !s.Processor.TakesTypedCards() {
		return webui.NewBadForm("cards are not typed here") // the card is not read
	}
	typed, form := ReadCard(c.words, c.form)
	if form.Failed() {
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	_, err := s.Processor.AddCard(c.r.Context(), c.Party.ID, typed, c.form.Get("default") != "")
	if refused, ok := errors.AsType[*processor.CardRefusedError](err); ok {
		form.SetError(CardProblem(c.words, refused.Problem))
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	if isRefusal(err) {
		form.Problem = c.words.T("methods.too-many")
		return s.renderCard(c, http.StatusUnprocessableEntity, form)
	}
	if err != nil {
		return err
	}
	return c.redirect("methods", did("card"))
}

// addBank adds the sandbox's bank account to the party's payment methods.
func (s *Server) addBank(c *call) error {
	if _, err := s.Processor.AddSandboxBank(c.r.Context(), !s.Processor.Live, c.Party); err != nil {
		return err
	}
	return c.redirect("methods", did("bank"))
}

// method returns the payment method that the form names. It may belong to
// somebody else; the code that uses it checks that.
func (c *call) method() payment.InstrumentID { return payment.InstrumentID(c.form.Get("method")) }

func (s *Server) chooseMethod(c *call) error {
	if err := s.Processor.ChooseDefaultInstrument(c.r.Context(), c.Party.ID, c.method()); err != nil {
		return err
	}
	return c.redirect("methods", did("default"))
}

func (s *Server) showRemoveMethod(c *call) error { return s.renderRemoveMethod(c, http.StatusOK) }

// renderRemoveMethod says what prevents the removal of a payment method, or
// which approvals can no longer be paid after it.
func (s *Server) renderRemoveMethod(c *call, status int) error {
	w := c.words
	var i payment.Instrument
	var needed []hold
	var tokens, debts []row
	more := false
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		var found bool
		if i, found, err = tx.Instrument(c.Party.ID, c.method()); err != nil {
			return err
		}
		if !found || i.Removed || i.GivenIn != "" || i.Method == holdfast.MethodABT {
			return holdfast.Errorf(holdfast.InvalidPaymentInstrument, "there is no such payment method")
		}
		if needed, err = s.neededBy(tx, i); err != nil {
			return err
		}
		if debts, err = debtsSettledWith(tx, w, i); err != nil {
			return err
		}
		tokens, more, err = s.paidWith(tx, w, i)
		return err
	})
	if err != nil {
		return err
	}
	v := InstrumentIn(w, i)
	page := formPage{
		Heading: w.T("methods.remove", "Method", v.Title),
		Links:   []link{{Label: w.T("methods.back"), Address: Root + "methods"}},
	}
	if len(needed) > 0 {
		page.Lead = w.T("methods.needed")
		for _, h := range needed {
			page.Rows = append(page.Rows, h.row(w, s.Now()))
		}
		return s.renderForm(c, status, "methods", page)
	}
	if len(debts) > 0 {
		page.Lead, page.Rows = w.T("methods.owed"), debts
		return s.renderForm(c, status, "methods", page)
	}
	page.Lead = w.T("methods.remove-text")
	if len(tokens) > 0 {
		page.Lead, page.Rows = w.T("methods.remove-tokens"), tokens
	}
	if more {
		page.Aside = w.T("methods.more-tokens")
	}
	remove := post(w.T("methods.remove-button"), "", "methods/remove", "method", string(i.ID))
	remove.Danger = true
	page.Buttons = []action{remove}
	return s.renderForm(c, status, "methods", page)
}

// neededBy returns the open payments that need a payment method, with their
// callers.
func (s *Server) neededBy(tx *store.ReadTx, i payment.Instrument) (all []hold, err error) {
	needed, err := processor.NeedsInstrument(tx, i, processor.Micro(s.Now()))
	if err != nil {
		return nil, err
	}
	for _, t := range needed {
		caller, found, err := tx.Caller(t.Caller)
		if err != nil || !found {
			return nil, errors.Join(err, fmt.Errorf("reading caller %s of a payment (found %t)", t.Caller, found))
		}
		all = append(all, hold{Transaction: t, caller: caller, recipient: caller.Name})
	}
	return all, nil
}

// debtsSettledWith returns the debts that the party pays with an instrument.
func debtsSettledWith(tx *store.ReadTx, w webui.Words, i payment.Instrument) (rows []row, err error) {
	debts, err := tx.DebtsSettledWith(i.Owner, i.ID)
	if err != nil {
		return nil, err
	}
	for _, a := range debts {
		caller, _, err := tx.Caller(a.Caller)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{Title: caller.Name, Detail: w.T("authorisations.owed"), Amount: w.Dollars(a.Balance)})
	}
	return rows, nil
}

// paidWith returns active tokens that are paid with an instrument, the newest first. more
// says that there may be others.
func (s *Server) paidWith(tx *store.ReadTx, w webui.Words, i payment.Instrument) (rows []row, more bool, err error) {
	tokens, next, err := tx.TokensOf(store.PartyTokens{
		Party: i.Owner, Current: true, Real: processor.Micro(s.Now()), Instrument: i.ID,
	}, store.TokenPlace{}, paidWithMax)
	if err != nil {
		return nil, false, err
	}
	for _, t := range tokens {
		caller, _, err := tx.Caller(t.Caller)
		if err != nil {
			return nil, false, err
		}
		rows = append(rows, row{Title: caller.Name, Detail: t.FriendlyName, Links: []link{tokenLink(w, t, caller)}})
	}
	return rows, next != nil, nil
}

// paidWithMax limits how many tokens are shown that an instrument pays.
const paidWithMax = 50

func (s *Server) removeMethod(c *call) error {
	err := s.Processor.RemoveInstrument(c.r.Context(), c.Party.ID, c.method())
	if errors.Is(err, processor.ErrInstrumentNeeded) {
		return s.renderRemoveMethod(c, http.StatusConflict)
	}
	if err != nil {
		return err
	}
	return c.redirect("methods", did("method-removed"))
}
