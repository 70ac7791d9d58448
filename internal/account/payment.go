package account

import (
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// paymentAddress is the address of a transaction's page. The time in it finds
// the transaction in the listings of its parties. It is in microseconds to base
// 36, because 16 decimal digits could be taken for a card number.
func paymentAddress(t payment.Transaction) string {
	return pageURL("history/one", given("payment", strconv.FormatInt(t.Received.UnixMicro(), 36)+"-"+string(t.ID))...)
}

var errNoPayment = holdfast.Errorf(holdfast.InvalidParams, "there is no such payment")

// A shownPayment is a transaction with everything that one of its parties may
// see.
type shownPayment struct {
	payment.Transaction
	page       processor.ActivityPage
	history    []payment.HistoryRow
	instrument payment.Instrument // if the reader is the sender
	token      payment.Token      // if the reader is the sender
	now        time.Time          // by the caller's clock
}

// payment reads a transaction for its page. It finds only transactions that the
// party's history lists.
func (s *Server) payment(c *call) (p shownPayment, err error) {
	at, id, _ := strings.Cut(c.form.Get("payment"), "-")
	micro, err := strconv.ParseInt(at, 36, 64)
	if err != nil || micro < 0 || micro >= endOfTime.UnixMicro() {
		return p, errNoPayment
	}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		p, err = s.paymentOf(tx, c.Party.ID, time.UnixMicro(micro).UTC(), id, !s.Processor.Live)
		return err
	})
	return p, err
}

// paymentOf reads a transaction from the history of one of its parties.
func (s *Server) paymentOf(
	tx *store.ReadTx, account party.ID, received time.Time, id string, sandbox bool,
) (p shownPayment, err error) {
	p.page = processor.ActivityPage{
		Activity: payment.Activity{
			Filter:  payment.ActivityFilter{Start: received, End: received.Add(time.Microsecond), BatchMax: historyMax},
			Account: account, Own: true,
		},
		Sandbox: sandbox, Real: processor.Micro(s.Now()),
	}
	if err := p.page.Read(tx); err != nil {
		return p, err
	}
	for _, t := range p.page.Rows {
		if string(t.ID) == id {
			p.Transaction = t
			return p, p.read(tx)
		}
	}
	return p, errNoPayment
}

func (p *shownPayment) read(tx *store.ReadTx) (err error) {
	stored, _, err := tx.Transaction(p.Caller, p.ID)
	if err != nil {
		return err
	}
	if p.history, err = tx.History(p.Caller, p.ID); err != nil {
		return err
	}
	caller := p.page.Callers[p.Caller]
	p.now = caller.Now(p.page.Real)
	p.history = stored.HistoryAsOf(p.history, p.now)
	if p.Sender != p.page.Account {
		return nil
	}
	if p.Instrument != "" {
		if p.instrument, _, err = tx.Instrument(p.Sender, p.Instrument); err != nil {
			return err
		}
	}
	if p.Approved() {
		p.token, _, err = tx.Token(p.Token)
	}
	return err
}

func (s *Server) showPayment(c *call) error {
	p, err := s.payment(c)
	if err != nil {
		return err
	}
	w := c.words
	r := historyRow(w, p.page, p.Transaction)
	page := listPage{
		Heading: r.Title,
		Groups: []group{
			{Text: r.Amount, Large: true, Mark: r.Mark, Facts: p.facts(w)},
			{Heading: w.T("history.steps"), Facts: p.steps(w)},
		},
		Links: []link{{Label: w.T("history.back"), Address: Root + "history"}},
	}
	if p.token.ID != "" && p.token.Sender == c.Party.ID {
		page.Groups[0].Links = []link{{
			Label:   w.T("history.approval"),
			Address: pageURL("authorisations/one", given("token", string(p.token.Handle()))...),
		}}
	}
	return s.renderList(c, "history", page)
}

// facts returns the facts about a transaction. Only the card's owner sees the
// card.
func (p shownPayment) facts(w webui.Words) (all []Term) {
	t, caller := p.Transaction, p.page.Callers[p.Caller]
	add := func(label, value string) {
		if value != "" {
			all = append(all, Term{label, value})
		}
	}
	if r := historyRow(w, p.page, t); r.Detail != "" {
		add(w.T("history.for"), r.Detail)
	}
	if t.Sender == p.page.Account && t.Kind != payment.KindDeposit {
		if payee := p.page.Parties[t.Recipient]; payee != otherSide(p.page, t) {
			add(w.T("term.paid-to"), payee)
		}
	}
	if t.Recipient != t.Owner && t.Kind != payment.KindDeposit && caller.Name != p.page.Parties[t.Recipient] {
		add(w.T("history.through"), caller.Name)
	}
	if p.instrument.ID != "" {
		label := w.T("authorisations.paid-by")
		if t.Kind == payment.KindRefund {
			label = w.T("history.refunded-to")
		}
		add(label, InstrumentIn(w, p.instrument).Title)
	}
	if t.State == payment.Reserved {
		add(w.T("overview.until"), w.Moment(t.Deadline))
	}
	if t.Hold() {
		add(w.T("history.held"), w.Dollars(t.Amount))
	}
	if charged := t.Charged(); t.Hold() && charged.Positive() {
		add(w.T("history.charged"), w.Dollars(charged))
	}
	if t.Lowered.Positive() {
		add(w.T("history.released"), w.Dollars(t.Lowered))
	}
	if t.Refunded.Positive() {
		add(w.T("history.refunded"), w.Dollars(t.Refunded))
	}
	if fee := t.FeeFrom(p.page.Account); fee.Micro != 0 {
		add(w.T("history.fee"), w.Dollars(fee))
	}
	if t.Sender == p.page.Account {
		add(w.T("mail.statement"), t.Descriptor)
	}
	if t.Owner == p.page.Account {
		add(w.T("history.reference"), string(t.Reference))
	}
	add(w.T("mail.transaction"), string(t.ID))
	if caller.ClockOffset != 0 {
		add(w.T("overview.shop-clock"), w.Moment(p.now))
	}
	return all
}

// steps returns the transaction's steps in order of time. It omits a step that
// waited for a network's answer once the answer has arrived.
func (p shownPayment) steps(w webui.Words) (all []Term) {
	for i, h := range p.history {
		asked := h.After == payment.Pending || h.After == payment.Settling
		if asked && i < len(p.history)-1 {
			continue
		}
		all = append(all, Term{w.Moment(h.At), p.step(w, h)})
	}
	return all
}

func (p shownPayment) step(w webui.Words, h payment.HistoryRow) string {
	switch h.After {
	case payment.Reserved:
		if h.Verb == payment.VerbLower {
			return w.T("history.step-released", "Amount", w.Dollars(h.Amount))
		}
		return w.T("history.step-held", "Amount", w.Dollars(h.Amount))
	case payment.Success:
		switch {
		case p.Kind.FromNetwork():
			return kindWord(w, p.Transaction)
		case p.Kind == payment.KindRefund:
			return w.T("history.step-refunded", "Amount", w.Dollars(h.Amount))
		case p.Flow(p.page.Account) == 0 && p.Kind != payment.KindPay && p.Kind != payment.KindPart && !p.Hold():
			return kindWord(w, p.Transaction)
		}
		return w.T("history.step-paid", "Amount", w.Dollars(h.Amount))
	case payment.Failure:
		return w.T("history.step-failed")
	case payment.Cancelled:
		if h.Verb == payment.VerbExpire {
			return w.T("history.step-expired")
		}
		return w.T("history.step-cancelled")
	case payment.None, payment.Pending, payment.Settling:
	}
	return w.T("state.pending")
}
