package processor

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	accessKeySize = 20 // characters, the usual length of callerKey
	secretKeySize = 40

	// firstKeyName is the name of the key that a caller is created with.
	firstKeyName = "first"
)

// A NewAccessKey is an access key to make.
type NewAccessKey struct {
	Name string
	Life time.Duration // zero means no end
	Once string        // see [Processor.idOf]
}

func (p *Processor) newAccessKey(caller party.CallerID, n NewAccessKey) party.AccessKey {
	id := "HF" + identity.Random(accessKeySize-2, base36)
	if n.Once != "" {
		id = "HF" + digest(string(caller)+n.Once, accessKeySize-2)
	}
	key := party.AccessKey{
		ID: id, Secret: holdfast.NewSecretKey(p.ids().Secret(secretKeySize)),
		Caller: caller, Name: n.Name, Created: p.now(),
	}
	if n.Life > 0 {
		key.Expires = key.Created.Add(n.Life)
	}
	return key
}

// AddAccessKey makes one more access key for a caller. Its secret is returned only
// here.
func (p *Processor) AddAccessKey(
	ctx context.Context, id party.CallerID, n NewAccessKey,
) (party.AccessKey, error) {
	switch {
	case !party.ValidName(n.Name):
		return party.AccessKey{}, identity.ErrName
	case n.Life < 0:
		return party.AccessKey{}, holdfast.Errorf(holdfast.InvalidParams, "a key expires in the future")
	}
	key := p.newAccessKey(id, n)
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := callerOf(&tx.ReadTx, id); err != nil {
			return err
		}
		switch _, found, err := tx.AccessKey(key.ID); {
		case err != nil:
			return err
		case found:
			return ErrRepeated
		}
		if err := logAccessKey(tx, "key.create", party.AccessKey{}, key, key.Created); err != nil {
			return err
		}
		return tx.InsertAccessKey(key)
	})
	return key, failure(err)
}

// RotateAccessKey makes an access key with the same name and life in place of
// another, which works on for the overlap. It returns both keys as they are
// afterwards. The new one's secret is returned only here.
func (p *Processor) RotateAccessKey(
	ctx context.Context, id string, overlap time.Duration,
) (old, key party.AccessKey, err error) {
	if overlap < 0 {
		return old, key, errOverlap
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		before, err := accessKeyOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		real := p.now()
		if err := mayRotate(id, before.ReplacedBy, before.Usable(real)); err != nil {
			return err
		}
		n := NewAccessKey{Name: before.Name}
		if !before.Expires.IsZero() {
			n.Life = before.Expires.Sub(before.Created)
		}
		key = p.newAccessKey(before.Caller, n)
		old = before
		old.ReplacedBy = key.ID
		if end := real.Add(overlap); before.Expires.IsZero() || end.Before(before.Expires) {
			old.Expires = end
		}
		if err := tx.InsertAccessKey(key); err != nil {
			return err
		}
		if err := logAccessKey(tx, "key.rotate", before, old, real); err != nil {
			return err
		}
		return tx.ChangeAccessKey(before, old)
	})
	p.callerChanged()
	return old, key, failure(err)
}

var errOverlap = holdfast.Errorf(holdfast.InvalidParams, "the overlap is not below zero")

// mayRotate refuses to rotate a key that was replaced or does not work any more.
func mayRotate(id, replacedBy string, unusable error) error {
	switch {
	case replacedBy != "":
		return holdfast.Errorf(holdfast.InvalidParams, "the key %s was replaced by %s; rotate that one", id, replacedBy)
	case unusable != nil:
		return holdfast.Errorf(holdfast.InvalidParams, "the key %s cannot be rotated: %v; make a new one", id, unusable)
	}
	return nil
}

// RevokeAccessKey ends an access key for good. A key that was revoked stays as it
// is. The doors of this server refuse the key at once, and those of other servers
// within a second.
func (p *Processor) RevokeAccessKey(ctx context.Context, id string) (key party.AccessKey, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if key, err = accessKeyOf(&tx.ReadTx, id); err != nil || !key.Revoked.IsZero() {
			return err
		}
		before := key
		key.Revoked = p.now()
		if err := logAccessKey(tx, "key.revoke", before, key, key.Revoked); err != nil {
			return err
		}
		return tx.ChangeAccessKey(before, key)
	})
	p.callerChanged()
	return key, failure(err)
}

// logAccessKey writes the audit entry of a change of an access key.
func logAccessKey(tx *store.Tx, action party.AuditAction, before, after party.AccessKey, real time.Time) error {
	facts := func(k party.AccessKey) party.Facts {
		f := party.Facts{"kind": string(party.KindAccess), "name": k.Name, "replaced_by": k.ReplacedBy}
		for name, at := range map[string]time.Time{"expires": k.Expires, "revoked": k.Revoked} {
			if !at.IsZero() {
				f[name] = timeFact(at)
			}
		}
		return f
	}
	e := party.AuditEntry{Action: action, Caller: after.Caller, Object: after.ID, After: facts(after)}
	if before.ID != "" {
		e.Before = facts(before)
	}
	return tx.Log(e, real)
}

func accessKeyOf(tx *store.ReadTx, id string) (party.AccessKey, error) {
	key, found, err := tx.AccessKey(id)
	if err == nil && !found {
		err = holdfast.Errorf(holdfast.InvalidParams, "there is no key %s", id)
	}
	return key, err
}

// NoteAccessKeyUse writes, in the background, that a key has signed a request now.
// The doors call it for each request; it writes once a minute.
func (p *Processor) NoteAccessKeyUse(key party.AccessKey) {
	p.noteUse(key.ID, key.LastUsed, func(tx *store.Tx, at time.Time) error {
		return tx.NoteAccessKeyUse(key.ID, at)
	})
}
