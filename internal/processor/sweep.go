package processor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	sweepMax   = 2000 // transactions in one batch of Sweep
	resolveMax = 128  // questions in one batch of Resolve
	// sideMax is how much of a batch is done at one time: as much as shares a commit
	// when nobody waits for one. Those who wait go first.
	sideMax = 64
)

// Sweep writes the expiry of transactions whose deadline has come, one bounded
// batch of them, and reports how many. The deadline holds without it: Sweep
// makes the books and the notifications say so. However many one caller has, the
// others' turn comes in each batch.
func (p *Processor) Sweep(ctx context.Context) (expired int, err error) {
	var due []payment.Transaction
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
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
			due = append(due, some...)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return p.expireAll(ctx, due)
}

// expireAll writes the expiries that are still due. One that fails does not keep
// the others waiting.
func (p *Processor) expireAll(ctx context.Context, due []payment.Transaction) (expired int, err error) {
	var done atomic.Int64
	var failed failures
	sideBySide(ctx, due, func(t payment.Transaction) {
		switch did, err := p.expire(ctx, t); {
		case err != nil:
			failed.add(fmt.Errorf("expiring %s: %w", t.ID, err))
		case did:
			done.Add(1)
		}
	})
	return int(done.Load()), failed.join()
}

// expire writes one expiry if it is still due: somebody may have been faster.
// The release is due at once, and Resolve's: however many holds lapse in one
// second, the network is asked at a bounded pace.
func (p *Processor) expire(ctx context.Context, t payment.Transaction) (done bool, err error) {
	err = p.Store.Background(ctx, func(tx *store.Tx) error {
		real := p.now()
		done = false
		caller, err := callerOf(&tx.ReadTx, t.Caller)
		if err != nil {
			return err
		}
		c, due := t.Expire(caller.Now(real))
		if !due {
			return nil
		}
		done = true
		if c, err = with(&tx.ReadTx, c); err != nil {
			return err
		}
		_, err = p.recordFor(tx, caller, c, real, real)
		return err
	})
	if errors.Is(err, store.ErrStale) {
		return false, nil
	}
	return done && err == nil, err
}

// Resolve asks the network again what is in doubt, one bounded batch, and
// reports how many questions were decided. Nothing stays in doubt for longer
// than the network stays silent.
func (p *Processor) Resolve(ctx context.Context) (resolved int, err error) {
	var inDoubt bool
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		inDoubt, err = tx.AttemptsDue(p.now())
		return err
	})
	if err != nil || !inDoubt {
		return 0, err
	}
	var claimed []payment.Attempt
	err = p.Store.Background(ctx, func(tx *store.Tx) error {
		real := p.now()
		claimed, err = tx.ClaimAttempts(real, resolveMax, func(asked int) time.Time {
			return real.Add(p.patience() * time.Duration(min(asked, resolveBackoffMax)))
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	var doubts []store.Doubt
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		doubts, err = tx.Doubts(claimed)
		return err
	})
	if err != nil {
		return 0, err
	}
	var decided atomic.Int64
	sideBySide(ctx, doubts, func(d store.Doubt) {
		done := make(chan struct{})
		begun := p.start(func() {
			defer close(done)
			if _, err := p.put(d.Attempt, &d.Of, p.Store.Background); err == nil {
				decided.Add(1)
			}
		})
		if begun {
			<-done
		}
	})
	return int(decided.Load()), nil
}

// sideBySide does the same with each of all, some at a time, until ctx ends; the
// rest has its turn another time.
func sideBySide[T any](ctx context.Context, all []T, do func(T)) {
	var running sync.WaitGroup
	var next atomic.Int64
	for range min(len(all), sideMax) {
		running.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(all) {
					return
				}
				do(all[i])
			}
		})
	}
	running.Wait()
}

// failures are collected from side by side.
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

// resolveBackoffMax bounds the pauses between questions: this many times the
// network's time-out.
const resolveBackoffMax = 15
