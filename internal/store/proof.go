package store

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A proofRow is a row of the table proofs.
type proofRow struct {
	party.Proof
	link []byte
}

var proofTable = table[proofRow]{name: "proofs", fields: fields[proofRow]{
	textField("party_id", func(p *proofRow) *party.ID { return &p.Party }),
	textField("purpose", func(p *proofRow) *party.ProofPurpose { return &p.Purpose }),
	textField("email", func(p *proofRow) *string { return &p.Email }),
	bytesField("link", func(p *proofRow) *[]byte { return &p.link }),
	textField("code", func(p *proofRow) *string { return &p.Code }),
	numberField("guesses", func(p *proofRow) *int { return &p.Guesses }),
	textField("counted_by", func(p *proofRow) *string { return &p.CountedBy }),
	timeField("created", func(p *proofRow) *time.Time { return &p.Created }),
}}

var (
	proofColumns = proofTable.list()
	scanProofRow = proofTable.scanner()
)

func scanProof(from scanner) (party.Proof, error) {
	row, err := scanProofRow(from)
	if err == nil && len(row.link) != len(row.Link) {
		err = fmt.Errorf("the hash of a link has %d bytes", len(row.link))
	}
	copy(row.Link[:], row.link)
	return row.Proof, err
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
	row := proofRow{p, p.Link[:]}
	return tx.one("writing a proof", proofTable.insertText(onConflict), proofTable.fields.values(&row)...)
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
