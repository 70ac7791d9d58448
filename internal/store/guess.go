package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// Guesses reads the failed sign-ins of a subject; none is the zero Guesses.
func (tx *ReadTx) Guesses(subject string) (g party.Guesses, err error) {
	var blocked, last int64
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT failures, blocked_until, last_failure FROM sign_in_guesses WHERE subject = $1`, subject).
		Scan(&g.Failures, &blocked, &last)
	g.BlockedUntil, g.LastFailure = when(blocked), when(last)
	_, err = maybe("reading sign-in guesses", err)
	return g, err
}

// SetGuesses writes the failed sign-ins of a subject.
func (tx *Tx) SetGuesses(subject string, g party.Guesses) error {
	return tx.one("counting sign-in guesses", `
		INSERT INTO sign_in_guesses (subject, failures, blocked_until, last_failure) VALUES ($1, $2, $3, $4)
		ON CONFLICT (subject) DO UPDATE
		SET failures = excluded.failures, blocked_until = excluded.blocked_until, last_failure = excluded.last_failure`,
		subject, g.Failures, micros(g.BlockedUntil), micros(g.LastFailure))
}

// ForgetGuesses removes the subjects whose last failure is before a time.
func (tx *Tx) ForgetGuesses(before time.Time) error {
	_, err := tx.exec("forgetting sign-in guesses", `
		DELETE FROM sign_in_guesses WHERE last_failure < $1`, micros(before))
	return err
}
