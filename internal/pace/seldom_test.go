package pace_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/pace"
)

func TestSeldom(t *testing.T) {
	s := pace.Seldom{Hourly: 2}
	at := time.Date(2026, 11, 30, 10, 0, 0, 0, time.UTC)
	count := func(key string, times int) (allowed int) {
		for range times {
			if s.Allow(key, at) {
				allowed++
			}
		}
		return allowed
	}
	for _, key := range []string{"a", "b"} {
		if got := count(key, 5); got != 2 {
			t.Errorf("%s is allowed %d times, want 2", key, got)
		}
	}
	at = at.Add(59*time.Minute + 59*time.Second)
	if got := count("a", 5); got != 0 {
		t.Errorf("in the same hour it is allowed %d times more", got)
	}
	at = at.Add(time.Second)
	if got := count("a", 5); got != 2 {
		t.Errorf("in the next hour it is allowed %d times, want 2", got)
	}
	all := 0
	for i := range 20_000 {
		all += count("key "+strconv.Itoa(i), 1)
	}
	if all > 8192 {
		t.Errorf("%d keys are remembered", all)
	}
}
