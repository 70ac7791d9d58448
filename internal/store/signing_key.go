package store

import "time"

// A SigningKey signs what is sent out. It stays after another took its place,
// so that what it signed can be verified.
type SigningKey struct {
	Path        string // where its certificate is served, "/certs/112326/PKICert.pem"
	Certificate string // PEM
	PrivateKey  []byte // PKCS #8
	Created     time.Time
}

// SigningKeys reads all keys, the one to sign with first.
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

// InsertSigningKey adds the key that comes after n others, unless there is one
// already: of two servers that start at once, one wins and both read what it
// wrote, also when midnight between them gave their keys two paths.
func (tx *Tx) InsertSigningKey(k SigningKey, n int) error {
	_, err := tx.exec("adding a signing key", `
		INSERT INTO signing_keys (place, path, certificate, private_key, created) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT DO NOTHING`,
		n+1, k.Path, k.Certificate, tx.dialect.sealer.seal(k.PrivateKey, signingKeyRow(k.Path)), micros(k.Created))
	return err
}
