package processor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrWrongPassword is the only error for a wrong password and for an account
// that does not exist.
var ErrWrongPassword = errors.New("the e-mail address or the password is wrong")

// ErrEmailTaken means that an account with this e-mail address exists.
var ErrEmailTaken = errors.New("there is an account with this e-mail address already")

// A GuessesError says that there were too many failed sign-ins or too many
// requests for letters.
type GuessesError struct{ Wait time.Duration }

func (e *GuessesError) Error() string { return "too many failed sign-ins or requests for letters" }

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
func (p *Processor) SignIn(ctx context.Context, s SignIn) (party.Party, error) {
	var account party.Party
	err := p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		account, _, err = tx.PartyByEmail(s.Email)
		return err
	})
	if err != nil {
		return party.Party{}, err
	}
	subjects := append(accountSubjects(s.Email), addressSubject(s.From))
	if device, known := account.Knows(s.Known, p.now()); known {
		subjects = []subject{deviceSubject(account.ID, device)}
	}
	return p.checkPassword(ctx, account, s.Password, s.Language, subjects)
}

// checkPassword returns the party if the password is right, or else
// ErrWrongPassword. It counts the guess before it checks the password, so that
// simultaneous guesses count, too.
func (p *Processor) checkPassword(
	ctx context.Context, account party.Party, password, language string, subjects []subject,
) (party.Party, error) {
	if err := p.countGuess(ctx, subjects); err != nil {
		return party.Party{}, err
	}
	var right bool
	var renewed string
	err := hash(ctx, func() {
		if right = p.passwords().Check(account.PasswordHash, password); right &&
			p.passwords().Outdated(account.PasswordHash, password) {
			renewed = p.passwords().Hash(password, salt())
		}
	})
	if err != nil {
		return party.Party{}, err
	}
	if !right {
		return party.Party{}, ErrWrongPassword
	}
	account, err = p.welcome(ctx, account, renewed, language, subjects)
	p.at(PointChecked)
	return account, err
}

// welcome is what every successful sign-in does: it stores the language,
// forgives guesses and renews a password hash of an older form. It returns
// ErrWrongPassword if the password has changed meanwhile.
func (p *Processor) welcome(
	ctx context.Context, account party.Party, renewed, language string, subjects []subject,
) (party.Party, error) {
	after := account
	err := p.db.Update(ctx, func(tx *store.Tx) error {
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
func (p *Processor) SignUp(ctx context.Context, n NewParty, from string) (party.Party, error) {
	guess := []subject{addressSubject(from)}
	counted := guess
	if p.Letters != nil {
		counted = append(counted, lettersFrom(from))
	}
	if err := p.countGuess(ctx, counted); err != nil {
		return party.Party{}, err
	}
	var taken bool
	err := p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		_, taken, err = tx.PartyByEmail(n.Email)
		return err
	})
	if err != nil {
		return party.Party{}, err
	}
	if taken {
		return party.Party{}, ErrEmailTaken
	}
	made, err := p.newParty(ctx, n)
	if err != nil {
		return party.Party{}, err
	}
	var verify *letter
	if p.Letters != nil {
		l, err := p.newLetter(ctx, made.ID, party.ProvesEmail, made.Email)
		if err != nil {
			return party.Party{}, err
		}
		l.CountedBy = lettersFrom(from).key
		verify = &l
		made.EmailVerified, made.VerifyBy = false, made.Created.Add(or(p.VerifyWithin, verifyWithinDefault))
	}
	if err := p.insertParty(ctx, made, verify); err != nil {
		return party.Party{}, err
	}
	return p.welcome(ctx, made, "", "", guess)
}

// A subject is something whose guesses are counted, such as an account or a
// network address.
type subject struct {
	key   string
	limit party.GuessLimit
	clear bool // a correct guess forgives all guesses; otherwise only itself
}

// hidden hashes typed text: people type passwords into the wrong field.
func hidden(typed string) string {
	sum := sha256.Sum256([]byte(typed))
	return hex.EncodeToString(sum[:16])
}

// accountSubjects count the guesses that anyone makes at the password of an
// account.
func accountSubjects(email string) []subject {
	key := "account:" + hidden(party.EmailKey(email))
	return []subject{{key, party.AccountGuesses, true}, {key + " in the long run", party.AccountGuessesLong, true}}
}

// deviceSubject counts guesses in a browser in which the party has signed in
// before. Strangers and neighbours cannot use those guesses up.
func deviceSubject(partyID party.ID, device string) subject {
	return subject{"device:" + string(partyID) + " " + hidden(device), party.AccountGuesses, true}
}

// ownSubjects count the guesses of a signed-in user.
func ownSubjects(partyID party.ID) []subject {
	key := "own:" + string(partyID)
	return []subject{{key, party.AccountGuesses, true}, {key + " in the long run", party.AccountGuessesLong, true}}
}

// resetSubject counts what a reader of an account's mail learns about its
// password.
func resetSubject(partyID party.ID) subject {
	return subject{"reset:" + string(partyID), party.AccountGuesses, false}
}

func addressSubject(from string) subject {
	return subject{"address:" + from, party.AddressGuesses, false}
}

// passkeySubject counts questions to passkeys separately from guesses at
// passwords, so that a guessing neighbour does not block passkeys.
func passkeySubject(from string) subject {
	return subject{"passkeys from address:" + from, party.AddressGuesses, false}
}

// lettersTo counts requests for letters.
func lettersTo(email, from string) []subject {
	return []subject{lettersToAccount(email), lettersFrom(from)}
}

func lettersToAccount(email string) subject {
	return subject{"letters to account:" + hidden(party.EmailKey(email)), party.AccountLetters, true}
}

func lettersFrom(from string) subject { return lettersCountedBy("letters from address:" + from) }

// lettersCountedBy returns the subject by which a letter was counted.
func lettersCountedBy(key string) subject { return subject{key, party.AddressLetters, false} }

// countGuess counts one guess of each subject, or returns a *GuessesError and
// counts none.
func (p *Processor) countGuess(ctx context.Context, subjects []subject) error {
	return p.db.Update(ctx, func(tx *store.Tx) error {
		now := p.now()
		if err := tx.ForgetGuesses(now); err != nil {
			return err
		}
		var wait time.Duration
		for _, s := range subjects {
			g, err := tx.Guesses(s.key)
			if err != nil {
				return err
			}
			wait = max(wait, s.limit.Wait(g, now))
			if err := tx.SetGuesses(s.key, s.limit.Count(g, now)); err != nil {
				return err
			}
		}
		if wait > 0 {
			return &GuessesError{Wait: wait}
		}
		return nil
	})
}

// forgive takes back what countGuess counted, or all guesses of an account,
// because a user who knows the password need not guess. The guesses of a
// network address are never all forgiven: an attacker may have an account of
// their own to sign in to.
func forgive(tx *store.Tx, subjects []subject) error {
	for _, s := range subjects {
		var g party.Guesses
		if !s.clear {
			had, err := tx.Guesses(s.key)
			if err != nil {
				return err
			}
			g = s.limit.Forgive(had)
		}
		if err := tx.SetGuesses(s.key, g); err != nil {
			return err
		}
	}
	return nil
}
