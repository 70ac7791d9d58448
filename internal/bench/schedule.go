package bench

import (
	"context"
	"sync/atomic"
	"time"
)

// A schedule says when requests must begin. In an open loop, arrivals come at a
// constant rate, like customers, even if the server is slow. The latency of a
// request counts from its planned begin, so the figures show all requests that
// waited for a stalled server. In a closed loop, each connection sends its next
// request after the answer to the last one.
type schedule struct {
	begin    time.Time
	lasts    time.Duration
	rate     int // arrivals a second over all connections; zero means a closed loop
	requests int64
	now      func() time.Time

	taken atomic.Int64
	over  atomic.Bool
}

// end stops the schedule: no more requests begin.
func (s *schedule) end() { s.over.Store(true) }

// due is the number of arrivals of an open loop that were planned until the
// end, which may have been early.
func (s *schedule) due() int64 {
	if s.over.Load() {
		return s.taken.Load()
	}
	return s.total()
}

// total is the number of arrivals of an open loop. It is zero for a closed
// loop.
func (s *schedule) total() int64 {
	return int64(s.rate) * int64(s.lasts) / int64(time.Second)
}

// at is the planned time of arrival i, counted from 0.
func (s *schedule) at(i int64) time.Time {
	return s.begin.Add(time.Duration(i/int64(s.rate)) * time.Second).
		Add(time.Duration(i%int64(s.rate)) * time.Second / time.Duration(s.rate))
}

// next waits for the next arrival and returns its planned time. more is false
// if there are no more arrivals.
func (s *schedule) next(ctx context.Context) (intended time.Time, more bool) {
	if ctx.Err() != nil || s.over.Load() {
		return intended, false
	}
	i := s.taken.Add(1) - 1
	now := s.now()
	end := s.begin.Add(s.lasts)
	switch {
	case s.requests > 0 && i >= s.requests:
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
