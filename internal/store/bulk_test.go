package store_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// someTokens returns count tokens. Each call must begin after the last token of
// the one before.
func someTokens(first, count int) []payment.Token {
	at := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	tokens := make([]payment.Token, count)
	for i := range tokens {
		tokens[i] = payment.Token{
			ID: holdfast.TokenID(fmt.Sprintf("%064d", first+i)), Caller: "C", Use: payment.UsePay, Type: holdfast.TokenSingleUse,
			Reference: holdfast.CallerReference(fmt.Sprint(first + i)), FriendlyName: "A mug", Sender: "P", Instrument: "I",
			Method: holdfast.MethodCC, Recipient: "R", AmountType: holdfast.AmountMaximum, Amount: holdfasttest.USD("1"),
			Installed: at, Starts: at, Expires: at.Add(time.Hour),
		}
	}
	return tokens
}

func TestInsertTokens(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		many := someTokens(0, 37) // not a multiple of the rows in one statement
		insert := func(tokens []payment.Token) error {
			return db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertTokens(tokens) })
		}
		if err := insert(many); err != nil {
			t.Fatal(err)
		}
		if err := insert(append(someTokens(100, 1), many[5])); err == nil {
			t.Error("a token is inserted a second time")
		}
		err := db.View(t.Context(), func(tx *store.ReadTx) error {
			for _, want := range many {
				got, found, err := tx.Token(want.ID)
				if err != nil || !found {
					return fmt.Errorf("token %s: found %v, %w", want.ID, found, err)
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("token %s (-want +got):\n%s", want.ID, diff)
				}
			}
			if _, found, err := tx.Token(someTokens(100, 1)[0].ID); err != nil || found {
				t.Errorf("a token was inserted although another one of its action was not (%v)", err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

func TestStandings(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		held, paid := w.Reserved("5.00", "order-1"), w.Paid("6.00", "order-2")
		if _, err := w.Settle(held.ID, ""); err != nil {
			t.Fatal(err)
		}
		open := w.Reserved("7.00", "order-3")
		ids := []holdfast.TransactionID{held.ID, paid.ID, "nobody's", open.ID}
		want := map[holdfast.TransactionID]payment.State{
			held.ID: payment.Success, paid.ID: payment.Success, open.ID: payment.Reserved,
		}
		for caller, want := range map[party.CallerID]map[holdfast.TransactionID]payment.State{
			w.Shop.ID: want, "another": {},
		} {
			var got map[holdfast.TransactionID]payment.State
			err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
				got, err = tx.Standings(caller, ids)
				return err
			})
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("those of %s: %v\n%s", caller, err, diff)
			}
		}
	})
}

func BenchmarkInsertTokens(b *testing.B) {
	const each = 1000
	for name, address := range holdfasttest.Addresses(b) {
		b.Run(name, func(b *testing.B) {
			db, err := store.Open(b.Context(), store.Config{Address: address(b)})
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			for first := 0; b.Loop(); first += each {
				tokens := someTokens(first, each)
				if err := db.Update(b.Context(), func(tx *store.Tx) error { return tx.InsertTokens(tokens) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*each)/b.Elapsed().Seconds(), "tokens/s") //nolint:forbidigo // a rate, not money
		})
	}
}
