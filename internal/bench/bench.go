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

// A Bench drives one server. Set the fields, call Prepare once, Measure any
// number of times, and then Check.
type Bench struct {
	Endpoint    *url.URL  // the server's Query API, plain http
	Store       *store.DB // the server's; the bench's data stays in it
	Address     string    // of the store
	Mix         Mix
	Spread      Spread
	Merchants   int
	Connections int
	Rate        int // arrivals a second in an open loop; zero means a closed loop
	Warmup      time.Duration
	Duration    time.Duration
	Seed        uint64
	Now         func() time.Time

	// Door is the API that Reserves are sent to. With DoorJSON the bench measures both
	// doors, and compares them; empty means DoorFPS.
	Door Door

	// Flood sends invalid requests in addition, over FloodConnections connections.
	Flood            Flood
	FloodConnections int

	// Deliver measures also the deliveries of notifications, which the server makes
	// to a receiver of the bench. Without a Rate, the bench looks for the highest
	// one at which they keep up.
	Deliver bool

	// Pretend sends made-up keys and tokens to a server that has no store. See
	// [PretendSecret].
	Pretend bool

	// Meanwhile runs during a measurement; nil does nothing.
	Meanwhile func(context.Context) error

	// Process returns the resources that the server's process has used. It is nil
	// if the bench did not start the server.
	Process func() (Usage, error)
	// Progress is called about once a second with the current state; nil means no
	// calls.
	Progress func(Progress)

	cast     cast
	stock    *stock
	drivers  []*driver
	gathered *gathering
	database database
	receiver *receiver // nil unless Deliver
	search   *search   // nil unless Deliver without a Rate
	expected int64     // requests a second, estimated from the rate so far
}

// Progress is the current state of a bench.
type Progress struct {
	Doing    string        // "warming up"
	Elapsed  time.Duration // of this phase
	Answered int64
	Failed   int64
	Rate     int64 // answers a second since the last call
}

const (
	// expectedAtFirst is the number of requests a second for which a warm-up is
	// prepared.
	expectedAtFirst = 15_000
	// spare is the highest rate of a measurement as a percentage of its warm-up's.
	spare            = 150
	progressInterval = time.Second
)

// Prepare makes merchants, buyers and connections, and runs the warm-up.
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
	if b.Deliver {
		if b.Rate == 0 {
			b.search = &search{}
			b.Rate = searchFrom // of the warm-up
		}
		if err := b.receive(ctx); err != nil {
			return err
		}
	}
	if err := b.connect(); err != nil {
		return err
	}
	return b.warmUp(ctx)
}

// assemble makes the cast the first time it is called.
func (b *Bench) assemble(ctx context.Context) (err error) {
	if b.stock != nil {
		return nil
	}
	if b.Merchants < 1 {
		return errors.New("a bench needs at least one merchant")
	}
	if b.Pretend {
		b.cast = pretendCast(b.Merchants)
	} else if b.database, err = openDatabase(b.Address); err != nil {
		return err
	} else if b.cast, err = makeCast(ctx, b.Store, b.Merchants, b.Door == DoorJSON, b.Now); err != nil {
		return err
	}
	b.stock = newStock(b.Store, b.database, b.cast, b.Now)
	b.stock.pretend = b.Pretend
	return nil
}

func (b *Bench) connect() error {
	signer := newSigner(b.Endpoint, b.Now)
	orders := newNumbers(processor.RandomIDs{Now: b.Now}.Other("b"), b.Merchants)
	var notices *notices
	if b.receiver != nil {
		notices = b.receiver.notices
	}
	for i := range b.Connections {
		c, err := newConn(b.Endpoint, b.Now)
		if err != nil {
			return err
		}
		rng := rand.New(rand.NewPCG(b.Seed, uint64(i))) //nolint:gosec // it must be repeatable and is no secret
		b.drivers = append(b.drivers, &driver{
			stock: b.stock, signer: signer, conn: c, now: b.Now, rng: rng, pick: b.Spread.picker(rng, b.Merchants),
			merchants: b.cast.merchants, numbers: orders, notices: notices,
		})
	}
	return nil
}

// Close closes the connections and the receiver.
func (b *Bench) Close() {
	b.database.close()
	if b.receiver != nil {
		b.receiver.close()
	}
	for _, d := range b.drivers {
		d.conn.close()
	}
}

// warmUp runs the mix for a while and records the server's rate. So a
// measurement knows how many tokens and holds it needs. Mixes that only read
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

// requests is the highest number of requests in the given time.
func (b *Bench) requests(lasts time.Duration) int64 {
	rate := b.expected
	if b.Rate > 0 {
		rate = int64(b.Rate)
	}
	return rate*int64(lasts)/int64(time.Second) + 1
}

// stockUp makes the tokens and the holds that a measurement needs.
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
	if _, err := b.run(ctx, phase{doing: "reserving", mix: MixReserve, requests: missing}, newTally()); err != nil {
		return err
	}
	b.deal()
	return nil
}

// deal gives every connection the same number of holds.
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

// A phase is a period in which all connections run one mix.
type phase struct {
	doing    string
	mix      Mix
	rate     int
	lasts    time.Duration // zero means until requests are done
	requests int64         // zero means until lasts is over

	meanwhile func(context.Context) error // runs during the phase; nil does nothing
	untilThen bool                        // the phase ends with meanwhile, and after lasts at the latest
}

// run runs a phase on all connections. Meanwhile it makes tokens for merchants
// that run out of them.
func (b *Bench) run(ctx context.Context, p phase, t *tally) (took time.Duration, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch, endWatch := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() {
		if err := b.stock.refill(watch); err != nil {
			cancel(err)
		}
	})
	watching.Go(func() { b.tell(watch, p.doing, t.counts) })
	began := b.Now()
	s := &schedule{begin: began, lasts: p.lasts, rate: p.rate, requests: p.requests, now: b.Now}
	if p.meanwhile != nil {
		watching.Go(func() {
			if err := p.meanwhile(watch); err != nil {
				cancel(err)
			}
			if p.untilThen {
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
	endWatch()
	watching.Wait()
	t.due = s.due()
	return took, context.Cause(ctx)
}

// tell calls Progress about once a second.
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
