package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

var passkeyTable = table[party.Passkey]{name: "passkeys", fields: fields[party.Passkey]{
	textField("party_id", func(k *party.Passkey) *party.ID { return &k.Owner }),
	textField("passkey_id", func(k *party.Passkey) *party.PasskeyID { return &k.ID }),
	bytesField("credential_id", func(k *party.Passkey) *[]byte { return &k.CredentialID }),
	bytesField("credential", func(k *party.Passkey) *[]byte { return &k.Credential }),
	textField("name", func(k *party.Passkey) *string { return &k.Name }),
	timeField("created", func(k *party.Passkey) *time.Time { return &k.Created }),
	timeField("last_used", func(k *party.Passkey) *time.Time { return &k.LastUsed }),
}}

var (
	passkeyColumns = passkeyTable.list()
	scanPasskey    = passkeyTable.scanner()
	insertPasskey  = passkeyTable.insertText("ON CONFLICT DO NOTHING")
)

// Passkeys reads a party's passkeys, the oldest first.
func (tx *ReadTx) Passkeys(owner party.ID) ([]party.Passkey, error) {
	return list(tx, "reading passkeys", scanPasskey, `
		SELECT `+passkeyColumns+` FROM passkeys WHERE party_id = $1 ORDER BY created, passkey_id`, owner)
}

// PasskeyByCredential reads a passkey by the credential id that its device
// chose.
func (tx *ReadTx) PasskeyByCredential(credential []byte) (k party.Passkey, found bool, err error) {
	k, err = scanPasskey(tx.sql.QueryRow(`
		SELECT `+passkeyColumns+` FROM passkeys WHERE credential_id = $1`, credential))
	found, err = maybe("reading a passkey", err)
	return k, found, err
}

// InsertPasskey adds a passkey and reports whether it was new.
func (tx *Tx) InsertPasskey(k party.Passkey) (inserted bool, err error) {
	rows, err := tx.exec("adding a passkey", insertPasskey, passkeyTable.fields.values(&k)...)
	return rows == 1, err
}

// UsePasskey writes the new state of a passkey after its use. It is ErrStale
// unless the passkey is still as it was read, so no two uses count from the
// same number.
func (tx *Tx) UsePasskey(before, after party.Passkey) error {
	return tx.one("using a passkey", `
		UPDATE passkeys SET credential = $1, last_used = $2
		WHERE credential_id = $3 AND credential = $4`,
		after.Credential, micros(after.LastUsed), before.CredentialID, before.Credential)
}

// RemovePasskey removes one of a party's passkeys and reports whether there was
// one.
func (tx *Tx) RemovePasskey(owner party.ID, id party.PasskeyID) (removed bool, err error) {
	rows, err := tx.exec("removing a passkey", `
		DELETE FROM passkeys WHERE party_id = $1 AND passkey_id = $2`, owner, id)
	return rows == 1, err
}

// RemovePasskeys removes all of a party's passkeys.
func (tx *Tx) RemovePasskeys(owner party.ID) error {
	_, err := tx.exec("removing passkeys", `DELETE FROM passkeys WHERE party_id = $1`, owner)
	return err
}

// InsertPasskeyChallenge adds a challenge, and removes challenges that nobody
// answered in time.
func (tx *Tx) InsertPasskeyChallenge(c party.PasskeyChallenge, now time.Time) error {
	if _, err := tx.exec("removing old passkey challenges", `
		DELETE FROM passkey_challenges WHERE expires <= $1`, micros(now)); err != nil {
		return err
	}
	return tx.one("adding a passkey challenge", `
		INSERT INTO passkey_challenges (challenge, party_id, session, expires) VALUES ($1, $2, $3, $4)`,
		c.Challenge, c.Owner, c.Session, micros(c.Expires))
}

// ForgetPasskeyChallenges removes a party's unanswered challenges for adding a
// passkey.
func (tx *Tx) ForgetPasskeyChallenges(owner party.ID) error {
	_, err := tx.exec("removing a party's passkey challenges", `
		DELETE FROM passkey_challenges WHERE party_id = $1`, owner)
	return err
}

// TakePasskeyChallenge removes a challenge that is being answered and returns
// it, if it belongs to the owner and has not expired. It can be taken only
// once.
func (tx *Tx) TakePasskeyChallenge(
	challenge string, owner party.ID, now time.Time,
) (c party.PasskeyChallenge, found bool, err error) {
	c = party.PasskeyChallenge{Challenge: challenge, Owner: owner}
	err = tx.sql.Run(engine.Statement{
		Doing: "taking a passkey challenge",
		Text: `
			DELETE FROM passkey_challenges WHERE challenge = $1 AND party_id = $2 AND expires > $3
			RETURNING session, expires`,
		Args: []any{challenge, owner, micros(now)}, Writes: true,
		Row: func(row scanner) error {
			var expires int64
			err := row.Scan(&c.Session, &expires)
			c.Expires, found = when(expires), true
			return err
		},
	})
	return c, found, err
}
