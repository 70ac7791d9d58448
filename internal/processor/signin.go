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
	Known           string // the browser's proof that the account has signed in there before; see party.KnownDevice
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
//
// What the party does next names the password that was checked: the party's
// PasswordHash. BeginSignedIn refuses it once the password has changed.
func (p *Processor) SignIn(ctx context.Context, s SignIn) (party.Party, error) {
	var account party.Party
	err := p.Store.View(ctx, func(tx *store.ReadTx) (err error) {
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

// checkPassword returns the party as it is once its password was right, or
// ErrWrongPassword. The guess is counted before the password is looked at, so that
// guesses made at one moment count too.
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

// welcome is what the right password does in addition to its purpose: the language
// is kept, guesses are forgiven, and a hash of an older form is renewed. It is
// ErrWrongPassword if the password has changed meanwhile.
func (p *Processor) welcome(
	ctx context.Context, account party.Party, renewed, language string, subjects []subject,
) (party.Party, error) {
	after := account
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
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

// restOnPassword has an action go through only if the party's password is still
// the one that was checked before the transaction began. Otherwise it is
// ErrWrongPassword.
func restOnPassword(tx *store.Tx, account party.Party) error {
	err := tx.RestOnPassword(account.ID, account.PasswordHash)
	if errors.Is(err, store.ErrStale) {
		return ErrWrongPassword
	}
	return err
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
		l.CountedBy = lettersFrom(from).key
		verify = &l
		made.EmailVerified, made.VerifyBy = false, made.Created.Add(or(p.VerifyWithin, verifyWithinDefault))
	}
	if err := p.insertParty(ctx, made, verify); err != nil {
		return party.Party{}, err
	}
	return p.welcome(ctx, made, "", "", guess)
}

// A subject is what guesses are counted of, such as an account.
type subject struct {
	key   string
	limit party.GuessLimit
	clear bool // by one that is right; otherwise that one alone is taken back
}

// hidden hides what people typed: they type passwords into the wrong field.
func hidden(typed string) string {
	sum := sha256.Sum256([]byte(typed))
	return hex.EncodeToString(sum[:16])
}

// accountSubjects count what anybody guesses at the password of an account.
func accountSubjects(email string) []subject {
	key := "account:" + hidden(party.EmailKey(email))
	return []subject{{key, party.AccountGuesses, true}, {key + " in the long run", party.AccountGuessesLong, true}}
}

// deviceSubject counts what is guessed in a browser in which the party has signed in
// before: neither strangers nor neighbours can use those guesses up.
func deviceSubject(who party.ID, device string) subject {
	return subject{"device:" + string(who) + " " + hidden(device), party.AccountGuesses, true}
}

// ownSubjects count what is guessed by somebody who is signed in already.
func ownSubjects(who party.ID) []subject {
	key := "own:" + string(who)
	return []subject{{key, party.AccountGuesses, true}, {key + " in the long run", party.AccountGuessesLong, true}}
}

// resetSubject counts what the reader of an account's mail learns of its password.
func resetSubject(who party.ID) subject {
	return subject{"reset:" + string(who), party.AccountGuesses, false}
}

func addressSubject(from string) subject {
	return subject{"address:" + from, party.AddressGuesses, false}
}

// passkeySubject counts the questions to passkeys from an address apart from its
// passwords, so that neighbours who guess do not keep a passkey out.
func passkeySubject(from string) subject {
	return subject{"passkeys from address:" + from, party.AddressGuesses, false}
}

// lettersTo counts the letters that are asked for.
func lettersTo(email, from string) []subject {
	return []subject{lettersToAccount(email), lettersFrom(from)}
}

func lettersToAccount(email string) subject {
	return subject{"letters to account:" + hidden(party.EmailKey(email)), party.AccountLetters, true}
}

func lettersFrom(from string) subject { return lettersCountedBy("letters from address:" + from) }

// lettersCountedBy is the subject that a letter was counted by.
func lettersCountedBy(key string) subject { return subject{key, party.AddressLetters, false} }

// countGuess counts one guess of each subject, or is a *GuessesError and counts
// none.
func (p *Processor) countGuess(ctx context.Context, subjects []subject) error {
	return p.Store.Update(ctx, func(tx *store.Tx) error {
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

// forgive takes back what countGuess counted, or all that was counted of an
// account: somebody who knows its password need not guess. What comes from an
// address is never forgiven whole: a guesser has an account of its own to sign in
// to.
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
