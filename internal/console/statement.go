package console

import (
	"io"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/report"
)

// showStatement shows what the caller's owner got and gave on each day of a month.
func (s *Server) showStatement(c *call) error {
	v, form, err := s.readMonth(c, "reports/statement")
	if err != nil {
		return err
	}
	w, p := c.words, monthPage(c, v, "console.reports.statement", form)
	balance := v.before.OwnIn - v.before.OwnOut
	heading, first := v.byTitle(w)
	t := &table{
		Empty: w.T("console.reports.none"), CSV: c.link("reports", "month", v.month, "file", string(report.Statement)),
		Columns: []column{
			{Label: first},
			{Label: w.T("console.reports.in"), Shape: number},
			{Label: w.T("console.reports.out"), Shape: number},
			{Label: w.T("console.reports.balance"), Shape: number},
		},
	}
	figures := []figure{
		{Label: w.T("console.reports.opening"), Value: c.dollars(balance)},
		{Label: w.T("console.reports.in"), Value: c.dollars(v.sum.OwnIn)},
		{Label: w.T("console.reports.out"), Value: c.dollars(v.sum.OwnOut)},
	}
	for _, d := range v.days {
		if d.OwnIn == 0 && d.OwnOut == 0 {
			continue
		}
		balance += d.OwnIn - d.OwnOut
		t.Rows = append(t.Rows, tableRow{Cells: []cell{
			v.dayCell(c, d.Day), text(c.dollars(d.OwnIn)), text(c.dollars(d.OwnOut)), text(c.dollars(balance)),
		}})
	}
	figures = append(figures, figure{Label: w.T("console.reports.closing"), Value: c.dollars(balance)})
	p.Blocks = []block{
		{Heading: v.title(w), Wide: true, Figures: figures, Note: w.T("console.reports.statement-note")},
		{Heading: heading, Wide: true, Table: v.pager(c, t)},
	}
	return s.render(c, p)
}

// ledgerColumns are the groups of accounts of the ledger page, with the ids of their
// words.
var ledgerColumns = []struct {
	group ledger.Group
	word  string
}{
	{ledger.GroupNetwork, "console.reports.group-network"},
	{ledger.GroupHeld, "console.reports.group-held"},
	{ledger.GroupOutgoing, "console.reports.group-outgoing"},
	{ledger.GroupFees, "console.reports.group-fees"},
	{ledger.GroupParties, "console.reports.group-parties"},
	{ledger.GroupPrepaid, "console.reports.group-prepaid"},
	{ledger.GroupOwed, "console.reports.group-owed"},
	{ledger.GroupDebt, "console.reports.group-debt"},
	{ledger.GroupDue, "console.reports.group-due"},
}

// bookFiles are the formats of the books that a member can download, with the ends of
// their names.
var bookFiles = map[string]struct {
	format report.Format
	end    string
}{
	"hledger": {report.HLedger, ".journal"}, "beancount": {report.Beancount, ".beancount"}, "csv": {report.CSV, ".csv"},
}

// showLedger shows the balances of the books at the end of each day of a month.
func (s *Server) showLedger(c *call) error {
	v, form, err := s.readMonth(c, "reports/ledger")
	if err != nil {
		return err
	}
	if name := c.form.Get("file"); name != "" && !form.Failed() {
		file, found := bookFiles[name]
		if !found {
			return errNotThere
		}
		return s.sendBooks(c, v.Period, file.format, v.month+"-utc"+file.end)
	}
	w, p := c.words, monthPage(c, v, "console.reports.ledger", form)
	p.Blocks = []block{
		{Heading: v.title(w), Wide: true, Table: v.ledger(c), Note: w.T("console.reports.ledger-note")},
		{Heading: w.T("console.reports.books"), Text: w.T("console.reports.books-text"), Links: []link{
			{Label: "hledger", Address: c.link("reports/ledger", "month", v.month, "file", "hledger")},
			{Label: "Beancount", Address: c.link("reports/ledger", "month", v.month, "file", "beancount")},
			{Label: "CSV", Address: c.link("reports/ledger", "month", v.month, "file", "csv")},
		}},
	}
	return s.render(c, p)
}

func (s *Server) sendBooks(c *call, p report.Period, format report.Format, name string) error {
	books := report.Books{Callers: []party.Caller{c.caller}, Period: p, Format: format}
	kind := "text/plain; charset=utf-8"
	if format == report.CSV {
		kind = "text/csv; charset=utf-8"
	}
	return s.send(c, "books-"+name, kind, func(to io.Writer) error { return books.Write(c.r.Context(), s.Store, to) })
}

// ledger is the table of balances. Groups that the caller has never used are left
// out.
func (v monthView) ledger(c *call) *table {
	_, first := v.byTitle(c.words)
	t := &table{Empty: c.words.T("console.reports.none"), Columns: []column{{Label: first}}}
	var shown []ledger.Group
	for _, one := range ledgerColumns {
		used := v.before.Changes[one.group] != 0
		for _, d := range v.days {
			used = used || d.Changes[one.group] != 0
		}
		if used {
			shown = append(shown, one.group)
			t.Columns = append(t.Columns, column{Label: c.words.T(one.word), Shape: number})
		}
	}
	balance := make(map[ledger.Group]int64)
	for _, g := range shown {
		balance[g] = v.before.Changes[g]
	}
	for _, d := range v.days {
		cells := []cell{v.dayCell(c, d.Day)}
		for _, g := range shown {
			balance[g] += d.Changes[g]
			cells = append(cells, text(c.dollars(balance[g])))
		}
		t.Rows = append(t.Rows, tableRow{Cells: cells})
	}
	return v.pager(c, t)
}
