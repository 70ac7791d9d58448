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

// A Storm is the result of many holds that expire within one second while normal
// requests continue.
type Storm struct {
	Holds     int64   `json:"holds"`
	Seconds   float64 `json:"seconds"`   // until the last hold was released in the books
	PerSecond float64 `json:"perSecond"` // releases in the books
	// NetworkSeconds is the time until the card network had answered the last
	// release. Releases at the network have their own rate limit.
	NetworkSeconds float64 `json:"networkSeconds"`
	// Wrong is the number of findings of an audit of these books. It would include
	// a hold that was released twice.
	Wrong int `json:"wrong"`
	// Alone are the figures before the storm. P99Times is the p99 during the
	// storm, as a multiple of the p99 before.
	Alone    Figures `json:"alone"`
	P99Times float64 `json:"p99times"`
}

const (
	stormLook = 100 * time.Millisecond
	stormSlow = 500       // the lowest expected releases a second; tokens for that time are made before the storm
	stormMost = time.Hour // the longest time of a storm
)

// A gathering is a separate caller with the holds of a storm, so that the bench
// can move its clock without moving any other.
type gathering struct {
	caller party.Caller
	holds  int64
}

// Gather makes count holds that expire within one second, a week from now.
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
	l := &loading{
		bench: b, processor: b.newProcessor(still), doing: "gathering holds", cast: apart, kind: payment.KindReserve,
		want: payment.Reserved, over: time.Second,
	}
	b.gathered = &gathering{apart.merchants[0].caller, count}
	return l.run(ctx, count)
}

// measureStorm measures twice: before the storm, and while the holds expire.
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
		doing: "measuring in the storm", lasts: stormMost, untilThen: true,
		meanwhile: func(ctx context.Context) error { return b.release(ctx, storm) },
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

// release moves the clock to the time at which the holds expire, and waits
// until the server has released them.
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
	over, err = b.await(ctx, func(*store.ReadTx) (bool, error) { return b.database.asking(ctx, caller.ID) })
	s.NetworkSeconds = round(over.Sub(began).Seconds(), 3)
	return err
}

// await checks regularly until left returns false.
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
