package queryapi_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// BenchmarkActivityPage asks for one page of GetAccountActivity in the middle
// of an account's transactions: a few, and very many.
func BenchmarkActivityPage(b *testing.B) {
	for _, rows := range []int{1_000, 10_000, 100_000} {
		b.Run(fmt.Sprintf("%d rows", rows), func(b *testing.B) {
			w := newWorld(b)
			w.token("A", w.tokenOf([]string{"type=Unrestricted"}))
			w.ask("Pay", "SenderTokenId="+string(tokenID("A")), "CallerReference=o", "TransactionAmount.CurrencyCode=USD",
				"TransactionAmount.Value=5")
			// The same payment many times over, a second apart.
			w.sql(fmt.Sprintf(`
				WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)
				INSERT INTO transactions
				SELECT caller_id, printf('2%%034d', i), kind, 'order-' || i, sender, recipient, owner, token_id, recipient_token,
					instrument_id, method, aggregate_id, fee_by, commission_id, parent, policy, caller_description,
					sender_description, descriptor, amount, fixed_terms, variable_terms, counted, received - i * 1000000,
					deadline - i * 1000000, due, completed - i * 1000000, steps, asked, next_ask, refunded, fee_returned,
					commission_returned, settled, fee, commission, sets_aside, sender_balance, recipient_balance, state,
					status_code, status_message, asking, answers, authorization_ref, ipn_url
				FROM transactions, n`, rows))
			middle := testNow.Add(-time.Duration(rows/2) * time.Second)
			p := w.signed(http.MethodPost, "/", "shop", holdfast.Params{
				{Name: "Action", Value: "GetAccountActivity"},
				{Name: "StartDate", Value: "2020-01-01"},
				{Name: "EndDate", Value: middle.Format(time.RFC3339)},
				{Name: "MaxBatchSize", Value: "20"},
			})
			for b.Loop() {
				if answer := w.exchange(http.MethodPost, "/", p); answer.Code != http.StatusOK {
					b.Fatal(answer.Body)
				}
			}
		})
	}
}
