package party

import (
	"crypto/sha256"
	"time"
)

// A ProofPurpose says what follows when somebody proves to read the mail of an
// address.
type ProofPurpose string

// The purposes.
const (
	ProvesEmail    ProofPurpose = "Verify" // the address of the account is its owner's
	ProvesNewEmail ProofPurpose = "Change" // the address takes the place of the one before
	ProvesOwner    ProofPurpose = "Reset"  // a forgotten password may be set anew
)

// A Proof is what is kept of a letter by which somebody can prove to read the
// mail of an address: by the link in it, or by typing its code. Neither can be
// told from what is kept.
type Proof struct {
	Party   ID
	Purpose ProofPurpose
	Email   string   // that the letter went to
	Link    LinkHash // of the link's secret
	Code    string   // from Hashing.Hash; empty when the letter has none
	Guesses int      // at this code and, for the same purpose, those before it
	// CountedBy is the subject for whose letters this one was counted; it is taken
	// back once the letter has proved something.
	CountedBy string
	Created   time.Time
}

// A LinkHash is what is kept of the secret in a link. The secret is as long as
// a key, so that a plain hash hides it.
type LinkHash [sha256.Size]byte

// HashLink hashes a link's secret.
func HashLink(secret string) LinkHash { return sha256.Sum256([]byte(secret)) }

// CodeDigits is how long a code is.
const CodeDigits = 6

const (
	linkLife  = 24 * time.Hour
	resetLife = time.Hour
	codeLife  = 30 * time.Minute
	// codeGuessesMax bounds guesses until a code is right, over however many
	// letters: one in a hundred thousand is lucky.
	codeGuessesMax = 10
)

// Life is how long the link holds.
func (p Proof) Life() time.Duration {
	if p.Purpose == ProvesOwner {
		return resetLife
	}
	return linkLife
}

// LinkOver reports whether the link is too old.
func (p Proof) LinkOver(now time.Time) bool { return !now.Before(p.Created.Add(p.Life())) }

// CodeOver reports whether the code is too old to be typed. The link may not be.
func (p Proof) CodeOver(now time.Time) bool {
	return p.Code == "" || !now.Before(p.Created.Add(codeLife))
}

// CodeExhausted reports whether too many codes were wrong for another one to be
// tried. The link is left.
func (p Proof) CodeExhausted() bool { return p.Guesses >= codeGuessesMax }
