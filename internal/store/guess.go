package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// Guesses reads the count of wrong guesses for a subject. Without one it
// returns the zero Guesses.
func (tx *ReadTx) Guesses(subject string) (g party.Guesses, err error) {
	var recovered int64
	err = tx.sql.QueryRow(`
		SELECT recovered FROM guesses WHERE subject = $1`, subject).Scan(&recovered)
	g.Recovered = when(recovered)
	_, err = maybe("reading guesses", err)
	return g, err
}

// SetGuesses writes the count of wrong guesses for a subject.
func (tx *Tx) SetGuesses(subject string, g party.Guesses) error {
	return tx.one("counting guesses", `
		INSERT INTO guesses (subject, recovered) VALUES ($1, $2)
		ON CONFLICT (subject) DO UPDATE SET recovered = excluded.recovered`, subject, micros(g.Recovered))
}

// ForgetGuesses removes the counts that have recovered.
func (tx *Tx) ForgetGuesses(now time.Time) error {
	_, err := tx.exec("forgetting guesses", `DELETE FROM guesses WHERE recovered <= $1`, micros(now))
	return err
}
