package console

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// receiversShown is how many callers the page of receivers shows.
const receiversShown = 100

// A receiver is a caller with notifications that have not arrived.
type receiver struct {
	party.Caller
	store.NotificationCounts
}

// showReceivers shows which callers do not take their notifications.
func (s *Server) showReceivers(c *call) error {
	var all []receiver
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		callers, err := tx.CallersWithNotifications(receiversShown)
		if err != nil {
			return err
		}
		all = nil
		for _, one := range callers {
			n, err := tx.CountNotifications(one.ID, one.Now(c.real).Add(-givenUpShown))
			if err != nil {
				return err
			}
			all = append(all, receiver{one, n})
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := c.words
	t := &table{
		Caption: w.T("console.notices.receivers"), Empty: w.T("console.notices.none"),
		Columns: []column{
			{Label: w.T("console.callers.name")},
			{Label: w.T("console.notices.receiver")},
			{Label: w.T("console.notices.waiting"), Shape: number},
			{Label: w.T("console.notices.failing"), Shape: number},
			{Label: w.T("console.notices.given-up"), Shape: number},
			{Label: w.T("console.notices.waits")},
			{Label: w.T("console.notices.answer")},
		},
	}
	for _, one := range all {
		row := tableRow{Cells: []cell{
			linked(one.Name, callerLink(one.ID, "notifications")), text(hostOf(one.IPNURL)), text(upTo(w, one.Waiting)),
			text(upTo(w, one.Failing)), text(upTo(w, one.GivenUp)),
			{},
			text(one.LastResult),
		}}
		if !one.Oldest.IsZero() {
			row.Cells[5] = text(span(w, one.Now(c.real).Sub(one.Oldest)))
		}
		if one.GivenUp > 0 {
			row.Tone = wrong
		} else if one.Failing > 0 {
			row.Tone = wait
		}
		t.Rows = append(t.Rows, row)
	}
	return s.render(c, page{
		Heading: w.T("console.notices.receivers"), Lead: w.T("console.notices.receivers-lead"),
		Blocks: []block{{Wide: true, Table: t}},
	})
}
