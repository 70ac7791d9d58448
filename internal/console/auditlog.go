package console

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// auditRoutes are the audit log of a caller and that of the whole server.
func (s *Server) auditRoutes() []route {
	return []route{
		{
			Method: get, Path: "audit", In: ofCaller, Permission: party.MayReadAuditLog, Nav: "console.audit.nav",
			show: s.showAuditLog,
		},
		{
			Method: get, Path: "audit", In: ofServer, Permission: party.MayReadAuditLog, Nav: "console.audit.nav",
			show: s.showAuditLog,
		},
	}
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
func readAuditFilter(c *call) (f auditFilter, form webui.Form, err error) {
	form = auditForm(c.words, c.link("audit"))
	form.Fill(c.form)
	typed := func(name string) string { return strings.TrimSpace(c.form.Get(name)) }
	f.AuditQuery = store.AuditQuery{
		Caller: c.caller.ID, Actor: typed("actor"), Object: typed("object"), Action: party.AuditAction(typed("action")),
		Limit: auditRows + 1,
	}
	for name, day := range map[string]*time.Time{"since": &f.Since, "until": &f.Until} {
		if typed(name) == "" {
			continue
		}
		if *day, err = time.Parse(time.DateOnly, typed(name)); err != nil {
			form.SetError(name, c.words.T("console.audit.not-a-day"))
		}
	}
	if !f.Until.IsZero() {
		f.Until = f.Until.AddDate(0, 0, 1)
	}
	if before := c.form.Get("before"); before != "" {
		if f.Before, err = strconv.ParseInt(before, 10, 64); err != nil || f.Before < 1 {
			return f, form, errNotThere
		}
	}
	return f, form, nil
}

func (s *Server) showAuditLog(c *call) error {
	f, form, err := readAuditFilter(c)
	if err != nil {
		return err
	}
	w := c.words
	p := page{Heading: w.T("console.audit.heading"), Lead: w.T("console.audit.lead"), Filter: &form}
	if form.Failed() {
		p.Status = http.StatusUnprocessableEntity
		return s.render(c, p)
	}
	var entries []party.AuditEntry
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		if err := f.findActor(tx); err != nil || f.nobody {
			return err
		}
		entries, err = tx.AuditEntries(f.AuditQuery)
		return err
	})
	if err != nil {
		return err
	}
	p.Blocks = []block{{Wide: true, Table: auditTable(c, f, entries)}}
	return s.render(c, p)
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

func auditTable(c *call, f auditFilter, entries []party.AuditEntry) *table {
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
	if f.Before > 0 {
		t.Newer = c.same("before", "")
	}
	if len(entries) == f.Limit {
		entries = entries[:f.Limit-1]
		if last := entries[len(entries)-1].Position; last > 0 {
			t.Older = c.same("before", strconv.FormatInt(last, 10))
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
