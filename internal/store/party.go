package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A partyRow is a row of the table parties.
type partyRow struct {
	party.Party
	emailKey string
}

var partyTable = table[partyRow]{name: "parties", fields: fields[partyRow]{
	textField("party_id", func(p *partyRow) *party.ID { return &p.ID }),
	textField("name", func(p *partyRow) *string { return &p.Name }),
	textField("email", func(p *partyRow) *string { return &p.Email }),
	flagField("email_verified", func(p *partyRow) *bool { return &p.EmailVerified }),
	timeField("verify_by", func(p *partyRow) *time.Time { return &p.VerifyBy }),
	textField("language", func(p *partyRow) *string { return &p.Language }),
	textField("password_hash", func(p *partyRow) *string { return &p.PasswordHash }),
	textField("standing", func(p *partyRow) *party.Standing { return &p.Standing }),
	flagField("business", func(p *partyRow) *bool { return &p.Business }),
	flagField("verified", func(p *partyRow) *bool { return &p.Verified }),
	maybeDollarsField("sending_limit", func(p *partyRow) *money.Amount { return &p.SendingLimit }),
	maybeDollarsField("receiving_limit", func(p *partyRow) *money.Amount { return &p.ReceivingLimit }),
	flagField("guest", func(p *partyRow) *bool { return &p.Guest }),
	timeField("created", func(p *partyRow) *time.Time { return &p.Created }),
	textField("email_key", func(p *partyRow) *string { return &p.emailKey }),
}}

var (
	partyColumns = partyTable.list()
	scanPartyRow = partyTable.scanner()
	insertParty  = partyTable.insertText("ON CONFLICT DO NOTHING")
	updateParty  = partyTable.update(`
		name, email_verified, verify_by, language, standing, business, verified, sending_limit, receiving_limit, guest`, "party_id")
)

func scanParty(from scanner) (party.Party, error) {
	row, err := scanPartyRow(from)
	return row.Party, err
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
// [party.EmailKey] are one address. It finds no guests.
func (tx *ReadTx) PartyByEmail(email string) (p party.Party, found bool, err error) {
	p, err = scanParty(tx.sql.QueryRow(`
		SELECT `+partyColumns+` FROM parties WHERE email_key = $1 AND guest = 0`, party.EmailKey(email)))
	found, err = maybe("reading a party by e-mail address", err)
	return p, found, err
}

// Parties reads all accounts, or all guests, oldest first.
func (tx *ReadTx) Parties(guests bool) ([]party.Party, error) {
	return list(tx, "reading parties", scanParty, `
		SELECT `+partyColumns+` FROM parties WHERE guest = $1 ORDER BY created, party_id`, flag(guests))
}

// InsertParty adds a party and reports whether its e-mail address was free.
func (tx *Tx) InsertParty(p party.Party) (inserted bool, err error) {
	row := partyRow{p, p.EmailKey()}
	rows, err := tx.exec("adding a party", insertParty, partyTable.fields.values(&row)...)
	return rows == 1, err
}

// UpdateParty writes all fields of a party that may change, except its e-mail
// address and its password.
func (tx *Tx) UpdateParty(p party.Party) error {
	row := partyRow{Party: p}
	return tx.one("changing a party", updateParty.text, updateParty.values.values(&row)...)
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

// NameGuest writes the name and the e-mail address of a guest.
func (tx *Tx) NameGuest(id party.ID, name, email string) error {
	return tx.one("naming a guest", `
		UPDATE parties SET name = $1, email = $2 WHERE party_id = $3 AND guest = 1`, name, email, id)
}

// ClaimGuest makes an account of a guest. It reports false if another account has
// the e-mail address, and is ErrStale if there is no such guest any more.
func (tx *Tx) ClaimGuest(p party.Party) (claimed bool, err error) {
	if _, taken, err := tx.PartyByEmail(p.Email); err != nil || taken {
		return false, err
	}
	row := partyRow{Party: p}
	if err := tx.one("checking a guest", `
		UPDATE parties SET guest = 0, email_key = $1, password_hash = $2 WHERE party_id = $3 AND guest = 1`,
		party.EmailKey(p.Email), p.PasswordHash, p.ID); err != nil {
		return false, err
	}
	return true, tx.one("making an account of a guest", updateParty.text, updateParty.values.values(&row)...)
}

// ForgetGuestData removes the shipping addresses of a guest that gets an account, and
// the names that card networks have for it: an account has customers of its own.
func (tx *Tx) ForgetGuestData(id party.ID) error {
	if _, err := tx.exec("removing a guest's addresses", `
		UPDATE addresses SET removed = 1, is_default = 0 WHERE party_id = $1 AND removed = 0`, id); err != nil {
		return err
	}
	_, err := tx.exec("forgetting a guest's customers", `DELETE FROM network_customers WHERE party_id = $1`, id)
	return err
}

// oldGuests selects guests without a token that are to be forgotten by $1. A guest
// stays while a hold that was placed on a page is not released yet.
const oldGuests = `SELECT party_id FROM parties WHERE guest = 1 AND verify_by > 0 AND verify_by <= $1
	AND NOT EXISTS (SELECT 1 FROM page_holds h
		WHERE h.state IN ('Asking', 'Action', 'Held', 'Releasing') AND h.party_id = parties.party_id)
	ORDER BY verify_by LIMIT $2`

// HasOldGuests reports whether ForgetGuests would find anything, so that an idle
// server does not write.
func (tx *ReadTx) HasOldGuests(now time.Time) (bool, error) {
	old, err := list(tx, "looking for old guests", scanID, oldGuests, micros(now), 1)
	return len(old) > 0, err
}

// ForgetGuests removes guests without a token whose time is over, at most limit,
// with their cards and addresses. It reports how many.
func (tx *Tx) ForgetGuests(now time.Time, limit int) (removed int64, err error) {
	for _, table := range []string{"instruments", "addresses", "proofs", "network_customers", "parties"} {
		removed, err = tx.exec("forgetting guests", `DELETE FROM `+table+` WHERE party_id IN (`+oldGuests+`)`,
			micros(now), limit)
		if err != nil {
			return 0, err
		}
	}
	return removed, nil
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
