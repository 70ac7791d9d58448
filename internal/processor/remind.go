package processor

import (
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// RemindOfHold notes that the mail about the deadline of a hold is to be written
// now, and returns the hold. A running server writes the mail, as it does for other
// warnings: all that wait are in one mail, at most every 15 minutes.
func (p *Processor) RemindOfHold(
	ctx context.Context, caller party.Caller, id holdfast.TransactionID,
) (h payment.Hold, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		d, err := p.decision(tx, caller)
		if err != nil {
			return err
		}
		if h, err = d.hold(id); err != nil {
			return err
		}
		h = h.AsOf(d.now)
		owner, err := partyOf(&tx.ReadTx, d.caller.Owner)
		if err != nil {
			return err
		}
		w, err := h.Reminder(d.caller, owner, d.now)
		if err != nil {
			return err
		}
		fresh, err := tx.NotWarned([]payment.Warning{w})
		if err != nil || len(fresh) == 0 {
			return err
		}
		if err := d.logCaller("hold.remind", string(h.Root().ID), nil); err != nil {
			return err
		}
		return tx.AddWarning(w)
	})
	return h, failure(err)
}
