package console

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// remindRoutes are the page that asks whether to remind the caller's owner of a
// hold, and the form that does.
func (s *Server) remindRoutes() []route {
	const path = "risk/{hold}/remind"
	return []route{
		{Method: get, Path: path, In: ofCaller, Permission: party.MayActOnHolds, show: s.askRemind},
		{Method: post, Path: path, In: ofCaller, Permission: party.MayActOnHolds, show: s.remind},
	}
}

// remindPath is the path of the page that asks about a hold.
func remindPath(id holdfast.TransactionID) string {
	return "risk/" + url.PathEscape(string(id)) + "/remind"
}

func (s *Server) askRemind(c *call) error { return s.renderRemind(c, http.StatusOK, "") }

func (s *Server) renderRemind(c *call, status int, problem string) error {
	h, err := s.pathHold(c)
	if err != nil {
		return err
	}
	w := c.words
	v := confirmation{
		Heading: w.T("console.remind.heading"), Lead: w.T("console.remind.lead"), Problem: problem,
		Up: link{Label: w.T("console.risk.nav"), Address: c.link("risk")}, Facts: holdFacts(c, h),
	}
	v.Form.Submit = w.T("console.remind.submit")
	return s.confirm(c, status, v)
}

// pathHold reads the hold that the path names.
func (s *Server) pathHold(c *call) (h payment.Hold, err error) {
	found := false
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		h, found, err = tx.Hold(c.caller.ID, holdfast.TransactionID(c.r.PathValue("hold")))
		return err
	})
	if err == nil && !found {
		err = errNotThere
	}
	return h.AsOf(c.now()), err
}

// holdFacts say which hold an action is about.
func holdFacts(c *call, h payment.Hold) []fact {
	w := c.words
	facts := []fact{
		factOf(w.T("console.reference"), string(h.Root().Reference)),
		factOf(w.T("console.risk.open"), w.Dollars(h.Open())),
	}
	if deadline := h.Deadline(); !deadline.IsZero() {
		facts = append(facts, fact{w.T("console.risk.deadline"), cell{
			Time: deadline, Detail: w.T("console.risk.in", "Span", span(w, deadline.Sub(c.now()))),
		}})
	}
	return facts
}

func (s *Server) remind(c *call) error {
	if _, err := c.once(); err != nil {
		return err
	}
	_, err := s.Processor.RemindOfHold(c.r.Context(), c.caller, holdfast.TransactionID(c.r.PathValue("hold")))
	refused, coded := errors.AsType[*holdfast.Error](err)
	switch {
	case err == nil:
		return c.did("console.done.reminded", c.link("risk"))
	case !coded || refused.Code == holdfast.InternalError || refused.Code == holdfast.InvalidTransactionID:
		return err
	case refused.Code == holdfast.InvalidTransactionState:
		return s.renderRemind(c, http.StatusConflict, c.words.T("console.remind.over"))
	case refused.Code == holdfast.UnverifiedEmailAddressCaller:
		return s.renderRemind(c, http.StatusUnprocessableEntity, c.words.T("console.remind.unverified"))
	}
	return s.renderRemind(c, http.StatusUnprocessableEntity, c.words.T("console.remind.off"))
}
