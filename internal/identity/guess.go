package identity

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A GuessesError says that there were too many failed sign-ins or too many
// requests for letters.
type GuessesError struct{ Wait time.Duration }

func (e *GuessesError) Error() string { return "too many failed sign-ins or requests for letters" }

// A Subject is something whose guesses are counted, such as an account or a
// network address.
type Subject struct {
	Key   string
	Limit party.GuessLimit
	Clear bool // a correct guess forgives all guesses; otherwise only itself
}

// Hidden hashes typed text: people type passwords into the wrong field.
func Hidden(typed string) string {
	sum := sha256.Sum256([]byte(typed))
	return hex.EncodeToString(sum[:16])
}

// guessesBy count the guesses under a key, in the short and in the long run.
func guessesBy(key string) []Subject {
	return []Subject{{key, party.AccountGuesses, true}, {key + " in the long run", party.AccountGuessesLong, true}}
}

// accountSubjects count the guesses that anyone makes at the password of an
// account.
func accountSubjects(email string) []Subject {
	return guessesBy("account:" + Hidden(party.EmailKey(email)))
}

// deviceSubject counts guesses in a browser in which the party has signed in
// before. Strangers and neighbours cannot use those guesses up.
func deviceSubject(partyID party.ID, device string) Subject {
	return Subject{"device:" + string(partyID) + " " + Hidden(device), party.AccountGuesses, true}
}

// ownSubjects count the guesses of a signed-in user.
func ownSubjects(partyID party.ID) []Subject { return guessesBy("own:" + string(partyID)) }

// resetSubject counts what a reader of an account's mail learns about its
// password.
func resetSubject(partyID party.ID) Subject {
	return Subject{"reset:" + string(partyID), party.AccountGuesses, false}
}

func addressSubject(from string) Subject {
	return Subject{"address:" + from, party.AddressGuesses, false}
}

// passkeySubject counts questions to passkeys separately from guesses at
// passwords, so that a guessing neighbour does not block passkeys.
func passkeySubject(from string) Subject {
	return Subject{"passkeys from address:" + from, party.AddressGuesses, false}
}

func lettersToAccount(email string) Subject {
	return Subject{"letters to account:" + Hidden(party.EmailKey(email)), party.AccountLetters, true}
}

func lettersFrom(from string) Subject { return lettersCountedBy("letters from address:" + from) }

// lettersCountedBy returns the subject by which a letter was counted.
func lettersCountedBy(key string) Subject { return Subject{key, party.AddressLetters, false} }

// CountLetter counts a request for a letter, or returns a *GuessesError and counts
// none. from is the client's network address.
func (s *Service) CountLetter(ctx context.Context, email, from string) error {
	return s.countGuess(ctx, []Subject{lettersToAccount(email), lettersFrom(from)})
}

// countGuess counts one guess of each subject, or returns a *GuessesError and
// counts none.
func (s *Service) countGuess(ctx context.Context, subjects []Subject) error {
	return s.db.Update(ctx, func(tx *store.Tx) error {
		now := s.Now()
		if err := tx.ForgetGuesses(now); err != nil {
			return err
		}
		var wait time.Duration
		for _, c := range subjects {
			g, err := tx.Guesses(c.Key)
			if err != nil {
				return err
			}
			wait = max(wait, c.Limit.Wait(g, now))
			if err := tx.SetGuesses(c.Key, c.Limit.Count(g, now)); err != nil {
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
func forgive(tx *store.Tx, subjects []Subject) error {
	for _, c := range subjects {
		var g party.Guesses
		if !c.Clear {
			had, err := tx.Guesses(c.Key)
			if err != nil {
				return err
			}
			g = c.Limit.Forgive(had)
		}
		if err := tx.SetGuesses(c.Key, g); err != nil {
			return err
		}
	}
	return nil
}
