package queryapi_test

import (
	"regexp"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// The callers of this test have no address for notifications, so every
// notification goes where the request says.
func TestEachActionPassesOverrideIPNURLOn(t *testing.T) {
	w := newWorld(t)
	w.arrange(`
prepaid G1 100.00
debt D1 100.00
token A
token B
token C
token E
token F
token GONE
token FUND use=Fund type=MultiUse aggregate=G1
token SPENDS type=MultiUse aggregate=D1
token SETTLES use=Settle type=MultiUse aggregate=D1
`)
	id := regexp.MustCompile(`<TransactionId>(\w+)<`)
	ask := func(action string, pairs ...string) string {
		t.Helper()
		answer := w.ask(action, pairs...)
		if answer.Code != 200 {
			t.Fatalf("%s: %s", action, answer.Body)
		}
		if found := id.FindStringSubmatch(answer.Body.String()); found != nil {
			return found[1]
		}
		return ""
	}
	amount := func(name string) []string { return []string{name + ".CurrencyCode=USD", name + ".Value=5.00"} }
	order := func(token, reference string) []string {
		return append(amount("TransactionAmount"), "SenderTokenId="+string(tokenID(token)), "CallerReference="+reference)
	}
	reserved := ask("Reserve", order("A", "reserve-1")...)
	cancelled := ask("Reserve", order("B", "reserve-2")...)
	paid := ask("Pay", order("C", "pay-1")...)
	ask("Pay", order("SPENDS", "debt-1")...)
	for action, pairs := range map[string][]string{
		"Reserve":     order("E", "reserve-3"),
		"Pay":         order("F", "pay-2"),
		"Settle":      {"ReserveTransactionId=" + reserved},
		"Cancel":      {"TransactionId=" + cancelled},
		"Refund":      {"TransactionId=" + paid, "CallerReference=refund-1"},
		"CancelToken": {"TokenId=" + string(tokenID("GONE"))},
		"FundPrepaid": append(amount("FundingAmount"), "SenderTokenId="+string(tokenID("FUND")), "PrepaidInstrumentId=G1",
			"CallerReference=fund-1"),
		"SettleDebt": append(amount("SettlementAmount"), "SenderTokenId="+string(tokenID("SETTLES")), "CreditInstrumentId=D1",
			"CallerReference=settle-1"),
	} {
		url := "https://shop.example.test/" + action
		subject := ask(action, append(pairs, "OverrideIPNURL="+url)...)
		if action == "CancelToken" {
			subject = string(tokenID("GONE"))
		}
		var told []store.Notification
		err := w.db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			told, err = tx.Notifications("CSHOP", subject)
			return err
		})
		if err != nil || len(told) == 0 || told[len(told)-1].URL != url {
			t.Errorf("%s: told %+v, %v", action, told, err)
		}
	}
}
