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

// wait returns when it is a request's turn. It is errBusy if the turn would come
// so late that too little is left of the context's time.
func (b *buckets) wait(ctx context.Context, endpoint string, background bool) error {
	if until, limited := ctx.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, until.Add(-needed(ctx)), errBusy)
		defer cancel()
	}
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

// wait returns when it is a request's turn, or errBusy if the turn would come after
// the context's deadline.
func (b *bucket) wait(ctx context.Context, background bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if !b.gate.busy() && b.limiter.Allow() {
		return nil
	}
	if err := b.gate.enter(ctx, background, b.limiter.Limit()); err != nil {
		return err
	}
	err := b.limiter.Wait(ctx)
	b.gate.leave(err == nil)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	}
	return errBusy // the limiter sees that the token would come too late
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

// enter returns when it is a request's turn. It is errBusy if that would be after
// the context's deadline, given how many turns there are in a second.
func (g *gate) enter(ctx context.Context, background bool, perSecond rate.Limit) error {
	g.mu.Lock()
	if !g.taken {
		g.taken = true
		g.mu.Unlock()
		return nil
	}
	if left, limited := timeLeft(ctx); limited && rate.Limit(left.Seconds())*perSecond < rate.Limit(g.turns(background)) {
		g.mu.Unlock()
		return errBusy
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
		g.leave(false)
	}
	return context.Cause(ctx)
}

// turns is how many turns pass until a request that comes now has had its own. It
// may be more for background work, if callers come later.
func (g *gate) turns(background bool) int {
	own, others := len(g.callers)+1, len(g.background)
	if background {
		own, others = others+1, len(g.callers)
		return own + min(others, own*(backgroundShare-1))
	}
	return own + min(others, own/(backgroundShare-1))
}

// leave lets the next one in. A turn that was not used does not count, so the next
// one is of the same kind.
func (g *gate) leave(used bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if used {
		g.passed++
	}
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
