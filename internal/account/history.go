package account

import (
	"net/http"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// historyMax is the number of payments on one page; see payment.Activity.
const historyMax = 20

// endOfTime is later than every payment by any caller's clock.
var endOfTime = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// totalsMax is how many payments are added up. payment.Activity also limits
// how many are read.
const totalsMax = 2000

// showHistory lists the payments that the party sent and received, newest
// first. A page continues where the last one ended, even if payments were added
// meanwhile. The first page shows the totals of all its pages.
func (s *Server) showHistory(c *call) error {
	w := c.words
	filter, form, err := readHistoryFilter(w, c.form, s.Now())
	if err != nil {
		return err
	}
	if shown := filter.shown(); shown.Get("q") != filter.search {
		return c.redirect("history", shown...)
	}
	list := listPage{
		Heading: w.T("menu.history"), Lead: w.T("history.lead"),
		Filter: &filterView{Label: w.T("history.filter"), Form: form, Open: form.Failed()},
	}
	if form.Failed() {
		return s.render(c, view{
			status: http.StatusUnprocessableEntity, page: "list", place: "history", title: list.Heading, content: list,
		})
	}
	if filter.any() {
		list.Filter.Chosen = filter.text(w)
		list.Filter.All = link{Label: w.T("history.show-all-link"), Address: Root + "history"}
	}
	page := processor.ActivityPage{
		Activity: payment.Activity{
			Filter:  payment.ActivityFilter{Start: filter.start, End: filter.end, BatchMax: totalsMax},
			Account: c.Party.ID, Own: true,
		},
		Sandbox: !s.Processor.Live, Real: processor.Micro(s.Now()), Named: filter.search != "",
	}
	if filter.any() {
		page.Matches = filter.matcher(w, &page)
	}
	before := c.form.Get("before")
	if before != "" {
		ms, err := strconv.ParseInt(before, 10, 64)
		if err != nil || ms < 0 || ms > endOfTime.UnixMilli() {
			return errNoPage
		}
		if until := time.UnixMilli(ms).UTC().Add(time.Millisecond); until.Before(filter.end) {
			page.Filter.End = until
		}
		page.Filter.BatchMax = historyMax
	}
	if err := s.Store.View(c.r.Context(), page.Read); err != nil {
		return err
	}
	g := group{}
	if before == "" {
		g.Figures = figures(w, page.Totals())
		if len(page.Rows) > 0 && !page.Next.IsZero() {
			g.Text = w.T("history.totals-since", "Date", w.Date(page.Next))
		}
		page.Shorten(historyMax)
	}
	g.Empty = nothingFound(w, filter, page)
	for _, t := range page.Rows {
		g.Entries = append(g.Entries, historyRow(w, page, t))
	}
	if len(page.Rows) > 0 {
		list.Links = []link{{Label: w.T("history.csv"), Address: pageURL("history/csv", filter.params()...)}}
	}
	list.Groups = []group{g}
	if !page.Next.IsZero() {
		list.Next = filter.address(page.Next)
	}
	return s.renderList(c, "history", list)
}

// filterHistory leads to the history with the filter that was sent. The form is sent by
// POST so that a card number that was typed by mistake gets into no address.
func (s *Server) filterHistory(c *call) error {
	filter, _, err := readHistoryFilter(c.words, c.form, s.Now())
	if err != nil {
		return err
	}
	return c.redirect("history", filter.shown()...)
}

// figures returns the totals that are not zero.
func figures(w webui.Words, sums payment.Totals) (all []Term) {
	for _, sum := range []struct {
		label  string
		amount money.Amount
	}{
		{"state.paid", sums.Paid},
		{"state.received", sums.Received},
		{"state.held", sums.Held},
		{"history.awaited", sums.Awaited},
		{"history.of-instruments", sums.OfInstruments},
	} {
		if sum.amount.Positive() {
			all = append(all, Term{w.T(sum.label), w.Dollars(sum.amount)})
		}
	}
	return all
}

// nothingFound is the text of a page without rows.
func nothingFound(w webui.Words, f historyFilter, page processor.ActivityPage) string {
	switch {
	case !page.Next.IsZero():
		return w.T("history.none-since", "Date", w.Date(page.Next))
	case f.any():
		return w.T("history.none-match")
	}
	return w.T("history.none")
}

var errNoPage = holdfast.Errorf(holdfast.InvalidParams, "there is no such page")

// historyRow shows a transaction in one line: date, other party, purpose, state
// and amount. Only an amount that has moved has a sign.
func historyRow(w webui.Words, page processor.ActivityPage, t payment.Transaction) row {
	r := row{
		Title: otherSide(page, t), Address: paymentAddress(t), Date: w.Date(t.Received), Detail: whatFor(w, page, t),
		Mark: stateWord(w, t, page.Account), Quiet: t.State != payment.Success,
		Amount: w.Signed(shownAmount(t), t.Flow(page.Account)),
	}
	switch {
	case t.Refunded.Positive():
		r.Of = w.T("history.of-refunded", "Amount", w.Dollars(t.Refunded))
	case partly(t):
		r.Of = w.T("history.of-held", "Amount", w.Dollars(t.Amount))
	}
	if r.Title == "" {
		r.Title, r.Detail = r.Detail, ""
	}
	return r
}

// shownAmount is the amount of a transaction. Of an open hold it is what is still
// held: parts that were settled are transactions of their own.
func shownAmount(t payment.Transaction) money.Amount {
	if t.State == payment.Reserved {
		return t.Held()
	}
	return t.Current()
}

// partly reports whether less was charged than was held.
func partly(t payment.Transaction) bool {
	return t.Hold() && t.Settled.Positive() && t.Settled != t.Amount
}

// whatFor is the purpose of a transaction. For a payment it is the caller's
// description or the sender's reason. For other kinds it also names the kind.
func whatFor(w webui.Words, page processor.ActivityPage, t payment.Transaction) string {
	reason := ""
	if t.Approved() {
		reason = page.Reasons[t.Token]
	}
	said, kind := about(t, page.Account, reason), kindWord(w, t)
	switch {
	case said == "":
		return kind
	case t.Kind == payment.KindPay || t.Kind == payment.KindReserve || t.Kind == payment.KindPart:
		return said
	}
	return kind + ": " + said
}

// otherSide is the name of the other party, or empty for a deposit. A shop that
// is paid through its own caller is shown by the caller's name, as on all other
// pages that buyers see.
func otherSide(page processor.ActivityPage, t payment.Transaction) string {
	switch {
	case t.Kind == payment.KindDeposit:
		return ""
	case t.Sender == page.Account && t.Recipient == t.Owner:
		return page.Callers[t.Caller].Name
	case t.Sender == page.Account:
		return page.Parties[t.Recipient]
	}
	return page.Parties[t.Sender]
}

// kindWord names the kind of a transaction.
func kindWord(w webui.Words, t payment.Transaction) string {
	switch t.Kind {
	case payment.KindRefund:
		if t.AggregateMethod() != "" && t.Method == holdfast.MethodABT {
			return w.T("kind.balance-back")
		}
		return w.T("kind.refund")
	case payment.KindFundPrepaid:
		return w.T("kind.fund")
	case payment.KindSettleDebt:
		return w.T("kind.settle-debt")
	case payment.KindWriteOffDebt:
		return w.T("kind.write-off")
	case payment.KindCommission:
		return w.T("kind.commission")
	case payment.KindDeposit:
		return w.T("kind.deposit")
	case payment.KindDispute:
		return w.T("kind.dispute")
	case payment.KindDisputeReturn:
		return w.T("kind.dispute-return")
	case payment.KindRefundReversal:
		return w.T("kind.refund-reversal")
	case payment.KindOutsideRefund:
		return w.T("kind.refund")
	case payment.KindReserve, payment.KindPart, payment.KindPay:
	}
	switch t.Method {
	case holdfast.MethodCC:
		return w.T("kind.card")
	case holdfast.MethodACH:
		return w.T("kind.bank")
	case holdfast.MethodPrepaid:
		return w.T("kind.prepaid")
	case holdfast.MethodDebt:
		return w.T("kind.debt")
	case holdfast.MethodABT:
	}
	return w.T("kind.balance")
}
