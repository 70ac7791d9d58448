package party

import "time"

// Guesses are the failed sign-ins of one subject: an account, or the address
// that they came from.
type Guesses struct {
	Failures     int
	BlockedUntil time.Time // zero unless it was ever blocked
	LastFailure  time.Time
}

// A GuessLimit says how many guesses a subject has before it has to wait.
type GuessLimit struct {
	Free int // failures without a wait
}

// Limits by subject. Many people may share an address, so it has more. What is
// said of guesses holds for letters too, each of which somebody asks for.
var (
	AccountGuesses = GuessLimit{Free: 5}
	AddressGuesses = GuessLimit{Free: 30}
	AccountLetters = GuessLimit{Free: 3}
	AddressLetters = GuessLimit{Free: 20}
)

const (
	guessWaitFirst = 30 * time.Second // doubled by each further failure
	guessWaitMax   = 15 * time.Minute
	// GuessMemory is how long failures count after the last of them.
	GuessMemory = time.Hour
)

// Blocked reports whether the subject has to wait, and until when.
func (g Guesses) Blocked(now time.Time) (until time.Time, blocked bool) {
	return g.BlockedUntil, now.Before(g.BlockedUntil)
}

// Fail counts one more failure. From the limit's last free one on, each blocks
// the subject for twice as long as the one before.
func (l GuessLimit) Fail(g Guesses, now time.Time) Guesses {
	if now.Sub(g.LastFailure) >= GuessMemory {
		g = Guesses{}
	}
	g.Failures++
	g.LastFailure = now
	if g.Failures < l.Free {
		return g
	}
	wait := guessWaitFirst
	for range g.Failures - l.Free {
		if wait *= 2; wait >= guessWaitMax {
			wait = guessWaitMax
			break
		}
	}
	g.BlockedUntil = now.Add(wait)
	return g
}

// Forgive takes one failure back: the password was right after all.
func (g Guesses) Forgive() Guesses {
	g.Failures = max(0, g.Failures-1)
	g.BlockedUntil = time.Time{}
	return g
}
