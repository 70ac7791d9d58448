package store

import (
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/party"
)

const proofColumns = `party_id, purpose, email, link, code, guesses, created`

func scanProof(row scanner) (p party.Proof, err error) {
	var link []byte
	var created int64
	if err := row.Scan(&p.Party, &p.Purpose, &p.Email, &link, &p.Code, &p.Guesses, &created); err != nil {
		return p, err
	}
	if len(link) != len(p.Link) {
		return p, fmt.Errorf("a link's hash of %d bytes", len(link))
	}
	copy(p.Link[:], link)
	p.Created = when(created)
	return p, nil
}

// Proof reads the last letter of a purpose that a party was sent.
func (tx *ReadTx) Proof(who party.ID, purpose party.ProofPurpose) (p party.Proof, found bool, err error) {
	p, err = scanProof(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+proofColumns+` FROM email_proofs WHERE party_id = $1 AND purpose = $2`, who, purpose))
	found, err = maybe("reading a proof", err)
	return p, found, err
}

// ProofByLink reads the letter that a link is from.
func (tx *ReadTx) ProofByLink(link party.LinkHash) (p party.Proof, found bool, err error) {
	p, err = scanProof(tx.sql.QueryRowContext(tx.ctx, `
		SELECT `+proofColumns+` FROM email_proofs WHERE link = $1`, link[:]))
	found, err = maybe("reading a proof by its link", err)
	return p, found, err
}

// SetProof writes a proof in place of the party's last one of its purpose.
func (tx *Tx) SetProof(p party.Proof) error {
	return tx.one("writing a proof", `
		INSERT INTO email_proofs (`+proofColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7)
		ON CONFLICT (party_id, purpose) DO UPDATE
		SET email = excluded.email, link = excluded.link, code = excluded.code, guesses = excluded.guesses, created = excluded.created`,
		p.Party, p.Purpose, p.Email, p.Link[:], p.Code, p.Guesses, micros(p.Created))
}

// UseProof removes a proof, which must be there: it is good for one time.
func (tx *Tx) UseProof(p party.Proof) error {
	return tx.one("using a proof", `
		DELETE FROM email_proofs WHERE party_id = $1 AND purpose = $2 AND link = $3`, p.Party, p.Purpose, p.Link[:])
}

// ForgetProof removes a party's proof of a purpose, if there is one.
func (tx *Tx) ForgetProof(who party.ID, purpose party.ProofPurpose) error {
	_, err := tx.exec("forgetting a proof", `
		DELETE FROM email_proofs WHERE party_id = $1 AND purpose = $2`, who, purpose)
	return err
}
