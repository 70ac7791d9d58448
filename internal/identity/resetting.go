package identity

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Forgotten sends a letter with a link to the owner of an e-mail address who
// has forgotten the password. Its result does not say whether such an account
// exists, and requests are counted in the same way for every address. Too many
// requests are a *GuessesError, counted by the address and by the client's
// network address.
//
// The letter's link leads back to the visit if there is one with this id. Other
// values of the form field do not reach the letter.
func (s *Service) Forgotten(ctx context.Context, email, from string, visit string) error {
	if s.Letters == nil {
		return ErrNoMail
	}
	if err := s.CountLetter(ctx, email, from); err != nil {
		return err
	}
	l, err := s.NewLetter(ctx, "", party.ProvesOwner, "", from)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		account, found, err := tx.PartyByEmail(email)
		if err != nil || !found {
			return err
		}
		resumes, err := s.Resumes(&tx.ReadTx, visit)
		if err != nil {
			return err
		}
		if resumes {
			l.visit = visit
		}
		l.Party, l.Email = account.ID, account.Email
		return s.Send(tx, account, l)
	})
}

// ForgottenBy returns the party whose password a link can reset, or
// ErrLinkOver.
func (s *Service) ForgottenBy(ctx context.Context, secret string) (account party.Party, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		account, _, err = s.resetting(tx, secret)
		return err
	})
	return account, err
}

func (s *Service) resetting(tx *store.ReadTx, secret string) (account party.Party, proof party.Proof, err error) {
	if proof, err = s.ProofFor(tx, party.ProvesOwner, secret); err != nil {
		return account, proof, err
	}
	account, err = PartyOf(tx, proof.Party)
	return account, proof, err
}

// ResetPassword sets a new password by a link that was mailed. It uses up the
// link and all others like it; before that, only a change of the e-mail address
// ends them. The party is signed out everywhere. If the address was not
// verified before, it is now. Somebody else may have signed up with it, so
// everything that was put into the account is removed.
func (s *Service) ResetPassword(ctx context.Context, secret, password string) (account party.Party, err error) {
	if err := party.ValidPassword(password); err != nil {
		return account, err
	}
	before, err := s.ForgottenBy(ctx, secret)
	if err != nil {
		return account, err // before the expensive hash
	}
	// The answer "this is the old password" reveals something, so it counts as a
	// guess.
	asked := []Subject{resetSubject(before.ID)}
	if err := s.countGuess(ctx, asked); err != nil {
		return account, err
	}
	var hashed string
	err = hash(ctx, func() {
		if !s.passwords().Check(before.PasswordHash, password) {
			hashed = s.passwords().Hash(password, salt())
		}
	})
	if err != nil {
		return account, err
	}
	if hashed == "" {
		return account, party.ErrPasswordSame
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		var proof party.Proof
		if account, proof, err = s.resetting(&tx.ReadTx, secret); err != nil {
			return err
		}
		if err := forgive(tx, append(accountSubjects(account.Email), asked...)); err != nil {
			return err
		}
		return s.reset(tx, account, proof, hashed)
	})
	account.PasswordHash = hashed
	return account, overIfStale(err)
}

// reset does the work of ResetPassword in one database transaction.
func (s *Service) reset(tx *store.Tx, account party.Party, proof party.Proof, hashed string) error {
	tx.ActBy(account)
	if err := s.UseProof(tx, proof); err != nil {
		return err
	}
	if err := tx.ForgetProofs(account.ID, party.ProvesOwner); err != nil {
		return err
	}
	if !account.EmailVerified {
		if err := s.takeOver(tx, account); err != nil {
			return err
		}
		account.EmailVerified, account.VerifyBy = true, time.Time{}
		if err := tx.UpdateParty(account); err != nil {
			return err
		}
	}
	return s.setPassword(tx, account, hashed, "", "party.reset_password")
}

// takeOver removes everything that a stranger may have put into an account:
// second factors, addresses, and what TakenOver removes.
func (s *Service) takeOver(tx *store.Tx, account party.Party) error {
	entry := party.AuditEntry{Action: "party.take_over", Object: string(account.ID)}
	if err := tx.Log(entry, s.Now()); err != nil {
		return err
	}
	if err := tx.RemovePasskeys(account.ID); err != nil {
		return err
	}
	if _, err := tx.RemoveTOTP(account.ID); err != nil {
		return err
	}
	addresses, err := tx.Addresses(account.ID)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if err := tx.RemoveAddress(account.ID, a.ID); err != nil {
			return err
		}
	}
	return s.TakenOver(tx, account.ID)
}
