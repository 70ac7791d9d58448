package stripe

import (
	"context"
	"net/http"
	"slices"
	"sync"

	"golang.org/x/time/rate"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// buckets spread the requests of an account over time: over all, and for each
// endpoint. So a storm of releases does not delay holds.
type buckets struct {
	perSecond int
	all       *bucket
	mu        *sync.Mutex
	endpoints map[string]*bucket
}

func newBuckets(a payment.NetworkAccount) buckets {
	perSecond, over := a.PerSecond, 2 // Stripe's limit over all is 25 in test mode
	if a.Mode == payment.NetworkLive {
		over = 4 // and 100 in live mode
	}
	if perSecond <= 0 {
		perSecond = perSecondTest
		if a.Mode == payment.NetworkLive {
			perSecond = perSecondLive
		}
	}
	return buckets{
		perSecond: perSecond, all: newBucket(perSecond * over), mu: &sync.Mutex{}, endpoints: map[string]*bucket{},
	}
}

func (b *buckets) of(endpoint string) *bucket {
	b.mu.Lock()
	defer b.mu.Unlock()
	one := b.endpoints[endpoint]
	if one == nil {
		one = newBucket(b.perSecond)
		b.endpoints[endpoint] = one
	}
	return one
}

// wait returns when it is a request's turn.
func (b *buckets) wait(ctx context.Context, endpoint string, background bool) error {
	if err := b.of(endpoint).wait(ctx, background); err != nil {
		return err
	}
	return b.all.wait(ctx, background)
}

// hear slows an endpoint down that Stripe says is asked too fast, and lets it
// become faster again with each other answer.
func (b *buckets) hear(endpoint string, x *exchange) {
	one := b.of(endpoint)
	switch {
	case x.tooFast():
		one.slow()
	case x.status == http.StatusTooManyRequests || x.status == 0:
		// A locked object, or no answer: it says nothing about the speed.
	default:
		one.recover()
	}
}

// A bucket has a token for each request, and fills at a steady rate. Callers'
// requests go before background work.
type bucket struct {
	gate    gate
	limiter *rate.Limiter
	full    rate.Limit
}

func newBucket(perSecond int) *bucket {
	return &bucket{
		limiter: rate.NewLimiter(rate.Limit(perSecond), max(1, perSecond/4)),
		full:    rate.Limit(perSecond),
	}
}

func (b *bucket) wait(ctx context.Context, background bool) error {
	if !b.gate.busy() && b.limiter.Allow() {
		return nil
	}
	if err := b.gate.enter(ctx, background); err != nil {
		return err
	}
	defer b.gate.leave()
	return b.limiter.Wait(ctx)
}

const (
	slowest  = 16 // a bucket is slowed to a sixteenth at most
	recovery = 50 // and is at its full rate again after fifty good answers, at the latest
)

func (b *bucket) slow() { b.limiter.SetLimit(max(b.full/slowest, b.limiter.Limit()/2)) }

func (b *bucket) recover() {
	if now := b.limiter.Limit(); now < b.full {
		b.limiter.SetLimit(min(b.full, now+b.full/recovery))
	}
}

// A gate lets one request at a time wait for its token. The others queue in front
// of it: callers first, but each eighth is background work, so that neither
// starves.
type gate struct {
	mu                  sync.Mutex
	taken               bool
	callers, background []chan struct{}
	passed              int
}

const backgroundShare = 8

func (g *gate) busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.taken
}

func (g *gate) enter(ctx context.Context, background bool) error {
	g.mu.Lock()
	if !g.taken {
		g.taken = true
		g.mu.Unlock()
		return nil
	}
	queue := &g.callers
	if background {
		queue = &g.background
	}
	turn := make(chan struct{})
	*queue = append(*queue, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	i := slices.Index(*queue, turn)
	if i >= 0 {
		*queue = slices.Delete(*queue, i, i+1)
	}
	g.mu.Unlock()
	if i < 0 { // its turn came in the same moment: pass it on
		g.leave()
	}
	return ctx.Err()
}

// leave lets the next one in.
func (g *gate) leave() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed++
	queue := &g.callers
	if len(g.callers) == 0 || len(g.background) > 0 && g.passed%backgroundShare == 0 {
		queue = &g.background
	}
	if len(*queue) == 0 {
		g.taken = false
		return
	}
	close((*queue)[0])
	*queue = (*queue)[1:]
}
