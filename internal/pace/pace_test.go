package pace_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast/internal/pace"
)

var morning = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

func TestASourceHasItsOwnPace(t *testing.T) {
	p := pace.Pace{Source: 3, All: 100}
	for second := range 2 {
		now := morning.Add(time.Duration(second) * time.Second)
		for _, source := range []string{"192.0.2.1", "192.0.2.2"} {
			for i := range 5 {
				if got, want := p.Allow(source, now), i < 3; got != want {
					t.Fatalf("second %d, request %d of %s: allowed is %v", second, i, source, got)
				}
			}
		}
	}
}

func TestAllSourcesTogether(t *testing.T) {
	p := pace.Pace{Source: 3, All: 10}
	for i := range 20 {
		if got, want := p.Allow(fmt.Sprintf("192.0.2.%d", i), morning), i < 10; got != want {
			t.Fatalf("request %d: allowed is %v", i, got)
		}
	}
}

// The number of remembered sources is limited.
func TestManySources(t *testing.T) {
	p := pace.Pace{Source: 2, All: 1 << 20}
	for i := range 10_000 {
		p.Allow(fmt.Sprint("source ", i), morning)
	}
	if p.Allow("one more", morning) {
		t.Error("a source beyond sourcesMax has its own count")
	}
	if !p.Allow("source 0", morning) {
		t.Error("a counted source has lost its count")
	}
}

func TestKeep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := pace.Pace{Source: 1, All: 10, Pause: time.Second}
		for i, want := range []time.Duration{0, time.Second, time.Second} {
			began := time.Now() //nolint:forbidigo // the synctest bubble's time
			p.Keep(t.Context(), "192.0.2.1", morning)
			if waited := time.Since(began); waited != want { //nolint:forbidigo // the synctest bubble's time
				t.Errorf("request %d waits for %v, want %v", i, waited, want)
			}
		}
	})
}
