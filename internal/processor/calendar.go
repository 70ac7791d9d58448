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
		now := p.now()
		err := tx.Log(party.AuditEntry{Action: "calendar.rotate", Caller: id, Object: string(id)}, now)
		if err != nil {
			return err
		}
		return tx.SetCalendar(id, key.Hash(), now)
	})
}

// RevokeCalendar ends the key of a caller's calendar, and reports whether there was
// one.
func (p *Processor) RevokeCalendar(ctx context.Context, id party.CallerID) (revoked bool, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		if revoked, err = tx.RemoveCalendar(id); err != nil || !revoked {
			return err
		}
		return tx.Log(party.AuditEntry{Action: "calendar.revoke", Caller: id, Object: string(id)}, p.now())
	})
	return revoked, err
}
