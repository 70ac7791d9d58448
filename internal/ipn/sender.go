package ipn

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/egress"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Sender delivers notifications, each until its receiver says that it
// arrived, or for a day. They may arrive more than once and in any order.
type Sender struct {
	Store        *store.DB
	Signer       *Signer
	Now          func() time.Time // real time
	Log          *slog.Logger
	AllowPrivate bool          // lets notifications go to private, loopback and link-local addresses
	Timeout      time.Duration // of one delivery; zero means 10 s
	Proxy        *url.URL      // http, https or socks5: what all notifications go through; nil means none
	// HTTP posts the notifications. nil means a client that follows no redirect
	// and, unless AllowPrivate, sends to public addresses only; AllowPrivate,
	// Timeout and Proxy are that client's.
	HTTP *http.Client
	// Tried is called after the result of a try is written. Nil means that nobody
	// counts the tries.
	Tried func(Result)

	once   sync.Once
	client *http.Client

	claiming   sync.Mutex   // guards that free slots are counted and taken at once
	taken      atomic.Int64 // slots
	deliveries sync.WaitGroup
	freed      chan struct{} // holds one when a slot became free since it was read
	endings    endings
}

const (
	// slots limits the deliveries under way, and slotsPerCaller those of one
	// caller on all servers. A receiver that hangs does not delay other callers.
	slots          = 128
	slotsPerCaller = 16
	timeoutDefault = 10 * time.Second
	// leaseTimeouts is how long a lease is, in time-outs of one delivery: one
	// to deliver, the rest to compose, sign and write.
	leaseTimeouts = 3
	// deliveryLife and deliveryTriesMax end a delivery. The second one counts when
	// a clock was put back.
	deliveryLife     = 24 * time.Hour
	deliveryTriesMax = 40
)

// pauses are the times between tries; the last one repeats (IPN, "retries": for
// one day; the schedule is ours).
var pauses = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, pauseMax,
}

const (
	pauseMax = time.Hour
	// aheadMax is twice that, because servers' clocks differ. A notification that
	// is due later than this was written before its caller's clock was put back.
	aheadMax = 2 * pauseMax
)

// nextTry says when to try again after a number of tries, and whether to. All
// times are the caller's, so that moving a sandbox clock moves deliveries.
func nextTry(created, now time.Time, tries int) (next time.Time, again bool) {
	next = now.Add(pauses[min(max(tries, 1), len(pauses))-1])
	return next, tries < deliveryTriesMax && !next.After(created.Add(deliveryLife))
}

// RunOnce delivers the notifications that are due by each caller's clock, until
// all were tried. It reports how many arrived. The error is the store's, not a
// receiver's.
func (s *Sender) RunOnce(ctx context.Context) (delivered int, err error) {
	type end struct {
		arrived bool
		err     error
	}
	ends := make(chan end, slots)
	var errs []error
	for under := 0; ; under-- {
		if ctx.Err() == nil && len(errs) == 0 {
			started, err := s.start(ctx, func(arrived bool, err error) { ends <- end{arrived, err} })
			if err != nil {
				errs = append(errs, err)
			}
			under += started
		}
		if under == 0 {
			return delivered, errors.Join(errs...)
		}
		e := <-ends
		if e.err != nil {
			errs = append(errs, e.err)
		}
		if e.arrived {
			delivered++
		}
	}
}

// Start begins deliveries that are due by each caller's clock, as far as slots
// are free, and reports how many. It does not wait for them; Wait does, and ctx
// ends them. The error is the store's.
func (s *Sender) Start(ctx context.Context) (started int, err error) {
	return s.start(ctx, func(_ bool, err error) {
		if err != nil {
			s.Log.Error("a delivery failed, will be tried again", "error", err)
		}
	})
}

// Freed tells of slots that became free, where Start may find more to do.
func (s *Sender) Freed() <-chan struct{} {
	s.once.Do(s.begin)
	return s.freed
}

// Wait waits for all deliveries under way. Nothing may start meanwhile.
func (s *Sender) Wait() { s.deliveries.Wait() }

// start claims notifications and delivers them, those of one transaction one
// after another. It calls ended for each.
func (s *Sender) start(ctx context.Context, ended func(arrived bool, err error)) (started int, err error) {
	s.once.Do(s.begin)
	s.claiming.Lock()
	defer s.claiming.Unlock()
	free := slots - int(s.taken.Load())
	if free == 0 {
		return 0, nil
	}
	claimed, err := s.claim(ctx, free)
	if err != nil {
		return 0, err
	}
	s.taken.Add(int64(len(claimed)))
	for _, group := range byTransaction(claimed) {
		s.deliveries.Go(func() {
			for _, t := range group {
				e := s.deliver(ctx, t)
				err := s.finish(ctx, e)
				s.taken.Add(-1)
				ended(e.arrived, err)
				select {
				case s.freed <- struct{}{}:
				default:
				}
			}
		})
	}
	return len(claimed), nil
}

func (s *Sender) begin() {
	if s.client = s.HTTP; s.client == nil {
		s.client = egress.NewClient(egress.Config{
			Timeout: s.timeout(), AllowPrivate: s.AllowPrivate, Proxy: s.Proxy, IdleMax: slots,
		})
	}
	s.freed = make(chan struct{}, 1)
}

func (s *Sender) timeout() time.Duration {
	if s.Timeout == 0 {
		return timeoutDefault
	}
	return s.Timeout
}

// A try is a claimed notification with what it tells of.
type try struct {
	store.Delivery
	telling store.Telling
}

// claim takes notifications that are due. If a claim only moved waiting
// notifications to their callers' queues, it claims again, because others are
// behind them.
func (s *Sender) claim(ctx context.Context, most int) (tries []try, err error) {
	var claimed []store.Delivery
	for more := true; more && len(claimed) == 0; {
		err = s.Store.Update(ctx, func(tx *store.Tx) error {
			c := store.Claim{Now: s.Now(), AheadMax: aheadMax, PerCaller: slotsPerCaller, Most: most}
			c.Until = c.Now.Add(leaseTimeouts * s.timeout())
			claimed, more, err = tx.ClaimNotifications(c)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if len(claimed) == 0 {
		return nil, nil
	}
	// One read for all of them costs much less than one for each.
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		tellings, err := tx.Tellings(claimed)
		tries = nil
		for i, t := range tellings {
			tries = append(tries, try{claimed[i], t})
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(err, s.giveBack(ctx, claimed))
	}
	return tries, nil
}

// giveBack returns notifications that were claimed and not tried.
func (s *Sender) giveBack(ctx context.Context, claimed []store.Delivery) error {
	var ends []ending
	for _, d := range claimed {
		ends = append(ends, ending{try: try{Delivery: d}, back: true})
	}
	return s.write(ctx, ends)
}

// byTransaction groups the notifications of each transaction. They are
// delivered one after another, so they usually arrive in order.
func byTransaction(claimed []try) [][]try {
	type key struct {
		caller  party.CallerID
		subject string
	}
	at := map[key]int{}
	var groups [][]try
	for _, t := range claimed {
		k := key{t.Caller, t.Subject()}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], t)
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b try) int { return a.Seq - b.Seq })
	}
	return groups
}
