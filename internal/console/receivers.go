package console

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// receiverRows is how many receivers, or callers of a receiver, a page shows.
const receiverRows = 50

// notSent names the notifications that were not sent yet in the parameter receiver. No
// host has this name.
const notSent = "-"

// showReceivers shows which receivers do not take what is sent to them, of all callers.
func (s *Server) showReceivers(c *call) error {
	if c.form.Get("receiver") != "" {
		return s.showReceiver(c)
	}
	var notices []store.ReceiverCount
	var hooks []store.HookCount
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if notices, err = tx.Receivers(c.form.Get("after"), receiverRows+1); err != nil {
			return err
		}
		hooks, err = tx.HooksWithEvents(payment.EndpointID(c.form.Get("hook")), receiverRows+1)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	t := receiverColumns(w, w.T("console.notices.receiver"), false)
	t.Caption, t.Empty = w.T("console.notices.nav"), w.T("console.notices.none")
	for _, r := range notices[:min(len(notices), receiverRows)] {
		name := linked(w.T("console.lists.not-sent"), c.link("receivers", "receiver", notSent))
		if r.Receiver != "" {
			name = linked(r.Receiver, c.link("receivers", "receiver", r.Receiver))
		}
		t.Rows = append(t.Rows, receiverRow(w, name, r))
	}
	if len(notices) > receiverRows {
		t.Older = c.same("after", notices[receiverRows-1].Receiver)
	}
	if c.form.Get("after") != "" {
		t.Newer = c.same("after", "")
	}
	return s.render(c, page{
		Heading: w.T("console.notices.receivers"), Lead: w.T("console.lists.receivers-lead"),
		Blocks: []block{
			{Heading: w.T("console.notices.nav"), Wide: true, Table: t},
			{Heading: w.T("console.hooks.nav"), Wide: true, Table: serverHooks(c, hooks)},
		},
	})
}

// serverHooks shows the webhook endpoints of all callers that have not taken events.
func serverHooks(c *call, hooks []store.HookCount) *table {
	w := c.words
	t := receiverColumns(w, w.T("console.notices.receiver"), true)
	t.Caption, t.Empty = w.T("console.hooks.nav"), w.T("console.lists.no-events")
	for _, h := range hooks[:min(len(hooks), receiverRows)] {
		name := linked(h.Receiver, callerLink(h.Caller, "webhooks/"+string(h.Endpoint.ID)))
		name.Detail = string(h.Caller)
		t.Rows = append(t.Rows, receiverRow(w, name, h.ReceiverCount, waits(w, c.real, h.Oldest)))
	}
	if len(hooks) > receiverRows {
		t.Older = c.same("hook", string(hooks[receiverRows-1].Endpoint.ID))
	}
	if c.form.Get("hook") != "" {
		t.Newer = c.same("hook", "")
	}
	return t
}

// showReceiver shows the callers whose notifications one receiver has not taken.
func (s *Server) showReceiver(c *call) error {
	name := c.form.Get("receiver")
	if name == notSent {
		name = ""
	}
	var found []store.ReceiverCount
	callers := map[party.CallerID]party.Caller{}
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		found, err = tx.CallersOfReceiver(name, party.CallerID(c.form.Get("after")), receiverRows+1)
		for _, r := range found {
			if err != nil {
				return err
			}
			callers[r.Caller], _, err = tx.Caller(r.Caller)
		}
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	t := receiverColumns(w, w.T("console.callers.name"), true)
	t.Caption, t.Empty = w.T("console.notices.nav"), w.T("console.notices.none")
	for _, r := range found[:min(len(found), receiverRows)] {
		of := callers[r.Caller]
		address := callerLink(of.ID, "notifications")
		if name != "" {
			address += "?" + given("list", string(listOf(r)), "receiver", name).Encode()
		}
		t.Rows = append(t.Rows, receiverRow(w, linked(of.Name, address), r, waits(w, of.Now(c.real), r.Oldest)))
	}
	if len(found) > receiverRows {
		t.Older = c.same("after", string(found[receiverRows-1].Caller))
	}
	if c.form.Get("after") != "" {
		t.Newer = c.same("after", "")
	}
	heading := name
	if name == "" {
		heading = w.T("console.lists.not-sent")
	}
	return s.render(c, page{
		Heading: heading, Lead: w.T("console.notices.receivers-lead"),
		Up:     link{Label: w.T("console.notices.receivers"), Address: c.link("receivers")},
		Blocks: []block{{Wide: true, Table: t}},
	})
}

// listOf is the list in which most about a receiver can be seen.
func listOf(r store.ReceiverCount) store.NotificationList {
	if r.Waiting == 0 {
		return store.ListGivenUp
	}
	return store.ListWaiting
}

// receiverColumns is a table of receivers. The first column names them, and the last one
// says how long the oldest message waits, if that is known.
func receiverColumns(w webui.Words, first string, oldest bool) *table {
	t := &table{Columns: []column{
		{Label: first},
		{Label: w.T("console.notices.waiting"), Shape: number},
		{Label: w.T("console.notices.failing"), Shape: number},
		{Label: w.T("console.notices.given-up"), Shape: number},
		{Label: w.T("console.notices.answer")},
	}}
	if oldest {
		t.Columns = append(t.Columns, column{Label: w.T("console.notices.waits")})
	}
	return t
}

func receiverRow(w webui.Words, name cell, r store.ReceiverCount, oldest ...cell) tableRow {
	return tableRow{Tone: toneOf(r), Cells: append([]cell{
		name, few(w, r.Waiting), few(w, r.Failing), few(w, r.GivenUp), text(r.LastResult),
	}, oldest...)}
}

// waits is how long a message has waited.
func waits(w webui.Words, now, since time.Time) cell {
	if since.IsZero() {
		return cell{}
	}
	return text(span(w, now.Sub(since)))
}

// few is a number of which at most 100 were counted.
func few(w webui.Words, n int) cell { return text(upTo(w, n, store.ReceiverCountMost)) }
