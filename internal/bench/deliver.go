package bench

import (
	"context"
	"time"
)

// Delivered are the figures of deliveries: the highest rate of Reserves at which
// each notification came within ten seconds.
type Delivered struct {
	Rate          float64 `json:"rate"` // successful Reserves a second; zero if no rate was kept
	WithinSeconds float64 `json:"withinSeconds"`
	Trials        []Trial `json:"trials"`
}

// good reports whether all notifications came, and those of the sample were
// genuine. A server that is too slow delivers late, but loses nothing.
func (d Delivered) good() bool {
	for _, t := range d.Trials {
		if t.Missing+t.Forged > 0 {
			return false
		}
	}
	return true
}

// takenPart is the part of the planned rate that a server must reach to take it.
const takenPart = 0.95

// deliverPatience is how long the bench waits for the notifications of a trial
// after its last answer. The next trial begins without a queue.
const deliverPatience = 2 * time.Minute

// measureDelivered measures rates, each with the deliveries of its
// notifications: the given rate, or those of a search for the highest. The
// result has the figures of the highest rate that was kept, or of the last.
func (b *Bench) measureDelivered(ctx context.Context) (best Result, err error) {
	d := &Delivered{WithinSeconds: DeliveredWithin.Seconds()}
	for more := true; more; {
		r, trial, err := b.try(ctx)
		if err != nil {
			return best, err
		}
		d.Trials = append(d.Trials, trial)
		switch {
		case trial.Kept:
			best, d.Rate = r, r.Rate
		case d.Rate == 0:
			best = r
		}
		if more = b.search != nil; more {
			b.search.tried(b.Rate, trial.Kept)
			b.Rate, more = b.search.next()
		}
	}
	best.Delivered = d
	return best, nil
}

// try measures one rate.
func (b *Bench) try(ctx context.Context) (Result, Trial, error) {
	if err := b.stockUp(ctx, b.Duration); err != nil {
		return Result{}, Trial{}, err
	}
	if err := b.awaitNotices(ctx); err != nil { // those of earlier requests
		return Result{}, Trial{}, err
	}
	n := b.receiver.notices
	n.begin()
	r, err := b.measure(ctx, phase{doing: "measuring", lasts: b.Duration})
	if err != nil {
		return r, Trial{}, err
	}
	if err := b.awaitNotices(ctx); err != nil {
		return r, Trial{}, err
	}
	t := n.trial(b.Rate, b.Duration)
	t.Kept = t.Kept && r.Errors == 0 && r.Rate >= takenPart*float64(b.Rate)
	return r, t, nil
}

// awaitNotices waits until each answered Reserve has its notification, or until
// the patience is over.
func (b *Bench) awaitNotices(ctx context.Context) error {
	for began := b.Now(); b.receiver.notices.left() > 0 && b.Now().Sub(began) < deliverPatience; {
		if err := pause(ctx, stormLook); err != nil {
			return err
		}
	}
	return nil
}
