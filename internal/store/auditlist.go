package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// An AuditQuery selects entries of the audit log. Empty fields select all.
type AuditQuery struct {
	Caller party.CallerID
	Actor  string // the id of a party, a key or a user of the machine
	Object string
	Action party.AuditAction
	Since  time.Time
	Until  time.Time
	After  string // what AuditPage returned as next; empty begins with the newest entry
	Limit  int
}

// ErrNoEntry means that AuditQuery.After names no entry.
var ErrNoEntry = errors.New("there is no such entry in the audit log")

// clockSkew is more than the clocks of two servers on one store may differ. The
// times of entries are in the order of their positions, except for that.
const clockSkew = 10 * time.Minute

// AuditPage reads a page of entries, the newest first. Entries that wait for their
// place in the chain come first, by time, and then the chain from its end. Waiting
// entries get their places in the order of their times. So no entry is repeated or left
// out if that happens between two pages.
//
// next is the After of the next page, or empty if there are no more entries. A page
// reads a bounded number of entries: it may be short, or empty, although more follow.
func (tx *ReadTx) AuditPage(q AuditQuery) (page []party.AuditEntry, next string, err error) {
	r, err := tx.auditReading(q)
	if err != nil {
		return nil, "", err
	}
	page, last, err := bounded(q.Limit, r.read, q.selects)
	if last != nil {
		next = last.ID
	}
	return page, next, err
}

// AuditEntries is the first page of [ReadTx.AuditPage].
func (tx *ReadTx) AuditEntries(q AuditQuery) ([]party.AuditEntry, error) {
	page, _, err := tx.AuditPage(q)
	return page, err
}

// AuditLog reads all entries of a query, the newest first. Each page is read by itself,
// so a slow reader holds no connection to the database. Limit is the size of a page.
func (r Reader) AuditLog(ctx context.Context, q AuditQuery) iter.Seq2[party.AuditEntry, error] {
	return func(yield func(party.AuditEntry, error) bool) {
		for more := true; more; more = q.After != "" {
			var page []party.AuditEntry
			err := r.View(ctx, func(tx *ReadTx) (err error) {
				page, q.After, err = tx.AuditPage(q)
				return err
			})
			if err != nil {
				yield(party.AuditEntry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
			}
		}
	}
}

// An auditReading reads the entries of a query that come after its cursor.
type auditReading struct {
	tx      *ReadTx
	waiting bool             // the cursor is not in the chain yet
	first   party.AuditEntry // the cursor
	from    int64            // the first position of the query's times
	to      int64            // the position behind the last one
	by      []auditEqual     // the filter whose index is read, if there is one
}

// An auditEqual is a column that must have a value.
type auditEqual struct{ column, value string }

func (tx *ReadTx) auditReading(q AuditQuery) (r *auditReading, err error) {
	r = &auditReading{tx: tx, waiting: true, from: 1, to: math.MaxInt64, first: party.AuditEntry{At: lastMoment}}
	if q.After != "" {
		all, err := list(tx, "reading an audit entry", scanAuditEntry, auditByID, q.After)
		if err == nil && len(all) == 0 {
			err = ErrNoEntry
		}
		if err != nil {
			return nil, err
		}
		r.first = all[0]
		if r.waiting = r.first.Position == 0; !r.waiting {
			r.to = r.first.Position
		}
	}
	if !q.Until.IsZero() && r.waiting && q.Until.Before(r.first.At) {
		r.first = party.AuditEntry{At: q.Until}
	}
	if !q.Since.IsZero() {
		if r.from, err = tx.auditPlace(q.Since.Add(-clockSkew)); err != nil {
			return nil, err
		}
	}
	if !q.Until.IsZero() {
		end, err := tx.auditPlace(q.Until.Add(clockSkew))
		if err != nil {
			return nil, err
		}
		r.to = min(r.to, end)
	}
	return r, r.chooseIndex(q)
}

// lastMoment is later than the time of any entry.
var lastMoment = time.UnixMicro(math.MaxInt64).UTC()

// auditByID reads one entry.
var auditByID = `SELECT ` + auditColumns + ` FROM audit_log WHERE entry_id = $1`

// auditWaiting reads entries without a place, those before a time and id, the newest
// first.
var auditWaiting = `
	SELECT ` + auditColumns + ` FROM audit_log WHERE (at, entry_id) < ($1, $2) AND position IS NULL
	ORDER BY at DESC, entry_id DESC LIMIT $3`

// auditChained reads entries of the chain, the newest first. of are the columns that
// must have a value.
func auditChained(what string, of ...auditEqual) string {
	var where strings.Builder
	for i, f := range of {
		fmt.Fprintf(&where, " AND %s = $%d", f.column, i+4)
	}
	return `SELECT ` + what + ` FROM audit_log WHERE position < $1 AND position >= $2` + where.String() + `
		ORDER BY position DESC LIMIT $3`
}

// read reads the next n entries.
func (r *auditReading) read(after *party.AuditEntry, n int) (all []party.AuditEntry, err error) {
	if after == nil {
		after = &r.first
	}
	to := r.to
	if after.Position > 0 {
		to = min(to, after.Position)
	} else if r.waiting {
		all, err = list(r.tx, "reading new audit entries", scanAuditEntry, auditWaiting, micros(after.At), after.ID, n)
		if err != nil || len(all) == n {
			return all, err
		}
	}
	args := []any{to, r.from, n - len(all)}
	for _, f := range r.by {
		args = append(args, f.value)
	}
	chained, err := list(r.tx, "reading the audit log", scanAuditEntry, auditChained(auditColumns, r.by...), args...)
	return append(all, chained...), err
}

// chooseIndex chooses the filter that selects the fewest of the next entries. Each
// filter has an index.
func (r *auditReading) chooseIndex(q AuditQuery) error {
	var given []auditEqual
	for _, f := range []auditEqual{
		{"object", q.Object},
		{"actor_id", q.Actor},
		{"caller_id", string(q.Caller)},
		{"action", string(q.Action)},
	} {
		if f.value != "" {
			given = append(given, f)
		}
	}
	if len(given) < 2 {
		r.by = given
		return nil
	}
	furthest := int64(math.MaxInt64)
	for _, f := range given {
		places, err := list(r.tx, "reading the audit log", scanNumber64, auditChained("position", f),
			r.to, r.from, boundedRead, f.value)
		if err != nil {
			return err
		}
		reached := r.from
		if len(places) == boundedRead {
			reached = places[boundedRead-1]
		}
		if reached < furthest {
			furthest, r.by = reached, []auditEqual{f}
		}
	}
	return nil
}

// auditPlace finds the first position whose entry was written at a time or later. It
// is exact except for the differences of clocks.
func (tx *ReadTx) auditPlace(at time.Time) (int64, error) {
	head, err := tx.AuditHead()
	if err != nil {
		return 0, err
	}
	low, high := int64(1), head.Last+1
	for low < high {
		middle := low + (high-low)/2
		var micro int64
		err := tx.sql.QueryRow(`SELECT at FROM audit_log WHERE position = $1`, middle).Scan(&micro)
		if found, err := maybe("reading the audit log", err); err != nil {
			return 0, err
		} else if found && micro >= micros(at) {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low, nil
}

// selects reports whether the query selects an entry.
func (q AuditQuery) selects(e *party.AuditEntry) bool {
	return (q.Caller == "" || e.Caller == q.Caller) && (q.Actor == "" || e.Actor.ID == q.Actor) &&
		(q.Object == "" || e.Object == q.Object) && (q.Action == "" || e.Action == q.Action) &&
		!e.At.Before(q.Since) && (q.Until.IsZero() || e.At.Before(q.Until))
}
