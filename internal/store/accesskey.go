package store

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A keyRow is a row of the table access_keys. Its secret is sealed.
type keyRow struct {
	party.AccessKey
	secret []byte
}

var accessKeyTable = table[keyRow]{name: "access_keys", fields: fields[keyRow]{
	textField("access_key_id", func(k *keyRow) *string { return &k.ID }),
	bytesField("secret", func(k *keyRow) *[]byte { return &k.secret }),
	textField("caller_id", func(k *keyRow) *party.CallerID { return &k.Caller }),
	textField("name", func(k *keyRow) *string { return &k.Name }),
	textField("replaced_by", func(k *keyRow) *string { return &k.ReplacedBy }),
	timeField("created", func(k *keyRow) *time.Time { return &k.Created }),
	timeField("expires", func(k *keyRow) *time.Time { return &k.Expires }),
	timeField("revoked", func(k *keyRow) *time.Time { return &k.Revoked }),
	timeField("last_used", func(k *keyRow) *time.Time { return &k.LastUsed }),
}}

var (
	accessKeyColumns = accessKeyTable.list()
	scanKeyRow       = accessKeyTable.scanner()
	insertAccessKey  = accessKeyTable.insertText("")
)

// A callerKey is an access key with the caller that it belongs to.
type callerKey struct {
	caller party.Caller
	key    keyRow
}

// unsealed returns the caller and the key with its secret unsealed.
func (k callerKey) unsealed(s *sealer, found bool, err error) (party.Caller, party.AccessKey, bool, error) {
	if err != nil || !found {
		return k.caller, k.key.AccessKey, found, err
	}
	secret, err := s.unseal(k.key.secret, accessKeyRow(k.key.ID))
	k.key.Secret = holdfast.NewSecretKey(string(secret))
	return k.caller, k.key.AccessKey, err == nil, err
}

// keysWithCallers reads access keys with their callers.
var keysWithCallers = `
	SELECT ` + joined("k", accessKeyColumns) + `, ` + joinedCallerColumns + `
	FROM access_keys k JOIN callers c ON c.caller_id = k.caller_id `

var callersByKey = engine.NewSource(engine.Source[string, callerKey]{
	Doing: "reading an access key",
	Query: keysWithCallers + `WHERE k.access_key_id = $1`,
	Many:  keysWithCallers + `WHERE k.access_key_id = ANY($1::text[])`,
	Args:  func(id string) []any { return []any{id} },
	Scan: func(row scanner) (k callerKey, err error) {
		var front []any
		for _, f := range accessKeyTable.read() {
			front = append(front, f.dest(&k.key))
		}
		k.caller, err = scanCaller(behind{row, front})
		return k, err
	},
	Key:      func(k callerKey) string { return k.key.ID },
	Unlocked: "it is read before the action begins",
})

// CallerByKey reads the caller that an access key belongs to, and the key. The key
// may have ended.
func (tx *ReadTx) CallerByKey(accessKeyID string) (party.Caller, party.AccessKey, bool, error) {
	k, found, err := callersByKey.Get(tx.sql, accessKeyID)
	return k.unsealed(tx.dialect.sealer, found, err)
}

// CallerByKey is [ReadTx.CallerByKey] for the beginning of a request.
func (r Reader) CallerByKey(ctx context.Context, accessKeyID string) (party.Caller, party.AccessKey, bool, error) {
	var k callerKey
	var found bool
	err := r.glance(ctx, func(tx *ReadTx) (err error) {
		k, found, err = callersByKey.Get(tx.sql, accessKeyID)
		return err
	})
	return k.unsealed(r.dialect.sealer, found, err)
}

func scanAccessKey(from scanner) (party.AccessKey, error) {
	row, err := scanKeyRow(from)
	return row.AccessKey, err
}

// AccessKey reads an access key without its secret.
func (tx *ReadTx) AccessKey(id string) (k party.AccessKey, found bool, err error) {
	all, err := list(tx, "reading an access key", scanAccessKey, `
		SELECT `+accessKeyColumns+` FROM access_keys WHERE access_key_id = $1`, id)
	if err != nil || len(all) == 0 {
		return k, false, err
	}
	return all[0], true, nil
}

// AccessKeysOf reads a caller's access keys without their secrets, the oldest
// first.
func (tx *ReadTx) AccessKeysOf(c party.CallerID) ([]party.AccessKey, error) {
	return list(tx, "reading a caller's access keys", scanAccessKey, `
		SELECT `+accessKeyColumns+` FROM access_keys WHERE caller_id = $1 ORDER BY created, access_key_id`, c)
}

// InsertAccessKey adds a key that signs a caller's requests.
func (tx *Tx) InsertAccessKey(k party.AccessKey) error {
	row := keyRow{AccessKey: k, secret: tx.dialect.sealer.seal(k.Secret.Reveal(), accessKeyRow(k.ID))}
	return tx.one("adding an access key", insertAccessKey, accessKeyTable.fields.values(&row)...)
}

// ChangeAccessKey writes when a key ends and what replaces it. It is ErrStale if
// the key was revoked or replaced since it was read.
func (tx *Tx) ChangeAccessKey(before, after party.AccessKey) error {
	return tx.one("changing an access key", `
		UPDATE access_keys SET replaced_by = $1, expires = $2, revoked = $3
		WHERE access_key_id = $4 AND replaced_by = $5 AND revoked = $6`,
		after.ReplacedBy, micros(after.Expires), micros(after.Revoked), before.ID, before.ReplacedBy, micros(before.Revoked))
}

// NoteAccessKeyUse writes that a key was used at a time, unless that was written
// of the minute before it.
func (tx *Tx) NoteAccessKeyUse(id string, at time.Time) error {
	_, err := tx.exec("noting the use of an access key", `
		UPDATE access_keys SET last_used = $1 WHERE access_key_id = $2 AND last_used <= $3`,
		micros(at), id, micros(at.Add(-time.Minute)))
	return err
}
