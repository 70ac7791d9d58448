package bench

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"net/url"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Bench drives one server. Set the fields, Prepare, Measure as often as you
// like, and Check.
type Bench struct {
	Endpoint    *url.URL  // of the server's Query API, plain http
	Store       *store.DB // the server's; what is made in it stays
	Mix         Mix
	Spread      Spread
	Merchants   int
	Connections int
	Rate        int // arrivals a second, in an open loop; zero is the closed loop
	Warmup      time.Duration
	Duration    time.Duration
	Seed        uint64
	Now         func() time.Time

	// Flood has invalid requests come in beside, by so many connections.
	Flood            Flood
	FloodConnections int

	// Pretend sends made-up tokens, to a server that looks at none and keeps
	// nothing.
	Pretend bool

	// Meanwhile is done beside a measurement; nil does nothing.
	Meanwhile func(context.Context) error

	// Process tells what the server's process has used up; nil when it is not
	// ours to ask.
	Process func() (Usage, error)
	// Progress is told, about each second, what goes on; nil tells nobody.
	Progress func(Progress)

	cast     cast
	stock    *stock
	drivers  []*driver
	gathered *gathering
	expected int64 // requests a second, by what was seen so far
}

// Progress is what goes on.
type Progress struct {
	Doing    string        // "warming up"
	Elapsed  time.Duration // of it
	Answered int64
	Failed   int64
	Rate     int64 // answers a second, since the last time
}

const (
	// expectedAtFirst is how many requests a second a warm-up is ready for.
	expectedAtFirst = 15_000
	// spare is how much faster than its warm-up a measurement may be, in percent.
	spare            = 150
	progressInterval = time.Second
)

// Prepare makes merchants, buyers and connections, and warms the server up.
func (b *Bench) Prepare(ctx context.Context) error {
	if err := cmp.Or(b.Mix.check(), b.Spread.check(), b.Flood.check()); err != nil {
		return err
	}
	if b.Connections < 1 || b.Merchants < 1 || b.Duration <= 0 || b.Rate < 0 {
		return errors.New("a bench needs at least one connection, one merchant and some time")
	}
	if err := b.assemble(ctx); err != nil {
		return err
	}
	if err := b.connect(); err != nil {
		return err
	}
	return b.warmUp(ctx)
}

// assemble makes the cast, once.
func (b *Bench) assemble(ctx context.Context) (err error) {
	if b.stock != nil {
		return nil
	}
	if b.Merchants < 1 {
		return errors.New("a bench needs at least one merchant")
	}
	if b.cast, err = makeCast(ctx, b.Store, b.Merchants, b.Now); err != nil {
		return err
	}
	b.stock = newStock(b.Store, b.cast, b.Now)
	b.stock.pretend = b.Pretend
	return nil
}

func (b *Bench) connect() error {
	signer := newSigner(b.Endpoint, b.Now)
	orders := newNumbers(processor.RandomIDs{Now: b.Now}.Other("b"), b.Merchants)
	for i := range b.Connections {
		c, err := newConn(b.Endpoint, b.Now)
		if err != nil {
			return err
		}
		rng := rand.New(rand.NewPCG(b.Seed, uint64(i))) //nolint:gosec // repeatable, no secret
		b.drivers = append(b.drivers, &driver{
			stock: b.stock, signer: signer, conn: c, now: b.Now, rng: rng, pick: b.Spread.picker(rng, b.Merchants),
			merchants: b.cast.merchants, numbers: orders,
		})
	}
	return nil
}

// Close ends the connections.
func (b *Bench) Close() {
	for _, d := range b.drivers {
		d.conn.close()
	}
}

// warmUp has the server do what it will do, and learns how fast it is, so that
// as much is there for a measurement as will be used. Mixes that ask about
// transactions are warmed up by making some.
func (b *Bench) warmUp(ctx context.Context) error {
	b.expected = expectedAtFirst
	if b.Warmup <= 0 {
		return nil
	}
	mix := b.Mix
	if mix.tokensFor(1) == 0 {
		mix = MixReserve
	}
	if err := b.stock.fill(ctx, mix.tokensFor(b.requests(b.Warmup)), b.Spread); err != nil {
		return err
	}
	t := newTally()
	took, err := b.run(ctx, phase{doing: "warming up", mix: mix, lasts: b.Warmup, rate: b.Rate}, t)
	if err != nil {
		return err
	}
	answered, _ := t.counts()
	b.expected = max(perSecond(answered, took)*spare/100, 1)
	return nil
}

// requests is how many there may be in a time.
func (b *Bench) requests(lasts time.Duration) int64 {
	rate := b.expected
	if b.Rate > 0 {
		rate = int64(b.Rate)
	}
	return rate*int64(lasts)/int64(time.Second) + 1
}

// stockUp makes the tokens and the holds that a measurement uses up.
func (b *Bench) stockUp(ctx context.Context, lasts time.Duration) error {
	requests := b.requests(lasts)
	if err := b.stock.fill(ctx, b.Mix.tokensFor(requests), b.Spread); err != nil {
		return err
	}
	missing := b.Mix.holdsFor(requests, int64(b.Connections))
	for _, d := range b.drivers {
		missing -= int64(len(d.held))
	}
	if missing <= 0 {
		return nil
	}
	if err := b.stock.fill(ctx, missing, b.Spread); err != nil {
		return err
	}
	if _, err := b.run(ctx, phase{doing: "reserving", mix: MixReserve, most: missing}, newTally()); err != nil {
		return err
	}
	b.deal()
	return nil
}

// deal gives each connection as many holds as any other.
func (b *Bench) deal() {
	var all []holding
	for _, d := range b.drivers {
		all = append(all, d.held...)
		d.held = nil
	}
	for i, h := range all {
		d := b.drivers[i%len(b.drivers)]
		d.held = append(d.held, h)
	}
}

// A phase is a time in which all connections do one thing.
type phase struct {
	doing string
	mix   Mix
	rate  int
	lasts time.Duration // zero until most are done
	most  int64         // requests; zero until lasts is over

	beside      func(context.Context) error // done meanwhile; nil does nothing
	untilBeside bool                        // it ends when beside has, and lasts no longer than lasts
}

// run has all connections do a phase, while tokens are minted for who runs out.
func (b *Bench) run(ctx context.Context, p phase, t *tally) (took time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	beside, endBeside := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := b.stock.refill(beside); err != nil {
			cancel(err)
		}
	})
	watching.Go(func() { b.tell(beside, p.doing, t.counts) })
	began := b.Now()
	s := &schedule{begin: began, lasts: p.lasts, rate: p.rate, most: p.most, now: b.Now}
	if p.beside != nil {
		watching.Go(func() {
			if err := p.beside(beside); err != nil {
				cancel(err)
			}
			if p.untilBeside {
				s.end()
			}
		})
	}
	var driving sync.WaitGroup
	for _, d := range b.drivers {
		driving.Go(func() {
			if err := d.run(ctx, p.mix, s, t); err != nil {
				cancel(err)
			}
		})
	}
	driving.Wait()
	took = b.Now().Sub(began)
	endBeside()
	watching.Wait()
	t.due = s.due()
	return took, context.Cause(ctx)
}

// tell tells about each second what goes on.
func (b *Bench) tell(ctx context.Context, doing string, counts func() (answered, failed int64)) {
	if b.Progress == nil {
		return
	}
	began := b.Now()
	for last, before := began, int64(0); pause(ctx, progressInterval) == nil; {
		answered, failed := counts()
		now := b.Now()
		b.Progress(Progress{
			Doing: doing, Elapsed: now.Sub(began), Answered: answered, Failed: failed,
			Rate: perSecond(answered-before, now.Sub(last)),
		})
		last, before = now, answered
	}
}

func perSecond(n int64, took time.Duration) int64 {
	if took <= 0 {
		return 0
	}
	return int64(float64(n) / took.Seconds())
}
