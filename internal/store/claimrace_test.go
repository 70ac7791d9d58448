package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Servers that claim at the same time never claim the same notification or the
// same question, and leave none behind.
func TestServersClaimEverythingOnce(t *testing.T) {
	const holds, claimers, most = 24, 4, 5
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			servers := []*store.DB{holdfasttest.Open(t, at), holdfasttest.Open(t, at)}
			w := holdfasttest.NewWorld(t, servers[0])
			w.Processor.Wait = -1
			for i := range holds {
				w.Network.Next(holdfasttest.Reply{Deaf: true})
				if _, err := w.Reserve(w.Authorize("9.00"), "9.00", holdfast.CallerReference(fmt.Sprint(i))); err != nil {
					t.Fatal(err)
				}
			}
			w.Processor.Close() // all questions were asked
			now := w.Clock.Now().Add(time.Hour)
			var mu sync.Mutex
			claimed := map[string]int{}
			claim := func(db *store.DB) error {
				var notices []store.Delivery
				var questions []payment.Transaction
				noticing := db.Update(t.Context(), func(tx *store.Tx) (err error) {
					notices, _, err = tx.ClaimNotifications(store.Claim{
						Now: now, Until: now.Add(time.Hour), AheadMax: time.Hour, PerCaller: 2 * holds, Most: most,
					})
					return err
				})
				asking := db.Background(t.Context(), func(tx *store.Tx) (err error) {
					questions, err = tx.ClaimAttempts(now, most, func(int) time.Time { return now.Add(time.Hour) })
					return err
				})
				mu.Lock()
				defer mu.Unlock()
				for _, n := range notices {
					claimed[fmt.Sprintf("notice %s/%d", n.Subject(), n.Seq)]++
				}
				for _, q := range questions {
					claimed["question "+string(q.ID)]++
				}
				return errors.Join(noticing, asking)
			}
			var running sync.WaitGroup
			for i := range claimers {
				running.Go(func() {
					for range holds / most {
						if err := claim(servers[i%len(servers)]); err != nil {
							t.Error(err)
						}
					}
				})
			}
			running.Wait()
			for range holds { // whatever two claimers had chosen at the same time
				if err := claim(servers[0]); err != nil {
					t.Fatal(err)
				}
			}
			for what, times := range claimed {
				if times != 1 {
					t.Errorf("%s was claimed %d times", what, times)
				}
			}
			if len(claimed) != 2*holds {
				t.Errorf("claimed %d notices and questions, want %d", len(claimed), 2*holds)
			}
		})
	}
}
