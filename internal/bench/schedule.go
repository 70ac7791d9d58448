package bench

import (
	"context"
	"sync/atomic"
	"time"
)

// A schedule says when requests are to begin. In an open loop arrivals come at
// a constant rate whatever the server does, as customers do, and a request
// counts from when it was to begin: a server that stalls is charged with all
// that waited meanwhile. In a closed loop each connection sends its next request
// when the last one is answered.
type schedule struct {
	begin time.Time
	lasts time.Duration
	rate  int // arrivals a second, over all connections; zero is the closed loop
	most  int64
	now   func() time.Time

	taken atomic.Int64
	over  atomic.Bool
}

// end has no more requests begin.
func (s *schedule) end() { s.over.Store(true) }

// due is how many arrivals of an open loop were to begin until the end, which
// may have come early.
func (s *schedule) due() int64 {
	if s.over.Load() {
		return s.taken.Load()
	}
	return s.total()
}

// total is how many arrivals an open loop has; zero means that nobody knows.
func (s *schedule) total() int64 {
	return int64(s.rate) * int64(s.lasts) / int64(time.Second)
}

// at is when the i-th arrival is due, the first being the 0-th.
func (s *schedule) at(i int64) time.Time {
	return s.begin.Add(time.Duration(i/int64(s.rate)) * time.Second).
		Add(time.Duration(i%int64(s.rate)) * time.Second / time.Duration(s.rate))
}

// next waits for the next arrival and returns when it was to begin. It reports
// false when there are no more, or none in time.
func (s *schedule) next(ctx context.Context) (intended time.Time, more bool) {
	if ctx.Err() != nil || s.over.Load() {
		return intended, false
	}
	i := s.taken.Add(1) - 1
	now := s.now()
	end := s.begin.Add(s.lasts)
	switch {
	case s.most > 0 && i >= s.most:
		return intended, false
	case s.lasts > 0 && !now.Before(end):
		return intended, false
	case s.rate == 0:
		return now, true
	case i >= s.total():
		return intended, false
	}
	intended = s.at(i)
	if wait := intended.Sub(now); wait > 0 {
		if err := pause(ctx, wait); err != nil {
			return intended, false
		}
	}
	return intended, true
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
