package party

import (
	"crypto/sha256"
	"time"
)

// A ProofPurpose says what a party may do after it has proved that it reads the
// mail of an address.
type ProofPurpose string

// The purposes.
const (
	ProvesEmail    ProofPurpose = "Verify" // the account's address belongs to its owner
	ProvesNewEmail ProofPurpose = "Change" // the new address replaces the old one
	ProvesOwner    ProofPurpose = "Reset"  // a new password may be set
	ProvesGuest    ProofPurpose = "Guest"  // the guest may become an account
)

// A Proof is the record of a letter with which a person can prove to read the
// mail of an address: by its link, or by typing its code. Neither can be
// recovered from the record.
type Proof struct {
	Party   ID
	Purpose ProofPurpose
	Email   string   // to which the letter went
	Link    LinkHash // hash of the link's secret
	Code    string   // from Hashing.Hash; empty if the letter has no code
	Guesses int      // at this code and at earlier ones for the same purpose
	// CountedBy is the subject whose limit counts this letter. The count is taken
	// back when the letter is used.
	CountedBy string
	Created   time.Time
}

// A LinkHash is the stored hash of a link's secret. The secret is as long as a
// key, so a plain hash is enough to hide it.
type LinkHash [sha256.Size]byte

// HashLink hashes a link's secret.
func HashLink(secret string) LinkHash { return sha256.Sum256([]byte(secret)) }

// CodeDigits is the number of digits of a code.
const CodeDigits = 6

const (
	linkLife  = 24 * time.Hour
	resetLife = time.Hour
	codeLife  = 30 * time.Minute
	// codeGuessesMax is the largest number of wrong guesses before a right code,
	// over all letters together. The chance to guess a code is then one in a
	// hundred thousand.
	codeGuessesMax = 10
)

// Life is the time for which the link is valid.
func (p Proof) Life() time.Duration {
	if p.Purpose == ProvesOwner {
		return resetLife
	}
	return linkLife
}

// LinkOver reports whether the link has expired.
func (p Proof) LinkOver(now time.Time) bool { return !now.Before(p.Created.Add(p.Life())) }

// CodeOver reports whether the code has expired. The link may still be valid.
func (p Proof) CodeOver(now time.Time) bool {
	return p.Code == "" || !now.Before(p.Created.Add(codeLife))
}

// CodeExhausted reports whether there were too many wrong codes. The link can
// still be used.
func (p Proof) CodeExhausted() bool { return p.Guesses >= codeGuessesMax }
