package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/report"
	"github.com/holdfast-pay/holdfast/internal/spreadsheet"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type auditVerb struct {
	List   auditList   `cmd:"" help:"List the entries of the audit log, the newest first."`
	Verify auditVerify `cmd:"" help:"Check that no entry was changed, removed or added."`
}

type auditList struct {
	storeFlags
	Since  dateFlag          `help:"Begin with this day, such as 2026-11-23, or this time, such as 2026-11-23T10:00:00Z." placeholder:"DATE"`
	Until  dateFlag          `help:"End with this day, or this time." placeholder:"DATE"`
	Actor  string            `help:"List the actions of this actor: the id or e-mail address of a party, the id of a key, or a user of the machine." placeholder:"ACTOR"`
	Object string            `help:"List the actions on this object, by its id." placeholder:"ID"`
	Caller party.CallerID    `help:"List the actions for this caller." placeholder:"ID"`
	Action party.AuditAction `help:"List only this action, such as caller.change." placeholder:"ACTION"`
	Max    int               `help:"List at most this many; 0 lists all." default:"100" placeholder:"ROWS"`
	JSON   bool              `name:"json" help:"Print one line of JSON for each." xor:"form"`
	CSV    bool              `name:"csv" help:"Print a CSV file, with times in UTC." xor:"form"`
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v auditList) Validate() error {
	if v.Max < 0 {
		return errors.New("--max: give a number of rows, or 0 for all")
	}
	return nil
}

// An auditRow is an entry as --json prints it. Position and hash are left out until
// the entry is in the chain.
type auditRow struct {
	Position int64             `json:"position,omitzero"`
	At       time.Time         `json:"at"`
	Kind     party.ActorKind   `json:"actorKind"`
	Actor    string            `json:"actor"`
	Name     string            `json:"actorName,omitempty"`
	From     string            `json:"from,omitempty"`
	Action   party.AuditAction `json:"action"`
	Caller   party.CallerID    `json:"callerId,omitempty"`
	Object   string            `json:"object,omitempty"`
	Before   party.Facts       `json:"before"`
	After    party.Facts       `json:"after"`
	Hash     string            `json:"hash,omitempty"`
}

func describeEntry(e party.AuditEntry) auditRow {
	row := auditRow{
		Position: e.Position, At: e.At.UTC(), Kind: e.Actor.Kind, Actor: e.Actor.ID, Name: e.Actor.Name, From: e.Actor.From,
		Action: e.Action, Caller: e.Caller, Object: e.Object, Before: e.Before, After: e.After,
	}
	if e.Position > 0 {
		row.Hash = e.Hash.String()
	}
	return row
}

// cells is a row of a table for people.
func (r auditRow) cells() []string {
	actor := string(r.Kind) + " " + or(r.Name, r.Actor)
	if r.From != "" {
		actor += " from " + r.From
	}
	return []string{moment(r.At), actor, string(r.Action), or(r.Object, string(r.Caller)), r.changes()}
}

// changes are the facts that an action has changed.
func (r auditRow) changes() string {
	names := maps.Clone(r.Before)
	if names == nil {
		names = party.Facts{}
	}
	maps.Copy(names, r.After)
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		before, had := r.Before[name]
		after := r.After[name]
		switch {
		case had && after != "":
			parts = append(parts, fmt.Sprintf("%s: %s → %s", name, or(before, "none"), after))
		case had:
			parts = append(parts, fmt.Sprintf("%s: %s → none", name, or(before, "none")))
		case after != "" && after != "false" && after != "0s": // of a new object, only facts that are set
			parts = append(parts, fmt.Sprintf("%s: %s", name, after))
		}
	}
	return strings.Join(parts, ", ")
}

// auditPage is how many entries are read at a time.
const auditPage = 500

func (v auditList) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	q := store.AuditQuery{
		Caller: v.Caller, Actor: v.Actor, Object: v.Object, Action: v.Action, Since: v.Since.at, Until: v.Until.end(),
		Limit: auditPage,
	}
	if err := db.View(ctx, func(tx *store.ReadTx) error { return meantActor(tx, &q) }); err != nil {
		return err
	}
	print, flush := v.printer(w)
	printed, more := 0, false
	for e, problem := range db.AuditLog(ctx, q) {
		if err = problem; err != nil {
			break
		}
		if more = v.Max > 0 && printed == v.Max; more {
			break
		}
		if err = print(e); err != nil {
			break
		}
		printed++
	}
	return sayMore(w, v.Max, more, errors.Join(err, flush()))
}

// meantActor replaces an e-mail address with the id of its party.
func meantActor(tx *store.ReadTx, q *store.AuditQuery) error {
	if !strings.Contains(q.Actor, "@") {
		return nil
	}
	p, found, err := tx.PartyByEmail(q.Actor)
	if err == nil && !found {
		err = fmt.Errorf("there is no party with the e-mail address %s", oneLine(q.Actor))
	}
	q.Actor = string(p.ID)
	return err
}

// printer prints entries in the form that was asked for.
func (v auditList) printer(w world) (print func(party.AuditEntry) error, flush func() error) {
	switch {
	case v.JSON:
		return func(e party.AuditEntry) error { return printJSON(w.Out, describeEntry(e)) }, func() error { return nil }
	case v.CSV:
		file := spreadsheet.NewWriter(w.Out)
		heading := file.Row(report.AuditHeadings...)
		return func(e party.AuditEntry) error { return file.Row(report.AuditCells(e)...) }, func() error {
			return errors.Join(heading, file.Flush())
		}
	}
	table := newColumns(w.Out, "TIME", "ACTOR", "ACTION", "OBJECT", "CHANGES")
	return func(e party.AuditEntry) error {
		table.row(describeEntry(e).cells()...)
		return nil
	}, table.Flush
}

type auditVerify struct {
	storeFlags
	Against party.AuditHash `help:"Check that an entry has this hash, which was kept elsewhere." placeholder:"HASH"`
	JSON    bool            `name:"json" help:"Print one line of JSON."`
}

func (auditVerify) Help() string {
	return `The hash of each entry covers the entry before. So a changed, removed or added entry shows, unless
somebody computes all hashes after it again. That shows with --against, if you keep the hash that this
command prints in another place. A server also writes it into its log every day.`
}

// A verdictAnswer is the result of a check, as --json prints it.
type verdictAnswer struct {
	Whole   bool   `json:"whole"`
	Entries int64  `json:"entries"`
	Hash    string `json:"hash"`
	Waiting int    `json:"waiting,omitzero"`
	Against int64  `json:"againstPosition,omitzero"`
	At      int64  `json:"faultPosition,omitzero"`
	Fault   string `json:"fault,omitempty"`
}

func (v auditVerify) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var against *party.AuditHash
	if v.Against != (party.AuditHash{}) {
		against = &v.Against
	}
	verdict, err := db.VerifyAudit(ctx, against)
	if err != nil {
		return err
	}
	answer := verdictAnswer{
		Whole: verdict.Fault == "", Entries: verdict.Checked, Hash: verdict.Head.Hash.String(), Waiting: verdict.Waiting,
		Against: verdict.Against, At: verdict.At, Fault: verdict.Fault,
	}
	if v.JSON {
		err = printJSON(w.Out, answer)
	} else {
		err = printFacts(w.Out, answer.facts())
	}
	if err == nil && !answer.Whole {
		err = errSaid
	}
	return err
}

func (a verdictAnswer) facts() []fact {
	facts := []fact{{"audit log", "whole"}, {"entries", strconv.FormatInt(a.Entries, 10)}, {"hash of the end", a.Hash}}
	if !a.Whole {
		facts = []fact{{"audit log", "changed"}, {"fault", a.Fault}}
		if a.At > 0 {
			facts = append(facts, fact{"at entry", strconv.FormatInt(a.At, 10)},
				fact{"as written", strconv.FormatInt(a.Entries, 10) + " before it"})
		}
	}
	if a.Against > 0 {
		facts = append(facts, fact{"the given hash", "is that of entry " + strconv.FormatInt(a.Against, 10)})
	}
	if a.Waiting > 0 {
		facts = append(facts, fact{"waiting", strconv.Itoa(a.Waiting) + ", to which a running server gives a place"})
	}
	return facts
}
