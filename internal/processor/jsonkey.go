package processor

import (
	"context"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A NewKey is a JSON key to make.
type NewKey struct {
	Name                string
	Scopes              party.Scopes
	HoldLimit, DayLimit money.Amount  // the zero Amount means no limit
	Life                time.Duration // zero means no end
	Once                string        // see [Processor.idOf]
}

// AddKey makes a JSON key for a caller. Its text is returned only here. From the
// first key on, the caller's objects have events.
func (p *Processor) AddKey(
	ctx context.Context, id party.CallerID, n NewKey,
) (key party.JSONKey, text string, err error) {
	switch {
	case !party.ValidName(n.Name):
		return key, "", identity.ErrName
	case n.Scopes == "":
		return key, "", holdfast.Errorf(holdfast.InvalidParams, "a key needs a scope")
	case n.Life < 0:
		return key, "", holdfast.Errorf(holdfast.InvalidParams, "a key expires in the future")
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if key, text, err = p.addKey(tx, id, n, ""); err != nil {
			return err
		}
		return logKey(tx, "key.create", party.JSONKey{}, key, key.Created)
	})
	return key, text, err
}

// addKey adds a key to a chain, or begins one.
func (p *Processor) addKey(
	tx *store.Tx, id party.CallerID, n NewKey, chain party.JSONKeyID,
) (key party.JSONKey, text string, err error) {
	caller, err := callerOf(&tx.ReadTx, id)
	if err != nil {
		return key, "", err
	}
	key = party.JSONKey{
		ID: party.JSONKeyID(p.idOf("J", id, n.Once)), Caller: caller.ID, Name: n.Name, Scopes: n.Scopes,
		HoldLimit: n.HoldLimit, DayLimit: n.DayLimit, Chain: chain, Created: p.now(),
	}
	if chain == "" {
		key.Chain = key.ID
	}
	if n.Once != "" {
		switch _, found, err := tx.JSONKey(key.ID); {
		case err != nil:
			return key, "", err
		case found:
			return key, "", ErrRepeated
		}
	}
	if n.Life > 0 {
		key.Expires = key.Created.Add(n.Life)
	}
	text, key.Hash = party.KeyText(key.ID, p.ids().Secret(party.KeySecretSize), caller)
	if err := tx.StartEvents(caller.ID, p.now()); err != nil {
		return key, "", err
	}
	return key, text, tx.InsertJSONKey(key)
}

// RotateKey makes a key with the same name, scopes, limits and life in place of
// another, which works on for the overlap. Both share the use of the day limit. It
// returns both keys as they are afterwards.
func (p *Processor) RotateKey(
	ctx context.Context, id party.JSONKeyID, overlap time.Duration,
) (old, key party.JSONKey, text string, err error) {
	if overlap < 0 {
		return old, key, "", errOverlap
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		before, err := keyOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		real := p.now()
		if err := mayRotate(string(id), string(before.ReplacedBy), before.Usable(real)); err != nil {
			return err
		}
		n := NewKey{
			Name: before.Name, Scopes: before.Scopes, HoldLimit: before.HoldLimit, DayLimit: before.DayLimit,
		}
		if !before.Expires.IsZero() {
			n.Life = before.Expires.Sub(before.Created)
		}
		if key, text, err = p.addKey(tx, before.Caller, n, before.Chain); err != nil {
			return err
		}
		old = before
		old.ReplacedBy = key.ID
		if end := real.Add(overlap); before.Expires.IsZero() || end.Before(before.Expires) {
			old.Expires = end
		}
		if err := logKey(tx, "key.rotate", before, old, real); err != nil {
			return err
		}
		return tx.ChangeJSONKey(before, old)
	})
	p.callerChanged()
	return old, key, text, failure(err)
}

// RevokeKey ends a key for good. A key that was revoked stays as it is. No money
// moves with the key after the commit; a door that keeps keys may read with it for
// one second more.
func (p *Processor) RevokeKey(ctx context.Context, id party.JSONKeyID) (key party.JSONKey, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if key, err = keyOf(&tx.ReadTx, id); err != nil || !key.Revoked.IsZero() {
			return err
		}
		before := key
		key.Revoked = p.now()
		if err := logKey(tx, "key.revoke", before, key, key.Revoked); err != nil {
			return err
		}
		return tx.ChangeJSONKey(before, key)
	})
	p.callerChanged()
	return key, failure(err)
}

// logKey writes the audit entry of a change of a JSON key.
func logKey(tx *store.Tx, action party.AuditAction, before, after party.JSONKey, real time.Time) error {
	e := party.AuditEntry{Action: action, Caller: after.Caller, Object: string(after.ID), After: keyFacts(after)}
	if before.ID != "" {
		e.Before = keyFacts(before)
	}
	return tx.Log(e, real)
}

func keyOf(tx *store.ReadTx, id party.JSONKeyID) (party.JSONKey, error) {
	key, found, err := tx.JSONKey(id)
	if err == nil && !found {
		err = holdfast.Errorf(holdfast.InvalidParams, "there is no key %s", id)
	}
	return key, err
}

// NoteKeyUse writes, in the background, that a key was used now. The door calls it
// for each request; it writes once a minute.
func (p *Processor) NoteKeyUse(key party.JSONKey) {
	p.noteUse(string(key.ID), key.LastUsed, func(tx *store.Tx, at time.Time) error {
		return tx.NoteJSONKeyUse(key.ID, at)
	})
}

// noteUse writes that the key with an id was used now, unless a use of the last
// minute is known.
func (p *Processor) noteUse(id string, last time.Time, write func(*store.Tx, time.Time) error) {
	at := p.now()
	if at.Before(last.Add(keyUseNoted)) || !p.keyUses.next(id, at) {
		return
	}
	p.start(func() {
		err := p.db.Background(p.untilStopped(), func(tx *store.Tx) error { return write(tx, at) })
		if err != nil {
			p.Log.Warn("the use of a key is not noted", "key", id, "error", err)
		}
	})
}

const (
	keyUseNoted = time.Minute
	keyUsesMax  = 4096
)

// keyUses are the keys whose use this server has noted recently, with the time.
type keyUses struct {
	mu sync.Mutex
	at map[string]time.Time
}

// next reports whether a use is to be noted. A clock that was set back begins
// anew.
func (u *keyUses) next(id string, at time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	if last, noted := u.at[id]; noted && !at.Before(last) && at.Before(last.Add(keyUseNoted)) {
		return false
	}
	if u.at == nil || len(u.at) >= keyUsesMax {
		u.at = make(map[string]time.Time)
	}
	u.at[id] = at
	return true
}
