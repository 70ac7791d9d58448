package store

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

type requestKey struct {
	caller    party.CallerID
	reference holdfast.CallerReference
}

// A requestRow is a row of the table requests.
type requestRow struct {
	payment.Request
	digest        []byte
	code, message string // of the refusal
}

var requestTable = table[requestRow]{name: "requests", fields: fields[requestRow]{
	textField("caller_id", func(r *requestRow) *party.CallerID { return &r.Caller }),
	textField("reference", func(r *requestRow) *holdfast.CallerReference { return &r.Reference }),
	{
		Column: engine.Column{Name: "digest", Type: engine.Blob},
		value:  func(r *requestRow) any { return r.Digest[:] },
		dest:   func(r *requestRow) any { return &r.digest },
	},
	timeField("received", func(r *requestRow) *time.Time { return &r.Received }),
	textField("transaction_id", func(r *requestRow) *holdfast.TransactionID { return &r.Transaction }),
	textField("refusal_code", func(r *requestRow) *string { return &r.code }),
	textField("refusal_message", func(r *requestRow) *string { return &r.message }),
}}

var (
	requestColumns = requestTable.list()
	scanRequestRow = requestTable.scanner()
)

var requests = engine.NewSource(engine.Source[requestKey, payment.Request]{
	Doing: "reading a request",
	Query: `SELECT ` + requestColumns + ` FROM requests WHERE caller_id = $1 AND reference = $2`,
	Many: `SELECT ` + requestColumns + ` FROM requests
		WHERE (caller_id, reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	Args:  func(k requestKey) []any { return []any{k.caller, k.reference} },
	Scan:  scanRequest,
	Key:   func(r payment.Request) requestKey { return requestKey{r.Caller, r.Reference} },
	Order: `caller_id, reference`,
})

func scanRequest(from scanner) (payment.Request, error) {
	row, err := scanRequestRow(from)
	if err != nil {
		return row.Request, err
	}
	r := row.Request
	if len(row.digest) != len(r.Digest) {
		return r, fmt.Errorf("the digest of a request has %d bytes", len(row.digest))
	}
	copy(r.Digest[:], row.digest)
	if row.code != "" {
		r.Refusal = &holdfast.Error{Code: holdfast.Code(row.code), Message: row.message}
	}
	return r, nil
}

// Request reads the request that was made with a CallerReference.
func (tx *ReadTx) Request(c party.CallerID, ref holdfast.CallerReference) (payment.Request, bool, error) {
	return requests.Get(tx.sql, requestKey{c, ref})
}

// KeepForgotten keeps references free that were free at before, when the
// caller's clock is put back to the earlier time after.
func (tx *Tx) KeepForgotten(c party.CallerID, before, after time.Time) error {
	_, err := tx.exec("keeping references free", `
		UPDATE requests SET received = $1 WHERE caller_id = $2 AND received > $1 AND received <= $3`,
		micros(after.Add(-payment.ReferenceLife)), c, micros(before.Add(-payment.ReferenceLife)))
	return err
}

var rememberRequest = requests.Change(requestTable.insertion("remembering a request",
	`ON CONFLICT (caller_id, reference) DO UPDATE
	SET digest = excluded.digest, transaction_id = excluded.transaction_id,
		refusal_code = excluded.refusal_code, refusal_message = excluded.refusal_message, received = excluded.received`))

// RememberRequest writes the request that a CallerReference was used for. It
// replaces an older, forgotten request. The action must have read that the
// reference is free.
func (tx *Tx) RememberRequest(r payment.Request) error {
	row := requestRow{Request: r}
	if r.Refusal != nil {
		row.code, row.message = string(r.Refusal.Code), r.Refusal.Message
	}
	return rememberRequest.Write(tx.sql, requestKey{r.Caller, r.Reference}, requestTable.fields.values(&row)...)
}
