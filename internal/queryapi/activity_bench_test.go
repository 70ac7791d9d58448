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
				SELECT caller_id, printf('2%%034d', i), kind, 'order-' || i, sender, recipient, owner, token_id, recipient_token, instrument_id, method, aggregate_id,
					state, status_code, status_message, amount, settled, fee, fee_by, commission, commission_id, fixed_terms, variable_terms, parent, policy,
					refunded, fee_returned, commission_returned, counted, caller_description, sender_description, descriptor, ipn_url, authorization_ref,
					sender_balance, recipient_balance, steps, posted, due, received - i * 1000000, deadline - i * 1000000, completed - i * 1000000
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
