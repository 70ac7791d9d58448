package bench

import (
	"context"
	"testing"
	"time"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// clock is a clock that a test moves.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

// The planned time of an arrival does not depend on the time that the previous
// request took.
func TestOpenLoop(t *testing.T) {
	c := &clock{noon}
	s := &schedule{begin: noon, lasts: 2 * time.Second, rate: 3, now: c.now}
	if s.total() != 6 {
		t.Errorf("%d arrivals, want 6", s.total())
	}
	c.at = noon.Add(1900 * time.Millisecond) // all connections were busy until then
	for i, want := range []time.Duration{0, 333_333_333, 666_666_666, time.Second, 1_333_333_333, 1_666_666_666} {
		intended, more := s.next(t.Context())
		if got := intended.Sub(noon); !more || got != want {
			t.Errorf("arrival %d is due after %v (%v), want %v", i, got, more, want)
		}
	}
	if _, more := s.next(t.Context()); more {
		t.Error("there is a seventh arrival")
	}
}

func TestOpenLoopEndsInTime(t *testing.T) {
	c := &clock{noon.Add(time.Second)}
	s := &schedule{begin: noon, lasts: time.Second, rate: 1000, now: c.now}
	if _, more := s.next(t.Context()); more {
		t.Error("an arrival begins after the end")
	}
}

func TestClosedLoop(t *testing.T) {
	c := &clock{noon}
	s := &schedule{begin: noon, lasts: time.Second, now: c.now}
	for range 5 {
		c.at = c.at.Add(100 * time.Millisecond)
		if intended, more := s.next(t.Context()); !more || !intended.Equal(c.at) {
			t.Errorf("intended at %v (%v), want now", intended, more)
		}
	}
	c.at = noon.Add(time.Second)
	if _, more := s.next(t.Context()); more {
		t.Error("the loop continues after its end")
	}
}

func TestScheduleOfSoMany(t *testing.T) {
	s := &schedule{begin: noon, requests: 2, now: (&clock{noon}).now}
	n := 0
	for _, more := s.next(t.Context()); more; _, more = s.next(t.Context()) {
		n++
	}
	if n != 2 {
		t.Errorf("%d requests, want 2", n)
	}
}

func TestScheduleEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &schedule{begin: noon.Add(time.Hour), lasts: time.Minute, rate: 1, now: (&clock{noon}).now}
	cancel()
	if _, more := s.next(ctx); more {
		t.Error("an ended context has another arrival")
	}
}
