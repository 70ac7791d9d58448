package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// placesMax is how many events get their positions in one commit.
const placesMax = 1000

// PlaceEvents gives positions in the feed to events that wait for them, one
// bounded batch, and reports how many. Any server may do it, at any time: an
// event without a position is seen by nobody, and is not lost.
func (p *Processor) PlaceEvents(ctx context.Context) (placed int, err error) {
	var waiting bool
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		waiting, err = tx.HasUnplaced()
		return err
	})
	if err != nil || !waiting {
		return 0, err
	}
	err = p.db.Background(ctx, func(tx *store.Tx) error {
		placed, err = tx.PlaceEvents(p.now(), placesMax)
		return err
	})
	return placed, err
}

// EventsAdded receives a value when events wait for their positions.
func (p *Processor) EventsAdded() <-chan struct{} { return p.db.EventsAdded() }
