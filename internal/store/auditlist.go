package store

import (
	"fmt"
	"slices"
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
	Before int64 // only entries with an earlier position; 0 begins with the newest
	Limit  int
}

// clockSkew is more than the clocks of two servers on one store may differ. The
// times of entries are in the order of their positions, except for that.
const clockSkew = 10 * time.Minute

// unchainedMost bounds the new entries that a page shows before the chain. They wait
// for milliseconds while a server runs.
const unchainedMost = 1000

// AuditEntries reads entries, the newest first. Entries that have no place in the
// chain yet come before all others, on the first page.
func (tx *ReadTx) AuditEntries(q AuditQuery) ([]party.AuditEntry, error) {
	var waiting []party.AuditEntry
	if q.Before == 0 {
		var err error
		if waiting, err = tx.Unchained(unchainedMost); err != nil {
			return nil, err
		}
		slices.Reverse(waiting)
		waiting = slices.DeleteFunc(waiting, func(e party.AuditEntry) bool { return !q.selects(&e) })
		if len(waiting) >= q.Limit {
			return waiting[:q.Limit], nil
		}
	}
	where, args, err := tx.auditConditions(q)
	if err != nil {
		return nil, err
	}
	chained, err := list(tx, "reading the audit log", scanAuditEntry,
		auditQuery(where), append(args, q.Limit-len(waiting))...)
	return append(waiting, chained...), err
}

func auditQuery(where []string) string {
	return fmt.Sprintf(`SELECT %s FROM audit_log WHERE %s ORDER BY position DESC LIMIT $%d`,
		auditColumns, strings.Join(where, " AND "), len(where)+1)
}

// auditConditions are the conditions of a query and their arguments.
func (tx *ReadTx) auditConditions(q AuditQuery) (where []string, args []any, err error) {
	add := func(condition string, arg any) {
		args = append(args, arg)
		where = append(where, fmt.Sprintf(condition, len(args)))
	}
	from, to := int64(0), q.Before
	if !q.Since.IsZero() {
		if from, err = tx.auditPlace(q.Since.Add(-clockSkew)); err != nil {
			return nil, nil, err
		}
	}
	if !q.Until.IsZero() {
		end, err := tx.auditPlace(q.Until.Add(clockSkew))
		if err != nil {
			return nil, nil, err
		}
		if to == 0 || end < to {
			to = end
		}
	}
	add("position >= $%d", max(from, 1))
	if to > 0 {
		add("position < $%d", to)
	}
	for _, one := range []struct{ column, value string }{
		{"object", q.Object},
		{"actor_id", q.Actor},
		{"caller_id", string(q.Caller)},
		{"action", string(q.Action)},
	} {
		if one.value != "" {
			add(one.column+" = $%d", one.value)
		}
	}
	if !q.Since.IsZero() {
		add("at >= $%d", micros(q.Since))
	}
	if !q.Until.IsZero() {
		add("at < $%d", micros(q.Until))
	}
	return where, args, nil
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
