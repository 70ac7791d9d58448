package account

import (
	"errors"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// showReceipt shows the receipt of one transaction to any reader who has the link of
// its mail. It is made to be printed. It shows neither the name nor the addresses of
// the sender, and leads to no other page of the account.
func (s *Server) showReceipt(c *call) error {
	link := c.form.Get("link")
	if len(link) > party.LinkMax {
		link = ""
	}
	t, order, err := s.Processor.ReceiptBy(c.r.Context(), link)
	if errors.Is(err, identity.ErrLinkOver) {
		return s.renderLinkOver(c, c.words.T("receipt.over"))
	}
	if err != nil {
		return err
	}
	var p shownPayment
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		caller, _, err := tx.Caller(t.Caller)
		if err == nil {
			p, err = s.paymentOf(tx, t.Sender, t.Received, string(t.ID), caller.Sandbox)
		}
		return err
	})
	if errors.Is(err, errNoPayment) {
		return s.renderLinkOver(c, c.words.T("receipt.over"))
	}
	if err != nil {
		return err
	}
	w, caller := c.words, p.page.Callers[p.Caller]
	lead := w.T("receipt.lead", "Date", w.Date(p.now))
	if caller.Sandbox {
		lead = w.T("mail.sandbox")
	}
	r := historyRow(w, p.page, p.Transaction)
	facts := append([]Term{{w.T("receipt.shop"), caller.Name}}, p.facts(w)...)
	if order != "" {
		facts = append(facts, Term{w.T("mail.reference"), order})
	}
	page := listPage{
		Heading: w.T("receipt.heading", "Caller", caller.Name), Lead: lead,
		Groups: []group{
			{Text: r.Amount, Large: true, Mark: r.Mark, Facts: facts},
			{Heading: w.T("history.steps"), Facts: p.steps(w)},
		},
	}
	return s.render(c, view{page: "list", place: "-", title: page.Heading, real: !caller.Sandbox, content: page})
}
