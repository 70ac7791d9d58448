package identity

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Errors of second factors.
var (
	// ErrWrongFactor is the only error for a code that is wrong, that was used before,
	// or that belongs to no second factor.
	ErrWrongFactor = errors.New("the code is wrong or was used before")
	// ErrUnproved means that the party must give its second factor first.
	ErrUnproved = errors.New("the second factor must be given first")
)

// A SecondFactor lists what a party can use in addition to its password.
type SecondFactor struct {
	App      bool // it has an authenticator app
	Passkeys int
	Codes    int // recovery codes that are left
}

// None reports whether the party has no second factor yet.
func (f SecondFactor) None() bool { return !f.App && f.Passkeys == 0 }

// SecondFactor reads what a party has.
func (s *Service) SecondFactor(ctx context.Context, id party.ID) (f SecondFactor, err error) {
	err = s.db.View(ctx, func(tx *store.ReadTx) error {
		f, err = secondFactor(tx, id)
		return err
	})
	return f, err
}

func secondFactor(tx *store.ReadTx, id party.ID) (f SecondFactor, err error) {
	t, found, err := tx.TOTP(id)
	if err != nil {
		return f, err
	}
	f.App = found && !t.Confirmed.IsZero()
	if f.Codes, err = tx.RecoveryCodes(id); err != nil {
		return f, err
	}
	keys, err := tx.Passkeys(id)
	f.Passkeys = len(keys)
	return f, err
}

// mayChangeFactors refuses a session that has not given the second factor that its
// party has. Otherwise a thief of the password could add a factor of their own, or
// remove the owner's.
func (s *Service) mayChangeFactors(tx *store.ReadTx, at party.SignedIn) error {
	f, err := secondFactor(tx, at.Party)
	if err != nil || f.None() {
		return err
	}
	now, found, err := tx.SignedIn(at.Party, at.ID)
	if err == nil && (!found || !now.ProvedAt(s.Now())) {
		err = ErrUnproved
	}
	return err
}

// mayChangeAccount is mayChangeFactors for members, before a change of the password, the
// e-mail address or a passkey. Other parties have no second factor: for them a passkey
// takes the place of the password, and the password is enough.
func (s *Service) mayChangeAccount(tx *store.ReadTx, at party.SignedIn) error {
	all, err := tx.Memberships(at.Party)
	if err != nil || len(all) == 0 {
		return err
	}
	return s.mayChangeFactors(tx, at)
}

// checkProved is mayChangeAccount outside of a transaction.
func (s *Service) checkProved(ctx context.Context, at party.SignedIn) error {
	return s.db.View(ctx, func(tx *store.ReadTx) error { return s.mayChangeAccount(tx, at) })
}

// errHasApp refuses a second authenticator app.
var errHasApp = holdfast.Errorf(holdfast.InvalidParams, "the account has an authenticator app already")

// BeginTOTP returns the secret for a new authenticator app, which is not valid yet. A
// session gets the same one again.
func (s *Service) BeginTOTP(ctx context.Context, at party.SignedIn) (t party.TOTP, err error) {
	fresh := party.NewTOTP(at.Party, randomBytes(party.TOTPSecretSize))
	fresh.BegunIn = at.ID
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(&tx.ReadTx, at); err != nil {
			return err
		}
		var found bool
		t, found, err = tx.TOTP(at.Party)
		switch {
		case err != nil:
			return err
		case found && !t.Confirmed.IsZero():
			return errHasApp
		case found && t.BegunIn == at.ID:
			return nil // the page was loaded again
		}
		t = fresh
		return tx.SetTOTP(t)
	})
	if errors.Is(err, store.ErrStale) {
		err = errHasApp // confirmed at the same moment
	}
	return t, err
}

// RemoveTOTP removes the authenticator app with the recovery codes. The session must
// be proved.
func (s *Service) RemoveTOTP(ctx context.Context, at party.SignedIn) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(&tx.ReadTx, at); err != nil {
			return err
		}
		removed, err := tx.RemoveTOTP(at.Party)
		if err == nil && !removed {
			err = holdfast.Errorf(holdfast.InvalidParams, "the account has no authenticator app")
		}
		if err != nil {
			return err
		}
		return s.factorChanged(tx, at.Party, party.NoticeFactorRemoved)
	})
}

// ConfirmTOTP makes a new authenticator app valid by its first code, and returns the
// recovery codes, which are shown only once. The session counts as proved.
func (s *Service) ConfirmTOTP(ctx context.Context, at party.SignedIn, code string) (recovery []string, err error) {
	subjects := factorSubjects(at.Party)
	if err := s.countGuess(ctx, subjects); err != nil {
		return nil, err
	}
	recovery, hashes := newRecoveryCodes(at.Party)
	now := s.Now()
	err = s.db.Update(ctx, func(tx *store.Tx) error {
		if err := s.mayChangeFactors(&tx.ReadTx, at); err != nil {
			return err
		}
		t, found, err := tx.TOTP(at.Party)
		if err != nil {
			return err
		}
		step, right := t.Check(code, now)
		if !found || !right || !t.Confirmed.IsZero() || t.BegunIn != at.ID {
			return ErrWrongFactor
		}
		if err := tx.UseTOTP(at.Party, step, now); err != nil {
			return err
		}
		if err := tx.SetRecoveryCodes(at.Party, hashes); err != nil {
			return err
		}
		if err := s.factorChanged(tx, at.Party, party.NoticeFactorAdded); err != nil {
			return err
		}
		return s.markProved(tx, at, subjects)
	})
	if err != nil {
		return nil, wrongIfStale(err)
	}
	return recovery, nil
}

// NewRecoveryCodes replaces the recovery codes. The session must be proved. once is the
// key of the form; the same form again is [store.ErrFormUsed].
func (s *Service) NewRecoveryCodes(ctx context.Context, at party.SignedIn, once string) ([]string, error) {
	recovery, hashes := newRecoveryCodes(at.Party)
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		f, err := secondFactor(&tx.ReadTx, at.Party)
		if err != nil {
			return err
		}
		if !f.App {
			return ErrWrongFactor
		}
		if err := s.mayChangeFactors(&tx.ReadTx, at); err != nil {
			return err
		}
		if err := tx.UseForm(once, s.Now()); err != nil {
			return err
		}
		if err := tx.Log(party.AuditEntry{Action: "factor.codes", Object: string(at.Party)}, s.Now()); err != nil {
			return err
		}
		return tx.SetRecoveryCodes(at.Party, hashes)
	})
	if err != nil {
		return nil, err
	}
	return recovery, nil
}

func newRecoveryCodes(owner party.ID) (codes []string, hashes []party.RecoveryHash) {
	for range party.RecoveryCodes {
		code := party.RecoveryCode(randomBytes(party.RecoveryCodeSize))
		codes, hashes = append(codes, code), append(hashes, party.HashRecovery(owner, code))
	}
	return codes, hashes
}

// factorActions are the names of changes in the audit log.
var factorActions = map[party.NoticeAbout]party.AuditAction{
	party.NoticeFactorAdded: "factor.add", party.NoticeFactorRemoved: "factor.remove",
	party.NoticeFactorReset: "factor.reset", party.NoticeRecoveryUsed: "factor.recover",
}

// factorChanged logs a change of a second factor, and tells its owner by mail.
func (s *Service) factorChanged(tx *store.Tx, id party.ID, about party.NoticeAbout) error {
	account, err := PartyOf(&tx.ReadTx, id)
	if err != nil {
		return err
	}
	entry := party.AuditEntry{Action: factorActions[about], Object: string(id)}
	if err := tx.Log(entry, s.Now()); err != nil {
		return err
	}
	return s.TellOwner(tx, account, party.Notice{About: about})
}

// factorSubjects count the guesses at a second factor. Only somebody who has signed
// in can make them, so strangers cannot use them up.
func factorSubjects(id party.ID) []Subject { return guessesBy("second factor:" + string(id)) }

// ProveByApp takes a code of the authenticator app, or a recovery code, as the second
// factor of a session. Each code works once. A wrong one is ErrWrongFactor, too many
// are a *GuessesError.
func (s *Service) ProveByApp(ctx context.Context, at party.SignedIn, code string) error {
	subjects := factorSubjects(at.Party)
	// The guess is counted before the code is checked, so that simultaneous guesses
	// count, too.
	if err := s.countGuess(ctx, subjects); err != nil {
		return err
	}
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		t, found, err := tx.TOTP(at.Party)
		if err != nil {
			return err
		}
		if !found || t.Confirmed.IsZero() {
			return ErrWrongFactor
		}
		if step, right := t.Check(code, s.Now()); right {
			if err := tx.UseTOTP(at.Party, step, t.Confirmed); err != nil {
				return err
			}
			return s.markProved(tx, at, subjects)
		}
		used, err := tx.UseRecoveryCode(at.Party, party.HashRecovery(at.Party, code))
		if err != nil {
			return err
		}
		if !used {
			return ErrWrongFactor
		}
		if err := s.factorChanged(tx, at.Party, party.NoticeRecoveryUsed); err != nil {
			return err
		}
		return s.markProved(tx, at, subjects)
	})
	return wrongIfStale(err)
}

// ProveByPasskey takes an answer of one of the party's passkeys as the second factor
// of a session.
func (s *Service) ProveByPasskey(
	ctx context.Context, r RelyingParty, at party.SignedIn, answer []byte, from string,
) error {
	used, err := s.answered(ctx, r, answer)
	if err != nil {
		return err
	}
	if used.owner.ID != at.Party {
		return ErrPasskey
	}
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if err := used.write(tx); err != nil {
			return err
		}
		return s.markProved(tx, at, []Subject{passkeySubject(from)})
	})
}

// markProved writes that a session has given its second factor, and forgives the
// guesses.
func (s *Service) markProved(tx *store.Tx, at party.SignedIn, subjects []Subject) error {
	err := tx.ProveSignedIn(at.Party, at.ID, s.Now())
	if errors.Is(err, store.ErrStale) {
		return store.ErrSignedOut
	}
	if err != nil {
		return err
	}
	return forgive(tx, subjects)
}

// wrongIfStale is ErrWrongFactor for a code that was used at the same moment.
func wrongIfStale(err error) error {
	if errors.Is(err, store.ErrStale) {
		return ErrWrongFactor
	}
	return err
}

// ResetSecondFactor removes the authenticator app, the recovery codes and the
// passkeys of a party that has lost them, and signs it out everywhere. Only commands
// may do it.
func (s *Service) ResetSecondFactor(ctx context.Context, id party.ID) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := tx.RemoveTOTP(id); err != nil {
			return err
		}
		if err := tx.RemovePasskeys(id); err != nil {
			return err
		}
		if err := tx.EndSignedInElsewhere(id, ""); err != nil {
			return err
		}
		return s.factorChanged(tx, id, party.NoticeFactorReset)
	})
}
