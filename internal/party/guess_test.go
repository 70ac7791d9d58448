package party_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestGuesses(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	limit := party.GuessLimit{Free: 3}
	var g party.Guesses
	for failure, wait := range []time.Duration{
		0, 0, 30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 15 * time.Minute, 15 * time.Minute,
	} {
		g = limit.Fail(g, now)
		until, blocked := g.Blocked(now)
		if blocked != (wait > 0) || blocked && !until.Equal(now.Add(wait)) {
			t.Errorf("failure %d: blocked %v until %v, want %v", failure+1, blocked, until, wait)
		}
		if blocked {
			if _, still := g.Blocked(until.Add(-time.Microsecond)); !still {
				t.Errorf("failure %d: free a microsecond early", failure+1)
			}
			if _, still := g.Blocked(until); still {
				t.Errorf("failure %d: blocked at the end of the wait", failure+1)
			}
			now = until
		}
	}
	if g = limit.Fail(g, g.LastFailure.Add(party.GuessMemory)); g.Failures != 1 {
		t.Errorf("%d failures count after the memory is over, want 1", g.Failures)
	}
}

func TestForgive(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	g := party.GuessLimit{Free: 1}.Fail(party.Guesses{}, now)
	if g = g.Forgive(); g.Failures != 0 {
		t.Errorf("%d failures left, want none", g.Failures)
	}
	if _, blocked := g.Blocked(now); blocked {
		t.Error("still blocked")
	}
	if g = g.Forgive(); g.Failures != 0 {
		t.Errorf("failures are %d below none", g.Failures)
	}
}
