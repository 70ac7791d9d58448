package store

import (
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

const partyColumns = `
	party_id, name, email, email_verified, verify_by, language, password_hash,
	standing, business, verified, sending_limit, receiving_limit, created`

func scanParty(row scanner) (p party.Party, err error) {
	var verifyBy, sending, receiving, created int64
	err = row.Scan(&p.ID, &p.Name, &p.Email, &p.EmailVerified, &verifyBy, &p.Language, &p.PasswordHash, &p.Standing,
		&p.Business, &p.Verified, &sending, &receiving, &created)
	p.VerifyBy, p.SendingLimit, p.ReceivingLimit, p.Created = when(verifyBy), maybeDollars(sending),
		maybeDollars(receiving), when(created)
	return p, err
}

var parties = engine.NewSource(engine.Source[party.ID, party.Party]{
	Doing:     "reading a party",
	Query:     `SELECT ` + partyColumns + ` FROM parties WHERE party_id = $1`,
	Many:      `SELECT ` + partyColumns + ` FROM parties WHERE party_id = ANY($1::text[])`,
	Args:      func(id party.ID) []any { return []any{id} },
	Scan:      scanParty,
	Key:       func(p party.Party) party.ID { return p.ID },
	Order:     `party_id`,
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// Party reads a party.
func (tx *ReadTx) Party(id party.ID) (party.Party, bool, error) { return parties.Get(tx.sql, id) }

// PartiesWith reads the parties with the given ids, without those that do not
// exist.
func (tx *ReadTx) PartiesWith(ids []party.ID) (map[party.ID]party.Party, error) {
	return parties.GetAll(tx.sql, ids)
}

// PartyByEmail reads the party with an e-mail address. Spellings with the same
// [party.EmailKey] are one address.
func (tx *ReadTx) PartyByEmail(email string) (p party.Party, found bool, err error) {
	p, err = scanParty(tx.sql.QueryRow(`
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
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
		ON CONFLICT DO NOTHING`,
		party.EmailKey(p.Email), p.ID, p.Name, p.Email, flag(p.EmailVerified), micros(p.VerifyBy), p.Language, p.PasswordHash,
		p.Standing, flag(p.Business), flag(p.Verified), p.SendingLimit.Micro, p.ReceivingLimit.Micro, micros(p.Created))
	return rows == 1, err
}

// UpdateParty writes all fields of a party that may change, except its e-mail
// address and its password.
func (tx *Tx) UpdateParty(p party.Party) error {
	return tx.one("changing a party", `
		UPDATE parties
		SET name = $1, email_verified = $2, verify_by = $3, language = $4, standing = $5, business = $6,
			verified = $7, sending_limit = $8, receiving_limit = $9
		WHERE party_id = $10`,
		p.Name, flag(p.EmailVerified), micros(p.VerifyBy), p.Language, p.Standing, flag(p.Business), flag(p.Verified),
		p.SendingLimit.Micro, p.ReceivingLimit.Micro, p.ID)
}

// RestOnPassword is ErrStale unless a party's password still has the given
// hash. It writes the row, so that on PostgreSQL it conflicts with a
// transaction that changes the password at the same time.
func (tx *Tx) RestOnPassword(id party.ID, hash string) error {
	return tx.one("checking a password", `
		UPDATE parties SET password_hash = password_hash WHERE party_id = $1 AND password_hash = $2`, id, hash)
}

// SetPassword replaces a party's password hash. It is ErrStale unless the hash
// is still the one before.
func (tx *Tx) SetPassword(id party.ID, before, after string) error {
	return tx.one("changing a password", `
		UPDATE parties SET password_hash = $1 WHERE party_id = $2 AND password_hash = $3`, after, id, before)
}

// SetLanguage writes the language of a party's pages.
func (tx *Tx) SetLanguage(id party.ID, tag string) error {
	return tx.one("changing a language", `UPDATE parties SET language = $1 WHERE party_id = $2`, tag, id)
}

// SetEmail replaces a party's e-mail address, and reports whether the new one
// was free.
func (tx *Tx) SetEmail(id party.ID, email string) (set bool, err error) {
	rows, err := tx.exec("changing an e-mail address", `
		UPDATE parties SET email = $1, email_key = $2
		WHERE party_id = $3 AND NOT EXISTS (SELECT 1 FROM parties WHERE email_key = $2 AND party_id <> $3)`,
		email, party.EmailKey(email), id)
	return rows == 1, err
}
