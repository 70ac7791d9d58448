package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

type actorKey struct{}

// ByActor names the actor of the actions with this context, for the audit log.
func ByActor(ctx context.Context, a party.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf is the actor of the actions with this context: the one that ByActor names,
// or the party whose session [Bound] names, or the server.
func ActorOf(ctx context.Context) party.Actor {
	if a, ok := ctx.Value(actorKey{}).(party.Actor); ok {
		return a
	}
	if s, ok := ctx.Value(boundKey{}).(party.SignedIn); ok && s.ID != "" {
		return party.Actor{Kind: party.ActorParty, ID: string(s.Party)}
	}
	return party.TheServer
}

// An auditRow is an entry as it is stored.
type auditRow struct {
	party.AuditEntry
	before, after string          // the facts as JSON
	digest        party.AuditHash // see [party.AuditEntry.Digest]; not in the chain
}

var entryFields = fields[auditRow]{
	textField("entry_id", func(r *auditRow) *string { return &r.ID }),
	timeField("at", func(r *auditRow) *time.Time { return &r.At }),
	textField("actor_kind", func(r *auditRow) *party.ActorKind { return &r.Actor.Kind }),
	textField("actor_id", func(r *auditRow) *string { return &r.Actor.ID }),
	textField("actor_name", func(r *auditRow) *string { return &r.Actor.Name }),
	textField("source", func(r *auditRow) *string { return &r.Actor.From }),
	textField("action", func(r *auditRow) *party.AuditAction { return &r.Action }),
	textField("caller_id", func(r *auditRow) *party.CallerID { return &r.Caller }),
	textField("object", func(r *auditRow) *string { return &r.Object }),
	textField("before", func(r *auditRow) *string { return &r.before }),
	textField("after", func(r *auditRow) *string { return &r.after }),
}

var (
	// New entries wait in waitingTable for their places in the chain, chainTable.
	waitingTable = table[auditRow]{name: "audit_waiting", fields: slices.Concat(entryFields, fields[auditRow]{
		hashField("digest", func(r *auditRow) *party.AuditHash { return &r.digest }),
	})}
	placeFields = fields[auditRow]{
		numberField("position", func(r *auditRow) *int64 { return &r.Position }),
		hashField("previous", func(r *auditRow) *party.AuditHash { return &r.Previous }),
		hashField("hash", func(r *auditRow) *party.AuditHash { return &r.Hash }),
	}
	chainTable = table[auditRow]{name: "audit_log", fields: slices.Concat(entryFields, placeFields)}

	waitingColumns, chainColumns = waitingTable.list(), chainTable.list()
	scanWaitingRow, scanChainRow = waitingTable.scanner(), chainTable.scanner()

	insertEntry = engine.NewRows(waitingTable.insertion("writing an audit entry", ""))
	chainEntry  = engine.NewRows(engine.Transfer{
		Doing: "chaining audit entries", From: waitingTable.name, To: chainTable.name,
		Copied: entryFields.columns(), More: placeFields.columns(), Key: entryFields[0].Column,
	})
)

// rowOf returns the row of an entry that has no place yet.
func rowOf(e party.AuditEntry) (r auditRow, err error) {
	r.AuditEntry = e
	if r.before, err = e.Before.Text(); err == nil {
		r.after, err = e.After.Text()
	}
	if err == nil {
		r.digest, err = e.Digest(r.before, r.after)
	}
	return r, err
}

// entry is the entry of a row.
func (r auditRow) entry() party.AuditEntry {
	r.Before, r.After = readFacts(r.before), readFacts(r.after)
	return r.AuditEntry
}

// readFacts reads facts. A text that is no JSON becomes a fact of its own, so that a
// person can still look at the row.
func readFacts(text string) party.Facts {
	facts := party.Facts{}
	if err := json.Unmarshal([]byte(text), &facts); err != nil {
		return party.Facts{"unreadable": text}
	}
	return facts
}

func scanWaitingEntry(from scanner) (party.AuditEntry, error) {
	row, err := scanWaitingRow(from)
	return row.entry(), err
}

func scanChainEntry(from scanner) (party.AuditEntry, error) {
	row, err := scanChainRow(from)
	return row.entry(), err
}

// hashField is a column of hashes. NULL is the zero hash.
func hashField[T any](name string, of func(*T) *party.AuditHash) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Blob},
		value:  func(row *T) any { return of(row)[:] },
		dest:   func(row *T) any { return hashDest{of(row)} },
	}
}

type hashDest struct{ to *party.AuditHash }

func (d hashDest) Scan(v any) error {
	bytes, ok := v.([]byte)
	if v == nil || ok && len(bytes) != len(d.to) {
		*d.to = party.AuditHash{} // a hash of another length fits no row
		return nil
	}
	if !ok {
		return fmt.Errorf("%T is no hash", v)
	}
	copy(d.to[:], bytes)
	return nil
}

// Actor is the person, key or command that carries out the action.
func (tx *Tx) Actor() party.Actor { return tx.actor }

// ActBy makes a party the actor. It is for a party that proves its identity only in the
// transaction, such as by the link of a mail. The actor's address stays.
func (tx *Tx) ActBy(p party.Party) { tx.actor = p.Actor(tx.actor.From) }

// Log writes an entry of the audit log, in the action's commit. The actor is that of
// the action's context. real is the real time.
func (tx *Tx) Log(e party.AuditEntry, real time.Time) error {
	row, err := newEntry(e, tx.actor, real)
	if err != nil {
		return err
	}
	return insertEntry.Add(tx.sql, waitingTable.fields.values(&row)...)
}

// newEntry is the row of an entry about what an actor does now.
func newEntry(e party.AuditEntry, by party.Actor, real time.Time) (auditRow, error) {
	e.ID, e.At, e.Actor = newEntryID(real), when(micros(real)), by
	e, err := e.Complete()
	if err != nil {
		return auditRow{}, err
	}
	return rowOf(e)
}

// newEntryID begins with the time, so that new rows come at the end of the table.
func newEntryID(real time.Time) string { return idsFrom(real) + rand.Text()[:entryIDRandom] }

// idsFrom is the beginning of the ids of entries that are written at a time.
func idsFrom(at time.Time) string { return fmt.Sprintf("%014x", micros(at)) }

const entryIDRandom = 12 // random characters of an id

// An AuditHead is the end of the chain of audit entries.
type AuditHead struct {
	Last int64 // position; 0 for an empty chain
	Hash party.AuditHash
}

const auditHead = `SELECT last, hash FROM audit_chain WHERE place = 1`

func scanAuditHead(row scanner) (h AuditHead, err error) {
	return h, row.Scan(&h.Last, hashDest{&h.Hash})
}

// errChain means that the schema's row of the chain is missing.
var errChain = errors.New("the row of the end of the audit log's chain is missing")

// AuditHead reads the end of the chain.
func (tx *ReadTx) AuditHead() (AuditHead, error) {
	all, err := list(tx, "reading the end of the audit log", scanAuditHead, auditHead)
	if err == nil && len(all) == 0 {
		err = errChain
	}
	if err != nil {
		return AuditHead{}, err
	}
	return all[0], nil
}

// oldestWaiting are the entries that have waited longest for their place in the chain.
const oldestWaiting = `SELECT entry_id, digest FROM audit_waiting ORDER BY entry_id LIMIT $1`

// HasUnchained reports whether entries wait for their place in the chain.
func (tx *ReadTx) HasUnchained() (bool, error) {
	n, err := tx.upTo(`SELECT 1 FROM audit_waiting`, 1)
	return n > 0, err
}

// ChainAudit gives entries their places at the end of the chain, at most limit, and
// reports how many. On PostgreSQL, a server that finds the end locked leaves the
// work to the other one. It is refused, and runs again, if the end has moved since
// its transaction began.
func (tx *Tx) ChainAudit(limit int) (int, error) {
	heads, err := list(tx.Unlocked(claimsLock), "reading the end of the audit log", scanAuditHead,
		auditHead+tx.dialect.claiming("audit_chain"))
	if err == nil && len(heads) == 0 {
		_, err = tx.Unlocked("the row is never deleted").AuditHead()
	}
	if err != nil || len(heads) == 0 {
		return 0, err
	}
	waiting, err := list(tx.Unlocked("only the server that has the end of the chain moves them"),
		"reading new audit entries", scanDigest, oldestWaiting, limit)
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	end := heads[0]
	rows := make([][]any, len(waiting))
	for i := range waiting {
		place := &waiting[i]
		place.Position, place.Previous = end.Last+1, end.Hash
		place.Hash = place.digest.Chained(place.Position, place.Previous)
		rows[i] = append(placeFields.values(place), place.ID)
		end = AuditHead{place.Position, place.Hash}
	}
	if err := chainEntry.AddMany(tx.sql, rows); err != nil {
		return 0, err
	}
	if err := tx.sql.Run(engine.Statement{
		Doing: "chaining audit entries", Text: removeChained, Args: []any{waiting[len(waiting)-1].ID},
		Want: int64(len(waiting)),
	}); err != nil {
		return 0, err
	}
	return len(waiting), tx.one("moving the end of the audit log", `
		UPDATE audit_chain SET last = $1, hash = $2 WHERE place = 1 AND last = $3`,
		end.Last, end.Hash[:], heads[0].Last)
}

// removeChained removes the entries that have waited longest. The database refuses it
// for an entry that is not in the chain.
const removeChained = `DELETE FROM audit_waiting WHERE entry_id <= $1`

func scanDigest(row scanner) (r auditRow, err error) {
	return r, row.Scan(&r.ID, hashDest{&r.digest})
}
