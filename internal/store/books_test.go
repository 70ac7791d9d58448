package store_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// Somebody's hand in the books is found, whatever it touched, and the row is
// named.
func TestBooksNameTheRowThatWasTouched(t *testing.T) {
	for name, row := range map[string]struct{ statement, want string }{
		"a posting's amount":    {`UPDATE postings SET amount = amount + 1 WHERE seq = 2`, "postings"},
		"a posting's account":   {`UPDATE postings SET to_account = 'fees' WHERE seq = 1`, "postings"},
		"a posting deleted":     {`DELETE FROM postings WHERE seq = 1`, "postings"},
		"a posting of nobody":   {`INSERT INTO postings (caller_id, transaction_id, seq, at, from_account, to_account, amount) VALUES ('C0001', 'nobody', 1, 0, 'network', 'held', 5)`, "postings nobody"},
		"a state":               {`UPDATE transactions SET state = 'Cancelled' WHERE state = 'Reserved'`, "transactions"},
		"an amount":             {`UPDATE transactions SET amount = amount + 10000 WHERE state = 'Reserved'`, "postings"},
		"a transaction deleted": {`DELETE FROM transactions WHERE state = 'Success'`, "transaction_history"},
		"a step deleted":        {`DELETE FROM transaction_history WHERE seq = 2`, "transaction_history"},
		"a token freed":         {`UPDATE tokens SET used_by = ''`, "tokens"},
		"an attempt deleted":    {`DELETE FROM attempts WHERE step = 'Capture'`, "attempts"},
		"a request misdirected": {`UPDATE requests SET transaction_id = 'nobody'`, "requests nobody"},
		"an asked amount":       {`UPDATE attempts SET amount = amount + 1 WHERE step = 'Authorize'`, "attempts"},
		"a step's amount":       {`UPDATE transaction_history SET amount = amount + 1 WHERE seq = 1`, "transaction_history"},
		"a sender":              {`UPDATE transactions SET sender = 'PX'`, "transactions"},
		"a token's amount":      {`UPDATE tokens SET amount = 1`, "tokens"},
		"a request deleted":     {`DELETE FROM requests WHERE reference = 'order-1'`, "requests"},
		"a request repointed":   {`UPDATE requests SET transaction_id = (SELECT transaction_id FROM transactions WHERE reference = 'order-2')`, "requests"},
		"a party deleted":       {`DELETE FROM parties WHERE name = 'Ann Buyer'`, "parties"},
		"a posting out of turn": {`UPDATE postings SET seq = 99 WHERE seq = 3`, "/99"},
		"a caller deleted":      {`DELETE FROM callers`, "transactions"},
	} {
		for engine, address := range holdfasttest.Addresses(t) {
			t.Run(name+" on "+engine, func(t *testing.T) {
				at := address(t)
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
				settled := w.Reserved("42.50", "order-1")
				if _, err := w.Settle(settled.ID, "40.00"); err != nil {
					t.Fatal(err)
				}
				w.Reserved("20.00", "order-2")
				if _, err := raw(t, at).ExecContext(t.Context(), row.statement); err != nil {
					t.Fatal(err)
				}
				report, err := w.DB.CheckBooks(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var found []string
				for _, f := range report.Findings {
					found = append(found, f.Table+" "+f.Row+" "+f.Problem)
				}
				if !strings.Contains(strings.Join(found, "\n"), row.want) {
					t.Fatalf("found %q, want %q", found, row.want)
				}
			})
		}
	}
}
