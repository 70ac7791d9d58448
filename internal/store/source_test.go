package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func someTokens(count int) []payment.Token {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tokens := make([]payment.Token, count)
	for i := range tokens {
		tokens[i] = payment.Token{
			ID: holdfast.TokenID(fmt.Sprintf("%064d", i)), Caller: "C", Use: payment.UsePay, Type: holdfast.TokenSingleUse,
			Reference: holdfast.CallerReference(fmt.Sprint(i)), FriendlyName: "A mug", Sender: "P", Instrument: "I",
			Method: holdfast.MethodCC, Recipient: "R", AmountType: holdfast.AmountMaximum, Amount: holdfasttest.USD("1"),
			Installed: at, Starts: at, Expires: at.Add(time.Hour),
		}
	}
	return tokens
}

// Actions that share a commit each read their own row. Many of the rows exist
// and some do not.
func TestManyReadTheirOwnRows(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		const there, wanted = 37, 60 // not multiples of the rows in one statement
		tokens := someTokens(wanted)
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			for _, one := range tokens[:there] {
				if _, err := tx.InsertToken(one); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
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
