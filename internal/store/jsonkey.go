package store

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A jsonKeyRow is a row of the table json_keys.
type jsonKeyRow struct {
	party.JSONKey
	hash []byte
}

var jsonKeyTable = table[jsonKeyRow]{name: "json_keys", fields: fields[jsonKeyRow]{
	textField("key_id", func(k *jsonKeyRow) *party.JSONKeyID { return &k.ID }),
	textField("caller_id", func(k *jsonKeyRow) *party.CallerID { return &k.Caller }),
	{
		Column: engine.Column{Name: "hash", Type: engine.Blob},
		value:  func(k *jsonKeyRow) any { return k.Hash[:] },
		dest:   func(k *jsonKeyRow) any { return &k.hash },
	},
	textField("name", func(k *jsonKeyRow) *string { return &k.Name }),
	textField("scopes", func(k *jsonKeyRow) *party.Scopes { return &k.Scopes }),
	maybeDollarsField("hold_limit", func(k *jsonKeyRow) *money.Amount { return &k.HoldLimit }),
	maybeDollarsField("day_limit", func(k *jsonKeyRow) *money.Amount { return &k.DayLimit }),
	textField("chain", func(k *jsonKeyRow) *party.JSONKeyID { return &k.Chain }),
	textField("replaced_by", func(k *jsonKeyRow) *party.JSONKeyID { return &k.ReplacedBy }),
	timeField("created", func(k *jsonKeyRow) *time.Time { return &k.Created }),
	timeField("expires", func(k *jsonKeyRow) *time.Time { return &k.Expires }),
	timeField("revoked", func(k *jsonKeyRow) *time.Time { return &k.Revoked }),
	timeField("last_used", func(k *jsonKeyRow) *time.Time { return &k.LastUsed }),
}}

var (
	jsonKeyColumns = jsonKeyTable.list()
	scanJSONKeyRow = jsonKeyTable.scanner()
	insertJSONKey  = jsonKeyTable.insertText("")
)

func scanJSONKey(from scanner) (party.JSONKey, error) {
	row, err := scanJSONKeyRow(from)
	if err != nil {
		return row.JSONKey, err
	}
	return row.key()
}

// key is the key of a row that was read.
func (k jsonKeyRow) key() (party.JSONKey, error) {
	if len(k.hash) != len(k.Hash) {
		return k.JSONKey, fmt.Errorf("the hash of a JSON key has %d bytes", len(k.hash))
	}
	copy(k.Hash[:], k.hash)
	return k.JSONKey, nil
}

var jsonKeys = engine.NewSource(engine.Source[party.JSONKeyID, party.JSONKey]{
	Doing: "reading a JSON key",
	Query: `SELECT ` + jsonKeyColumns + ` FROM json_keys WHERE key_id = $1`,
	Many:  `SELECT ` + jsonKeyColumns + ` FROM json_keys WHERE key_id = ANY($1::text[])`,
	Args:  func(id party.JSONKeyID) []any { return []any{id} },
	Scan:  scanJSONKey,
	Key:   func(k party.JSONKey) party.JSONKeyID { return k.ID },
	Unlocked: "every call reads its key, and would wait for the note of its last use; a call under way at the moment " +
		"of a revocation counts as one before it",
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// JSONKey reads a JSON key.
func (tx *ReadTx) JSONKey(id party.JSONKeyID) (party.JSONKey, bool, error) {
	return jsonKeys.Get(tx.sql, id)
}

// JSONKeysOf reads a caller's JSON keys, the oldest first.
func (tx *ReadTx) JSONKeysOf(c party.CallerID) ([]party.JSONKey, error) {
	return list(tx, "reading a caller's JSON keys", scanJSONKey, `
		SELECT `+jsonKeyColumns+` FROM json_keys WHERE caller_id = $1 ORDER BY created, key_id`, c)
}

// joinedJSONKeyColumns are jsonKeyColumns of the table json_keys joined as k.
var joinedJSONKeyColumns = joined("k", jsonKeyColumns)

// CallerByJSONKey reads a JSON key with its caller, for the beginning of a
// request.
func (r Reader) CallerByJSONKey(
	ctx context.Context, id party.JSONKeyID,
) (c party.Caller, k party.JSONKey, found bool, err error) {
	err = r.glance(ctx, func(tx *ReadTx) error {
		row := tx.sql.QueryRow(`
			SELECT `+joinedJSONKeyColumns+`, `+joinedCallerColumns+`
			FROM json_keys k JOIN callers c ON c.caller_id = k.caller_id
			WHERE k.key_id = $1`, id)
		var key jsonKeyRow
		var front []any
		for _, f := range jsonKeyTable.read() {
			front = append(front, f.dest(&key))
		}
		if c, err = scanCaller(behind{row, front}); err == nil {
			k, err = key.key()
		}
		found, err = maybe("reading a JSON key", err)
		return err
	})
	return c, k, found, err
}

// InsertJSONKey adds a key.
func (tx *Tx) InsertJSONKey(k party.JSONKey) error {
	row := jsonKeyRow{JSONKey: k}
	return tx.one("adding a JSON key", insertJSONKey, jsonKeyTable.fields.values(&row)...)
}

// ChangeJSONKey writes when a key ends and what replaces it. It is ErrStale if
// the key was revoked or replaced since it was read.
func (tx *Tx) ChangeJSONKey(before, after party.JSONKey) error {
	return tx.one("changing a JSON key", `
		UPDATE json_keys SET replaced_by = $1, expires = $2, revoked = $3
		WHERE key_id = $4 AND replaced_by = $5 AND revoked = $6`,
		after.ReplacedBy, micros(after.Expires), micros(after.Revoked), before.ID, before.ReplacedBy, micros(before.Revoked))
}

// NoteJSONKeyUse writes that a key was used at a time, unless that was written of
// the minute before it.
func (tx *Tx) NoteJSONKeyUse(id party.JSONKeyID, at time.Time) error {
	_, err := tx.exec("noting the use of a JSON key", `
		UPDATE json_keys SET last_used = $1 WHERE key_id = $2 AND last_used <= $3`,
		micros(at), id, micros(at.Add(-time.Minute)))
	return err
}

// A keyDayKey names a row of the table key_days.
type keyDayKey struct {
	chain party.JSONKeyID
	day   int64 // its beginning, in microseconds
	scope party.Scope
}

func keyOfDay(d *payment.KeyDay) keyDayKey { return keyDayKey{d.Chain, micros(d.Day), d.Scope} }

var keyDayTable = table[payment.KeyDay]{name: "key_days", fields: fields[payment.KeyDay]{
	textField("chain", func(d *payment.KeyDay) *party.JSONKeyID { return &d.Chain }),
	timeField("day", func(d *payment.KeyDay) *time.Time { return &d.Day }),
	textField("scope", func(d *payment.KeyDay) *party.Scope { return &d.Scope }),
	dollarsField("amount", func(d *payment.KeyDay) *money.Amount { return &d.Amount }),
}}

var keyDays = engine.NewSource(engine.Source[keyDayKey, payment.KeyDay]{
	Doing: "reading the use of a day limit",
	Query: `SELECT ` + keyDayTable.list() + ` FROM key_days WHERE chain = $1 AND day = $2 AND scope = $3`,
	Many: `SELECT ` + keyDayTable.list() + ` FROM key_days
		WHERE (chain, day, scope) IN (SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[]))`,
	Args:      func(k keyDayKey) []any { return []any{k.chain, k.day, k.scope} },
	Scan:      keyDayTable.scanner(),
	Key:       func(d payment.KeyDay) keyDayKey { return keyOfDay(&d) },
	Order:     `chain, day, scope`,
	MayAppear: "a call that was refused counts nothing; a call that is carried out adds the row, and only one of two can",
})

var (
	insertKeyDay = keyDays.Change(keyDayTable.insertion("beginning a day of a JSON key", "ON CONFLICT DO NOTHING"))
	addToKeyDay  = changeOf(keyDays, &keyDayTable, "counting against a day limit", "amount", "chain, day, scope", "amount")
)

// KeyDay reads what a chain of keys has used in a day. Without a row it returns d,
// which is unused.
func (tx *ReadTx) KeyDay(d payment.KeyDay) (_ payment.KeyDay, found bool, err error) {
	used, found, err := keyDays.Get(tx.sql, keyOfDay(&d))
	if !found {
		return d, false, err
	}
	return used, true, err
}

// CountKeyDay writes what a chain of keys has used in a day. found says that
// there was a row, which must be as it was read.
func (tx *Tx) CountKeyDay(before, after payment.KeyDay, found bool) error {
	if !found {
		return insertKeyDay.Write(tx.sql, keyOfDay(&after), keyDayTable.fields.values(&after)...)
	}
	return addToKeyDay.Write(tx.sql, keyOfDay(&after), addToKeyDay.args(&before, &after)...)
}
