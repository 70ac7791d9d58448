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
	// sideMax is how much of a batch is done at one time: as much as shares a commit
	// when nobody waits for one. Those who wait go first.
	sideMax = 64
)

// Sweep writes the expiry of transactions whose deadline has come, and pays back
// prepaid balances whose instruments have come to their end: one bounded batch
// of each. It reports how many. The deadline holds without it: Sweep makes the
// books and the notifications say so.
func (p *Processor) Sweep(ctx context.Context) (done int, err error) {
	expired, expiring := p.sweepTransactions(ctx)
	returned, returning := p.returnBalances(ctx)
	return expired + returned, errors.Join(expiring, returning)
}

// sweepTransactions expires transactions. However many one caller has, the
// others' turn comes in each batch.
func (p *Processor) sweepTransactions(ctx context.Context) (expired int, err error) {
	var all []store.Due
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
			all = append(all, some...)
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return p.expireAll(ctx, all, true)
}

// expireAll writes the expiries that are still due. One that fails does not keep
// the others waiting. The next are read while some are written.
func (p *Processor) expireAll(ctx context.Context, all []store.Due, handOver bool) (expired int, err error) {
	if len(all) == 0 {
		return 0, nil
	}
	var done atomic.Int64
	var failed failures
	lapses := make(chan store.Lapse, sideMax)
	go func() {
		defer close(lapses)
		failed.add(p.readLapses(ctx, all, lapses))
	}()
	sideBySide(ctx, lapses, func(l store.Lapse) {
		switch did, err := p.expire(ctx, l, handOver); {
		case err != nil:
			failed.add(fmt.Errorf("expiring %s: %w", l.ID, err))
		case did:
			done.Add(1)
		}
	})
	return int(done.Load()), failed.join()
}

// readLapses reads what is due a few at a time, so that no look at the store takes
// long.
func (p *Processor) readLapses(ctx context.Context, all []store.Due, to chan<- store.Lapse) error {
	for some := range slices.Chunk(all, sideMax) {
		var lapses []store.Lapse
		err := p.Store.View(ctx, func(tx *store.ReadTx) (err error) {
			lapses, err = tx.Lapses(some)
			return err
		})
		if err != nil {
			return fmt.Errorf("reading what is due: %w", err)
		}
		for _, l := range lapses {
			select {
			case to <- l:
			case <-ctx.Done():
				return nil
			}
		}
	}
	return nil
}

// expire writes one expiry if it is still due: somebody may have been faster.
// The network's release is asked for by others: however many holds lapse in one
// second, it is asked at a bounded pace. handOver says that this process runs Release;
// without the card's name it is left to Resolve, as for any other question.
func (p *Processor) expire(ctx context.Context, l store.Lapse, handOver bool) (done bool, err error) {
	var release question
	place := handOver && l.CardRef != "" && p.handover.reserve()
	err = p.Store.Background(ctx, func(tx *store.Tx) error {
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
		if c, err = withEffects(&tx.ReadTx, c); err != nil {
			return err
		}
		nextAsk := real
		if place {
			nextAsk = real.Add(p.patience())
		}
		after, err := p.recordFor(tx, caller, c, real, nextAsk)
		if c.Ask != nil {
			c.Ask.CardRef = l.CardRef
			release = question{store.Doubt{Attempt: *c.Ask, Of: after}, real.Add(inDoubtGrace)}
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
	return done && err == nil, err
}

// errSilent is for a network that answers nothing. It has the next round wait; what
// lapses meanwhile soon finds no place, and is left to Resolve.
var errSilent = errors.New("the card network has answered none of the questions")

// Release asks the network for the releases that Sweep has handed over, a bounded
// batch of them, and reports how many were decided.
func (p *Processor) Release(ctx context.Context) (int, error) {
	asked, released := p.askAll(ctx, p.handover.take(releaseMax))
	if asked > 0 && released == 0 {
		return 0, errSilent
	}
	return released, nil
}

// HandedOver is told when there is something to release.
func (p *Processor) HandedOver() <-chan struct{} {
	p.handover.make()
	return p.handover.more
}

// Resolve asks the network again what is in doubt, one bounded batch, and
// reports how many questions were decided. Nothing stays in doubt for longer
// than the network stays silent.
func (p *Processor) Resolve(ctx context.Context) (resolved int, err error) {
	doubts, err := p.claim(ctx)
	open := make([]question, len(doubts))
	for i, d := range doubts {
		open[i].Doubt = d
	}
	_, resolved = p.askAll(ctx, open)
	return resolved, err
}

// askAll asks the network what it is not too late for, and reports how many
// questions these were and how many were decided.
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
			if _, err := p.ask(q.Attempt, &q.Of, p.Store.Background); err == nil {
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

// claim takes what is in doubt, so that no other server asks it meanwhile.
func (p *Processor) claim(ctx context.Context) (doubts []store.Doubt, err error) {
	var inDoubt bool
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		inDoubt, err = tx.AttemptsDue(p.now())
		return err
	})
	if err != nil || !inDoubt {
		return nil, err
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
		return nil, err
	}
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		doubts, err = tx.Doubts(claimed)
		return err
	})
	return doubts, err
}

// sideBySide does the same with each of all, some at a time, until ctx ends; the
// rest has its turn another time. It returns when all is closed.
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
