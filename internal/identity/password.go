package identity

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An OwnPassword is the password that a signed-in party must enter again before
// an important change, because it may have left its browser open.
type OwnPassword struct {
	Password string
	From     string // the client's network address, by which letters are counted
}

// checkOwnPassword returns ErrWrongPassword or a *GuessesError unless the
// password is the party's. It counts guesses separately from those at the
// sign-in page, because strangers can use those up. The caller passes the
// returned party to restOnPassword.
func (s *Service) checkOwnPassword(ctx context.Context, account party.Party, o OwnPassword) (party.Party, error) {
	return s.checkPassword(ctx, account, o.Password, "", ownSubjects(account.ID))
}

// ChangePassword sets a new password and returns the changed party. The party
// stays signed in in this browser and is signed out everywhere else. A member that has a
// second factor must have given it, or it is ErrUnproved.
func (s *Service) ChangePassword(
	ctx context.Context, session party.SignedIn, o OwnPassword, password string,
) (party.Party, error) {
	if err := party.ValidPassword(password); err != nil {
		return party.Party{}, err
	}
	account, err := s.Party(ctx, session.Party)
	if err != nil {
		return party.Party{}, err
	}
	if err := s.checkProved(ctx, session); err != nil {
		return party.Party{}, err
	}
	if account, err = s.checkOwnPassword(ctx, account, o); err != nil {
		return party.Party{}, err
	}
	if party.SamePassword(o.Password, password) {
		return party.Party{}, party.ErrPasswordSame
	}
	hashed, err := s.HashNew(ctx, password)
	if err != nil {
		return party.Party{}, err
	}
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		return s.setPassword(tx, account, hashed, session.ID, "party.change_password")
	})
	if errors.Is(err, store.ErrStale) {
		err = ErrWrongPassword // the password was changed at the same moment
	}
	account.PasswordHash = hashed
	return account, err
}

// GivePassword sets a new password for an operator. The party is signed out
// everywhere.
func (s *Service) GivePassword(ctx context.Context, partyID party.ID, password string) error {
	if err := party.ValidPassword(password); err != nil {
		return err
	}
	hashed, err := s.HashNew(ctx, password)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		account, err := PartyOf(&tx.ReadTx, partyID)
		if err != nil {
			return err
		}
		return s.setPassword(tx, account, hashed, "", "party.change_password")
	})
}

// HashNew hashes a new password.
func (s *Service) HashNew(ctx context.Context, password string) (hashed string, err error) {
	err = hash(ctx, func() { hashed = s.passwords().Hash(password, salt()) })
	return hashed, err
}

// setPassword stores a new password, tells the owner, and ends what began under
// the old one: all sessions except keep, passkeys that are being added, and
// letters that would change the address. Links that reset the password stay
// valid. If a thief changes a stolen password, the owner gets the account back
// by such a link. action is the name of the change in the audit log.
func (s *Service) setPassword(
	tx *store.Tx, account party.Party, hashed string, keep party.SignedInID, action party.AuditAction,
) error {
	if err := tx.Log(party.AuditEntry{Action: action, Object: string(account.ID)}, s.Now()); err != nil {
		return err
	}
	if err := tx.SetPassword(account.ID, account.PasswordHash, hashed); err != nil {
		return err
	}
	if err := tx.EndSignedInElsewhere(account.ID, keep); err != nil {
		return err
	}
	if err := tx.ForgetPasskeyChallenges(account.ID); err != nil {
		return err
	}
	if err := tx.ForgetProofs(account.ID, party.ProvesNewEmail); err != nil {
		return err
	}
	return s.TellOwner(tx, account, party.Notice{About: party.NoticePasswordChanged})
}
