package console

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// movementRows is how many movements a page shows.
const movementRows = 100

// movementShows are the movements that can be selected, with the ids of their words.
var movementShows = []struct {
	value, word string
	selects     func(*payment.Movement) bool
}{
	{"", "console.reports.all", func(m *payment.Movement) bool { return len(m.Postings) > 0 }},
	{"settlements", "console.reports.file-settlements", func(m *payment.Movement) bool { return m.Paid() != 0 }},
	{"refunds", "console.reports.file-refunds", func(m *payment.Movement) bool { return m.PaidBack() != 0 }},
	{"fees", "console.reports.file-fees", func(m *payment.Movement) bool { return m.Fee() != 0 || m.CommissionPaid() != 0 }},
	{"disputes", "console.reports.file-disputes", func(m *payment.Movement) bool { return m.Disputed() != 0 }},
	{"holds", "console.reports.held", func(m *payment.Movement) bool { return m.Held() != 0 || m.Released() != 0 }},
	{"declines", "console.overview.declines", func(m *payment.Movement) bool { return m.Declined() }},
}

// movementColumns are the columns of amounts, with the ids of their words.
var movementColumns = []struct {
	word  string
	micro func(*call, *payment.Movement) int64
}{
	{"console.reports.held", func(_ *call, m *payment.Movement) int64 { return m.Held() }},
	{"console.reports.released", func(_ *call, m *payment.Movement) int64 { return m.Released() }},
	{"console.reports.settled", func(_ *call, m *payment.Movement) int64 { return m.Paid() }},
	{"console.reports.refunded", func(_ *call, m *payment.Movement) int64 { return m.PaidBack() }},
	{"console.reports.disputed", func(_ *call, m *payment.Movement) int64 { return m.Disputed() }},
	{"console.reports.fees", func(_ *call, m *payment.Movement) int64 { return m.Fee() + m.CommissionPaid() }},
	{"console.reports.own", func(c *call, m *payment.Movement) int64 { return m.Own(c.caller.Owner) }},
}

// spanMark is between the first and the last day of a span.
const spanMark = "_"

// readReportPeriod reads a day, such as 2026-11-05, a span of days, such as
// 2026-11-05_2026-12-04, a month, such as 2026-11, or a year.
func readReportPeriod(text string, now time.Time) (report.Period, error) {
	if from, to, span := strings.Cut(text, spanMark); span {
		return report.PeriodInput{From: from, To: to}.Period(now)
	}
	if len(text) == len(time.DateOnly) {
		return report.PeriodInput{From: text, To: text}.Period(now)
	}
	return readMonthInput(text, now)
}

// showMovements shows what moved on a day or in a month, page by page.
func (s *Server) showMovements(c *call) error {
	text, w := c.r.PathValue("day"), c.words
	period, err := readReportPeriod(text, c.now())
	if err != nil {
		return errNotThere
	}
	after, err := readPlace(c.form.Get("after"))
	if err != nil {
		return err
	}
	form := webui.Form{Action: c.link("reports/days/" + text), Get: true, Submit: w.T("console.show")}
	show, found := c.form.Get("show"), false
	selects := movementShows[0].selects
	var options []webui.Option
	for _, one := range movementShows {
		options = append(options, webui.Option{Value: one.value, Label: w.T(one.word)})
		if one.value == show {
			selects, found = one.selects, true
		}
	}
	if !found {
		return errNotThere
	}
	form.Fields = []webui.Field{
		{Name: "show", Label: w.T("console.reports.only"), Value: show, Options: options, MayBeEmpty: true},
	}
	var moved []payment.Movement
	var next *store.MovementPlace
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		moved, next, err = tx.MovementPage(c.caller.ID, period.From, period.To, after, movementRows, selects)
		return err
	})
	if err != nil {
		return err
	}
	heading, up := w.Date(period.From), text
	switch {
	case strings.Contains(text, spanMark):
		heading, up = heading+" – "+w.Date(period.To.Add(-time.Second)), period.To.Add(-time.Second).Format("2006-01")
	case len(text) == len(time.DateOnly):
		up = text[:len("2026-11")]
	default:
		heading = monthView{Period: period, month: text}.title(w)
	}
	return s.render(c, page{
		Heading: heading, Lead: w.T("console.reports.movements-lead"), Filter: &form,
		Up:     link{Label: w.T("console.reports.heading"), Address: c.link("reports", "month", up)},
		Blocks: []block{{Table: movementTable(c, moved, after, next), Wide: true}},
	})
}

func movementTable(c *call, moved []payment.Movement, after store.MovementPlace, next *store.MovementPlace) *table {
	w := c.words
	t := &table{
		Empty:   w.T("console.reports.none"),
		Columns: []column{{Label: w.T("console.reports.time")}, {Label: w.T("console.reference"), Shape: code}},
	}
	for _, one := range movementColumns {
		t.Columns = append(t.Columns, column{Label: w.T(one.word), Shape: number})
	}
	for i := range moved {
		t.Rows = append(t.Rows, movementRow(c, &moved[i]))
	}
	if after != (store.MovementPlace{}) {
		t.Newer = c.same("after", "")
	}
	if next != nil {
		t.Older, t.Empty = c.same("after", placeText(*next)), w.T("console.reports.none-yet")
	}
	return t
}

func movementRow(c *call, m *payment.Movement) tableRow {
	name := string(m.Reference)
	if name == "" {
		name = string(m.Transaction)
	}
	cells := []cell{
		text(m.At.UTC().Format(time.DateTime)), linked(name, caseAddress(c.caller.ID, string(m.Transaction))),
	}
	for _, one := range movementColumns {
		shown := ""
		if micro := one.micro(c, m); micro != 0 {
			shown = c.dollars(micro)
		}
		cells = append(cells, text(shown))
	}
	return tableRow{Cells: cells}
}

// lateMark begins the text of a place among the late steps.
const lateMark = "late."

// readPlace reads a place in the pages of movements.
func readPlace(text string) (at store.MovementPlace, err error) {
	if text == "" {
		return at, nil
	}
	place, late := strings.CutPrefix(text, lateMark)
	when, id, step, err := readStep(place)
	if err != nil || when.UnixMicro() == 0 || step < 0 {
		return at, errNotThere
	}
	return store.MovementPlace{Late: late, At: when, ID: holdfast.TransactionID(id), Step: step}, nil
}

func placeText(at store.MovementPlace) string {
	mark := ""
	if at.Late {
		mark = lateMark
	}
	return mark + stepText(at.At, string(at.ID), at.Step)
}
