package store

import (
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/party"
)

const proofColumns = `party_id, purpose, email, link, code, guesses, counted_by, created`

func scanProof(row scanner) (p party.Proof, err error) {
	var link []byte
	var created int64
	if err := row.Scan(&p.Party, &p.Purpose, &p.Email, &link, &p.Code, &p.Guesses, &p.CountedBy, &created); err != nil {
		return p, err
	}
	if len(link) != len(p.Link) {
		return p, fmt.Errorf("the hash of a link has %d bytes", len(link))
	}
	copy(p.Link[:], link)
	p.Created = when(created)
	return p, nil
}

// Proof reads the proof of the last letter with a purpose that a party was
// sent.
func (tx *ReadTx) Proof(owner party.ID, purpose party.ProofPurpose) (p party.Proof, found bool, err error) {
	p, err = scanProof(tx.sql.QueryRow(`
		SELECT `+proofColumns+` FROM proofs WHERE party_id = $1 AND purpose = $2
		ORDER BY created DESC LIMIT 1`, owner, purpose))
	found, err = maybe("reading a proof", err)
	return p, found, err
}

// ProofByLink reads the proof that a link in a letter belongs to.
func (tx *ReadTx) ProofByLink(link party.LinkHash) (p party.Proof, found bool, err error) {
	p, err = scanProof(tx.sql.QueryRow(`
		SELECT `+proofColumns+` FROM proofs WHERE link = $1`, link[:]))
	found, err = maybe("reading a proof by its link", err)
	return p, found, err
}

// SetProof replaces the party's last proof of the same purpose. Several proofs
// for a new password may exist at once, until they are too old.
func (tx *Tx) SetProof(p party.Proof) error {
	onConflict := `ON CONFLICT (party_id, purpose) WHERE purpose <> 'Reset' DO UPDATE
		SET email = excluded.email, link = excluded.link, code = excluded.code, guesses = excluded.guesses,
			counted_by = excluded.counted_by, created = excluded.created`
	if p.Purpose == party.ProvesOwner {
		onConflict = ""
		if _, err := tx.exec("forgetting old proofs", `
			DELETE FROM proofs WHERE party_id = $1 AND purpose = $2 AND created <= $3`,
			p.Party, p.Purpose, micros(p.Created.Add(-p.Life()))); err != nil {
			return err
		}
	}
	return tx.one("writing a proof", `
		INSERT INTO proofs (`+proofColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8) `+onConflict,
		p.Party, p.Purpose, p.Email, p.Link[:], p.Code, p.Guesses, p.CountedBy, micros(p.Created))
}

// UseProof removes a proof, because it is valid only once. It is ErrStale if
// the proof does not exist.
func (tx *Tx) UseProof(p party.Proof) error {
	return tx.one("using a proof", `DELETE FROM proofs WHERE link = $1`, p.Link[:])
}

// ForgetProofs removes a party's proofs of a purpose.
func (tx *Tx) ForgetProofs(owner party.ID, purpose party.ProofPurpose) error {
	_, err := tx.exec("forgetting proofs", `
		DELETE FROM proofs WHERE party_id = $1 AND purpose = $2`, owner, purpose)
	return err
}
