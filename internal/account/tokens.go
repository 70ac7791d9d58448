package account

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// tokensMax is the number of approvals on one page.
const tokensMax = 15

// showTokens lists the tokens that the party has given, newest first: the
// active ones, or all.
func (s *Server) showTokens(c *call) error {
	w, all := c.words, c.form.Get("all") != ""
	var next *store.TokenPlace
	callers := map[party.CallerID]party.Caller{}
	var rows []row
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		var after store.TokenPlace
		if h := c.form.Get("after"); h != "" {
			last, found, err := tx.TokenOf(c.Party.ID, payment.TokenHandle(h))
			if err != nil || !found {
				return errors.Join(err, errNoToken)
			}
			after = store.PlaceOfToken(last)
		}
		some := store.PartyTokens{Party: c.Party.ID, Current: !all, Real: processor.Micro(s.Now())}
		var tokens []payment.Token
		var err error
		if tokens, next, err = tx.TokensOf(some, after, tokensMax); err != nil {
			return err
		}
		if err = readCallers(tx, tokens, callers); err != nil {
			return err
		}
		rows = nil
		for _, t := range tokens {
			r := s.tokenRow(w, t, callers[t.Caller])
			if r.Line, err = tokenLine(tx, w, t); err != nil {
				return err
			}
			rows = append(rows, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	page := listPage{Heading: w.T("menu.authorisations"), Lead: w.T("authorisations.lead"), Done: c.done()}
	g := group{Empty: w.T("authorisations.none"), Rows: rows}
	if next != nil {
		page.Next = pageURL("authorisations", given("after", string(next.Handle()), "all", c.form.Get("all"))...)
		if len(rows) < tokensMax {
			g.Text, g.Empty = w.T("authorisations.read-part"), ""
		}
	}
	if all {
		page.Links = []link{{Label: w.T("authorisations.current"), Address: Root + "authorisations"}}
	} else {
		page.Links = []link{{Label: w.T("authorisations.all"), Address: pageURL("authorisations", given("all", "1")...)}}
	}
	page.Groups = []group{g}
	return s.renderList(c, "authorisations", page)
}

var errNoToken = holdfast.Errorf(holdfast.InvalidTokenID, "there is no such authorisation")

func readCallers(tx *store.ReadTx, tokens []payment.Token, callers map[party.CallerID]party.Caller) error {
	for _, t := range tokens {
		if _, known := callers[t.Caller]; known {
			continue
		}
		caller, found, err := tx.Caller(t.Caller)
		if err != nil || !found {
			return errors.Join(err, fmt.Errorf("reading caller %s of a token (found %t)", t.Caller, found))
		}
		callers[t.Caller] = caller
	}
	return nil
}

func (s *Server) tokenRow(w webui.Words, t payment.Token, caller party.Caller) row {
	r := row{Title: caller.Name, Detail: tokenFor(w, t), Address: tokenAddress(t)}
	if state := tokenState(w, t, caller.Now(s.Now())); state != "" {
		r.Mark = tag{state, quiet}
	}
	if t.Reason != "" {
		r.Detail += " · " + reasonText(t.Reason)
	}
	return r
}

func tokenAddress(t payment.Token) string {
	return pageURL("authorisations/one", given("token", string(t.Handle()))...)
}

func tokenLink(w webui.Words, t payment.Token, caller party.Caller) link {
	return link{Label: w.T("authorisations.show"), Of: caller.Name, Address: tokenAddress(t)}
}

// tokenLine describes a token in one line: amount, frequency, limits, payment
// method and start.
func tokenLine(tx *store.ReadTx, w webui.Words, t payment.Token) (string, error) {
	limits, err := tx.Limits(string(t.Caller), string(t.ID))
	if err != nil {
		return "", err
	}
	parts := amountLine(w, t)
	for _, l := range limits {
		parts = append(parts, Usage(w, payment.UsageTerms{Kind: l.Kind, Value: l.Value, Period: l.Period}))
	}
	if t.Aggregate != "" {
		a, _, err := tx.Aggregate(t.Aggregate)
		if err != nil {
			return "", err
		}
		parts = append(parts, w.T("authorisations.up-to", "Amount", w.Dollars(a.Limit)))
	}
	if t.Instrument != "" {
		i, _, err := tx.Instrument(t.Sender, t.Instrument)
		if err != nil {
			return "", err
		}
		parts = append(parts, shortInstrument(w, i))
	}
	return strings.Join(append(parts, w.T("authorisations.since", "Date", w.Date(t.Installed))), " · "), nil
}

// amountLine describes the amount of each payment and how often payments are
// made.
func amountLine(w webui.Words, t payment.Token) []string {
	if !t.Amount.Given() {
		return nil
	}
	amount := w.Dollars(t.Amount)
	switch t.AmountType {
	case holdfast.AmountMaximum:
		amount = w.T("authorisations.up-to", "Amount", amount)
	case holdfast.AmountMinimum:
		amount = w.T("authorisations.from", "Amount", amount)
	case holdfast.AmountExact:
	}
	switch {
	case !t.Period.Endless():
		amount += " " + Every(w, t.Period)
	case t.Type == holdfast.TokenMultiUse:
		amount = w.T("authorisations.each", "Amount", amount)
	}
	return []string{amount}
}

// shortInstrument names a card by its brand and last digits, "Visa 4242".
func shortInstrument(w webui.Words, i payment.Instrument) string {
	if i.Method == holdfast.MethodCC {
		return i.Brand + "\u00a0" + i.Last4
	}
	return InstrumentIn(w, i).Title
}

// tokenFor describes what a token allows.
func tokenFor(w webui.Words, t payment.Token) string {
	switch t.Use {
	case payment.UseFund:
		return w.T("token.fund")
	case payment.UseSettle:
		return w.T("token.settle")
	case payment.UseReceive:
		return w.T("token.receive")
	case payment.UseRefund:
		return w.T("token.refund")
	case payment.UsePay, payment.UseCall:
	}
	switch {
	case t.Method == holdfast.MethodPrepaid:
		return w.T("token.prepaid")
	case t.Method == holdfast.MethodDebt:
		return w.T("token.debt")
	case t.Type == holdfast.TokenRecurring:
		return w.T("token.recurring")
	case t.Type == holdfast.TokenSingleUse:
		return w.T("token.single-use")
	}
	return w.T("token.multi-use")
}

// tokenState says why a token is no longer active. It is empty for an active
// token.
func tokenState(w webui.Words, t payment.Token, now time.Time) string {
	switch {
	case t.Cancelled:
		return w.T("token.cancelled")
	case t.UsedBy != "":
		return w.T("token.used")
	case t.Status(now) != holdfast.TokenActive:
		return w.T("token.expired")
	}
	return ""
}

// A givenToken is a token with everything that its page shows.
type givenToken struct {
	payment.Token
	caller     party.Caller
	instrument payment.Instrument
	aggregate  payment.AggregateInstrument
	limits     []payment.Limit
	payees     []string
	now        time.Time // by the caller's clock
}

func (s *Server) token(c *call) (g givenToken, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		var found bool
		if g.Token, found, err = tx.TokenOf(c.Party.ID, payment.TokenHandle(c.form.Get("token"))); err != nil {
			return err
		}
		if !found {
			return errNoToken
		}
		if g.caller, found, err = tx.Caller(g.Caller); err != nil || !found {
			return errors.Join(err, fmt.Errorf("reading caller %s of a token (found %t)", g.Caller, found))
		}
		g.now = g.caller.Now(processor.Micro(s.Now()))
		if g.Instrument != "" {
			if g.instrument, _, err = tx.Instrument(g.Sender, g.Instrument); err != nil {
				return err
			}
		}
		if g.Aggregate != "" {
			if g.aggregate, _, err = tx.Aggregate(g.Aggregate); err != nil {
				return err
			}
		}
		if g.limits, err = tx.Limits(string(g.caller.ID), string(g.ID)); err != nil {
			return err
		}
		return g.readPayees(tx)
	})
	return g, err
}

// readPayees reads the names of the recipients that the token pays, if the
// caller is not the only one.
func (g *givenToken) readPayees(tx *store.ReadTx) error {
	ids := []party.ID{}
	for _, id := range g.Recipients {
		t, _, err := tx.Token(id)
		if err != nil {
			return err
		}
		ids = append(ids, t.Recipient)
	}
	if len(ids) == 0 && g.Sender != "" && g.Recipient != "" && g.Recipient != g.caller.Owner {
		ids = []party.ID{g.Recipient}
	}
	for _, id := range ids {
		payee, _, err := tx.Party(id)
		if err != nil {
			return err
		}
		g.payees = append(g.payees, payee.Name)
	}
	return nil
}

func (s *Server) showToken(c *call) error {
	g, err := s.token(c)
	if err != nil {
		return err
	}
	return s.renderToken(c, g, http.StatusOK, "")
}

// renderToken shows a token. problem says why it cannot be cancelled. If ending
// its instrument is possible instead, the page has a button for that.
func (s *Server) renderToken(c *call, g givenToken, status int, problem string) error {
	w := c.words
	page := formPage{
		Heading: w.T("authorisations.to", "Caller", g.caller.Name), Lead: tokenFor(w, g.Token), Problem: problem,
		Facts: g.facts(w),
		Links: []link{{Label: w.T("authorisations.back"), Address: Root + "authorisations"}},
	}
	switch state := tokenState(w, g.Token, g.now); {
	case state != "" && g.moves() && !g.Cancelled:
		page.Aside = g.overText(w)
	case state != "":
		page.Aside = state
	case problem != "" && g.moves():
		end := post(g.endLabel(w), "", "authorisations/end", "token", string(g.Handle()))
		end.Danger = true
		page.Buttons = []action{end}
	default:
		cancel := post(w.T("authorisations.cancel"), "", "authorisations/cancel", "token", string(g.Handle()))
		cancel.Danger = true
		page.Aside, page.Buttons = w.T("authorisations.cancel-text", "Caller", g.caller.Name), []action{cancel}
	}
	return s.renderForm(c, status, "authorisations", page)
}

// facts returns the terms of a token and how much of its limits was used.
func (g givenToken) facts(w webui.Words) (all []Term) {
	add := func(label, value string) {
		if value != "" {
			all = append(all, Term{label, value})
		}
	}
	add(w.T("authorisations.reason"), reasonText(g.Reason))
	for _, name := range g.payees {
		if name != g.caller.Name {
			add(w.T("term.paid-to"), name)
		}
	}
	add(Bound(w, g.AmountType), Amount(w, g.Amount))
	if !g.Period.Endless() {
		add(w.T("term.how-often"), w.T("often.once", "Every", Every(w, g.Period)))
	}
	for _, l := range g.limits {
		all = append(all, limitFacts(w, l.At(g.now))...)
	}
	all = append(all, g.aggregateFacts(w)...)
	if g.Use == payment.UseReceive {
		add(w.T("term.fee", "Caller", g.caller.Name), FeeCeiling(w, g.FeeCeiling))
		if len(g.Methods) > 0 {
			add(w.T("term.methods"), MethodNames(w, g.Methods))
		}
	}
	if g.instrument.ID != "" {
		add(w.T("authorisations.paid-by"), InstrumentIn(w, g.instrument).Title)
	}
	add(w.T("authorisations.given"), w.Moment(g.Installed))
	add(w.T("term.from"), w.Moment(g.Starts))
	until := w.T("authorisations.for-ever")
	if !g.Expires.IsZero() {
		until = w.Moment(g.Expires)
	}
	add(w.T("term.until"), until)
	if g.caller.ClockOffset != 0 {
		add(w.T("overview.shop-clock"), w.Moment(g.now))
	}
	return all
}

// limitFacts returns a limit, how much of it was used, and when it resets.
func limitFacts(w webui.Words, l payment.Limit) []Term {
	used := w.N("limit.used", int(l.UsedCount))
	if l.Kind == payment.LimitAmount {
		used = w.Dollars(l.UsedAmount)
	}
	facts := []Term{
		{w.T("term.limit"), Usage(w, payment.UsageTerms{Kind: l.Kind, Value: l.Value, Period: l.Period})},
		{w.T("authorisations.used"), used},
	}
	if resets := l.Resets(); !resets.IsZero() {
		facts = append(facts, Term{w.T("authorisations.resets"), w.Moment(resets)})
	}
	return facts
}

// aggregateFacts returns the balance of a prepaid instrument, or the debt of a
// credit instrument.
func (g givenToken) aggregateFacts(w webui.Words) []Term {
	switch {
	case g.aggregate.ID == "":
		return nil
	case g.aggregate.Method == holdfast.MethodPrepaid:
		return []Term{
			{w.T("term.balance"), w.Dollars(g.aggregate.Limit)}, {w.T("authorisations.left"), w.Dollars(g.aggregate.Balance)},
		}
	}
	return []Term{
		{w.T("term.debt"), w.Dollars(g.aggregate.Limit)}, {w.T("authorisations.owed"), w.Dollars(g.aggregate.Balance)},
	}
}
