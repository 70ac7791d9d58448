// Package webhook sends the events of callers to their endpoints, by the
// specification of Standard Webhooks.
package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/egress"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Sender delivers events to webhook endpoints, each until its receiver takes it,
// or for three days. An event may arrive more than once, and unless the endpoint is
// ordered, in any order.
type Sender struct {
	Store        *store.DB
	Now          func() time.Time // real time
	Log          *slog.Logger
	AllowPrivate bool          // lets events go to private, loopback and link-local addresses
	Timeout      time.Duration // of one request; zero means 15 s
	Proxy        *url.URL      // http, https or socks5: what all requests go through; nil means none
	// HTTP sends the requests. Nil means a client of package egress; AllowPrivate,
	// Timeout and Proxy are that client's.
	HTTP *http.Client
	// Tried is called after the result of a try is written. Nil means that nobody
	// counts the tries.
	Tried func(Result)

	once     sync.Once
	client   *http.Client
	claiming sync.Mutex   // guards that free slots are counted and taken at once
	taken    atomic.Int64 // slots
	serving  sync.WaitGroup
	freed    chan struct{} // holds one when a slot became free since it was read
}

const (
	// slots limits the endpoints that this server serves at a time, and
	// slotsPerCaller those of one caller on all servers. A receiver that hangs does
	// not delay other callers.
	slots          = 64
	slotsPerCaller = 8
	// parallel limits the requests under way to one endpoint. An ordered one gets one
	// at a time.
	parallel = 8
	// batchMax is how many deliveries are read for one lease.
	batchMax       = 64
	timeoutDefault = 15 * time.Second
	// leaseTimeouts is how long a lease is, in time-outs of one request. No request
	// begins that might end after the lease.
	leaseTimeouts = 4
)

// RunOnce delivers the events that are due until all were tried. It reports how
// many arrived. The error is the store's, not a receiver's.
func (s *Sender) RunOnce(ctx context.Context) (delivered int, err error) {
	for ctx.Err() == nil {
		ends := make(chan served, slots)
		started, err := s.start(ctx, func(e served) { ends <- e })
		if err != nil || started == 0 {
			return delivered, err
		}
		var failed error
		for range started {
			e := <-ends
			delivered += e.delivered
			failed = errors.Join(failed, e.err)
		}
		if failed != nil {
			return delivered, failed
		}
	}
	return delivered, nil
}

// Start begins to serve endpoints with events that are due, as far as slots are
// free, and reports how many. It does not wait for them; Wait does, and ctx ends
// them. The error is the store's.
func (s *Sender) Start(ctx context.Context) (started int, err error) {
	return s.start(ctx, func(e served) {
		if e.err != nil {
			s.Log.Error("delivering events failed, will be tried again", "error", e.err)
		}
	})
}

// Freed tells of slots that became free, where Start may find more to do.
func (s *Sender) Freed() <-chan struct{} {
	s.once.Do(s.begin)
	return s.freed
}

// Wake makes Start look for events, such as after a commit that queued some.
func (s *Sender) Wake() {
	s.once.Do(s.begin)
	select {
	case s.freed <- struct{}{}:
	default: // it will look anyway
	}
}

// Wait waits for all requests under way. Nothing may start meanwhile.
func (s *Sender) Wait() { s.serving.Wait() }

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

// served is what came of serving one endpoint.
type served struct {
	delivered int
	err       error
}

func (s *Sender) start(ctx context.Context, ended func(served)) (started int, err error) {
	s.once.Do(s.begin)
	s.claiming.Lock()
	defer s.claiming.Unlock()
	free := slots - int(s.taken.Load())
	if free == 0 {
		return 0, nil
	}
	leases, err := s.claim(ctx, free)
	if err != nil {
		return 0, err
	}
	s.taken.Add(int64(len(leases)))
	for _, lease := range leases {
		s.serving.Go(func() {
			e := s.serve(ctx, lease)
			s.taken.Add(-1)
			ended(e)
			s.Wake()
		})
	}
	return len(leases), nil
}

func (s *Sender) claim(ctx context.Context, most int) (leases []store.WebhookLease, err error) {
	now := s.Now()
	c := store.WebhookClaim{
		Now: now, Until: now.Add(leaseTimeouts * s.timeout()), PerCaller: slotsPerCaller, Most: most,
	}
	var due []payment.EndpointID
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		due, err = tx.DueEndpoints(c)
		return err
	})
	if err != nil || len(due) == 0 {
		return nil, err
	}
	err = s.Store.Background(ctx, func(tx *store.Tx) error {
		leases, err = tx.ClaimEndpoints(c, due)
		return err
	})
	return leases, err
}

// serve delivers a batch of events to one endpoint, and ends the lease. After an
// error of the store the lease goes on, so the endpoint is tried again a minute
// later and does not hold up the others.
func (s *Sender) serve(ctx context.Context, lease store.WebhookLease) (e served) {
	e = s.deliver(ctx, lease)
	if e.err != nil {
		if ctx.Err() == nil {
			e.err = fmt.Errorf("serving webhook endpoint %s: %w", lease.ID, e.err)
		}
		return e
	}
	err := s.Store.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		return tx.ReleaseEndpoint(lease, s.Now())
	})
	if !errors.Is(err, store.ErrClosed) { // the lease ends by itself
		e.err = err
	}
	return e
}

// deliver delivers a batch of events to one endpoint.
func (s *Sender) deliver(ctx context.Context, lease store.WebhookLease) (e served) {
	if lease.Unreadable != nil {
		return served{err: lease.Unreadable}
	}
	var due []store.EventDelivery
	err := s.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		due, err = tx.DueWebhooks(lease.Endpoint, s.Now(), batchMax)
		return err
	})
	if err != nil {
		return served{err: err}
	}
	r := round{Sender: s, lease: lease}
	r.deliver(ctx, due)
	return served{int(r.delivered.Load()), r.failed}
}

// A round is the work on one endpoint during one lease.
type round struct {
	*Sender
	lease     store.WebhookLease
	delivered atomic.Int64
	stopped   atomic.Bool // the endpoint was paused, or a result cannot be written

	mu     sync.Mutex
	failed error
}

func (r *round) deliver(ctx context.Context, due []store.EventDelivery) {
	if r.lease.Ordered {
		for _, d := range due {
			if d.NextAt.After(r.Now()) || !r.try(ctx, d) {
				return
			}
		}
		return
	}
	work := make(chan store.EventDelivery, len(due))
	for _, d := range due {
		work <- d
	}
	close(work)
	var workers sync.WaitGroup
	for range min(parallel, len(due)) {
		workers.Go(func() {
			for d := range work {
				r.try(ctx, d)
			}
		})
	}
	workers.Wait()
}

// try makes one try and writes its result. It reports whether the event has
// arrived. A try that was cut short by the end of the server does not count, and
// none begins that might not end within the lease.
func (r *round) try(ctx context.Context, d store.EventDelivery) (arrived bool) {
	began := r.Now()
	if ctx.Err() != nil || r.stopped.Load() || began.Add(r.timeout()).After(r.lease.LeasedUntil) {
		return false
	}
	m := Message{URL: r.lease.URL, ID: string(d.Event.ID), Body: d.Event.JSON(), At: began}
	for _, secret := range r.lease.Live(began) {
		m.Secrets = append(m.Secrets, secret.Key)
	}
	a := Post(ctx, r.client, m)
	if a.Status == 0 && ctx.Err() != nil {
		return false
	}
	try := store.WebhookTry{At: began, Took: r.Now().Sub(began), Status: a.Status, Result: a.Words, Answer: a.Body}
	after, result := outcome(r.lease.Endpoint, d.WebhookDelivery, try, a)
	if err := r.write(ctx, d.WebhookDelivery, after, result); err != nil {
		r.stop(err)
		return false
	}
	r.tell(d, after, result)
	if result == Delivered {
		r.delivered.Add(1)
	}
	return result == Delivered
}

func (r *round) stop(err error) {
	r.stopped.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = errors.Join(r.failed, err)
}

// write writes the result of a try, even if the server is about to stop. A
// result that is no longer about the delivery as it is stored is dropped: another
// server has written one, or the endpoint was removed.
func (r *round) write(ctx context.Context, before, after store.WebhookDelivery, result Result) error {
	err := r.Store.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := tx.WebhookTried(before, after); err != nil {
			return err
		}
		switch result {
		case Gone:
			return tx.PauseEndpoint(r.lease.ID, payment.PausedGone)
		case Stuck:
			return tx.PauseEndpoint(r.lease.ID, payment.PausedFailing)
		case Delivered, NotYet, Failed, GivenUp:
		}
		return nil
	})
	if errors.Is(err, store.ErrStale) {
		return nil
	}
	if result == Gone || result == Stuck {
		r.stopped.Store(true)
	}
	return err
}

// tell counts a try, and logs what the operator may want to know.
func (r *round) tell(d store.EventDelivery, after store.WebhookDelivery, result Result) {
	if r.Tried != nil {
		r.Tried(result)
	}
	log := r.Log.With("caller", r.lease.Caller, "endpoint", r.lease.ID, "event", d.Event.ID, "tries", after.Tries,
		"result", after.LastTry.Result)
	switch result {
	case Delivered, NotYet:
	case Failed:
		log.Warn("event not delivered, will be tried again")
	case GivenUp:
		log.Error("event given up")
	case Gone:
		log.Error("the receiver says that its webhook endpoint is gone; the endpoint is paused")
	case Stuck:
		log.Error("event not delivered for three days; the ordered endpoint is paused")
	}
}
