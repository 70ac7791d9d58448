package stripe

import (
	"fmt"
	"sync"
	"time"
)

// A health is what one answer says about the account.
type health int

const (
	healthy health = iota
	unheard
	keyRefused
	rightMissing
	tooFast
	broken
)

const (
	// A key or a right that is refused is tried again after this, and after twice as
	// long each time, up to the second.
	refusedPause    = 15 * time.Second
	refusedPauseMax = 2 * time.Minute
	// After so many answers in a row that say nothing, Stripe is left alone.
	brokenMax      = 10
	brokenPause    = 2 * time.Second
	brokenPauseMax = time.Minute
)

// A breaker stops the requests of an account that would fail, so that Stripe is
// not asked in vain and its limits are not used up. It has a circuit for the
// account, and one for each endpoint that the key has no right for. One request
// at a time tries whether an open circuit can close.
type breaker struct {
	mu       sync.Mutex
	account  circuit
	endpoint map[string]*circuit
}

// A circuit is open until a time. The zero circuit is closed.
type circuit struct {
	failures int
	why      health // of the last failure
	until    time.Time
	pause    time.Duration
	trial    bool // a request is on its way that may close it
}

// An openError means that a request was not sent, because the last ones failed.
type openError struct {
	why   health
	retry time.Duration
}

func (e *openError) Error() string {
	switch e.why {
	case keyRefused:
		return fmt.Sprintf("Stripe refuses the account's key: next try in %v", e.retry)
	case rightMissing:
		return fmt.Sprintf("the account's key has no right for this: next try in %v", e.retry)
	case tooFast:
		return fmt.Sprintf("the account asks Stripe too fast: next try in %v", e.retry)
	case healthy, unheard, broken:
	}
	return fmt.Sprintf("Stripe does not answer: next try in %v", e.retry)
}

// check says why a request would not be let through. It is nil if it would be.
func (b *breaker) check(endpoint string, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.of(endpoint) {
		if err := c.refuses(now); err != nil {
			return err
		}
	}
	return nil
}

// admit lets a request through, or says why not. Each request that it lets
// through must be followed by hear.
func (b *breaker) admit(endpoint string, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	circuits := b.of(endpoint)
	for _, c := range circuits {
		if err := c.refuses(now); err != nil {
			return err
		}
	}
	for _, c := range circuits {
		c.trial = !c.until.IsZero()
	}
	return nil
}

func (b *breaker) of(endpoint string) []*circuit {
	if c := b.endpoint[endpoint]; c != nil {
		return []*circuit{&b.account, c}
	}
	return []*circuit{&b.account}
}

func (c *circuit) refuses(now time.Time) error {
	if left := c.until.Sub(now); left > 0 {
		return &openError{why: c.why, retry: left}
	}
	if c.trial {
		return &openError{why: c.why, retry: time.Second}
	}
	return nil
}

// hear takes in what an answer says.
func (b *breaker) hear(endpoint string, h health, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.endpoint[endpoint]
	if h == rightMissing {
		if own == nil {
			own = &circuit{}
			if b.endpoint == nil {
				b.endpoint = map[string]*circuit{}
			}
			b.endpoint[endpoint] = own
		}
		own.fail(h, 1, refusedPause, refusedPauseMax, now)
		b.account = circuit{} // the key itself was accepted
		return
	}
	if own != nil {
		own.trial = false
	}
	switch h {
	case keyRefused:
		b.account.fail(h, 1, refusedPause, refusedPauseMax, now)
	case tooFast, broken:
		b.account.fail(h, brokenMax, brokenPause, brokenPauseMax, now)
	case unheard:
		b.account.trial = false
	case healthy, rightMissing:
		b.account = circuit{}
		delete(b.endpoint, endpoint)
	}
}

// fail counts a failure, and opens the circuit from the given number on.
func (c *circuit) fail(why health, from int, pause, pauseMax time.Duration, now time.Time) {
	c.failures++
	c.trial, c.why = false, why
	if c.failures < from {
		return
	}
	c.pause = min(max(pause, 2*c.pause), pauseMax)
	c.until = now.Add(c.pause)
}
