package party_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast/internal/party"
)

var guessing = time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)

func TestGuesses(t *testing.T) {
	limit := party.GuessLimit{Free: 3, Every: time.Minute}
	var g party.Guesses
	now := guessing
	for n := range 3 {
		if wait := limit.Wait(g, now); wait != 0 {
			t.Fatalf("guess %d waits %v", n+1, wait)
		}
		g = limit.Count(g, now)
	}
	for n := range 5 { // one each minute
		if wait := limit.Wait(g, now); wait != time.Minute {
			t.Fatalf("guess %d waits %v, want a minute", n+4, wait)
		}
		if wait := limit.Wait(g, now.Add(time.Minute-time.Microsecond)); wait != time.Microsecond {
			t.Errorf("a microsecond early the wait is %v", wait)
		}
		now = now.Add(time.Minute)
		if wait := limit.Wait(g, now); wait != 0 {
			t.Fatalf("guess %d waits %v after a minute", n+4, wait)
		}
		g = limit.Count(g, now)
	}
	now = now.Add(3 * time.Minute)
	for n := range 3 {
		if wait := limit.Wait(g, now); wait != 0 {
			t.Errorf("after the recovery, guess %d waits %v", n+1, wait)
		}
		g = limit.Count(g, now)
	}
	if limit.Wait(g, now) == 0 {
		t.Error("a recovered subject has more guesses than a new one")
	}
}

func TestForgive(t *testing.T) {
	limit := party.GuessLimit{Free: 2, Every: time.Minute}
	g := limit.Count(limit.Count(party.Guesses{}, guessing), guessing)
	if limit.Wait(g, guessing) == 0 {
		t.Fatal("not blocked")
	}
	if g = limit.Forgive(g); limit.Wait(g, guessing) != 0 {
		t.Error("still blocked")
	}
	if g = limit.Count(g, guessing); limit.Wait(g, guessing) == 0 {
		t.Error("more than one was forgiven")
	}
	if got := limit.Forgive(party.Guesses{}); !got.Recovered.IsZero() {
		t.Errorf("Forgive changed an empty bucket to %v", got)
	}
}

// For any sequence of guesses, right or wrong, the number of wrong guesses
// never exceeds the limit for the elapsed time.
func TestNoGuessesBeyondTheLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := party.GuessLimit{Free: rapid.IntRange(1, 6).Draw(t, "free"), Every: time.Minute}
		var g party.Guesses
		now, wrong := guessing, 0
		for range rapid.IntRange(1, 80).Draw(t, "guesses") {
			now = now.Add(time.Duration(rapid.IntRange(0, 90).Draw(t, "seconds")) * time.Second)
			if limit.Wait(g, now) > 0 {
				continue
			}
			g = limit.Count(g, now)
			if rapid.Bool().Draw(t, "right") {
				g = limit.Forgive(g)
			} else {
				wrong++
			}
		}
		if allowed := limit.Free + int(now.Sub(guessing)/limit.Every); wrong > allowed {
			t.Fatalf("%d wrong guesses in %v, at most %d are allowed", wrong, now.Sub(guessing), allowed)
		}
	})
}

// If the clock is put back by a day, nobody is locked out for a day.
func TestAClockThatIsPutBackKeepsNobodyOut(t *testing.T) {
	limit := party.GuessLimit{Free: 3, Every: time.Minute}
	now := time.Date(2026, time.November, 30, 10, 0, 0, 0, time.UTC)
	ahead := limit.Count(party.Guesses{}, now.Add(24*time.Hour))
	if wait := limit.Wait(ahead, now); wait != time.Minute {
		t.Errorf("one more attempt has to wait for %v", wait)
	}
	if again := limit.Count(ahead, now); again.Recovered.After(now.Add(4 * time.Minute)) {
		t.Errorf("after one more attempt, it recovers at %v", again.Recovered)
	}
}
