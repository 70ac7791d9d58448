package account

import (
	"errors"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// cancelToken cancels a token that the party has given. If money on an
// instrument still needs the token, the page says so and offers to end the
// instrument.
func (s *Server) cancelToken(c *call) error {
	g, err := s.token(c)
	if err != nil {
		return err
	}
	err = s.Processor.CancelOwnToken(c.r.Context(), c.Party.ID, g.ID)
	refused, ok := errors.AsType[*holdfast.Error](err)
	switch {
	case err == nil:
		return c.redirect("authorisations", did("cancelled"))
	case !ok:
		return err
	}
	if g, err = s.token(c); err != nil { // read it again: it has changed
		return err
	}
	if refused.Code == holdfast.TokenAccessDenied && g.moves() {
		return s.renderToken(c, g, http.StatusConflict, g.neededText(c.words))
	}
	return s.renderToken(c, g, http.StatusConflict, c.words.T("authorisations.over"))
}

// endInstrument ends a prepaid or credit instrument of the party.
func (s *Server) endInstrument(c *call) error {
	g, err := s.token(c)
	if err != nil {
		return err
	}
	after, err := s.Processor.EndInstrument(c.r.Context(), c.Party.ID, g.ID)
	switch {
	case isRefusal(err):
		return s.renderToken(c, g, http.StatusConflict, c.words.T("authorisations.over"))
	case err != nil:
		return err
	case after.Method == holdfast.MethodDebt && after.Busy():
		return c.redirect("authorisations", did("stopped"))
	case after.Method == holdfast.MethodDebt:
		return c.redirect("authorisations", did("cancelled"))
	case after.Busy():
		return c.redirect("authorisations", did("ending"))
	}
	return c.redirect("authorisations", did("ended"))
}

// moves reports whether the token's instrument has money that only this token
// can move.
func (g givenToken) moves() bool {
	return g.aggregate.ID != "" && g.Use == g.aggregate.MovedBy() && g.aggregate.Busy()
}

// neededText says why a token that moves money cannot simply be cancelled, and
// what the party can do instead.
func (g givenToken) neededText(w webui.Words) string {
	a := g.aggregate
	switch {
	case a.Method == holdfast.MethodDebt:
		return w.T("authorisations.owes", "Amount", w.Dollars(a.Balance), "Caller", g.caller.Name)
	case a.Balance.Positive():
		return w.T("authorisations.has-balance", "Amount", w.Dollars(a.Balance.Add(a.Pending)), "Caller", g.caller.Name)
	}
	return w.T("authorisations.being-funded", "Amount", w.Dollars(a.Pending), "Caller", g.caller.Name)
}

func (g givenToken) endLabel(w webui.Words) string {
	if g.aggregate.Method == holdfast.MethodDebt {
		return w.T("authorisations.end-debt")
	}
	return w.T("authorisations.end-prepaid")
}

// overText says what happens to the money on an instrument that has ended.
func (g givenToken) overText(w webui.Words) string {
	a := g.aggregate
	if a.Method == holdfast.MethodDebt {
		return w.T("authorisations.over-debt", "Amount", w.Dollars(a.Balance), "Caller", g.caller.Name)
	}
	return w.T("authorisations.over-prepaid", "Amount", w.Dollars(a.Balance.Add(a.Pending)))
}
