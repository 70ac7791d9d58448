package party

import "time"

// Guesses count the attempts on one subject, such as the wrong passwords for an
// account. The count is a bucket that empties over time.
type Guesses struct {
	Recovered time.Time // when the bucket is empty again; zero if nothing was counted
}

// A GuessLimit limits the attempts on a subject. It is the token bucket known
// as GCRA: Free attempts at once, then one more in each Every.
type GuessLimit struct {
	Free  int
	Every time.Duration
}

// Limits by subject. A network address has a higher limit because many people
// may share it. An account has two limits. The short one is for people who
// mistype, the long one for programs that guess slowly.
var (
	AccountGuesses     = GuessLimit{Free: 5, Every: 30 * time.Second}
	AccountGuessesLong = GuessLimit{Free: 20, Every: 15 * time.Minute}
	AddressGuesses     = GuessLimit{Free: 30, Every: 2 * time.Minute}
	AccountLetters     = GuessLimit{Free: 3, Every: 15 * time.Minute}
	AddressLetters     = GuessLimit{Free: 30, Every: time.Minute}
)

// Wait is the time before the subject may make one more attempt. Zero means
// that it may at once.
func (l GuessLimit) Wait(g Guesses, now time.Time) time.Duration {
	if g.Recovered.Before(now) {
		return 0
	}
	recovers := g.Recovered.Sub(now)
	// The bucket is more than full only after the clock was put back. That must
	// not lock anybody out for the same time.
	recovers = min(recovers, time.Duration(l.Free)*l.Every)
	return max(0, recovers-time.Duration(l.Free-1)*l.Every)
}

// Count counts one more attempt.
func (l GuessLimit) Count(g Guesses, now time.Time) Guesses {
	from := g.Recovered
	switch full := now.Add(time.Duration(l.Free) * l.Every); {
	case from.Before(now):
		from = now
	case from.After(full):
		from = full // see Wait
	}
	return Guesses{Recovered: from.Add(l.Every)}
}

// Forgive takes one attempt back, because the password was right or the letter
// was wanted.
func (l GuessLimit) Forgive(g Guesses) Guesses {
	if g.Recovered.IsZero() {
		return g
	}
	return Guesses{Recovered: g.Recovered.Add(-l.Every)}
}
