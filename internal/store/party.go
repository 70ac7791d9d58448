package store

import (
	"github.com/holdfast-pay/holdfast/internal/party"
)

const partyColumns = `party_id, name, email, email_verified, password_hash, standing, business, verified, sending_limit, receiving_limit, created`

func scanParty(row scanner) (p party.Party, err error) {
	var sending, receiving, created int64
	err = row.Scan(&p.ID, &p.Name, &p.Email, &p.EmailVerified, &p.PasswordHash, &p.Standing, &p.Business, &p.Verified, &sending, &receiving, &created)
	p.SendingLimit, p.ReceivingLimit, p.Created = maybeDollars(sending), maybeDollars(receiving), when(created)
	return p, err
}

var parties = &source[party.ID, party.Party]{
	doing: "reading a party",
	query: `SELECT ` + partyColumns + ` FROM parties WHERE party_id = $1`,
	many:  `SELECT ` + partyColumns + ` FROM parties WHERE party_id = ANY($1::text[])`,
	kinds: []columnType{text},
	args:  func(id party.ID) []any { return []any{id} },
	scan:  scanParty,
	key:   func(p party.Party) party.ID { return p.ID },
}

// Party reads a party.
func (tx *ReadTx) Party(id party.ID) (party.Party, bool, error) { return parties.read(tx, id) }

// PartyByEmail reads the party with an e-mail address, in any spelling of it.
func (tx *ReadTx) PartyByEmail(email string) (p party.Party, found bool, err error) {
	p, err = scanParty(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+partyColumns+` FROM parties WHERE email_key = $1`, party.EmailKey(email)))
	found, err = maybe("reading a party by e-mail address", err)
	return p, found, err
}

// Parties reads all parties, oldest first.
func (tx *ReadTx) Parties() ([]party.Party, error) {
	return list(tx, "reading parties", scanParty, `
		SELECT `+partyColumns+` FROM parties ORDER BY created, party_id`)
}

// InsertParty adds a party and reports whether its e-mail address was free.
func (tx *Tx) InsertParty(p party.Party) (inserted bool, err error) {
	rows, err := tx.exec("adding a party", `
		INSERT INTO parties (email_key, `+partyColumns+`)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
		ON CONFLICT DO NOTHING`,
		party.EmailKey(p.Email), p.ID, p.Name, p.Email, flag(p.EmailVerified), p.PasswordHash, p.Standing,
		flag(p.Business), flag(p.Verified), p.SendingLimit.Micro, p.ReceivingLimit.Micro, micros(p.Created))
	return rows == 1, err
}

// UpdateParty writes what an operator may change of a party: its name, whether
// its address and its account are verified, its standing, kind and limits.
func (tx *Tx) UpdateParty(p party.Party) error {
	return tx.one("changing a party", `
		UPDATE parties
		SET name = $1, email_verified = $2, standing = $3, business = $4, verified = $5, sending_limit = $6, receiving_limit = $7
		WHERE party_id = $8`,
		p.Name, flag(p.EmailVerified), p.Standing, flag(p.Business), flag(p.Verified), p.SendingLimit.Micro, p.ReceivingLimit.Micro, p.ID)
}
