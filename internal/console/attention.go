package console

import (
	"cmp"
	"context"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// attentionRoutes are the pages of what a person must look at: payments and events of card
// networks, and faults of the books.
func (s *Server) attentionRoutes() []route {
	return []route{
		{Method: get, Path: "attention", In: ofServer, Permission: party.MayRead, show: s.showAttention},
		{Method: get, Path: "books", In: ofCaller, Permission: party.MayRead, show: s.showBooks},
		{Method: get, Path: "books", In: ofServer, Permission: party.MayRead, show: s.showBooks},
	}
}

// attentionRows is how many rows of each table the pages show. The commands list more.
const attentionRows = 100

// A needed is an account at a card network with what a person must look at there.
type needed struct {
	account  payment.NetworkAccount
	payments []payment.NetworkPayment
	holds    []payment.PageHold
	events   []store.NetworkEvent
}

func (s *Server) showAttention(c *call) error {
	all, err := s.readNeeded(c.r.Context())
	if err != nil {
		return err
	}
	w := c.words
	payments := &table{Empty: w.T("console.attention.none"), Columns: []column{
		{Label: w.T("console.approvals.object"), Shape: code},
		{Label: w.T("console.reports.account")},
		{Label: w.T("console.reports.at-network"), Shape: code},
		{Label: w.T("console.questions.since")},
		{Label: w.T("console.reports.why")},
	}}
	events := &table{Empty: w.T("console.attention.none"), Columns: []column{
		{Label: w.T("console.attention.event"), Shape: code},
		{Label: w.T("console.reports.account")},
		{Label: w.T("console.reports.at-network"), Shape: code},
		{Label: w.T("console.attention.received")},
		{Label: w.T("console.reports.why")},
	}}
	row := func(t *table, first cell, account, reference string, at time.Time, why string) {
		if len(t.Rows) == attentionRows {
			t.Count = w.T("console.reports.first", "N", w.Count(attentionRows))
			return
		}
		t.Rows = append(t.Rows, tableRow{Tone: wrong, Cells: []cell{
			first, text(account), text(reference), moment(at), text(why),
		}})
	}
	for _, n := range all {
		for _, p := range n.payments {
			row(payments, linked(string(p.Transaction), caseAddress(p.Caller, string(p.Transaction))), n.account.Name,
				p.Reference, p.Updated, p.Attention)
		}
		for _, h := range n.holds {
			row(payments, cell{Text: string(h.ID), Detail: string(h.Caller)}, n.account.Name, h.Reference, h.Created, h.Finding)
		}
		for _, e := range n.events {
			row(events, text(e.Type), n.account.Name, cmp.Or(e.Parent, e.Object), e.Received, e.Problem)
		}
	}
	return s.render(c, page{
		Heading: w.T("console.overview.attention"), Lead: w.T("console.attention.lead"),
		Up: link{Label: w.T("console.overview.heading"), Address: c.link("")},
		Blocks: []block{
			{
				Heading: w.T("console.system.attention"), Wide: true, Table: payments,
				Note: w.T("console.attention.clear", "Command", "holdfast network clear ID"),
			},
			{
				Heading: w.T("console.system.events-given-up"), Wide: true, Table: events,
				Note: w.T("console.attention.retry", "Command", "holdfast network retry ACCOUNT"),
			},
		},
	})
}

// readNeeded reads what a person must look at. It reads one row more of each kind than a
// table shows, so that the table says that it was cut.
func (s *Server) readNeeded(ctx context.Context) (all []needed, err error) {
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		all = nil
		accounts, err := tx.NetworkAccounts()
		if err != nil {
			return err
		}
		for _, a := range accounts {
			n := needed{account: a.NetworkAccount}
			if n.payments, err = tx.NetworkAttention(a.ID, attentionRows+1); err != nil {
				return err
			}
			if n.holds, err = tx.PageHoldAttention(a.ID, attentionRows+1); err != nil {
				return err
			}
			if n.events, err = tx.NetworkEvents(a.ID, store.NetworkEventGivenUp, attentionRows+1); err != nil {
				return err
			}
			all = append(all, n)
		}
		return nil
	})
	return all, err
}

// showBooks shows the last audit and the faults of the books that nobody has acknowledged.
func (s *Server) showBooks(c *call) error {
	var audit store.AuditState
	var faults []store.Violation
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if audit, _, err = tx.AuditState(); err != nil {
			return err
		}
		faults, err = tx.OpenViolations(c.caller.ID, attentionRows+1)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	t := &table{Empty: w.T("console.overview.books-right"), Columns: []column{
		{Label: w.T("console.attention.found")},
		{Label: w.T("console.attention.row"), Shape: code},
		{Label: w.T("console.attention.fault")},
	}}
	if c.route.In == ofServer {
		t.Columns = append(t.Columns, column{Label: w.T("console.find.caller")})
	}
	for _, v := range faults[:min(len(faults), attentionRows)] {
		row := tableRow{Tone: wrong, Cells: []cell{
			moment(v.Found), {Text: v.Row, Detail: v.Table}, {Text: v.Problem, Detail: string(v.ID)},
		}}
		if c.route.In == ofServer {
			row.Cells = append(row.Cells, linked(string(v.Caller), callerLink(v.Caller, "books")))
		}
		t.Rows = append(t.Rows, row)
	}
	if len(faults) > attentionRows {
		t.Count = w.T("console.reports.first", "N", w.Count(attentionRows))
	}
	last := fact{w.T("console.system.last-audit"), momentOr(audit.Finished, w.T("console.overview.never"))}
	b := block{Heading: w.T("console.system.violations"), Wide: true, Table: t}
	if len(faults) > 0 {
		b.Note = w.T("console.attention.acknowledge", "Command", "holdfast books acknowledge ID --reason TEXT")
	}
	return s.render(c, page{
		Heading: w.T("console.system.books"), Lead: w.T("console.attention.books-lead"),
		Up:     link{Label: w.T("console.overview.heading"), Address: c.link("")},
		Blocks: []block{{Facts: []fact{last}}, b},
	})
}
