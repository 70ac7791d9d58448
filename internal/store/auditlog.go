package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
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

// newEntryTable has the columns of a new entry. entryTable has those of the chain, too.
var (
	newEntryTable = table[party.AuditEntry]{name: "audit_log", fields: fields[party.AuditEntry]{
		textField("entry_id", func(e *party.AuditEntry) *string { return &e.ID }),
		timeField("at", func(e *party.AuditEntry) *time.Time { return &e.At }),
		textField("actor_kind", func(e *party.AuditEntry) *party.ActorKind { return &e.Actor.Kind }),
		textField("actor_id", func(e *party.AuditEntry) *string { return &e.Actor.ID }),
		textField("actor_name", func(e *party.AuditEntry) *string { return &e.Actor.Name }),
		textField("source", func(e *party.AuditEntry) *string { return &e.Actor.From }),
		textField("action", func(e *party.AuditEntry) *party.AuditAction { return &e.Action }),
		textField("caller_id", func(e *party.AuditEntry) *party.CallerID { return &e.Caller }),
		textField("object", func(e *party.AuditEntry) *string { return &e.Object }),
		factsField("before", func(e *party.AuditEntry) *party.Facts { return &e.Before }),
		factsField("after", func(e *party.AuditEntry) *party.Facts { return &e.After }),
	}}
	entryTable = table[party.AuditEntry]{
		name: "audit_log",
		fields: append(newEntryTable.fields[:len(newEntryTable.fields):len(newEntryTable.fields)],
			numberField("position", func(e *party.AuditEntry) *int64 { return &e.Position }),
			hashField("previous", func(e *party.AuditEntry) *party.AuditHash { return &e.Previous }),
			hashField("hash", func(e *party.AuditEntry) *party.AuditHash { return &e.Hash }),
		),
	}

	auditColumns   = entryTable.list()
	scanAuditEntry = entryTable.scanner()
	insertEntry    = engine.NewRows(newEntryTable.insertion("writing an audit entry", ""))
)

// factsField is a column of facts as JSON.
func factsField[T any](name string, of func(*T) *party.Facts) field[T] {
	return field[T]{
		Column: engine.Column{Name: name, Type: engine.Text},
		value: func(row *T) any {
			text, err := of(row).Text()
			if err != nil {
				return nil // the column refuses it
			}
			return text
		},
		dest: func(row *T) any { return factsDest{of(row)} },
	}
}

// A factsDest reads facts. A text that is no JSON becomes a fact of its own, so that
// a person can still look at the row.
type factsDest struct{ to *party.Facts }

func (d factsDest) Scan(v any) error {
	text, ok := v.(string)
	if !ok {
		return fmt.Errorf("%T is no text", v)
	}
	facts := party.Facts{}
	if err := json.Unmarshal([]byte(text), &facts); err != nil {
		facts = party.Facts{"unreadable": text}
	}
	*d.to = facts
	return nil
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
	e.ID, e.At, e.Actor = newEntryID(real), real, tx.actor
	e, err := e.Complete()
	if err != nil {
		return err
	}
	return insertEntry.Add(tx.sql, newEntryTable.fields.values(&e)...)
}

// newEntryID begins with the time, so that new rows come at the end of the table.
func newEntryID(real time.Time) string { return fmt.Sprintf("%014x%s", micros(real), rand.Text()[:12]) }

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

// waitingEntries are the entries that have no place in the chain.
var waitingEntries = `
	SELECT ` + auditColumns + ` FROM audit_log WHERE position IS NULL ORDER BY at, entry_id LIMIT $1`

// HasUnchained reports whether entries wait for their place in the chain.
func (tx *ReadTx) HasUnchained() (bool, error) {
	n, err := tx.upTo(`SELECT 1 FROM audit_log WHERE position IS NULL`, 1)
	return n > 0, err
}

// Unchained reads entries that have no place in the chain, at most limit.
func (tx *ReadTx) Unchained(limit int) ([]party.AuditEntry, error) {
	return list(tx, "reading new audit entries", scanAuditEntry, waitingEntries, limit)
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
	entries, err := tx.Unlocked("only the server that has the end of the chain changes them").Unchained(limit)
	if err != nil || len(entries) == 0 {
		return 0, err
	}
	head := heads[0]
	var rows [][]any
	for _, e := range entries {
		if e, err = e.Chain(head.Last+1, head.Hash); err != nil {
			return 0, err
		}
		rows = append(rows, []any{e.Position, e.Previous[:], e.Hash[:], e.ID})
		head = AuditHead{e.Position, e.Hash}
	}
	if err := chainEntry.WriteMany(tx.sql, rows); err != nil {
		return 0, err
	}
	return len(entries), tx.one("moving the end of the audit log", `
		UPDATE audit_chain SET last = $1, hash = $2 WHERE place = 1 AND last = $3`,
		head.Last, head.Hash[:], heads[0].Last)
}

// chainEntry gives an entry its place in the chain. The database refuses it for an
// entry that has one.
var chainEntry = engine.Keys[string]("chaining audit entries").Change(engine.Update{
	Doing: "chaining an audit entry", Table: "audit_log",
	Set: append(engine.Columns(engine.Number, "position"), engine.Columns(engine.Blob, "previous, hash")...),
	Key: engine.Columns(engine.Text, "entry_id"), Triggers: true,
})
