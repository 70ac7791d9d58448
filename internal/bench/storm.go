package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Storm is what became of many holds that lapsed in the same moment while
// requests came in as ever.
type Storm struct {
	Holds     int64   `json:"holds"`
	Seconds   float64 `json:"seconds"`   // until the books had released the last
	PerSecond float64 `json:"perSecond"` // releases in the books
	// NetworkSeconds is how long it took until the card network, too, had answered
	// for the last: it is asked at a pace of its own.
	NetworkSeconds float64 `json:"networkSeconds"`
	// rows that an audit of these books names: one released twice would be among them
	Wrong int `json:"wrong"`
	// Alone are the requests before it, and P99Times is what it made of their p99.
	Alone    Figures `json:"alone"`
	P99Times float64 `json:"p99times"`
}

const (
	stormLook = 100 * time.Millisecond
	stormSlow = 500       // releases a second for which tokens are ready; minting in a storm would be measured with it
	stormMost = time.Hour // after which it is given up
)

// A gathering is a caller of its own with the holds of a storm, so that its
// clock can be moved without anybody else's.
type gathering struct {
	caller party.Caller
	holds  int64
}

// Gather makes so many holds that lapse in the same microsecond, a week from
// now.
func (b *Bench) Gather(ctx context.Context, count int64) error {
	if err := b.assemble(ctx); err != nil {
		return err
	}
	at := processor.Micro(b.Now())
	still := func() time.Time { return at }
	apart := cast{buyers: b.cast.buyers}
	err := b.Store.Update(ctx, func(tx *store.Tx) error {
		m, err := casting{tx: tx, ids: processor.RandomIDs{Now: b.Now}, now: at}.merchant("storm")
		apart.merchants = []merchant{m}
		return err
	})
	if err != nil {
		return err
	}
	l := loading{
		bench: b, processor: b.newProcessor(still), doing: "gathering holds", cast: apart, kind: payment.KindReserve,
		want: payment.Reserved,
	}
	b.gathered = &gathering{apart.merchants[0].caller, count}
	return l.run(ctx, count)
}

// measureStorm measures twice, the second time while the holds lapse.
func (b *Bench) measureStorm(ctx context.Context) (Result, error) {
	alone, err := b.measure(ctx, phase{doing: "measuring before the storm", lasts: b.Duration})
	if err != nil {
		return alone, err
	}
	if err := b.stockUp(ctx, max(b.Duration, time.Duration(b.gathered.holds/stormSlow)*time.Second)); err != nil {
		return alone, err
	}
	storm := &Storm{Holds: b.gathered.holds, Alone: alone.Figures}
	r, err := b.measure(ctx, phase{
		doing: "measuring in the storm", lasts: stormMost, untilBeside: true,
		beside: func(ctx context.Context) error { return b.release(ctx, storm) },
	})
	if err != nil {
		return r, err
	}
	report, err := b.Store.CheckCallerBooks(ctx, b.gathered.caller.ID)
	if err != nil {
		return r, fmt.Errorf("checking the books of the storm: %w", err)
	}
	storm.Wrong = len(report.Findings)
	if alone.P99 > 0 {
		storm.P99Times = round(r.P99/alone.P99, 2)
	}
	r.Storm = storm
	return r, nil
}

// release moves the clock to where the holds lapse, and waits until the server
// has released them.
func (b *Bench) release(ctx context.Context, s *Storm) error {
	clerk := b.newProcessor(b.Now)
	defer clerk.Close()
	caller, err := clerk.AdvanceClock(ctx, b.gathered.caller.ID, payment.ReserveLifeMax)
	if err != nil {
		return fmt.Errorf("moving the clock of the storm: %w", err)
	}
	began := b.Now()
	over, err := b.await(ctx, func(tx *store.ReadTx) (bool, error) {
		due, err := tx.DueOf(caller.ID, caller.Now(b.Now()), 1)
		return len(due) > 0, err
	})
	if err != nil {
		return err
	}
	s.Seconds = round(over.Sub(began).Seconds(), 3)
	s.PerSecond = round(float64(s.Holds)/over.Sub(began).Seconds(), 1)
	over, err = b.await(ctx, func(tx *store.ReadTx) (bool, error) { return tx.Asking(caller.ID) })
	s.NetworkSeconds = round(over.Sub(began).Seconds(), 3)
	return err
}

// await looks again and again until there is nothing left.
func (b *Bench) await(ctx context.Context, left func(*store.ReadTx) (bool, error)) (over time.Time, err error) {
	for more := true; more; {
		if err := pause(ctx, stormLook); err != nil {
			return over, err
		}
		err := b.Store.View(ctx, func(tx *store.ReadTx) (err error) {
			more, err = left(tx)
			return err
		})
		if err != nil {
			return over, err
		}
	}
	return b.Now(), nil
}
