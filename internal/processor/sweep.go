package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	sweepMax   = 2000 // transactions in one batch of Sweep
	releaseMax = 256  // questions in one batch of Release
	resolveMax = 128  // questions in one batch of Resolve
	// sideMax is how many items of a batch run at one time: as many as share a
	// commit when no request waits. Requests go first.
	sideMax = 64
)

// Sweep writes the expiry of transactions and checkouts whose deadline has passed,
// and pays back the balances of expired prepaid instruments, one bounded batch of
// each. It reports how many. The deadline also holds without Sweep, which only brings
// the books and the notifications up to date.
func (p *Processor) Sweep(ctx context.Context) (done int, err error) {
	expired, expiring := p.sweepTransactions(ctx)
	returned, returning := p.returnBalances(ctx)
	ended, ending := p.sweepCheckouts(ctx)
	return expired + returned + ended, errors.Join(expiring, returning, ending)
}

// sweepTransactions expires transactions. Every caller has a share of each
// batch, however many expired transactions another caller has.
func (p *Processor) sweepTransactions(ctx context.Context) (expired int, err error) {
	var all []store.Due
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		real := p.now()
		callers, err := tx.DueCallers(real)
		if err != nil {
			return err
		}
		for _, c := range callers[:min(len(callers), sweepMax)] {
			some, err := tx.DueOf(c.ID, c.Now(real), max(sweepMax/len(callers), 1))
			if err != nil {
				return err
			}
			all = append(all, some...)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return p.expireAll(ctx, all, true)
}

// expireAll writes the expiries that are still due. One that fails does not
// delay the others. It reads the next transactions while it writes others.
func (p *Processor) expireAll(ctx context.Context, all []store.Due, handOver bool) (expired int, err error) {
	if len(all) == 0 {
		return 0, nil
	}
	var done atomic.Int64
	var failed failures
	expiring := make(chan store.Lapse, sideMax)
	go func() {
		defer close(expiring)
		failed.add(p.readExpiring(ctx, all, expiring))
	}()
	sideBySide(ctx, expiring, func(l store.Lapse) {
		switch did, err := p.expire(ctx, l, handOver); {
		case err != nil:
			failed.add(fmt.Errorf("expiring %s: %w", l.ID, err))
		case did:
			done.Add(1)
		}
	})
	return int(done.Load()), failed.join()
}

// readExpiring reads the transactions that are due, a few at a time, so that each
// read is short.
func (p *Processor) readExpiring(ctx context.Context, all []store.Due, to chan<- store.Lapse) error {
	for some := range slices.Chunk(all, sideMax) {
		var expiring []store.Lapse
		err := p.db.View(ctx, func(tx *store.ReadTx) (err error) {
			expiring, err = tx.Lapses(some)
			return err
		})
		if err != nil {
			return fmt.Errorf("reading the transactions that are due: %w", err)
		}
		for _, l := range expiring {
			select {
			case to <- l:
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// expire writes one expiry if it is still due; another server may have written
// it. It does not ask the network for the release itself: however many holds
// expire in one second, the network is asked at a bounded pace. handOver says
// that this process runs Release. A question without the network's name for the
// card is left to Resolve, like any other.
func (p *Processor) expire(ctx context.Context, l store.Lapse, handOver bool) (done bool, err error) {
	var release question
	var after payment.Transaction
	var lag time.Duration
	began := p.Now()
	place := handOver && l.Card.Ref != "" && p.handover.reserve()
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		real := p.now()
		done, release = false, question{}
		caller, err := callerOf(&tx.ReadTx, l.Caller)
		if err != nil {
			return err
		}
		c, due := l.Expire(caller.Now(real))
		if !due {
			return nil
		}
		done = true
		if c.After.HasEffects() {
			if err := addEffects(&tx.ReadTx, &c); err != nil {
				return err
			}
		}
		nextAsk := real
		if place {
			nextAsk = real.Add(p.patience())
		}
		lag = late(&caller, &l.Transaction, caller.Now(real))
		if c.Ask != nil {
			*c.Ask = c.Ask.Knowing(l.Known)
			c.Ask.Card = l.Card
		}
		err = p.recordFor(tx, caller, &c, real, nextAsk)
		after = c.After
		if c.Ask != nil {
			release = question{store.Doubt{Attempt: *c.Ask, Of: after}, &caller, real.Add(inDoubtGrace)}
		}
		return err
	})
	switch {
	case place && err == nil && release.Transaction != "":
		p.handover.add(release)
	case place:
		p.handover.leave()
	}
	if errors.Is(err, store.ErrStale) {
		return false, nil
	}
	if done = done && err == nil; done {
		p.logMove("Expire", &after, began)
		if p.Expired != nil && lag > 0 {
			p.Expired(lag)
		}
	}
	return done, err
}

// errSilent means that the network answers nothing. The next batch then waits.
// Holds that expire meanwhile soon find no place in the handover and are left
// to Resolve.
var errSilent = errors.New("the card network answered none of the questions")

// Release asks the network for the releases that Sweep has handed over, one
// bounded batch, and reports how many were decided.
func (p *Processor) Release(ctx context.Context) (int, error) {
	asked, released := p.askAll(ctx, p.handover.take(releaseMax))
	if asked > 0 && released == 0 {
		return 0, errSilent
	}
	return released, nil
}

// HandedOver receives a value when there is something to release.
func (p *Processor) HandedOver() <-chan struct{} {
	p.handover.make()
	return p.handover.more
}

// Resolve asks the network the questions that are in doubt, one bounded batch,
// and reports how many were decided. A question is in doubt only as long as the
// network does not answer.
func (p *Processor) Resolve(ctx context.Context) (resolved int, err error) {
	doubts, err := p.claim(ctx)
	open := make([]question, len(doubts))
	for i, d := range doubts {
		open[i].Doubt = d
	}
	_, resolved = p.askAll(ctx, open)
	return resolved, err
}

// askAll asks the network the questions for which it is not too late. It
// reports how many it asked and how many were decided.
func (p *Processor) askAll(ctx context.Context, open []question) (asked, decided int) {
	if len(open) == 0 {
		return 0, 0
	}
	all := make(chan question, len(open))
	for _, q := range open {
		all <- q
	}
	close(all)
	var began, ended atomic.Int64
	sideBySide(ctx, all, func(q question) {
		if !q.by.IsZero() && p.now().After(q.by) {
			return
		}
		done := make(chan struct{})
		begun := p.start(func() {
			defer close(done)
			began := p.Now()
			a := asking{q.Attempt, &q.Of, &intent{&q.Of, q.caller}, p.db.Background, true}
			if t, err := p.ask(a); err == nil {
				p.logOutcome(q.Of.State, t, began)
				ended.Add(1)
			}
		})
		if begun {
			began.Add(1)
			<-done
		}
	})
	return int(began.Load()), int(ended.Load())
}

// claim takes questions in doubt, so that no other server asks them meanwhile.
func (p *Processor) claim(ctx context.Context) (doubts []store.Doubt, err error) {
	var inDoubt bool
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		inDoubt, err = tx.AttemptsDue(p.now())
		return err
	})
	if err != nil || !inDoubt {
		return nil, err
	}
	var claimed []payment.Transaction
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		real := p.now()
		claimed, err = tx.ClaimAttempts(real, resolveMax, func(asked int) time.Time {
			return real.Add(p.patience() * time.Duration(min(asked, resolveBackoffMax)))
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		doubts, err = tx.Doubts(claimed)
		return err
	})
	return doubts, err
}

// sideBySide calls do for each item, sideMax at a time, until all is closed.
// Once ctx has ended it drops the remaining items; a later batch gets them.
func sideBySide[T any](ctx context.Context, all <-chan T, do func(T)) {
	var running sync.WaitGroup
	for range sideMax {
		running.Go(func() {
			for one := range all {
				if ctx.Err() == nil {
					do(one)
				}
			}
		})
	}
	running.Wait()
}

// failures collects errors from several goroutines.
type failures struct {
	mu  sync.Mutex
	all []error
}

func (f *failures) add(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all = append(f.all, err)
}

func (f *failures) join() error { return errors.Join(f.all...) }

// resolveBackoffMax bounds the pause before a question is asked again, in
// multiples of the processor's patience.
const resolveBackoffMax = 15
