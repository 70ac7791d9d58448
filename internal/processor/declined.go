package processor

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ReadDecline reports whether an instrument was declined at its last use, and
// how long ago. Uses in the sandbox say nothing about real payments, and the
// reverse.
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
