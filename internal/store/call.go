package store

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

type callKey struct {
	caller      party.CallerID
	idempotency string
}

// A callRow is a row of the table calls.
type callRow struct {
	payment.Call
	objects string // with blanks
}

var callTable = table[callRow]{name: "calls", fields: fields[callRow]{
	textField("caller_id", func(c *callRow) *party.CallerID { return &c.Caller }),
	textField("idempotency", func(c *callRow) *string { return &c.Idempotency }),
	textField("action", func(c *callRow) *string { return &c.Action }),
	textField("body", func(c *callRow) *string { return &c.Body }),
	textField("objects", func(c *callRow) *string { return &c.objects }),
	timeField("created", func(c *callRow) *time.Time { return &c.Created }),
}}

var scanCallRow = callTable.scanner()

var calls = engine.NewSource(engine.Source[callKey, payment.Call]{
	Doing: "reading a call",
	Query: `SELECT ` + callTable.list() + ` FROM calls WHERE caller_id = $1 AND idempotency = $2`,
	Many: `SELECT ` + callTable.list() + ` FROM calls
		WHERE (caller_id, idempotency) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	Args: func(k callKey) []any { return []any{k.caller, k.idempotency} },
	Scan: func(from scanner) (payment.Call, error) {
		row, err := scanCallRow(from)
		row.Objects = strings.Fields(row.objects)
		return row.Call, err
	},
	Key:   func(c payment.Call) callKey { return callKey{c.Caller, c.Idempotency} },
	Order: `caller_id, idempotency`,
	MayAppear: "a call that was refused does nothing for its key; a call that is carried out adds the row, and only " +
		"one of two can",
})

var insertCall = calls.Change(callTable.insertion("keeping a call", "ON CONFLICT DO NOTHING"))

// Call reads the call that was carried out under an idempotency key.
func (tx *ReadTx) Call(c party.CallerID, idempotency string) (payment.Call, bool, error) {
	return calls.Get(tx.sql, callKey{c, idempotency})
}

// InsertCall keeps a call. The action must have read that its idempotency key is
// free.
func (tx *Tx) InsertCall(c payment.Call) error {
	row := callRow{Call: c, objects: strings.Join(c.Objects, " ")}
	return insertCall.Write(tx.sql, callKey{c.Caller, c.Idempotency}, callTable.fields.values(&row)...)
}

type metadataKey struct {
	caller party.CallerID
	object string
}

// A metadataRow is a row of the table metadata.
type metadataRow struct {
	metadataKey
	data string // JSON
}

var metadataTable = table[metadataRow]{name: "metadata", fields: fields[metadataRow]{
	textField("caller_id", func(m *metadataRow) *party.CallerID { return &m.caller }),
	textField("object_id", func(m *metadataRow) *string { return &m.object }),
	textField("data", func(m *metadataRow) *string { return &m.data }),
}}

var metadata = engine.NewSource(engine.Source[metadataKey, metadataRow]{
	Doing: "reading metadata",
	Query: `SELECT ` + metadataTable.list() + ` FROM metadata WHERE caller_id = $1 AND object_id = $2`,
	Many: `SELECT ` + metadataTable.list() + ` FROM metadata
		WHERE (caller_id, object_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	Args:      func(k metadataKey) []any { return []any{k.caller, k.object} },
	Scan:      metadataTable.scanner(),
	Key:       func(m metadataRow) metadataKey { return m.metadataKey },
	Order:     `caller_id, object_id`,
	MayAppear: "no decision depends on metadata; two actions that both add the row conflict in the database",
})

var saveMetadata = metadata.Change(metadataTable.insertion("keeping metadata",
	"ON CONFLICT (caller_id, object_id) DO UPDATE SET data = excluded.data"))

// Metadata reads what a caller keeps with some of its objects, by their ids.
// Objects without metadata are left out.
func (tx *ReadTx) Metadata(c party.CallerID, objects ...string) (map[string]payment.Metadata, error) {
	keys := make([]metadataKey, len(objects))
	for i, id := range objects {
		keys[i] = metadataKey{c, id}
	}
	rows, err := metadata.GetAll(tx.sql, keys)
	if err != nil {
		return nil, err
	}
	all := make(map[string]payment.Metadata, len(rows))
	for _, row := range rows {
		var data payment.Metadata
		if err := json.Unmarshal([]byte(row.data), &data); err != nil {
			return nil, fmt.Errorf("reading the metadata of %s: %w", row.object, err)
		}
		all[row.object] = data
	}
	return all, nil
}

// SaveMetadata writes all that a caller keeps with an object.
func (tx *Tx) SaveMetadata(c party.CallerID, object string, data payment.Metadata) error {
	text, err := json.Marshal(data)
	if err != nil {
		return fmt.Errorf("writing metadata: %w", err)
	}
	row := metadataRow{metadataKey{c, object}, string(text)}
	return saveMetadata.Write(tx.sql, row.metadataKey, metadataTable.fields.values(&row)...)
}
