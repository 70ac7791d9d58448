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

// Many visits are erased in several commits. An erasure that is cut short is repeated.
func TestVisitsAreErasedInSmallCommits(t *testing.T) {
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			db := raw(t, at)
			exec := func(statement string) {
				t.Helper()
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatal(err)
				}
			}
			exec(`DELETE FROM visits`)
			const visits = store.VisitsErased + 50
			for i := range visits {
				exec(fmt.Sprintf(`
					INSERT INTO visits (visit_id, visit_key, caller_id, reference, params, signature_v1, party_id, instrument_id,
						address_id, status, message, answer, created, ended, checkout, link, expires, language)
					VALUES ('V%05d', '', '%s', 'r', 'addressLine1=Quill', 0, '%s', '', '', 'SC', '', 'a=b', 1, 1, 'Approved',
						'link-%[1]d', 1, '')`, i, w.Shop.ID, w.Buyer.ID))
				exec(fmt.Sprintf(`INSERT INTO calls (caller_id, idempotency, action, body, objects, created)
					VALUES ('%s', 'call-%d', 'POST /v1/checkouts', 'Quill', 'V%05[2]d', 1)`, w.Shop.ID, i))
			}
			left := func() (answers, params, calls int) {
				t.Helper()
				for query, to := range map[string]*int{
					`SELECT count(*) FROM visits WHERE answer <> ''`:       &answers,
					`SELECT count(*) FROM visits WHERE params <> ''`:       &params,
					`SELECT count(*) FROM calls WHERE body LIKE '%Quill%'`: &calls,
				} {
					if err := db.QueryRowContext(t.Context(), query).Scan(to); err != nil {
						t.Fatal(err)
					}
				}
				return answers, params, calls
			}
			last := fmt.Sprintf(`WHERE visit_id = 'V%05d'`, visits-1)
			exec(`UPDATE visits SET params = '%zz' ` + last)
			if err := w.DB.EraseVisits(t.Context(), w.Buyer.ID); err == nil {
				t.Error("parameters that cannot be read are erased")
			}
			if answers, params, calls := left(); answers != 50 || params != 50 || calls != 50 {
				t.Errorf("in the first commit %d, %d and %d were left, want 50 each", answers, params, calls)
			}
			exec(`UPDATE visits SET params = 'addressLine1=Quill' ` + last)
			if err := w.DB.EraseVisits(t.Context(), w.Buyer.ID); err != nil {
				t.Error(err)
			}
			if answers, params, calls := left(); answers+params+calls != 0 {
				t.Errorf("%d, %d and %d are left", answers, params, calls)
			}
		})
	}
}
