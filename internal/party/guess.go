package party

import "time"

// Guesses are what was counted of one subject, such as the wrong passwords for an
// account: a bucket that empties by itself.
type Guesses struct {
	Recovered time.Time // when the bucket is empty again; zero if nothing was counted
}

// A GuessLimit bounds what is counted of a subject. It is the token bucket known as
// GCRA: Free at once, then one more in each Every.
type GuessLimit struct {
	Free  int
	Every time.Duration
}

// Limits by subject. Many people may share an address, so it has more. An account
// has two: a few guesses in a short time, for people who mistype, and guesses in
// the long run, for programs that wait.
var (
	AccountGuesses     = GuessLimit{Free: 5, Every: 30 * time.Second}
	AccountGuessesLong = GuessLimit{Free: 20, Every: 15 * time.Minute}
	AddressGuesses     = GuessLimit{Free: 30, Every: 2 * time.Minute}
	AccountLetters     = GuessLimit{Free: 3, Every: 15 * time.Minute}
	AddressLetters     = GuessLimit{Free: 30, Every: time.Minute}
)

// Wait is how long the subject has to wait before one more is counted; zero means
// that it need not.
func (l GuessLimit) Wait(g Guesses, now time.Time) time.Duration {
	if g.Recovered.Before(now) {
		return 0
	}
	recovers := g.Recovered.Sub(now)
	// More than a full bucket is there only after the clock was put back, which must
	// not keep anybody out for as long.
	recovers = min(recovers, time.Duration(l.Free)*l.Every)
	return max(0, recovers-time.Duration(l.Free-1)*l.Every)
}

// Count counts one more.
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

// Forgive takes one back: the password was right after all, or the letter was
// wanted.
func (l GuessLimit) Forgive(g Guesses) Guesses {
	if g.Recovered.IsZero() {
		return g
	}
	return Guesses{Recovered: g.Recovered.Add(-l.Every)}
}
