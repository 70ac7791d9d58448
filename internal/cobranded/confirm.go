package cobranded

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// showConfirm shows everything that the sender is asked to approve. If an
// instrument or address is missing or can no longer be used, the page that asks
// for it comes first.
func (s *Server) showConfirm(c *call) error {
	var instrument payment.Instrument
	var address party.Address
	var usable bool
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if instrument, usable, err = tx.Instrument(c.sender.ID, c.visit.Instrument); err != nil || c.visit.Address == "" {
			return err
		}
		address, _, err = tx.Address(c.sender.ID, c.visit.Address)
		return err
	})
	if err != nil {
		return err
	}
	onPage := c.holdsOnPage() && c.visit.Instrument == payment.CardOnPage
	if c.request.Pays() && !onPage && (!usable || !c.request.Allows(instrument, c.now)) {
		return c.redirect("payment")
	}
	page := confirmPage{
		Frame: c.frame(), Action: actions + "confirm",
		Address: account.AddressLines(c.words, c.request.Address),
		Hidden: c.hidden(
			holdfast.Param{Name: "instrument", Value: string(c.visit.Instrument)},
			holdfast.Param{Name: "address", Value: string(c.visit.Address)},
		),
	}
	page.Frame.Full, page.Frame.Folded = true, false
	if c.request.Pays() {
		page.Instrument, page.Change = account.InstrumentIn(c.words, instrument), pageURL("payment", c.visit.ID)
	}
	if onPage {
		card := c.cardOnPage(false)
		page.Instrument = account.InstrumentView{Title: card.Title, Detail: card.Detail}
		page.Script = c.words.T("network.script", "Network", c.brand())
		if c.sender.Guest {
			page.Change = ""
		}
	}
	if c.holdsOnPage() {
		c.leads = c.network.PageOrigin()
	}
	page.Consent = c.consent()
	page.EmailLabel, page.Email = c.emailShown(onPage)
	if c.request.CollectAddress {
		if address.ID == "" || address.Removed {
			return c.redirect("address")
		}
		page.Address, page.ChangeShip = account.AddressLines(c.words, address.Address), pageURL("address", c.visit.ID)
	}
	if sum, agrees := c.request.BreakdownSum(); !agrees && c.started.caller.Sandbox {
		page.Breakdown = c.words.T("confirm.breakdown", "Sum", c.words.Dollars(sum), "Amount",
			c.words.Dollars(c.request.Amount))
	}
	return c.render(http.StatusOK, "confirm", page.Frame.Asked.Heading, stageConfirm, page)
}

// emailShown is the sender's e-mail address on the confirm page, with a label that
// says who gets it. Guests who give the card on the network's page give the address
// there too, so the page says that instead.
func (c *call) emailShown(onPage bool) (label, address string) {
	w, caller := c.words, c.started.caller.Name
	switch {
	case c.request.CollectEmail && c.sender.Guest && onPage:
		return w.T("network.email", "Caller", caller), w.T("network.email-where", "Network", c.brand())
	case c.request.CollectEmail:
		return w.T("confirm.email", "Caller", caller), c.sender.Email
	case c.sender.Guest && !onPage:
		return w.T("guest.confirmation"), c.sender.Email
	}
	return "", ""
}

// confirm records the sender's approval. After an internal error, the caller
// gets a system error, and the sender may try again.
func (s *Server) confirm(c *call) error {
	if c.holdsOnPage() {
		return s.holdAndConfirm(c)
	}
	v, err := s.Processor.ConfirmVisit(c.r.Context(), c.visit.ID, c.sender.ID, processor.Shown{
		Instrument: payment.InstrumentID(c.form.Get("instrument")),
		Address:    party.AddressID(c.form.Get("address")),
		Language:   c.words.Tag(), Consent: c.consent(),
	})
	if err == nil {
		return s.proceed(c, v)
	}
	return s.notConfirmed(c, err)
}

// notConfirmed answers a confirmation that had no effect.
func (s *Server) notConfirmed(c *call, err error) error {
	switch {
	case isRefusal(err):
		return c.redirect("payment")
	case errors.Is(err, processor.ErrNotShown), errors.Is(err, processor.ErrNotSender):
		return c.redirect("confirm")
	case errors.Is(err, store.ErrSignedOut), errors.Is(err, processor.ErrUnproved):
		return err
	}
	s.Log.Error("a payment could not be confirmed", "visit", c.visit.ID, "error", err)
	end := payment.SystemError()
	return s.leaveWith(c, end)
}
