package console

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// overviewRoutes are the first page of a caller.
func (s *Server) overviewRoutes() []route {
	return []route{
		{Method: get, In: ofCaller, Permission: party.MayRead, Nav: "console.overview.nav", show: s.showOverview},
	}
}

// A callerView is what the overview of a caller shows.
type callerView struct {
	bands []store.RiskBand
	more  bool
	state store.CallerState
	audit store.AuditState
	days  []payment.DayFigures // of the last 30 days; days on which nothing moved are left out
	today payment.BookDay
}

// chartDays is how many days the charts show, with the present one.
const chartDays = 30

func (s *Server) showOverview(c *call) error {
	v := callerView{today: payment.BookDayOf(c.now())}
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if v.bands, v.more, err = tx.Risk(c.caller.ID, c.now()); err != nil {
			return err
		}
		if v.state, err = tx.CallerState(c.caller.ID, c.real); err != nil {
			return err
		}
		if v.days, err = tx.DailySums(c.caller.ID, v.today-chartDays+1, v.today+1); err != nil {
			return err
		}
		v.audit, _, err = tx.AuditState()
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	search := findForm(c, c.link("find"), "")
	p := page{Heading: w.T("console.overview.heading"), Filter: &search}
	if !c.caller.Stopped.IsZero() {
		p.Alert = w.T("console.overview.stopped", "Time", c.minute(c.caller.Stopped))
	}
	if c.caller.ClockOffset != 0 {
		p.Lead = w.T("console.caller-clock", "Time", c.minute(c.now()))
	}
	if begins := v.today.Time().In(c.zone); c.caller.Zone != "" {
		p.Lead = strings.TrimSpace(p.Lead + " " + w.T("console.overview.days", "Time", begins.Format("15:04 "+zoneLayout)))
	}
	p.Blocks = []block{
		{Heading: w.T("console.overview.held"), Figures: v.heldFigures(c)},
		{Heading: w.T("console.overview.waiting"), Figures: v.waitingFigures(c)},
	}
	p.Blocks = append(p.Blocks, v.charts(c)...)
	return s.render(c, p)
}

// charts show what moved on each of the last 30 days.
func (v callerView) charts(c *call) (all []block) {
	w := c.words
	dollars := func(micro int64) string { return w.Dollars(money.Micros(micro)) }
	for _, one := range []struct {
		label string
		tone  tone
		of    func(payment.Figures) int64
		say   func(int64) string
		show  string // of the list of movements
	}{
		{w.T("console.overview.settled"), good, func(f payment.Figures) int64 { return f.Settled }, dollars, "settlements"},
		{w.T("console.overview.newly-held"), busy, func(f payment.Figures) int64 { return f.Held }, dollars, "holds"},
		{w.T("console.overview.refunded"), quiet, func(f payment.Figures) int64 { return f.Refunded }, dollars, "refunds"},
		{w.T("console.overview.declines"), wrong, func(f payment.Figures) int64 { return f.Declines }, w.Count, "declines"},
	} {
		drawn := drawChart(w, one.label, one.tone, v.series(one.of), one.say)
		days := figure{Label: w.T("console.overview.last-days", "Days", chartDays), Value: drawn.Total}
		today := figure{Label: w.T("console.overview.today"), Value: drawn.Last}
		if c.may(party.MayReport) {
			first := (v.today - chartDays + 1).Time().Format(time.DateOnly)
			last := v.today.Time().Format(time.DateOnly)
			days.Address = c.link("reports/days/"+first+spanMark+last, "show", one.show)
			today.Address = c.link("reports/days/"+last, "show", one.show)
		}
		all = append(all, block{Heading: one.label, Figures: []figure{days, today}, Chart: drawn})
	}
	return all
}

// series is a figure of each of the last 30 days.
func (v callerView) series(of func(payment.Figures) int64) []day {
	days := make([]day, chartDays)
	first := v.today - chartDays + 1
	for i := range days {
		days[i].At = (first + payment.BookDay(i)).Time()
	}
	for _, d := range v.days {
		days[d.Day-first].Value = of(d.Figures)
	}
	return days
}

// heldFigures say what is held, and how much of it lapses soon.
func (v callerView) heldFigures(c *call) []figure {
	w := c.words
	all, risk := store.RiskBand{Open: money.Micros(0)}, store.RiskBand{Open: money.Micros(0)}
	for _, b := range v.bands {
		all.Holds, all.Open = all.Holds+b.Holds, all.Open.Add(b.Open)
		if b.Within > 0 && b.Within <= 24*time.Hour {
			risk.Holds, risk.Open = risk.Holds+b.Holds, risk.Open.Add(b.Open)
		}
	}
	open := figure{
		Label: w.T("console.overview.open"), Value: w.Dollars(all.Open), Detail: w.N("console.risk.holds", all.Holds),
		Address: c.link("risk"),
	}
	if v.more {
		open.Detail = w.T("console.overview.more-holds", "N", w.Count(int64(all.Holds)))
	}
	near := figure{
		Label: w.T("console.overview.at-risk"), Value: w.Dollars(risk.Open), Detail: w.N("console.risk.holds", risk.Holds),
		Address: c.link("risk", "within", "24"),
	}
	if risk.Holds > 0 {
		near.Tone = wait
	}
	return []figure{near, open}
}

// waitingFigures say what needs somebody's attention.
func (v callerView) waitingFigures(c *call) []figure {
	w, s := c.words, v.state
	figures := []figure{
		{
			Label: w.T("console.overview.in-doubt"), Value: w.Count(int64(s.InDoubt)), Tone: ifAny(s.InDoubt, wait),
			Address: c.reach("questions"),
		},
		{
			Label: w.T("console.overview.notices"), Value: w.Count(int64(s.Notices)), Tone: ifAny(s.Notices, wait),
			Address: c.reach("notifications"),
		},
		{
			Label: w.T("console.overview.webhooks"), Value: w.Count(int64(s.Webhooks)), Tone: ifAny(s.Webhooks, busy),
			Address: c.reach("webhooks"),
		},
	}
	if s.WebhooksPaused > 0 {
		figures[2].Tone, figures[2].Detail = wait, w.N("console.overview.paused", s.WebhooksPaused)
	}
	if s.Approvals > 0 || c.caller.ApproveAbove.Given() {
		figures = append(figures, figure{
			Label: w.T("console.approvals.waiting"), Value: w.Count(int64(s.Approvals)), Tone: ifAny(s.Approvals, wait),
			Address: c.link("approvals"),
		})
	}
	return append(figures, auditFigure(c, v.audit, s.Violations))
}

// auditFigure says when the books were audited, and whether they are right.
func auditFigure(c *call, a store.AuditState, violations int) figure {
	w := c.words
	f := figure{
		Label: w.T("console.overview.books"), Value: w.T("console.overview.never"), Address: c.reach("books"),
	}
	if !a.Finished.IsZero() {
		f.Value = w.T("console.ago", "Span", span(w, c.real.Sub(a.Finished)))
		f.Detail = w.T("console.overview.books-right")
	}
	if violations > 0 {
		f.Detail, f.Tone = w.N("console.overview.violations", violations), wrong
	}
	return f
}

// ifAny is a tone for a count above zero.
func ifAny(n int, t tone) tone {
	if n > 0 {
		return t
	}
	return quiet
}
