package store_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Actions that share a commit each read their own row. Many of the rows exist
// and some do not.
func TestManyReadTheirOwnRows(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		const there, wanted = 37, 60 // not multiples of the rows in one statement
		tokens := someTokens(0, wanted)
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertTokens(tokens[:there]) }); err != nil {
			t.Fatal(err)
		}
		letGo := occupied(t, db)
		var wait sync.WaitGroup
		for i, want := range tokens {
			wait.Go(func() {
				var got payment.Token
				var found bool
				err := db.Update(t.Context(), func(tx *store.Tx) (err error) {
					got, found, err = tx.TokenFor(want.Caller, want.ID)
					return err
				})
				if err != nil || found != (i < there) {
					t.Errorf("token %d: found %t, %v", i, found, err)
				}
				if diff := cmp.Diff(want, got); found && diff != "" {
					t.Errorf("token %d (-want +got):\n%s", i, diff)
				}
			})
		}
		store.WaitForQueue(db, wanted)
		letGo()
		wait.Wait()
	})
}
