package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// BenchmarkClaimNotifications claims and returns eight notifications while many
// more wait in the queue of their caller.
func BenchmarkClaimNotifications(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		for _, waiting := range []int{1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/waiting=%d", name, waiting), func(b *testing.B) {
				db := holdfasttest.Open(b, address(b))
				w := holdfasttest.NewWorld(b, db)
				w.Owe(waiting, w.CallerNow())
				claim := store.Claim{Now: w.Clock.Now().Add(time.Minute), AheadMax: time.Hour, PerCaller: 8, Most: 64}
				claim.Until = claim.Now.Add(time.Minute)
				for more := true; more; {
					more = takeAndReturn(b, db, claim)
				}
				for b.Loop() {
					takeAndReturn(b, db, claim)
				}
			})
		}
	}
}

func takeAndReturn(b *testing.B, db *store.DB, claim store.Claim) (more bool) {
	b.Helper()
	err := db.Update(b.Context(), func(tx *store.Tx) error {
		claimed, some, err := tx.ClaimNotifications(claim)
		if err != nil {
			return err
		}
		if len(claimed) != claim.PerCaller {
			b.Errorf("claimed %d, want all places", len(claimed))
		}
		more = some
		for _, d := range claimed {
			if err := tx.ReturnNotification(d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	return more
}
