package store

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Request reads what is remembered of a CallerReference.
func (tx *ReadTx) Request(c party.CallerID, ref holdfast.CallerReference) (r payment.Request, found bool, err error) {
	var digest []byte
	var code, message string
	var received int64
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT digest, transaction_id, refusal_code, refusal_message, received
		FROM requests WHERE caller_id = $1 AND reference = $2`, c, ref).
		Scan(&digest, &r.Transaction, &code, &message, &received)
	if found, err = maybe("reading a request", err); !found {
		return r, false, err
	}
	if len(digest) != len(r.Digest) {
		return r, false, fmt.Errorf("reading a request: a digest of %d bytes", len(digest))
	}
	r.Caller, r.Reference, r.Received = c, ref, when(received)
	copy(r.Digest[:], digest)
	if code != "" {
		r.Refusal = &holdfast.Error{Code: holdfast.Code(code), Message: message}
	}
	return r, true, nil
}

// KeepForgotten has references that were free again at before count as free at
// after too, an earlier time that the caller's clock is put back to.
func (tx *Tx) KeepForgotten(c party.CallerID, before, after time.Time) error {
	_, err := tx.exec("keeping references free", `
		UPDATE requests SET received = $1 WHERE caller_id = $2 AND received > $1 AND received <= $3`,
		micros(after.Add(-payment.ReferenceLife)), c, micros(before.Add(-payment.ReferenceLife)))
	return err
}

// RememberRequest writes what a CallerReference was used for, in place of what
// was forgotten; who calls it has read that the reference is free.
func (tx *Tx) RememberRequest(r payment.Request) error {
	var code, message string
	if r.Refusal != nil {
		code, message = string(r.Refusal.Code), r.Refusal.Message
	}
	return tx.one("remembering a request", `
		INSERT INTO requests (caller_id, reference, digest, transaction_id, refusal_code, refusal_message, received)
		VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (caller_id, reference) DO UPDATE
		SET digest = excluded.digest, transaction_id = excluded.transaction_id,
			refusal_code = excluded.refusal_code, refusal_message = excluded.refusal_message, received = excluded.received`,
		r.Caller, r.Reference, r.Digest[:], r.Transaction, code, message, micros(r.Received))
}
