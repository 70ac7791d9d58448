package store

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

type requestKey struct {
	caller    party.CallerID
	reference holdfast.CallerReference
}

const requestColumns = `caller_id, reference, digest, transaction_id, refusal_code, refusal_message, received`

var requests = byKey(source[requestKey, payment.Request]{
	doing: "reading a request",
	query: `SELECT ` + requestColumns + ` FROM requests WHERE caller_id = $1 AND reference = $2`,
	many: `SELECT ` + requestColumns + ` FROM requests
		WHERE (caller_id, reference) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
	args:  func(k requestKey) []any { return []any{k.caller, k.reference} },
	scan:  scanRequest,
	key:   func(r payment.Request) requestKey { return requestKey{r.Caller, r.Reference} },
	order: `caller_id, reference`,
})

func scanRequest(row scanner) (r payment.Request, err error) {
	var digest []byte
	var code, message string
	var received int64
	if err := row.Scan(&r.Caller, &r.Reference, &digest, &r.Transaction, &code, &message, &received); err != nil {
		return r, err
	}
	if len(digest) != len(r.Digest) {
		return r, fmt.Errorf("the digest of a request has %d bytes", len(digest))
	}
	r.Received = when(received)
	copy(r.Digest[:], digest)
	if code != "" {
		r.Refusal = &holdfast.Error{Code: holdfast.Code(code), Message: message}
	}
	return r, nil
}

// Request reads the request that was made with a CallerReference.
func (tx *ReadTx) Request(c party.CallerID, ref holdfast.CallerReference) (payment.Request, bool, error) {
	return requests.read(tx, requestKey{c, ref})
}

// KeepForgotten keeps references free that were free at before, when the
// caller's clock is put back to the earlier time after.
func (tx *Tx) KeepForgotten(c party.CallerID, before, after time.Time) error {
	_, err := tx.exec("keeping references free", `
		UPDATE requests SET received = $1 WHERE caller_id = $2 AND received > $1 AND received <= $3`,
		micros(after.Add(-payment.ReferenceLife)), c, micros(before.Add(-payment.ReferenceLife)))
	return err
}

var rememberRequest = insertion("remembering a request", "requests",
	`ON CONFLICT (caller_id, reference) DO UPDATE
	SET digest = excluded.digest, transaction_id = excluded.transaction_id,
		refusal_code = excluded.refusal_code, refusal_message = excluded.refusal_message, received = excluded.received`,
	columns(text, "caller_id, reference"), columns(blob, "digest"),
	columns(text, "transaction_id, refusal_code, refusal_message"), columns(number, "received"))

// RememberRequest writes the request that a CallerReference was used for. It
// replaces an older, forgotten request. The action must have read that the
// reference is free.
func (tx *Tx) RememberRequest(r payment.Request) error {
	var code, message string
	if r.Refusal != nil {
		code, message = string(r.Refusal.Code), r.Refusal.Message
	}
	return tx.write(rememberRequest, requestKey{r.Caller, r.Reference},
		r.Caller, r.Reference, r.Digest[:], r.Transaction, code, message, micros(r.Received))
}
