package console

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// systemRoutes are the page about the server itself.
func (s *Server) systemRoutes() []route {
	return []route{
		{
			Method: get, Path: "system", In: ofServer, Permission: party.MaySeeSystem, Nav: "console.system.nav",
			show: s.showSystem,
		},
	}
}

// A System is what the program knows of itself, for the system page.
type System struct {
	Version string
	Started time.Time
	Stuck   []string // the background work that hangs
	Live    bool     // real money moves
}

// A systemView is what the system page shows.
type systemView struct {
	System
	backlog  store.Backlog
	books    store.BooksState
	database store.Database
	size     store.Size
	servers  []store.Server
}

func (s *Server) showSystem(c *call) error {
	v := systemView{System: s.System()}
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if v.backlog, err = tx.Backlog(c.real); err != nil {
			return err
		}
		if v.books, err = tx.Books(); err != nil {
			return err
		}
		if v.database, err = tx.Database(); err != nil {
			return err
		}
		if v.size, err = tx.Size(); err != nil {
			return err
		}
		v.servers, err = tx.Servers()
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	p := page{Heading: w.T("console.system.heading"), Lead: w.T("console.as-of", "Time", c.second(c.real))}
	p.Blocks = []block{
		{Heading: w.T("console.system.program"), Facts: v.program(w, c.real)},
		{Heading: w.T("console.system.servers"), Table: v.serversTable(w, c.real)},
		{Heading: w.T("console.system.books"), Facts: v.booksFacts(w, c.real)},
		{Heading: w.T("console.system.waiting"), Table: v.waitingTable(w, c.real)},
	}
	if v.database.Known {
		p.Blocks = append(p.Blocks, v.databaseBlock(w))
	}
	return s.render(c, p)
}

// program says what runs, and on what.
func (v systemView) program(w webui.Words, now time.Time) []fact {
	jobs := fact{w.T("console.system.jobs"), cell{Chip: chip{w.T("console.system.jobs-run"), good}}}
	if len(v.Stuck) > 0 {
		jobs.Chip = chip{w.T("console.system.jobs-hang"), wrong}
		jobs.Detail = fmt.Sprint(v.Stuck)
	}
	return []fact{
		{w.T("console.system.version"), text(v.Version)},
		{w.T("console.system.started"), cell{
			Time: v.Started, Detail: w.T("console.ago", "Span", span(w, now.Sub(v.Started))),
		}},
		{w.T("console.system.mode"), state(liveChip(w, !v.Live))},
		{w.T("console.system.store"), text(v.size.Kind)},
		{w.T("console.system.size"), text(bytesText(w, v.size.Bytes))},
		{w.T("console.system.backups"), text(v.backups(w))},
		jobs,
	}
}

// backups says how the store is backed up and restored, which is done by command.
func (v systemView) backups(w webui.Words) string {
	if v.database.Known {
		return w.T("console.system.backups-postgres")
	}
	return w.T("console.system.backups-file")
}

// serversTable lists the servers that run on the store.
func (v systemView) serversTable(w webui.Words, now time.Time) *table {
	t := &table{Columns: []column{
		{Label: w.T("console.system.machine")},
		{Label: w.T("console.system.version")},
		{Label: w.T("console.system.schema"), Shape: number},
		{Label: w.T("console.system.started")},
		{Label: w.T("console.system.seen")},
		{Label: w.T("console.system.state")},
	}}
	for _, one := range v.servers {
		row := tableRow{Cells: []cell{
			text(one.Host), text(one.Version), text(w.Count(one.Schema)),
			{Time: one.Started},
			text(w.T("console.ago", "Span", span(w, max(now.Sub(one.Seen), 0)))),
			state(chip{w.T("console.system.runs"), good}),
		}}
		switch {
		case !one.Live(now):
			row.Tone, row.Cells[5] = wait, state(chip{w.T("console.system.silent"), wait})
		case one.Version != v.Version:
			row.Tone, row.Cells[5] = wait, state(chip{w.T("console.system.other-version"), wait})
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// bytesText formats a size in its largest whole unit.
func bytesText(w webui.Words, n int64) string {
	const kilo = 1 << 10
	for _, unit := range []string{"B", "KiB", "MiB"} {
		if n < 10*kilo {
			return w.Count(n) + " " + unit
		}
		n /= kilo
	}
	return w.Count(n) + " GiB"
}

func (v systemView) booksFacts(w webui.Words, now time.Time) []fact {
	a := v.books.Audit
	last := fact{w.T("console.system.last-audit"), text(w.T("console.overview.never"))}
	if !a.Finished.IsZero() {
		last.cell = cell{Time: a.Finished, Detail: w.T("console.ago", "Span", span(w, now.Sub(a.Finished)))}
	}
	open := fact{w.T("console.system.violations"), state(chip{w.T("console.system.none"), good})}
	if v.books.Open > 0 {
		open.cell = lookBy(w, "holdfast books violations")
		open.Text = w.Count(int64(v.books.Open))
	}
	stopped := fact{w.T("console.system.stopped"), cell{Text: w.Count(int64(v.books.Stopped))}}
	if v.books.Stopped > 0 {
		stopped.Chip = chip{w.T("console.system.look"), wrong}
	}
	return []fact{
		last,
		{w.T("console.system.rows"), text(w.Count(int64(a.LastRows)))},
		open, stopped,
		{w.T("console.system.acknowledged"), text(w.Count(int64(v.books.Acknowledged)))},
	}
}

// waitingTable lists what waits in the store for all servers.
func (v systemView) waitingTable(w webui.Words, now time.Time) *table {
	b := v.backlog
	t := &table{Columns: []column{
		{Label: w.T("console.system.work")},
		{Label: w.T("console.system.count"), Shape: number},
		{Label: w.T("console.system.oldest")},
		{Label: w.T("console.system.state")},
	}}
	for _, one := range []struct {
		label string
		store.Waiting
		late time.Duration // when a person should look
	}{
		{w.T("console.system.overdue"), b.Overdue, time.Minute},
		{w.T("console.system.asking"), b.Asking, 5 * time.Minute},
		{w.T("console.system.line"), b.Line, time.Minute},
		{w.T("console.system.queues"), b.Queues, time.Hour},
		{w.T("console.system.webhooks"), b.Webhooks, time.Hour},
		{w.T("console.system.unplaced"), b.Unplaced, time.Minute},
		{w.T("console.system.events"), b.Events, 10 * time.Minute},
		{w.T("console.system.mails"), mailsWaiting(b, now), time.Hour},
	} {
		row := tableRow{Cells: []cell{text(one.label), text(w.Count(int64(one.Rows))), {}, {}}}
		if one.Rows > 0 {
			row.Cells[2] = text(span(w, one.Oldest))
			row.Cells[3] = state(chip{w.T("console.system.under-way"), busy})
		}
		if one.Rows > 0 && one.Oldest > one.late {
			row.Cells[3], row.Tone = state(chip{w.T("console.system.late"), wait}), wait
		}
		t.Rows = append(t.Rows, row)
	}
	for _, one := range []struct {
		label   string
		n       int
		command string
	}{
		{w.T("console.system.events-given-up"), b.EventsGivenUp, "holdfast network events"},
		{w.T("console.system.attention"), b.Attention, "holdfast network attention"},
		{w.T("console.system.webhooks-given-up"), b.WebhooksGivenUp, "holdfast webhook list"},
		{w.T("console.system.mails-given-up"), b.Mails[store.MailGivenUp].Mails, "holdfast mail list --outcome GivenUp"},
	} {
		if one.n > 0 {
			t.Rows = append(t.Rows, tableRow{Tone: wrong, Cells: []cell{
				text(one.label), text(w.Count(int64(one.n))), {}, lookBy(w, one.command),
			}})
		}
	}
	return t
}

// lookBy says that somebody must look, and the command that shows at what.
func lookBy(w webui.Words, command string) cell {
	return cell{
		Chip:   chip{w.T("console.system.look"), wrong},
		Detail: w.T("console.system.by-command", "Command", command),
	}
}

// mailsWaiting is the mails that are still to be delivered.
func mailsWaiting(b store.Backlog, now time.Time) store.Waiting {
	mails, ok := b.Mails[store.MailWaiting]
	if !ok {
		return store.Waiting{}
	}
	return store.Waiting{Rows: mails.Mails, Oldest: max(now.Sub(mails.Oldest), 0)}
}

// databaseBlock says how PostgreSQL does.
func (v systemView) databaseBlock(w webui.Words) block {
	part := block{Heading: w.T("console.system.database")}
	for _, one := range v.database.Standbys {
		part.Facts = append(part.Facts, factOf(w.T("console.system.standby", "Name", one.Name),
			w.T("console.system.lag", "Seconds", one.FlushLag.Round(time.Millisecond).String())))
	}
	if len(v.database.Standbys) == 0 {
		part.Facts = append(part.Facts, factOf(w.T("console.system.standbys"), w.T("console.system.none-connected")))
	}
	for _, one := range v.database.Slots {
		part.Facts = append(part.Facts, factOf(w.T("console.system.slot", "Name", one.Name), bytesText(w, int64(one.Bytes))))
	}
	part.Facts = append(part.Facts, factOf(w.T("console.system.standby-waits"), w.Count(int64(v.database.StandbyWaits))))
	return part
}
