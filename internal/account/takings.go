package account

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// takings has the payments to a seller in one month, added up.
type takings struct {
	payment.Takings
	any   bool
	since time.Time // earlier payments were not read; zero if all were
}

// answerLate is how long after a payment's deadline a network's answer may
// arrive and still be counted in the month of its arrival.
const answerLate = 24 * time.Hour

// takings adds up the charges and refunds of this month by each caller's clock.
// It reads as many transactions as a page of activity does.
func (s *Server) takings(tx *store.ReadTx, seller party.ID) (k takings, err error) {
	real := processor.Micro(s.Now())
	longest := payment.TimeoutMinsMax*time.Minute + answerLate
	page := processor.ActivityPage{
		Activity: payment.Activity{
			Filter: payment.ActivityFilter{
				Start: monthOf(real).Add(-longest), End: endOfTime, BatchMax: payment.ActivityScanMax,
			},
			Account: seller, Own: true,
		},
		Sandbox: !s.Processor.Live, Real: real,
	}
	k.Takings = payment.NoTakings()
	page.Matches = func(t payment.Transaction) bool {
		if monthOf(t.Completed).Equal(monthOf(page.Callers[t.Caller].Now(real))) {
			before := k.Takings
			k.Takings = k.With(t, seller)
			k.any = k.any || k.Takings != before
		}
		return false // the names are not needed
	}
	err = page.Read(tx)
	k.since = page.Next
	return k, err
}

// monthOf returns the beginning of a time's month.
func monthOf(t time.Time) time.Time {
	year, month, _ := t.UTC().Date()
	return time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)
}

func (k takings) group(w webui.Words, now time.Time) group {
	g := group{Heading: w.T("overview.month"), Empty: w.T("overview.month-none")}
	if !k.any {
		return g
	}
	zero := money.Micros(0)
	g.Figures = []Term{{w.T("overview.gross"), w.Dollars(k.Gross)}}
	if k.Refunded != zero {
		g.Figures = append(g.Figures, Term{w.T("history.refunded"), w.Dollars(zero.Sub(k.Refunded))})
	}
	if k.Commission != zero {
		g.Figures = append(g.Figures, Term{w.T("overview.commission"), w.Dollars(zero.Sub(k.Commission))})
	}
	g.Figures = append(g.Figures,
		Term{w.T("overview.fees"), w.Dollars(zero.Sub(k.Fees))},
		Term{w.T("overview.net"), w.Dollars(k.Net())})
	g.Empty, g.Text = "", w.T("overview.month-text")
	if !k.since.IsZero() {
		g.Text += " " + w.T("overview.month-since", "Date", w.Date(k.since))
	}
	g.Links = []link{{
		Label: w.T("overview.month-link"), Address: historyFilter{period: now.UTC().Format(monthLayout)}.address(time.Time{}),
	}}
	return g
}
