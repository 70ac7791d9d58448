package console

import (
	"io"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// reportRoutes are the reports of a caller. Pages show sums of days in UTC, which a
// job keeps, so they cost the same however much has moved. Files have every line.
func (s *Server) reportRoutes() []route {
	return []route{
		{
			Method: get, Path: "reports", In: ofCaller, Permission: party.MayReport, Nav: "console.reports.nav",
			show: s.showReports,
		},
		{Method: get, Path: "reports/statement", In: ofCaller, Permission: party.MayReport, show: s.showStatement},
		{Method: get, Path: "reports/ledger", In: ofCaller, Permission: party.MayReport, show: s.showLedger},
		{Method: get, Path: "reports/days/{day}", In: ofCaller, Permission: party.MayReport, show: s.showMovements},
	}
}

// A monthView has the sums of the days of a month, or of the months of a year, and what
// was there before it.
type monthView struct {
	report.Period
	month  string // such as 2026-11, or 2026 for a year
	days   []payment.DayFigures
	sum    payment.Figures
	before payment.Figures
}

// yearly reports whether the view is of a year.
func (v monthView) yearly() bool { return len(v.month) == len("2026") }

// byMonth adds up the days of each month. A month has its first day.
func byMonth(days []payment.DayFigures) (months []payment.DayFigures) {
	for _, d := range days {
		year, month, _ := d.Day.Time().Date()
		first := payment.BookDayOf(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC))
		if n := len(months); n == 0 || months[n-1].Day != first {
			months = append(months, payment.DayFigures{Caller: d.Caller, Day: first})
		}
		months[len(months)-1].Plus(d.Figures)
	}
	return months
}

// readMonthInput reads a month or a year.
func readMonthInput(text string, now time.Time) (report.Period, error) {
	if len(text) == len("2026") {
		return report.PeriodInput{From: text + "-01-01", To: text + "-12-31"}.Period(now)
	}
	return report.PeriodInput{Month: text}.Period(now)
}

// readMonth reads the month or the year that the page is about. The form has the error
// if there is none such.
func (s *Server) readMonth(c *call, path string) (v monthView, form webui.Form, err error) {
	v.month = c.form.Get("month")
	v.Period, err = readMonthInput(v.month, c.now())
	shown, wrong := v.month, err != nil
	if wrong || v.month == "" {
		if v.Period, err = (report.PeriodInput{}).Period(c.now()); err != nil {
			return v, form, err
		}
		v.month = v.From.Format("2006-01")
	}
	if shown == "" {
		shown = v.month
	}
	form = webui.Form{
		Action: c.link(path), Get: true, Submit: c.words.T("console.show"),
		Fields: []webui.Field{{
			Name: "month", Label: c.words.T("console.reports.month"), Hint: c.words.T("console.reports.month-hint"),
			Value: shown, Autocomplete: "off",
		}},
	}
	if wrong {
		form.SetError("month", c.words.T("console.reports.no-month"))
	}
	first := payment.BookDayOf(v.From)
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		if v.days, err = tx.DailySums(c.caller.ID, first, payment.BookDayOf(v.To)); err != nil {
			return err
		}
		v.before, err = tx.SumBefore(c.caller.ID, first)
		return err
	})
	for _, d := range v.days {
		v.sum.Plus(d.Figures)
	}
	if v.yearly() {
		v.days = byMonth(v.days)
	}
	return v, form, err
}

// monthPage is a page with the form for the month.
func monthPage(c *call, v monthView, heading string, form webui.Form) page {
	w := c.words
	p := page{Heading: w.T(heading), Filter: &form, Lead: w.T("console.reports.lead")}
	if c.caller.Zone != "" {
		command := "holdfast report settlements --by day --month " + v.From.Format("2006-01") + " --caller " + string(c.caller.ID)
		p.Lead += " " + w.T("console.reports.zone", "Time", payment.BookDayOf(v.From).Time().In(c.zone).Format("15:04"),
			"Zone", c.caller.Zone.String(), "Command", command)
	}
	if form.Failed() {
		p.Status = http.StatusUnprocessableEntity
	}
	if c.route.Path != "reports" {
		p.Up = link{Label: w.T("console.reports.heading"), Address: c.link("reports")}
	}
	return p
}

// pager links to the months or years before and after.
func (v monthView) pager(c *call, t *table) *table {
	layout, before := "2006-01", v.From.AddDate(0, -1, 0)
	if v.yearly() {
		layout, before = "2006", v.From.AddDate(-1, 0, 0)
	}
	if !c.caller.Created.After(v.From) {
		t.Older = c.same("month", before.Format(layout))
	}
	if !v.To.After(c.now()) {
		t.Newer = c.same("month", v.To.Format(layout))
	}
	return t
}

// title is the name of the month or the year.
func (v monthView) title(w webui.Words) string {
	if v.yearly() {
		return v.month
	}
	return w.Month(v.From)
}

// byTitle is the heading of the table, and of its first column.
func (v monthView) byTitle(w webui.Words) (heading, first string) {
	if v.yearly() {
		return w.T("console.reports.by-month"), w.T("console.reports.month-column")
	}
	return w.T("console.reports.by-day"), w.T("console.reports.day")
}

func (c *call) dollars(micro int64) string { return c.words.Dollars(money.Micros(micro)) }

// dayCell is a day with a link to what moved on it, or a month with a link to its days.
func (v monthView) dayCell(c *call, d payment.BookDay) cell {
	if v.yearly() {
		month := d.Time().Format("2006-01")
		return linked(month, c.same("month", month))
	}
	day := d.Time().Format(time.DateOnly)
	return linked(day, c.link("reports/days/"+day))
}

func (s *Server) showReports(c *call) error {
	v, form, err := s.readMonth(c, "reports")
	if err != nil {
		return err
	}
	if name := c.form.Get("file"); name != "" && !form.Failed() {
		return s.sendReport(c, v, name)
	}
	w, p := c.words, monthPage(c, v, "console.reports.heading", form)
	p.Links = []link{
		{Label: w.T("console.reports.statement"), Address: c.link("reports/statement", "month", v.month)},
		{Label: w.T("console.reports.ledger"), Address: c.link("reports/ledger", "month", v.month)},
	}
	heading, _ := v.byTitle(w)
	p.Blocks = []block{
		{Heading: v.title(w), Wide: true, Figures: v.figures(c), Chart: v.chart(c)},
		{Heading: heading, Wide: true, Table: v.table(c)},
		{Heading: w.T("console.reports.files"), Text: w.T("console.reports.files-text"), Links: v.files(c)},
		{Heading: w.T("console.reports.movements"), Text: w.T("console.reports.movements-text"), Links: v.movements(c)},
	}
	return s.render(c, p)
}

func (v monthView) figures(c *call) []figure {
	w, f := c.words, v.sum
	all := []figure{
		{
			Label: w.T("console.reports.settled"), Value: c.dollars(f.Settled),
			Detail: w.N("console.reports.settlements", int(f.Settlements)),
		},
		{
			Label: w.T("console.reports.refunded"), Value: c.dollars(f.Refunded),
			Detail: w.N("console.reports.refunds", int(f.Refunds)),
		},
		{Label: w.T("console.reports.fees"), Value: c.dollars(f.Fees)},
	}
	if f.Commissions != 0 {
		all = append(all, figure{Label: w.T("console.reports.commissions"), Value: c.dollars(f.Commissions)})
	}
	if f.Disputed != 0 || f.Disputes != 0 {
		all = append(all, figure{Label: w.T("console.reports.disputed"), Value: c.dollars(f.Disputed)})
	}
	return append(all, figure{Label: w.T("console.reports.net"), Value: c.dollars(f.Net())})
}

// chart draws what was settled on each day of the month that has begun.
func (v monthView) chart(c *call) *chart {
	if v.yearly() {
		return nil
	}
	at := make(map[payment.BookDay]int64, len(v.days))
	for _, d := range v.days {
		at[d.Day] = d.Settled
	}
	var days []day
	for d := payment.BookDayOf(v.From); d < payment.BookDayOf(v.To) && !d.Time().After(c.now()); d++ {
		days = append(days, day{d.Time(), at[d]})
	}
	if len(days) == 0 { // the month has not begun
		return nil
	}
	return drawChart(c.words, c.words.T("console.reports.settled"), good, days, c.dollars)
}

func (v monthView) table(c *call) *table {
	w := c.words
	_, first := v.byTitle(w)
	t := &table{
		Empty: w.T("console.reports.none"),
		Columns: []column{
			{Label: first},
			{Label: w.T("console.reports.settled"), Shape: number},
			{Label: w.T("console.reports.refunded"), Shape: number},
			{Label: w.T("console.reports.fees"), Shape: number},
			{Label: w.T("console.reports.commissions"), Shape: number},
			{Label: w.T("console.reports.disputed"), Shape: number},
			{Label: w.T("console.reports.net"), Shape: number},
		},
	}
	for _, d := range v.days {
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			v.dayCell(c, d.Day), text(c.dollars(d.Settled)), text(c.dollars(d.Refunded)), text(c.dollars(d.Fees)),
			text(c.dollars(d.Commissions)), text(c.dollars(d.Disputed)), text(c.dollars(d.Net())),
		}})
	}
	return v.pager(c, t)
}

// reportFiles are the reports that a member can download, with the ids of their
// words.
var reportFiles = []struct {
	name report.Name
	word string
}{
	{report.Settlements, "console.reports.file-settlements"},
	{report.Refunds, "console.reports.file-refunds"},
	{report.Fees, "console.reports.file-fees"},
	{report.Disputes, "console.reports.file-disputes"},
	{report.Statement, "console.reports.file-statement"},
}

func (v monthView) files(c *call) (links []link) {
	for _, file := range reportFiles {
		links = append(links, link{
			Label: c.words.T(file.word), Of: "(CSV)",
			Address: c.link("reports", "month", v.month, "file", string(file.name)),
		})
	}
	return links
}

// movements links to the pages with the movements of the month.
func (v monthView) movements(c *call) (links []link) {
	for _, one := range movementShows {
		links = append(links, link{
			Label: c.words.T(one.word), Address: c.link("reports/days/"+v.month, "show", one.value),
		})
	}
	return links
}

// sendReport sends a report with all its lines as a CSV file.
func (s *Server) sendReport(c *call, v monthView, name string) error {
	found, err := report.Named(name)
	if err != nil {
		return errNotThere
	}
	made := report.Lines{Query: report.Query{Caller: c.caller, Period: v.Period, Now: c.now()}, Name: found}
	return s.send(c, name+"-"+v.month+"-utc.csv", "text/csv; charset=utf-8", func(to io.Writer) error {
		return report.WriteCSV(c.r.Context(), s.Store, made, to)
	})
}

// send makes a file and then sends it; see [webui.Downloads.Send].
func (s *Server) send(c *call, name, kind string, write func(io.Writer) error) error {
	file := webui.Download{Name: name, Type: kind, Party: string(c.Party.ID)}
	return s.downloads.Send(c.w, file, write, func(err error) {
		s.Log.Info("a file of the console was not received", "path", c.r.URL.Path, "error", err)
	})
}
