package store_test

import (
	"fmt"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Reads that run together each find their own row, as it was committed before
// they began.
func TestGatheredReadsMissNothing(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		var wait sync.WaitGroup
		for i := range 20 {
			wait.Go(func() {
				id := party.CallerID(fmt.Sprint("C", i))
				c := party.Caller{ID: id, Owner: "P1", Name: "Shop", Created: holdfasttest.Start}
				k := party.AccessKey{ID: fmt.Sprint("KEY", i), Secret: holdfast.NewSecretKey(fmt.Sprint("secret", i)), Caller: id}
				_, _, found, err := db.CallerByKey(t.Context(), k.ID)
				if found || err != nil {
					t.Errorf("%s was found (%t) before it was added, or %v", k.ID, found, err)
				}
				err = db.Update(t.Context(), func(tx *store.Tx) error {
					if err := tx.InsertCaller(c); err != nil {
						return err
					}
					return tx.InsertAccessKey(k, holdfasttest.Start)
				})
				if err != nil {
					t.Error(err)
				}
				gotCaller, gotKey, found, err := db.CallerByKey(t.Context(), k.ID)
				if gotCaller != c || string(gotKey.Secret.Reveal()) != string(k.Secret.Reveal()) || !found || err != nil {
					t.Errorf("got %+v, %s, %t, %v", gotCaller, gotKey.ID, found, err)
				}
			})
		}
		wait.Wait()
	})
}
