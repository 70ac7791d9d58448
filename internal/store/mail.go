package store

import "github.com/holdfast-pay/holdfast/internal/party"

// InsertMail adds a letter to be delivered.
func (tx *Tx) InsertMail(m party.Mail) error {
	return tx.one("adding a mail", `
		INSERT INTO mails (mail_id, recipient, subject, body, created) VALUES ($1, $2, $3, $4, $5)`,
		m.ID, m.To, m.Subject, m.Text, micros(m.Created))
}
