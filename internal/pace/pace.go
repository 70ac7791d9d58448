// Package pace limits the rate of unsigned requests, so that a flood of them
// does not slow down other requests. All doors use it.
package pace

import (
	"context"
	"sync"
	"time"
)

// sourcesMax is the largest number of sources that are counted separately in
// one second. Further sources share one count.
const sourcesMax = 8192

// A Pace counts requests in each second by their source, such as an address.
// Set the fields before use.
type Pace struct {
	Source int           // requests in a second allowed to one source
	All    int           // requests in a second allowed to all sources together
	Pause  time.Duration // delay of each request above a limit; zero means none

	mu     sync.Mutex
	second int64
	count  int
	of     map[string]int
}

// Allow counts a request and reports whether it is within the limits. now is
// the time of the decision, not of the request's arrival: a request that
// arrived slowly must not bring an old second back.
func (p *Pace) Allow(source string, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if second := now.Unix(); second != p.second || p.of == nil {
		p.second, p.count, p.of = second, 0, make(map[string]int)
	}
	if _, known := p.of[source]; !known && len(p.of) >= sourcesMax {
		source = ""
	}
	p.count++
	p.of[source]++
	return p.count <= p.All && p.of[source] <= p.Source
}

// Hold delays a request. This blocks only the sender's own connection.
func (p *Pace) Hold(ctx context.Context) {
	if p.Pause <= 0 {
		return
	}
	timer := time.NewTimer(p.Pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Keep delays a request if it is above the limits.
func (p *Pace) Keep(ctx context.Context, source string, now time.Time) {
	if !p.Allow(source, now) {
		p.Hold(ctx)
	}
}
