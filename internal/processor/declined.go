package processor

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ReadDecline tells how long ago an instrument was declined, if it was at its last
// use. Uses in the sandbox say nothing about real payments, nor the other way
// round.
func ReadDecline(
	tx *store.ReadTx, sandbox bool, i payment.Instrument, real time.Time,
) (ago time.Duration, declined bool, err error) {
	last, found, err := tx.LastWith(i.Owner, i.ID)
	if err != nil || !found || !last.Declined() {
		return 0, false, err
	}
	var caller party.Caller
	if caller, found, err = tx.Caller(last.Caller); err != nil || !found || caller.Sandbox != sandbox {
		return 0, false, err
	}
	return max(caller.Now(real).Sub(last.Completed), 0), true, nil
}
