package cobranded

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// holdAndConfirm holds the amount on the chosen card while the sender is here. The
// token is made when the hold is placed.
func (s *Server) holdAndConfirm(c *call) error {
	shown := processor.Shown{
		Instrument: payment.InstrumentID(c.form.Get("instrument")), Address: party.AddressID(c.form.Get("address")),
		Language: c.words.Tag(), Consent: c.consent(),
	}
	if shown.Instrument == payment.CardOnPage {
		v, address, err := s.Processor.HoldCard(c.r.Context(), c.visit.ID, c.sender.ID, shown, s.opening(c))
		switch problem := c.networkProblem(err); {
		case problem != "":
			return s.renderPayment(c, http.StatusServiceUnavailable, problem)
		case err != nil:
			return s.notConfirmed(c, err)
		case v.Over():
			return s.proceed(c, v)
		}
		return s.leaveFor(c, address)
	}
	v, h, err := s.Processor.HoldInstrument(c.r.Context(), c.visit.ID, c.sender.ID, shown,
		func(id payment.PageHoldID) string { return s.at(c) + bankURL(c.visit.ID, id) })
	switch problem := c.networkProblem(err); {
	case problem != "":
		return s.renderPayment(c, http.StatusServiceUnavailable, problem)
	case err != nil:
		return s.notConfirmed(c, err)
	}
	return s.afterHold(c, v, h, true)
}

func bankURL(v payment.VisitID, h payment.PageHoldID) string {
	return pageURL("bank", v) + "&hold=" + url.QueryEscape(string(h))
}

// afterHold sends the browser on after a hold on a card that the sender has given
// before. first means that the sender has just confirmed, and has not been at the bank.
func (s *Server) afterHold(c *call, v payment.Visit, h payment.PageHold, first bool) error {
	if v.Over() {
		return s.proceed(c, v)
	}
	switch h.State {
	case payment.PageHoldAction:
		if c.r.Method == http.MethodPost {
			webui.Redirect(c.w, c.r, bankURL(v.ID, h.ID)+"&first=1")
			return nil
		}
		if h.Action == "" { // the network was too slow to name the bank's page
			return s.renderWaiting(c, bankURL(v.ID, h.ID)+"&first=1")
		}
		page := onwardPage{
			Heading: c.words.T("bank.heading"), Text: c.words.T("bank.text"), Link: c.words.T("bank.link"),
			Other: pageURL("payment", v.ID),
		}
		if !first {
			page.Text = c.words.T("bank.unfinished")
		}
		return s.renderOnward(c, page, h.Action, first)
	case payment.PageHoldDeclined:
		return c.problem(problemDeclined)
	case payment.PageHoldReleasing, payment.PageHoldReleased:
		return c.problem(string(processor.RefusedByNetwork))
	case payment.PageHoldAsking, payment.PageHoldHeld, payment.PageHoldAdopted:
	}
	if c.r.Method == http.MethodPost {
		webui.Redirect(c.w, c.r, bankURL(v.ID, h.ID))
		return nil
	}
	return s.renderWaiting(c, bankURL(v.ID, h.ID))
}

// showBank serves the address to which the bank's page sends the browser. Browsers
// also wait there for the network. The address says nothing about the outcome: the
// network is asked, for the visit's sender only.
func (s *Server) showBank(c *call) error {
	if c.visit.Over() {
		return s.goBack(c)
	}
	first := c.form.Get("first") != ""
	hold := payment.PageHoldID(c.form.Get("hold"))
	v, h, err := s.Processor.LookAtHold(c.r.Context(), c.visit.ID, c.sender.ID, hold, !first)
	if errors.Is(err, processor.ErrNotSender) {
		return c.redirect("sign-in")
	}
	if errors.Is(err, processor.ErrNoPage) {
		s.lost(c.w, c.r, http.StatusBadRequest, pageNoVisit)
		return nil
	}
	if err != nil {
		return err
	}
	return s.afterHold(c, v, h, first)
}

// renderWaiting shows a page that looks again by itself.
func (s *Server) renderWaiting(c *call, again string) error {
	c.w.Header().Set("Refresh", "3; url="+again)
	w := c.words
	return pages.Render(c.w, http.StatusOK, "waiting", webui.Layout{
		Words: w, Title: w.T("bank.asking-heading"), Sandbox: c.started.caller.Sandbox, Network: c.brand(),
		Content: waitingPage{Heading: w.T("bank.asking-heading"), Text: w.T("bank.asking"), Again: again},
	})
}
