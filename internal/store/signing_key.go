package store

import "time"

// A SigningKey signs notifications and return URLs. It is kept after a newer
// key has replaced it, so that its signatures can still be verified.
type SigningKey struct {
	Path        string // of its certificate, such as "/certs/112326/PKICert.pem"
	Certificate string // PEM
	PrivateKey  []byte // PKCS #8
	Created     time.Time
}

// SigningKeys reads all keys. The first is the one to sign with.
func (tx *ReadTx) SigningKeys() ([]SigningKey, error) {
	return list(tx, "reading signing keys", func(row scanner) (k SigningKey, err error) {
		var created int64
		if err = row.Scan(&k.Path, &k.Certificate, &k.PrivateKey, &created); err != nil {
			return k, err
		}
		k.Created = when(created)
		k.PrivateKey, err = tx.dialect.sealer.unseal(k.PrivateKey, signingKeyRow(k.Path))
		return k, err
	}, `
		SELECT path, certificate, private_key, created FROM signing_keys
		ORDER BY created DESC, path DESC`)
}

// InsertSigningKey adds a key after n existing ones, unless the place is taken.
// If two servers start at once, one of them adds its key and both read that
// one, even if midnight gave their keys different paths.
func (tx *Tx) InsertSigningKey(k SigningKey, n int) error {
	_, err := tx.exec("adding a signing key", `
		INSERT INTO signing_keys (place, path, certificate, private_key, created) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`,
		n+1, k.Path, k.Certificate, tx.dialect.sealer.seal(k.PrivateKey, signingKeyRow(k.Path)), micros(k.Created))
	return err
}
