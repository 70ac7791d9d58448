package identity

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Errors of links and codes that verify an e-mail address.
var (
	// ErrLinkOver means that the link was used, is too old, was replaced by a
	// newer one, or is another account's. The answer does not say which.
	ErrLinkOver = errors.New("the link can no longer be used")
	// ErrWrongCode means that the code is wrong; the user can try again.
	ErrWrongCode = errors.New("the code is wrong")
	// ErrCodeOver means that the code is too old, or that there were too many
	// wrong ones.
	ErrCodeOver = errors.New("the code can no longer be used")
	// ErrNoMail means that this server sends no mail.
	ErrNoMail = errors.New("mail cannot be sent")
)

// verifyWithinDefault lets new users finish their first purchase.
const verifyWithinDefault = 24 * time.Hour

func (s *Service) verifyWithin() time.Duration {
	switch {
	case s.VerifyWithin == 0:
		return verifyWithinDefault
	case s.VerifyWithin < 0:
		return 0
	}
	return s.VerifyWithin
}

const linkSecretSize = 32 // characters of base 62: 190 bits

// A Letter is a proof that is about to be mailed, with the secrets that only
// the mail contains.
type Letter struct {
	party.Proof
	link, code string
	visit      string // the visit to continue; empty if there is none
}

// NewLetter draws the secrets of a letter that a client at the network address
// from has asked for. Hashing the code is slow, so it happens outside database
// transactions.
func (s *Service) NewLetter(
	ctx context.Context, partyID party.ID, purpose party.ProofPurpose, email, from string,
) (Letter, error) {
	l := Letter{
		Proof: party.Proof{
			Party: partyID, Purpose: purpose, Email: email, Created: s.Now(), CountedBy: lettersFrom(from).Key,
		},
		link: s.IDs().Secret(linkSecretSize),
	}
	l.Link = party.HashLink(l.link)
	if purpose == party.ProvesOwner || purpose == party.ProvesGuest {
		return l, nil
	}
	l.code = Random(party.CodeDigits, "0123456789")
	return l, hash(ctx, func() { l.Code = s.passwords().Hash(l.code, salt()) })
}

// noticeOf maps the purpose of a proof to the subject of its letter.
var noticeOf = map[party.ProofPurpose]party.NoticeAbout{
	party.ProvesEmail: party.NoticeVerify, party.ProvesNewEmail: party.NoticeNewEmail,
	party.ProvesOwner: party.NoticeReset, party.ProvesGuest: party.NoticeGuestClaim,
}

// Send stores the hashes of a letter's secrets (see [store.Tx.SetProof]) and
// writes the letter. Wrong guesses at earlier codes still count: a party that has
// used up its guesses gets only a link.
func (s *Service) Send(tx *store.Tx, to party.Party, l Letter) error {
	before, _, err := tx.Proof(l.Party, l.Purpose)
	if err != nil {
		return err
	}
	if l.Guesses = before.Guesses; l.CodeExhausted() {
		l.code, l.Code = "", ""
	}
	if err := tx.SetProof(l.Proof); err != nil {
		return err
	}
	return s.Tell(tx, party.Notice{
		About: noticeOf[l.Purpose], To: l.Email, Party: to.ID, Language: to.Language, Link: l.link, Code: l.code,
		Visit: l.visit,
	})
}

// SendVerification sends the verification letter again to a party whose e-mail
// address is not verified. Too many requests are a *GuessesError.
func (s *Service) SendVerification(ctx context.Context, partyID party.ID, from string) error {
	account, err := s.mailable(ctx, partyID)
	if err != nil || account.EmailVerified || account.Guest {
		return err
	}
	if err := s.CountLetter(ctx, account.Email, from); err != nil {
		return err
	}
	l, err := s.NewLetter(ctx, partyID, party.ProvesEmail, account.Email, from)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return s.Send(tx, account, l) })
}

// mailable reads a party to which a letter with a link is to be sent.
func (s *Service) mailable(ctx context.Context, partyID party.ID) (party.Party, error) {
	if s.Letters == nil {
		return party.Party{}, ErrNoMail
	}
	return s.Party(ctx, partyID)
}

// ProveByLink carries out what a link proves for a signed-in party. The reader
// of the mail may not be the user of the account, so the link alone is not
// enough. The link may be of an earlier letter with another purpose.
func (s *Service) ProveByLink(
	ctx context.Context, partyID party.ID, secret string,
) (proved party.ProofPurpose, err error) {
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		proof, err := s.linked(&tx.ReadTx, partyID, secret)
		if err != nil {
			return err
		}
		proved = proof.Purpose
		return s.proved(tx, proof)
	})
	return proved, err
}

// ProvableBy returns what a link would prove for a party, or ErrLinkOver.
func (s *Service) ProvableBy(ctx context.Context, partyID party.ID, secret string) (proof party.Proof, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		proof, err = s.linked(tx, partyID, secret)
		return err
	})
	return proof, err
}

// ProofFor returns the proof of a letter's link for one purpose, or ErrLinkOver.
func (s *Service) ProofFor(tx *store.ReadTx, purpose party.ProofPurpose, secret string) (party.Proof, error) {
	proof, found, err := tx.ProofByLink(party.HashLink(secret))
	if err == nil && (!found || proof.Purpose != purpose || proof.LinkOver(s.Now())) {
		err = ErrLinkOver
	}
	return proof, err
}

func (s *Service) linked(tx *store.ReadTx, partyID party.ID, secret string) (party.Proof, error) {
	proof, found, err := tx.ProofByLink(party.HashLink(secret))
	byItself := proof.Purpose == party.ProvesOwner || proof.Purpose == party.ProvesGuest
	if err == nil && (!found || proof.Party != partyID || byItself || proof.LinkOver(s.Now())) {
		err = ErrLinkOver
	}
	return proof, err
}

// ProveByCode carries out what a code proves. The code must be from the party's
// last letter of that purpose.
func (s *Service) ProveByCode(ctx context.Context, partyID party.ID, purpose party.ProofPurpose, code string) error {
	var proof party.Proof
	// The guess is counted before the code is checked, so that simultaneous
	// guesses count, too.
	err := s.db.Update(ctx, func(tx *store.Tx) (err error) {
		var found bool
		if proof, found, err = tx.Proof(partyID, purpose); err != nil {
			return err
		}
		if !found || proof.CodeOver(s.Now()) || proof.CodeExhausted() {
			return ErrCodeOver
		}
		proof.Guesses++
		return tx.SetProof(proof)
	})
	if err != nil {
		return err
	}
	var right bool
	if err := hash(ctx, func() { right = s.passwords().Check(proof.Code, code) }); err != nil {
		return err
	}
	if !right {
		return ErrWrongCode
	}
	return s.db.Update(ctx, func(tx *store.Tx) error { return s.proved(tx, proof) })
}

// proved carries out what a proof was requested for.
func (s *Service) proved(tx *store.Tx, proof party.Proof) error {
	if err := s.UseProof(tx, proof); err != nil {
		return err
	}
	account, err := PartyOf(&tx.ReadTx, proof.Party)
	if err != nil {
		return err
	}
	if proof.Purpose == party.ProvesNewEmail {
		if err := s.moveEmail(tx, account, proof.Email); err != nil {
			return err
		}
	}
	before := account.Facts()
	account.EmailVerified, account.VerifyBy = true, time.Time{}
	if err := tx.Log(party.AuditEntry{
		Action: "party.verify_email", Object: string(account.ID), Before: before, After: account.Facts(),
	}, s.Now()); err != nil {
		return err
	}
	return tx.UpdateParty(account)
}

// UseProof uses up a proof, which works once. The letter was wanted, so it no
// longer counts against the subjects that it was counted by.
func (s *Service) UseProof(tx *store.Tx, proof party.Proof) error {
	err := tx.UseProof(proof)
	if errors.Is(err, store.ErrStale) {
		return ErrLinkOver
	}
	if err != nil {
		return err
	}
	wanted := []Subject{lettersToAccount(proof.Email)}
	if proof.CountedBy != "" {
		wanted = append(wanted, lettersCountedBy(proof.CountedBy))
	}
	return forgive(tx, wanted)
}
