package account

import (
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// historyMost is how many payments are on one page; see payment.Activity.
const historyMost = 20

// endOfTime is after every payment, whatever its caller's clock shows.
var endOfTime = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)

// showHistory lists what the party sent and received, the newest first. A page
// goes on where the last one ended, however much has come since.
func (s *Server) showHistory(c *call) error {
	until := endOfTime
	if before := c.form.Get("before"); before != "" {
		ms, err := strconv.ParseInt(before, 10, 64)
		if err != nil || ms < 0 || ms > endOfTime.UnixMilli() {
			return errNoPage
		}
		until = time.UnixMilli(ms).UTC().Add(time.Millisecond)
	}
	page := processor.ActivityPage{
		Activity: payment.Activity{
			Filter:  payment.ActivityFilter{End: until, BatchMax: historyMost},
			Account: c.Party.ID, Own: true,
		},
		Sandbox: !s.Processor.Live, Real: processor.Micro(s.Now()),
	}
	if err := s.Store.View(c.r.Context(), page.Read); err != nil {
		return err
	}
	w := c.words
	g := group{Empty: w.T("history.none")}
	for _, t := range page.Rows {
		g.Rows = append(g.Rows, historyRow(w, page, t))
	}
	list := listPage{Heading: w.T("menu.history"), Lead: w.T("history.lead"), Groups: []group{g}}
	if !page.Next.IsZero() {
		list.Next = pageURL("history", given("before", strconv.FormatInt(page.Next.UnixMilli(), 10))...)
	}
	return s.renderList(c, "history", list)
}

var errNoPage = holdfast.Errorf(holdfast.InvalidParams, "there is no such page")

// historyRow says who the other side is, what it was for, and which way the money
// went.
func historyRow(w webui.Words, page processor.ActivityPage, t payment.Transaction) row {
	caller := page.Callers[t.Caller]
	r := row{
		Title: otherSide(page, t), Detail: kindWord(w, t), Mark: stateWord(w, t),
		Amount: w.Signed(t.Current(), t.Flow(page.Account)), Facts: []Term{{w.T("history.on"), w.Moment(t.Received)}},
	}
	if r.Title == "" {
		r.Title, r.Detail = r.Detail, ""
	}
	add := func(label, value string) {
		if value != "" {
			r.Facts = append(r.Facts, Term{label, value})
		}
	}
	add(w.T("history.for"), about(t, page.Account))
	if caller.Name != r.Title {
		add(w.T("history.through"), caller.Name)
	}
	if t.State == payment.Reserved {
		add(w.T("overview.until"), w.Moment(t.Deadline))
	}
	if t.Refunded.Positive() {
		add(w.T("history.refunded"), w.Dollars(t.Refunded))
	}
	if fee := feeOf(t, page.Account); fee.Micro != 0 {
		add(w.T("history.fee"), w.Dollars(fee))
	}
	return r
}

// otherSide is the name of whom the party paid or was paid by; nothing when there
// was nobody.
func otherSide(page processor.ActivityPage, t payment.Transaction) string {
	switch {
	case t.Kind == payment.KindDeposit:
		return ""
	case t.Sender == page.Account:
		return page.Parties[t.Recipient]
	}
	return page.Parties[t.Sender]
}

// feeOf is the operator's fee, for who bears it.
func feeOf(t payment.Transaction, reader party.ID) money.Amount {
	bears := t.Recipient
	if t.FeeBy == holdfast.RoleCaller {
		bears = t.Owner
	}
	if bears != reader {
		return money.Micros(0)
	}
	return t.FeeCharged()
}

// kindWord is what a transaction does.
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
	case payment.KindReserve, payment.KindPay:
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
