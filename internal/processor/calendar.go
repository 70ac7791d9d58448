package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// RotateCalendar gives a caller's calendar a new key, and ends the one before. The
// key is returned only here.
func (p *Processor) RotateCalendar(ctx context.Context, id party.CallerID) (party.CalendarKey, error) {
	key := party.CalendarKey(p.ids().Secret(party.CalendarKeySize))
	return key, p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := callerOf(&tx.ReadTx, id); err != nil {
			return err
		}
		return tx.SetCalendar(id, key.Hash(), p.now())
	})
}

// RevokeCalendar ends the key of a caller's calendar, and reports whether there was
// one.
func (p *Processor) RevokeCalendar(ctx context.Context, id party.CallerID) (revoked bool, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		revoked, err = tx.RemoveCalendar(id)
		return err
	})
	return revoked, err
}
