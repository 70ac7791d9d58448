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
	sweepMax     = 500 // transactions in one batch of Sweep
	resolveMax   = 64  // questions in one batch of Resolve
	resolversMax = 8   // of them asked at one time
)

// Sweep writes the expiry of transactions whose deadline has come, one bounded
// batch of them, and reports how many. The deadline holds without it: Sweep
// makes the books and the notifications say so.
func (p *Processor) Sweep(ctx context.Context) (expired int, err error) {
	var due []store.Due
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		due, err = tx.Due(p.now(), sweepMax)
		return err
	})
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, d := range due {
		done, err := p.expire(ctx, d)
		if err != nil { // and does not keep the others waiting
			failed = append(failed, fmt.Errorf("expiring %s: %w", d.ID, err))
		}
		if done {
			expired++
		}
	}
	return expired, errors.Join(failed...)
}

// expire writes one expiry if it is still due: somebody may have been faster.
// The release is due at once, and Resolve's: however many holds lapse in one
// second, the network is asked at a bounded pace.
func (p *Processor) expire(ctx context.Context, d store.Due) (done bool, err error) {
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		real := p.now()
		done = false
		caller, err := callerOf(&tx.ReadTx, d.Caller.ID)
		if err != nil {
			return err
		}
		t, found, err := tx.Transaction(caller.ID, d.ID)
		if err != nil || !found {
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
	return done && err == nil, err
}

// Resolve asks the network again what is in doubt, one bounded batch, and
// reports how many questions were decided. Nothing stays in doubt for longer
// than the network stays silent.
func (p *Processor) Resolve(ctx context.Context) (resolved int, err error) {
	var claimed []payment.Attempt
	var inDoubt bool
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		inDoubt, err = tx.AttemptsDue(p.now())
		return err
	})
	if err != nil || !inDoubt {
		return 0, err
	}
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		real := p.now()
		claimed, err = tx.ClaimAttempts(real, resolveMax, func(asked int) time.Time {
			return real.Add(p.patience() * time.Duration(min(asked, resolveBackoffMax)))
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	var decided atomic.Int64
	var asking sync.WaitGroup
	slots := make(chan struct{}, resolversMax)
	for _, a := range claimed {
		if ctx.Err() != nil {
			break // its turn comes again
		}
		slots <- struct{}{}
		asking.Add(1)
		begun := p.start(func() {
			defer func() { <-slots; asking.Done() }()
			if _, err := p.put(a, nil); err == nil {
				decided.Add(1)
			}
		})
		if !begun {
			asking.Done()
			break
		}
	}
	asking.Wait()
	return int(decided.Load()), nil
}

// resolveBackoffMax bounds the pauses between questions: this many times the
// network's time-out.
const resolveBackoffMax = 15
