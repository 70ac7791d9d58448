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
		g.Entries = append(g.Entries, historyRow(w, page, t))
	}
	list := listPage{Heading: w.T("menu.history"), Lead: w.T("history.lead"), Groups: []group{g}}
	if !page.Next.IsZero() {
		list.Next = pageURL("history", given("before", strconv.FormatInt(page.Next.UnixMilli(), 10))...)
	}
	return s.renderList(c, "history", list)
}

var errNoPage = holdfast.Errorf(holdfast.InvalidParams, "there is no such page")

// historyRow is a transaction in one line: when, with whom, what for, how it
// stands, and the amount. Only an amount that has moved has a sign.
func historyRow(w webui.Words, page processor.ActivityPage, t payment.Transaction) row {
	r := row{
		Title: otherSide(page, t), Address: paymentAddress(t), Date: w.Date(t.Received), Detail: whatFor(w, page, t),
		Mark: stateWord(w, t, page.Account), Quiet: t.State != payment.Success,
		Amount: w.Signed(t.Current(), t.Flow(page.Account)),
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

// partly reports whether less was charged than was held.
func partly(t payment.Transaction) bool {
	return t.Hold() && t.Settled.Positive() && t.Settled != t.Amount
}

// whatFor is what a transaction is for: of a payment the caller's description or
// the sender's reason, of others also what they are.
func whatFor(w webui.Words, page processor.ActivityPage, t payment.Transaction) string {
	reason := ""
	if t.Approved() {
		reason = page.Reasons[t.Token]
	}
	said, kind := about(t, page.Account, reason), kindWord(w, t)
	switch {
	case said == "":
		return kind
	case t.Kind == payment.KindPay || t.Kind == payment.KindReserve:
		return said
	}
	return kind + ": " + said
}

// otherSide is the name of the party that was paid or that has paid; empty for a
// deposit. A shop that is paid through its own caller goes by the caller's name,
// as on all other pages of the buyer.
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
