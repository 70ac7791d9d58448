package console

import (
	"cmp"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// auditRoutes are the audit log of a caller and that of the whole server.
func (s *Server) auditRoutes() []route {
	var all []route
	for _, in := range []scope{ofCaller, ofServer} {
		all = append(all,
			route{
				Method: get, Path: "audit", In: in, Permission: party.MayReadAuditLog, Nav: "console.audit.nav",
				show: s.showAuditLog,
			},
			// It is no GET, because it writes an entry into the audit log.
			route{Method: post, Path: "audit/csv", In: in, Permission: party.MayReadAuditLog, show: s.sendAuditLog},
		)
	}
	return all
}

const auditRows = 50

// auditDayHint shows how a day is written, in every language.
const auditDayHint = "2026-11-30"

// An auditFilter selects entries of the audit log.
type auditFilter struct {
	store.AuditQuery
	nobody bool // no party has the e-mail address that was given for the actor
}

func auditForm(w webui.Words, action string) webui.Form {
	text := func(name, label string) webui.Field {
		return webui.Field{Name: name, Label: label, Autocomplete: "off", MayBeEmpty: true}
	}
	since, until := text("since", w.T("console.audit.since")), text("until", w.T("console.audit.until"))
	since.Hint, until.Hint = auditDayHint, auditDayHint
	return webui.Form{
		Action: action, Get: true, Submit: w.T("console.show"),
		Fields: []webui.Field{
			text("actor", w.T("console.audit.actor")), text("object", w.T("console.audit.object")),
			text("action", w.T("console.audit.action")), since, until,
		},
	}
}

// readAuditFilter reads the filter and its form. Days are those of UTC.
func readAuditFilter(c *call) (f auditFilter, form webui.Form) {
	form = auditForm(c.words, c.link("audit"))
	form.Fill(c.form)
	typed := func(name string) string { return strings.TrimSpace(c.form.Get(name)) }
	f.AuditQuery = store.AuditQuery{
		Caller: c.caller.ID, Actor: typed("actor"), Object: typed("object"), Action: party.AuditAction(typed("action")),
		After: c.form.Get("after"), Limit: auditRows,
	}
	for name, day := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if typed(name) == "" {
			continue
		}
		var err error
		if *day, err = time.Parse(time.DateOnly, typed(name)); err != nil {
			form.SetError(name, c.words.T("console.audit.not-a-day"))
		}
	}
	if !f.Until.IsZero() {
		f.Until = f.Until.AddDate(0, 0, 1)
	}
	return f, form
}

func (s *Server) showAuditLog(c *call) error {
	f, form := readAuditFilter(c)
	w := c.words
	p := page{Heading: w.T("console.audit.heading"), Lead: w.T("console.audit.lead"), Filter: &form}
	if form.Failed() {
		p.Status = http.StatusUnprocessableEntity
		return s.render(c, p)
	}
	var entries []party.AuditEntry
	var next string
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if err := f.findActor(tx); err != nil || f.nobody {
			return err
		}
		entries, next, err = tx.AuditPage(f.AuditQuery)
		return err
	})
	if errors.Is(err, store.ErrNoEntry) {
		return errNotThere
	}
	if err != nil {
		return err
	}
	p.Blocks = []block{
		{Wide: true, Table: auditTable(c, f, entries, next)},
		{Text: w.T("console.audit.csv-text"), Form: &webui.Form{
			Action: c.link("audit/csv"), Submit: w.T("console.csv"), Hidden: f.chosen(c),
		}},
	}
	return s.render(c, p)
}

// auditFields are the fields of the form that selects entries.
var auditFields = []string{"actor", "object", "action", "since", "until"}

// chosen are the fields of the filter that have a value.
func (f auditFilter) chosen(c *call) holdfast.Params {
	var pairs []string
	for _, name := range auditFields {
		pairs = append(pairs, name, c.form.Get(name))
	}
	return given(pairs...)
}

// sendAuditLog sends all entries of a filter as a CSV file.
func (s *Server) sendAuditLog(c *call) error {
	f, form := readAuditFilter(c)
	if form.Failed() {
		return webui.NewBadForm("the filter has no such day")
	}
	f.After = ""
	if err := s.Store.View(c.r.Context(), f.findActor); err != nil {
		return err
	}
	if f.nobody {
		return errNotThere
	}
	if err := s.Processor.NoteAuditExport(c.r.Context(), f.AuditQuery); err != nil {
		return err
	}
	return s.send(c, "audit-log.csv", "text/csv; charset=utf-8", func(to io.Writer) error {
		return report.WriteAuditLog(c.r.Context(), s.Store, f.AuditQuery, to)
	})
}

// findActor replaces an e-mail address with the id of its party.
func (f *auditFilter) findActor(tx *store.ReadTx) error {
	if !strings.Contains(f.Actor, "@") {
		return nil
	}
	p, found, err := tx.PartyByEmail(f.Actor)
	f.Actor, f.nobody = string(p.ID), !found
	return err
}

func auditTable(c *call, f auditFilter, entries []party.AuditEntry, next string) *table {
	w := c.words
	t := &table{
		Caption: w.T("console.audit.heading"), Empty: w.T("console.audit.none"),
		Columns: []column{
			{Label: w.T("console.audit.time")},
			{Label: w.T("console.audit.actor")},
			{Label: w.T("console.audit.action"), Shape: code},
			{Label: w.T("console.audit.object"), Shape: code},
			{Label: w.T("console.audit.changes")},
		},
	}
	if f.After != "" {
		t.Newer = c.same("after", "")
	}
	if next != "" {
		t.Older = c.same("after", next)
		t.Empty = w.T("console.audit.none-so-far")
		if n := len(entries); n > 0 && n < f.Limit {
			t.Count = w.T("console.audit.so-far")
		}
	}
	for _, e := range entries {
		t.Rows = append(t.Rows, auditRow(c, e))
	}
	return t
}

func auditRow(c *call, e party.AuditEntry) tableRow {
	w := c.words
	at := moment(e.At)
	if e.Position > 0 {
		at.Detail = w.T("console.audit.entry", "Position", w.Count(e.Position))
	}
	actor := cell{Text: cmp.Or(e.Actor.Name, e.Actor.ID), Detail: actorKind(w, e.Actor.Kind)}
	if e.Actor.From != "" {
		actor.Detail += ", " + e.Actor.From
	}
	object := text(e.Object)
	if e.Object == "" {
		object.Text = string(e.Caller)
	}
	changes := cell{}
	if lines := changedFacts(w, e); len(lines) > 0 {
		changes.Text, changes.Detail = lines[0], strings.Join(lines[1:], " · ")
	}
	return tableRow{Cells: []cell{at, actor, text(string(e.Action)), object, changes}}
}

// changedFacts are the facts that an action has changed, one line each.
func changedFacts(w webui.Words, e party.AuditEntry) (lines []string) {
	none := w.T("console.audit.nothing")
	names := maps.Clone(e.Before)
	maps.Copy(names, e.After)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, had := e.Before[name]
		switch after := e.After[name]; {
		case had:
			lines = append(lines, name+": "+cmp.Or(before, none)+" → "+cmp.Or(after, none))
		case after != "" && after != "false" && after != "0s": // of a new object, only what is special
			lines = append(lines, name+": "+after)
		}
	}
	return lines
}

func actorKind(w webui.Words, k party.ActorKind) string {
	switch k {
	case party.ActorMember:
		return w.T("console.audit.kind.member")
	case party.ActorKey:
		return w.T("console.audit.kind.key")
	case party.ActorCommand:
		return w.T("console.audit.kind.command")
	case party.ActorParty:
		return w.T("console.audit.kind.party")
	case party.ActorServer:
		return w.T("console.audit.kind.server")
	}
	return string(k)
}
