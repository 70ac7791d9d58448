// Package pace keeps a flood of requests that nobody signed from taking what
// others need. The doors share it.
package pace

import (
	"context"
	"sync"
	"time"
)

// sourcesMax bounds the sources that are counted apart in one second. Those after
// them share one count.
const sourcesMax = 8192

// A Pace counts requests by their source, such as an address, in each second. Set
// the fields and use it.
type Pace struct {
	Source int           // requests in a second that one source may make
	All    int           // and all sources together
	Pause  time.Duration // how long each request above that waits; zero does not make it wait

	mu     sync.Mutex
	second int64
	count  int
	of     map[string]int
}

// Allow counts a request and reports whether it is within the pace. now is the
// time at which the request is judged, not the time at which it came: a request
// that came in slowly must not bring an old second back.
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

// Hold keeps a request waiting. The connection that it holds up is its sender's
// own.
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

// Keep has a request wait if it is above the pace.
func (p *Pace) Keep(ctx context.Context, source string, now time.Time) {
	if !p.Allow(source, now) {
		p.Hold(ctx)
	}
}
