package processor

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Paused reports whether the store is paused: see [store.Pause].
func (p *Processor) Paused() bool {
	_, paused := p.db.Paused()
	return paused
}

// AfterRestore reads again what card networks have told since a time, because the
// store was restored from a backup of that time. It reports how many events were
// unknown. WorkEvents then looks at the payments that they are about: holds that
// nobody knows are released, and money that nobody knows is an alarm. Questions
// that were open at the time of the backup are asked again by Resolve.
func (p *Processor) AfterRestore(ctx context.Context, since time.Time) (unknown int, err error) {
	accounts, err := p.accounts(ctx)
	if err != nil {
		return 0, err
	}
	var failed []error
	for _, a := range accounts {
		a.EventsSeen = since
		for {
			n, err := p.pollAccount(ctx, a)
			unknown += n
			if err != nil {
				failed = append(failed, fmt.Errorf("reading the events of account %s: %w", a.ID, err))
			}
			if err != nil || n == 0 {
				break
			}
			if a.EventsSeen, err = p.eventsSeen(ctx, a.ID); err != nil {
				failed = append(failed, err)
				break
			}
		}
	}
	return unknown, errors.Join(failed...)
}

func (p *Processor) eventsSeen(ctx context.Context, id payment.NetworkAccountID) (seen time.Time, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		now, err := networkAccountOf(tx, id)
		seen = now.EventsSeen
		return err
	})
	return seen, err
}
