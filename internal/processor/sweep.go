package processor

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	sweepMax   = 500 // transactions in one batch of Sweep
	resolveMax = 50  // questions in one batch of Resolve
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
	for _, d := range due {
		done, err := p.expire(ctx, d)
		if err != nil {
			return expired, fmt.Errorf("expiring %s: %w", d.ID, err)
		}
		if done {
			expired++
		}
	}
	return expired, nil
}

// expire writes one expiry if it is still due: somebody may have been faster.
func (p *Processor) expire(ctx context.Context, d store.Due) (done bool, err error) {
	var ask *payment.Attempt
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		real := p.now()
		done, ask = false, nil
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
		done, ask = true, c.Ask
		return p.record(tx, caller, c, real)
	})
	if err == nil && ask != nil {
		p.later(*ask)
	}
	return done, err
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
		patience := or(p.NetworkTimeout, networkTimeoutDefault) + inDoubtGrace
		claimed, err = tx.ClaimAttempts(real, resolveMax, func(asked int) time.Time {
			return real.Add(patience * time.Duration(min(asked, resolveBackoffMax)))
		})
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, a := range claimed {
		if _, err := p.put(a); err != nil {
			p.Log.Warn("question to the card network is still in doubt", "transaction", a.Transaction, "step", a.Step, "asked", a.Asked, "error", err)
			continue
		}
		resolved++
	}
	return resolved, nil
}

// resolveBackoffMax bounds the pauses between questions: this many times the
// network's time-out.
const resolveBackoffMax = 15
