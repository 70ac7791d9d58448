package store_test

import (
	"fmt"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// An erasure blanks the notifications that name a party: as sender, as recipient, and
// as the owner of a token.
func TestAnErasureBlanksNotifications(t *testing.T) {
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Unchecked = true
			market := w.Market(true)
			own := w.Paid("12.00", "order-1")
			sold, err := w.Processor.Pay(t.Context(), w.Shop, market.Sale("10.00", "", "order-2"))
			if err != nil {
				t.Fatal(err)
			}
			db := raw(t, at)
			for _, d := range []struct{ about, subject string }{
				{"Transaction", string(own.ID)},
				{"Transaction", string(sold.ID)},
				{"Token", string(own.Token)},
				{"Token", string(market.Receives)},
			} {
				_, err := db.ExecContext(t.Context(), fmt.Sprintf(`
					INSERT INTO deliveries (caller_id, subject, seq, about, url, receiver, overrides, body, created, next_at,
						leased_until, tries, last_result, outcome, done)
					VALUES ('%s', '%s', 99, '%s', '', '', 0, 'a name', 0, 0, 0, 1, '', 'GivenUp', 1)`,
					w.Shop.ID, d.subject, d.about))
				if err != nil {
					t.Fatal(err)
				}
			}
			for _, row := range []struct {
				erased party.Party
				left   int
			}{{market.Seller, 2}, {w.Buyer, 0}} {
				if err := w.DB.Update(t.Context(), func(tx *store.Tx) error { return tx.EraseParty(row.erased) }); err != nil {
					t.Fatal(err)
				}
				left := -1
				err := db.QueryRowContext(t.Context(), `SELECT count(*) FROM deliveries WHERE body <> ''`).Scan(&left)
				if err != nil || left != row.left {
					t.Errorf("after an erasure, %d notifications have names (%v), want %d", left, err, row.left)
				}
			}
		})
	}
}
