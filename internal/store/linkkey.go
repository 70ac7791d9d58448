package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
)

// LinkKey reads the key that signs the links in mails to guests. found is false
// until the first guest.
func (tx *ReadTx) LinkKey() (key holdfast.SecretKey, found bool, err error) {
	var kept []byte
	err = tx.sql.QueryRow(`SELECT secret FROM link_keys WHERE purpose = $1`, guestLinks).Scan(&kept)
	if found, err = maybe("reading the key of links", err); err != nil || !found {
		return key, found, err
	}
	secret, err := tx.dialect.sealer.unseal(kept, linkKeyRow(guestLinks))
	return holdfast.NewSecretKey(string(secret)), true, err
}

// guestLinks is the purpose of the only key so far.
const guestLinks = "guests"

// InsertLinkKey adds the key, unless another server has added one.
func (tx *Tx) InsertLinkKey(key holdfast.SecretKey, now time.Time) error {
	_, err := tx.exec("adding the key of links", `
		INSERT INTO link_keys (purpose, secret, created) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		guestLinks, tx.dialect.sealer.seal(key.Reveal(), linkKeyRow(guestLinks)), micros(now))
	return err
}
