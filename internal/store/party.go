package store

import (
	"github.com/holdfast-pay/holdfast/internal/party"
)

const partyColumns = `party_id, name, email, email_verified, password_hash, standing, created`

func scanParty(row scanner) (p party.Party, err error) {
	var created int64
	err = row.Scan(&p.ID, &p.Name, &p.Email, &p.EmailVerified, &p.PasswordHash, &p.Standing, &created)
	p.Created = when(created)
	return p, err
}

// Party reads a party.
func (tx *ReadTx) Party(id party.ID) (p party.Party, found bool, err error) {
	p, err = scanParty(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+partyColumns+` FROM parties WHERE party_id = $1`, id))
	found, err = maybe("reading a party", err)
	return p, found, err
}

// PartyByEmail reads the party with an e-mail address, in any spelling of it.
func (tx *ReadTx) PartyByEmail(email string) (p party.Party, found bool, err error) {
	p, err = scanParty(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+partyColumns+` FROM parties WHERE email_key = $1`, party.EmailKey(email)))
	found, err = maybe("reading a party by e-mail address", err)
	return p, found, err
}

// InsertParty adds a party and reports whether its e-mail address was free.
func (tx *Tx) InsertParty(p party.Party) (inserted bool, err error) {
	rows, err := tx.exec("adding a party", `
		INSERT INTO parties (party_id, name, email, email_key, email_verified, password_hash, standing, created)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT DO NOTHING`,
		p.ID, p.Name, p.Email, party.EmailKey(p.Email), flag(p.EmailVerified), p.PasswordHash, p.Standing, micros(p.Created))
	return rows == 1, err
}

// SetStanding changes whether a party may take part in payments.
func (tx *Tx) SetStanding(id party.ID, s party.Standing) error {
	return tx.one("changing a party's standing", `UPDATE parties SET standing = $1 WHERE party_id = $2`, s, id)
}
