package store

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const tokenColumns = `caller_id, token_id, sender, recipient, instrument_id, method, token_type, reference, amount, reason, installed, expires, used_by, cancelled`

// joinedTokenColumns are the same where tokens are joined as k.
var joinedTokenColumns = "k." + strings.ReplaceAll(tokenColumns, ", ", ", k.")

func scanToken(row scanner) (t payment.Token, err error) {
	var amount, installed, expires int64
	err = row.Scan(&t.Caller, &t.ID, &t.Sender, &t.Recipient, &t.Instrument, &t.Method, &t.Type, &t.Reference,
		&amount, &t.Reason, &installed, &expires, &t.UsedBy, &t.Cancelled)
	t.Amount, t.Installed, t.Expires = dollars(amount), when(installed), when(expires)
	return t, err
}

// Token reads a token by its id alone: whose it is decides what is answered.
func (tx *ReadTx) Token(id holdfast.TokenID) (t payment.Token, found bool, err error) {
	t, err = scanToken(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+tokenColumns+` FROM tokens WHERE token_id = $1`, id))
	found, err = maybe("reading a token", err)
	return t, found, err
}

// TokenByReference reads the token a caller had made under a reference.
func (tx *ReadTx) TokenByReference(c party.CallerID, ref holdfast.CallerReference) (t payment.Token, found bool, err error) {
	t, err = scanToken(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+tokenColumns+` FROM tokens WHERE caller_id = $1 AND reference = $2`, c, ref))
	found, err = maybe("reading a token by reference", err)
	return t, found, err
}

// InsertToken adds a token and reports whether its reference was free.
func (tx *Tx) InsertToken(t payment.Token) (inserted bool, err error) {
	rows, err := tx.exec("adding a token", `
		INSERT INTO tokens (`+tokenColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT DO NOTHING`,
		t.Caller, t.ID, t.Sender, t.Recipient, t.Instrument, t.Method, t.Type, t.Reference,
		t.Amount.Micro, t.Reason, micros(t.Installed), micros(t.Expires), t.UsedBy, flag(t.Cancelled))
	return rows == 1, err
}

// KeepExpired has a caller's tokens that were expired at before count as expired
// at after too, an earlier time that the caller's clock is put back to.
func (tx *Tx) KeepExpired(c party.CallerID, before, after time.Time) error {
	_, err := tx.exec("keeping tokens expired", `
		UPDATE tokens SET expires = $1 WHERE caller_id = $2 AND expires > $1 AND expires <= $3`,
		micros(after), c, micros(before))
	return err
}

// UseToken marks a single-use token as used; it must not have been.
func (tx *Tx) UseToken(c party.CallerID, id holdfast.TokenID, by holdfast.TransactionID) error {
	return tx.one("using a token", `
		UPDATE tokens SET used_by = $1 WHERE caller_id = $2 AND token_id = $3 AND used_by = ''`, by, c, id)
}
