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

// ErrWrongPassword is the one answer to a wrong password and to an account
// that does not exist.
var ErrWrongPassword = errors.New("the e-mail address or the password is not right")

// ErrEmailTaken: somebody signs up with the address of an account.
var ErrEmailTaken = errors.New("there is an account with this e-mail address already")

// A GuessesError says that there were too many sign-ins that failed, or too many
// letters asked for.
type GuessesError struct{ Wait time.Duration }

func (e *GuessesError) Error() string { return "too many failed sign-ins, or letters asked for" }

// A SignIn is somebody who says who they are.
type SignIn struct {
	Email, Password string
	From            string // the address they come from, as guesses are counted by
	Language        string // that they read our pages in; empty leaves what was
}

// hashing bounds the passwords hashed at one time: each takes 19 MiB.
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

// SignIn returns the party whose password it is. Anything else is
// ErrWrongPassword or, by account and by where they come from, a *GuessesError;
// neither tells whether there is such an account.
func (p *Processor) SignIn(ctx context.Context, s SignIn) (party.Party, error) {
	subjects := []subject{accountSubject(s.Email), addressSubject(s.From)}
	// The guess is counted before the password is looked at, so that guesses
	// made at one moment count too.
	if err := p.countGuess(ctx, subjects); err != nil {
		return party.Party{}, err
	}
	var account party.Party
	err := p.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		account, _, err = tx.PartyByEmail(s.Email)
		return err
	})
	if err != nil {
		return party.Party{}, err
	}
	var right bool
	if err := hash(ctx, func() { right = party.CheckPassword(account.PasswordHash, s.Password) }); err != nil {
		return party.Party{}, err
	}
	if !right {
		return party.Party{}, ErrWrongPassword
	}
	return account, p.welcome(ctx, account, s.Language, subjects)
}

// welcome is what the right password does beside its purpose.
func (p *Processor) welcome(ctx context.Context, account party.Party, language string, subjects []subject) error {
	return p.Store.Update(ctx, func(tx *store.Tx) error {
		if language != "" && language != account.Language {
			if err := tx.SetLanguage(account.ID, language); err != nil {
				return err
			}
		}
		return forgive(tx, subjects)
	})
}

// SignUp makes a party that has signed up by itself. Its e-mail address is to be
// verified, where mail can be sent: a letter is written. Trying out which
// addresses have accounts counts as guessing; the letter, which an address gets
// once, counts where it is asked for.
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
	err := p.Store.View(ctx, func(tx *store.ReadTx) (err error) {
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
		verify = &l
		made.EmailVerified, made.VerifyBy = false, made.Created.Add(or(p.VerifyWithin, verifyWithinDefault))
	}
	if err := p.insertParty(ctx, made, verify); err != nil {
		return party.Party{}, err
	}
	return made, p.welcome(ctx, made, "", guess)
}

// A subject is whose guesses are counted together.
type subject struct {
	key   string
	limit party.GuessLimit
}

// accountSubject hides the address: people type passwords into the wrong field.
func accountSubject(email string) subject {
	sum := sha256.Sum256([]byte(party.EmailKey(email)))
	return subject{"account:" + hex.EncodeToString(sum[:16]), party.AccountGuesses}
}

func addressSubject(from string) subject { return subject{"address:" + from, party.AddressGuesses} }

// lettersTo counts the letters that are asked for.
func lettersTo(email, from string) []subject {
	return []subject{{"letters to " + accountSubject(email).key, party.AccountLetters}, lettersFrom(from)}
}

func lettersFrom(from string) subject {
	return subject{"letters from " + addressSubject(from).key, party.AddressLetters}
}

func (p *Processor) countGuess(ctx context.Context, subjects []subject) error {
	return p.Store.Update(ctx, func(tx *store.Tx) error {
		now := p.now()
		if err := tx.ForgetGuesses(now.Add(-party.GuessMemory)); err != nil {
			return err
		}
		for _, s := range subjects {
			g, err := tx.Guesses(s.key)
			if err != nil {
				return err
			}
			if until, blocked := g.Blocked(now); blocked {
				return &GuessesError{Wait: until.Sub(now)}
			}
			if err := tx.SetGuesses(s.key, s.limit.Fail(g, now)); err != nil {
				return err
			}
		}
		return nil
	})
}

// forgive: the right password ends an account's count, and takes back the one
// counted for where it came from.
func forgive(tx *store.Tx, subjects []subject) error {
	for _, s := range subjects {
		g, err := tx.Guesses(s.key)
		if err != nil {
			return err
		}
		g = g.Forgive()
		if s.limit == party.AccountGuesses {
			g = party.Guesses{LastFailure: g.LastFailure}
		}
		if err := tx.SetGuesses(s.key, g); err != nil {
			return err
		}
	}
	return nil
}
