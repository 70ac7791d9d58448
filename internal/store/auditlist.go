package store

import (
	"context"
	"errors"
	"iter"
	"math"
	"strconv"
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
	if err == nil && last != nil {
		next, err = tx.auditCursor(last)
	}
	return page, next, err
}

// auditCursor is the After of the page behind an entry. For an entry that waits, it has
// the end of the chain, too: the entry may get its place before the next page is read,
// and is then behind that end.
func (tx *ReadTx) auditCursor(e *party.AuditEntry) (string, error) {
	if e.Position > 0 {
		return strconv.FormatInt(e.Position, 10), nil
	}
	head, err := tx.AuditHead()
	return e.ID + "-" + strconv.FormatInt(head.Last, 10), err
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
	waiting bool        // entries that wait are read, too
	before  string      // the id that is greater than those of the next waiting entries
	from    int64       // the first position of the query's times
	to      int64       // the position behind the last one
	by      *auditIndex // the index that is read; nil reads the chain itself
}

func (tx *ReadTx) auditReading(q AuditQuery) (r *auditReading, err error) {
	r = &auditReading{tx: tx, waiting: true, before: afterAllIDs, from: 1, to: math.MaxInt64}
	if q.After != "" {
		if err := r.begin(q.After); err != nil {
			return nil, err
		}
	}
	if !q.Until.IsZero() {
		r.before = min(r.before, idsFrom(q.Until))
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

// afterAllIDs is greater than the id of any entry. Ids begin with hexadecimal digits.
const afterAllIDs = "z"

// begin makes a cursor of [ReadTx.auditCursor] the place where the reading begins.
func (r *auditReading) begin(cursor string) error {
	id, number, waited := strings.Cut(cursor, "-")
	if !waited {
		id, number = "", cursor
	}
	position, err := strconv.ParseInt(number, 10, 64)
	if err != nil || position < 0 || strings.Trim(id, idCharacters) != "" {
		return ErrNoEntry
	}
	if !waited {
		if position == 0 {
			return ErrNoEntry
		}
		r.waiting, r.to = false, position
		return nil
	}
	waiting, err := r.tx.upTo(`SELECT 1 FROM audit_waiting WHERE entry_id = $1`, 1, id)
	if err != nil || waiting > 0 {
		r.before = id
		return err
	}
	places, err := list(r.tx, "reading the audit log", scanNumber64, auditBehind, position, waitedMost, id)
	if err == nil && len(places) == 0 {
		err = ErrNoEntry
	}
	if err != nil {
		return err
	}
	r.waiting, r.to = false, places[0]
	return nil
}

// idCharacters are the characters of ids of entries.
const idCharacters = "0123456789abcdefABCDEFGHIJKLMNOPQRSTUVWXYZ"

// waitedMost bounds how many entries the chain may get between two pages before a cursor
// that waited at first.
const waitedMost = 100_000

// auditBehind finds the position of an entry behind another position.
const auditBehind = `
	SELECT position FROM (SELECT position, entry_id FROM audit_log WHERE position > $1 ORDER BY position LIMIT $2) AS added
	WHERE entry_id = $3`

// auditWaiting reads entries without a place, those with lesser ids, the newest first.
var auditWaiting = `
	SELECT ` + waitingColumns + ` FROM audit_waiting WHERE entry_id < $1 ORDER BY entry_id DESC LIMIT $2`

// An auditIndex has the entries with a value in a column, in the order of the chain. It
// may have only those that meet a condition.
type auditIndex struct{ column, condition, value string }

// auditChained reads entries of the chain, the newest first. of is the index that is
// read, or nil.
func auditChained(what string, of *auditIndex) string {
	where := ""
	if of != nil {
		where = " AND " + of.column + " = $4" + of.condition
	}
	return `SELECT ` + what + ` FROM audit_log WHERE position < $1 AND position >= $2` + where + `
		ORDER BY position DESC LIMIT $3`
}

// chained are the arguments of auditChained.
func (r *auditReading) chained(of *auditIndex, to int64, n int) []any {
	args := []any{to, r.from, n}
	if of != nil {
		args = append(args, of.value)
	}
	return args
}

// read reads the next n entries.
func (r *auditReading) read(after *party.AuditEntry, n int) (all []party.AuditEntry, err error) {
	before, to, waiting := r.before, r.to, r.waiting
	switch {
	case after == nil:
	case after.Position > 0:
		to, waiting = min(to, after.Position), false
	default:
		before = after.ID
	}
	if waiting {
		all, err = list(r.tx, "reading new audit entries", scanWaitingEntry, auditWaiting, before, n)
		if err != nil || len(all) == n {
			return all, err
		}
	}
	chained, err := list(r.tx, "reading the audit log", scanChainEntry, auditChained(chainColumns, r.by),
		r.chained(r.by, to, n-len(all))...)
	return append(all, chained...), err
}

// chooseIndex chooses the index that has the fewest of the next entries.
func (r *auditReading) chooseIndex(q AuditQuery) error {
	indexes, err := r.indexes(q)
	if err != nil || len(indexes) == 0 {
		return err
	}
	furthest := int64(math.MaxInt64)
	for _, one := range indexes {
		if len(indexes) == 1 {
			r.by = one
			break
		}
		places, err := list(r.tx, "reading the audit log", scanNumber64, auditChained("position", one),
			r.chained(one, r.to, boundedRead)...)
		if err != nil {
			return err
		}
		if len(places) < boundedRead { // one query reads them all
			r.by = one
			break
		}
		if reached := places[boundedRead-1]; reached < furthest {
			furthest, r.by = reached, one
		}
	}
	return nil
}

// Entries of keys are many, so they are in no index by actor. Each payment by the JSON
// API has entries with the frequent actions, so they are in no index by action. The
// conditions are those of the indexes.
const (
	notByKey = ` AND actor_kind <> 'key'`
	notOften = ` AND action NOT IN ('checkout.create', 'hold.create', 'hold.settle', 'payment.create')`
)

// indexes are those that have all entries of a query.
func (r *auditReading) indexes(q AuditQuery) (all []*auditIndex, err error) {
	add := func(column, condition, value string) {
		all = append(all, &auditIndex{column, condition, value})
	}
	if q.Object != "" {
		add("object", "", q.Object)
	}
	if q.Actor != "" {
		keys, err := list(r.tx, "reading whether an actor is a key", scanCallerID, callersOfKey, q.Actor)
		if err != nil {
			return nil, err
		}
		others := 0
		if len(keys) > 0 {
			if others, err = r.tx.upTo(`SELECT 1 FROM audit_log WHERE actor_id = $1`+notByKey, 1, q.Actor); err != nil {
				return nil, err
			}
		}
		switch {
		case len(keys) == 0:
			add("actor_id", notByKey, q.Actor)
		case len(keys) == 1 && others == 0:
			add("caller_id", "", string(keys[0])) // each entry of a key is about its caller
		}
	}
	if q.Caller != "" {
		add("caller_id", "", string(q.Caller))
	}
	if q.Action != "" && !strings.Contains(notOften, "'"+string(q.Action)+"'") {
		add("action", notOften, string(q.Action))
	}
	return all, nil
}

// callersOfKey are the callers of the keys with an id. Keys are never deleted.
const callersOfKey = `
	SELECT caller_id FROM json_keys WHERE key_id = $1 UNION SELECT caller_id FROM access_keys WHERE access_key_id = $1`

func scanCallerID(row scanner) (id party.CallerID, err error) { return id, row.Scan(&id) }

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
