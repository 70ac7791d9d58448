package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// TOTP reads a party's second factor.
func (tx *ReadTx) TOTP(owner party.ID) (t party.TOTP, found bool, err error) {
	var kept []byte
	var confirmed int64
	t.Party = owner
	err = tx.sql.QueryRow(`SELECT secret, confirmed, last_step, begun_in FROM totps WHERE party_id = $1`, owner).Scan(
		&kept, &confirmed, &t.LastStep, &t.BegunIn)
	if found, err = maybe("reading a second factor", err); err != nil || !found {
		return party.TOTP{}, found, err
	}
	secret, err := tx.dialect.sealer.unseal(kept, totpRow(string(owner)))
	t.Secret, t.Confirmed = holdfast.NewSecretKey(string(secret)), when(confirmed)
	return t, true, err
}

// SetTOTP writes the second factor that a party is about to set up. It replaces one
// that was not confirmed, and is ErrStale if the party has a confirmed one.
func (tx *Tx) SetTOTP(t party.TOTP) error {
	return tx.one("writing a second factor", `
		INSERT INTO totps (party_id, secret, confirmed, last_step, begun_in) VALUES ($1, $2, 0, 0, $3)
		ON CONFLICT (party_id) DO UPDATE SET secret = excluded.secret, last_step = 0, begun_in = excluded.begun_in
		WHERE totps.confirmed = 0`,
		t.Party, tx.dialect.sealer.seal(t.Secret.Reveal(), totpRow(string(t.Party))), t.BegunIn)
}

// UseTOTP writes that the code of a step was used, and when the second factor was
// confirmed. It is ErrStale if the code of that step or of a later one was used
// meanwhile.
func (tx *Tx) UseTOTP(owner party.ID, step int64, confirmed time.Time) error {
	return tx.one("using a second factor", `
		UPDATE totps SET last_step = $1, confirmed = $2 WHERE party_id = $3 AND last_step < $1`,
		step, micros(confirmed), owner)
}

// RemoveTOTP removes a party's second factor with its recovery codes, and reports
// whether it had one.
func (tx *Tx) RemoveTOTP(owner party.ID) (removed bool, err error) {
	if _, err := tx.exec("removing recovery codes", `DELETE FROM recovery_codes WHERE party_id = $1`, owner); err != nil {
		return false, err
	}
	rows, err := tx.exec("removing a second factor", `DELETE FROM totps WHERE party_id = $1`, owner)
	return rows == 1, err
}

// SetRecoveryCodes replaces the recovery codes of a party.
func (tx *Tx) SetRecoveryCodes(owner party.ID, all []party.RecoveryHash) error {
	if _, err := tx.exec("removing recovery codes", `DELETE FROM recovery_codes WHERE party_id = $1`, owner); err != nil {
		return err
	}
	for _, hash := range all {
		if err := tx.one("writing a recovery code", `
			INSERT INTO recovery_codes (party_id, hash) VALUES ($1, $2)`, owner, hash[:]); err != nil {
			return err
		}
	}
	return nil
}

// UseRecoveryCode removes a recovery code, because it works once. It reports whether
// there was such a code.
func (tx *Tx) UseRecoveryCode(owner party.ID, hash party.RecoveryHash) (used bool, err error) {
	rows, err := tx.exec("using a recovery code", `
		DELETE FROM recovery_codes WHERE party_id = $1 AND hash = $2`, owner, hash[:])
	return rows == 1, err
}

// RecoveryCodes counts the recovery codes that a party has left.
func (tx *ReadTx) RecoveryCodes(owner party.ID) (left int, err error) {
	all, err := list(tx, "reading recovery codes", func(from scanner) (hash []byte, err error) {
		return hash, from.Scan(&hash)
	}, `SELECT hash FROM recovery_codes WHERE party_id = $1`, owner)
	return len(all), err
}
