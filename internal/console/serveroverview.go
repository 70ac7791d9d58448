package console

import (
	"cmp"
	"slices"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// serverRoutes are the first page of the server.
func (s *Server) serverRoutes() []route {
	return []route{
		{Method: get, In: ofServer, Permission: party.MayRead, Nav: "console.overview.nav", show: s.showServer},
	}
}

// A serverView is what the first page of the server shows.
type serverView struct {
	holds   []store.HoldsOfCaller
	names   map[party.CallerID]party.Caller
	backlog store.Backlog
	books   store.BooksState
}

// showServer shows what is at risk and what waits, of all callers.
func (s *Server) showServer(c *call) error {
	v := serverView{names: map[party.CallerID]party.Caller{}}
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if v.holds, err = tx.HoldsByCaller(c.real); err != nil {
			return err
		}
		for _, h := range v.holds {
			if v.names[h.Caller], _, err = tx.Caller(h.Caller); err != nil {
				return err
			}
		}
		if v.backlog, err = tx.Backlog(c.real); err != nil {
			return err
		}
		v.books, err = tx.Books()
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	search := findForm(c, c.link("find"), "")
	p := page{Heading: w.T("console.overview.heading"), Filter: &search}
	if v.books.Stopped > 0 {
		p.Alert = w.N("console.overview.callers-stopped", v.books.Stopped)
	}
	p.Blocks = []block{
		{Heading: w.T("console.overview.waiting"), Figures: v.figures(c)},
		{ID: byCaller, Heading: w.T("console.overview.by-caller"), Table: v.table(w)},
	}
	return s.render(c, p)
}

// byCaller is the id of the block with the callers.
const byCaller = "by-caller"

// figures are what needs attention, of all callers. Money of sandboxes is left out.
func (v serverView) figures(c *call) []figure {
	w, b := c.words, v.backlog
	risk := money.Micros(0)
	for _, h := range v.holds {
		if !h.Sandbox {
			risk = risk.Add(h.AtRisk)
		}
	}
	near := figure{
		Label: w.T("console.overview.at-risk-live"), Value: w.Dollars(risk), Address: c.link("") + "#" + byCaller,
	}
	if risk.Positive() {
		near.Tone = wait
	}
	count := func(label string, n int, t tone, list string) figure {
		return figure{Label: label, Value: w.Count(int64(n)), Tone: ifAny(n, t), Address: c.reach(list)}
	}
	notices := count(w.T("console.overview.notices"), b.Line.Rows+b.Queues.Rows, quiet, "receivers")
	notices.Tone = ifAny(b.Queues.Rows, wait)
	return []figure{
		near,
		count(w.T("console.overview.in-doubt"), b.Asking.Rows, wait, "questions"),
		notices,
		count(w.T("console.overview.webhooks"), b.Webhooks.Rows, busy, "receivers"),
		count(w.T("console.overview.attention"), b.Attention+b.EventsGivenUp, wrong, "attention"),
		auditFigure(c, v.books.Audit, v.books.Open),
	}
}

// table lists the callers with open holds, those with the most at risk first.
func (v serverView) table(w webui.Words) *table {
	t := &table{Empty: w.T("console.risk.none"), Columns: []column{
		{Label: w.T("console.callers.name")},
		{Label: w.T("console.callers.mode")},
		{Label: w.T("console.overview.at-risk"), Shape: number},
		{Label: w.T("console.overview.open"), Shape: number},
	}}
	slices.SortStableFunc(v.holds, func(a, b store.HoldsOfCaller) int {
		return cmp.Or(flagLast(a.Sandbox, b.Sandbox), b.AtRisk.Cmp(a.AtRisk))
	})
	for _, h := range v.holds {
		row := tableRow{Cells: []cell{
			linked(cmp.Or(v.names[h.Caller].Name, string(h.Caller)), callerLink(h.Caller, "risk")),
			state(liveChip(w, h.Sandbox)), text(w.Dollars(h.AtRisk)), text(w.Count(int64(h.Open))),
		}}
		if h.AtRisk.Positive() && !h.Sandbox {
			row.Tone = wait
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// flagLast sorts false before true.
func flagLast(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}
