package identity

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrWrongPassword is the only error for a wrong password and for an account
// that does not exist.
var ErrWrongPassword = errors.New("the e-mail address or the password is wrong")

// ErrEmailTaken means that an account with this e-mail address exists.
var ErrEmailTaken = errors.New("there is an account with this e-mail address already")

// A SignIn is an attempt to sign in.
type SignIn struct {
	Email, Password string
	From            string // the client's network address, by which guesses are counted
	Known           string // the browser's proof of an earlier sign-in to the account; see party.KnownDevice
	Language        string // of the pages that they read; empty keeps the stored one
}

// hashing bounds how many passwords are hashed at one time: each takes 19 MiB.
var hashing = make(chan struct{}, 4)

func hash(ctx context.Context, work func()) error {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
		work()
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// SignIn returns the party with this e-mail address and password. Any problem
// is ErrWrongPassword or, after too many guesses by account or by network
// address, a *GuessesError. Neither reveals whether the account exists.
//
// The returned party's PasswordHash names the password that was checked.
// BeginSignedIn refuses it once the password has changed.
func (s *Service) SignIn(ctx context.Context, in SignIn) (party.Party, error) {
	var account party.Party
	err := s.db.View(ctx, func(tx *store.ReadTx) (err error) {
		account, _, err = tx.PartyByEmail(in.Email)
		return err
	})
	if err != nil {
		return party.Party{}, err
	}
	subjects := append(accountSubjects(in.Email), addressSubject(in.From))
	if device, known := account.Knows(in.Known, s.Now()); known {
		subjects = []Subject{deviceSubject(account.ID, device)}
	}
	return s.checkPassword(ctx, account, in.Password, in.Language, subjects)
}

// checkPassword returns the party if the password is right, or else
// ErrWrongPassword. It counts the guess before it checks the password, so that
// simultaneous guesses count, too.
func (s *Service) checkPassword(
	ctx context.Context, account party.Party, password, language string, subjects []Subject,
) (party.Party, error) {
	if err := s.countGuess(ctx, subjects); err != nil {
		return party.Party{}, err
	}
	var right bool
	var renewed string
	err := hash(ctx, func() {
		if right = s.passwords().Check(account.PasswordHash, password); right &&
			s.passwords().Outdated(account.PasswordHash, password) {
			renewed = s.passwords().Hash(password, salt())
		}
	})
	if err != nil {
		return party.Party{}, err
	}
	if !right {
		return party.Party{}, ErrWrongPassword
	}
	account, err = s.welcome(ctx, account, renewed, language, subjects)
	s.Checked()
	return account, err
}

// welcome is what every successful sign-in does: it stores the language,
// forgives guesses and renews a password hash of an older form. It returns
// ErrWrongPassword if the password has changed meanwhile.
func (s *Service) welcome(
	ctx context.Context, account party.Party, renewed, language string, subjects []Subject,
) (party.Party, error) {
	after := account
	err := s.db.Update(ctx, func(tx *store.Tx) error {
		if err := restOnPassword(tx, account); err != nil {
			return err
		}
		if renewed != "" {
			if err := tx.SetPassword(account.ID, account.PasswordHash, renewed); err != nil {
				return err
			}
			after.PasswordHash = renewed
		}
		if language != "" && language != account.Language {
			if err := tx.SetLanguage(account.ID, language); err != nil {
				return err
			}
			after.Language = language
		}
		return forgive(tx, subjects)
	})
	if err != nil {
		return party.Party{}, err
	}
	return after, nil
}

// restOnPassword fails with ErrWrongPassword if the party's password has
// changed since it was checked, before the database transaction began.
func restOnPassword(tx *store.Tx, account party.Party) error {
	err := tx.RestOnPassword(account.ID, account.PasswordHash)
	if errors.Is(err, store.ErrStale) {
		return ErrWrongPassword
	}
	return err
}

// SignUp creates a party that signs up by itself. If the server sends mail, the
// party gets a letter to verify its e-mail address. An attempt counts as a
// guess, because it reveals whether an address has an account. An address gets
// this letter only once, so the letter counts only for the client's network
// address.
func (s *Service) SignUp(ctx context.Context, n NewParty, from string) (party.Party, error) {
	guess := []Subject{addressSubject(from)}
	counted := guess
	if s.Letters != nil {
		counted = append(counted, lettersFrom(from))
	}
	if err := s.countGuess(ctx, counted); err != nil {
		return party.Party{}, err
	}
	var taken bool
	err := s.db.View(ctx, func(tx *store.ReadTx) (err error) {
		_, taken, err = tx.PartyByEmail(n.Email)
		return err
	})
	if err != nil {
		return party.Party{}, err
	}
	if taken {
		return party.Party{}, ErrEmailTaken
	}
	made, err := s.newParty(ctx, n)
	if err != nil {
		return party.Party{}, err
	}
	var verify Letter
	if s.Letters != nil {
		if verify, err = s.NewLetter(ctx, made.ID, party.ProvesEmail, made.Email, from); err != nil {
			return party.Party{}, err
		}
		made.EmailVerified, made.VerifyBy = false, made.Created.Add(s.verifyWithin())
	}
	err = s.insertParty(ctx, made, func(tx *store.Tx) error {
		tx.ActBy(made)
		if s.Letters == nil {
			return nil
		}
		return s.Send(tx, made, verify)
	})
	if err != nil {
		return party.Party{}, err
	}
	return s.welcome(ctx, made, "", "", guess)
}
