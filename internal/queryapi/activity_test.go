package queryapi_test

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// The transactions of an account come once each and in order, with pages of any
// size and in either direction. They belong to three callers and every role,
// and some of them to one millisecond.
func TestActivityOverManyRows(t *testing.T) {
	const rows = 240
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			w := newWorldOn(t, address(t))
			w.arrange(`
				token SHOP type=Unrestricted
				token OTHER type=Unrestricted caller=COTHER
				token SENT type=Unrestricted card=balance sender=PSHOP caller=CSELL recipient=PSELL
				token MARKET type=Unrestricted caller=CMARKET recipients=R
				token R use=Receive type=Unrestricted caller=CMARKET holder=PSHOP paysfee=yes
				token STRANGE type=Unrestricted caller=CSELL recipient=PSELL
				deposit CSHOP PSHOP 1000.00`)
			callers := map[string]party.Caller{}
			for _, id := range []party.CallerID{"CSHOP", "COTHER", "CSELL", "CMARKET"} {
				callers[string(id)] = party.Caller{
					ID: id, Sandbox: true, Owner: map[party.CallerID]party.ID{"CSELL": "PSELL", "CMARKET": "PMARKET"}[id],
					Marketplace: id == "CMARKET",
				}
			}
			var want []holdfast.TransactionID
			for i := range rows {
				w.wait([]time.Duration{0, 10 * time.Microsecond, time.Millisecond, time.Second}[i*7%4])
				by := []struct{ token, caller, recipient string }{
					{"SHOP", "CSHOP", ""},
					{"OTHER", "COTHER", ""},
					{"SENT", "CSELL", ""},
					{"MARKET", "CMARKET", "R"},
					{"STRANGE", "CSELL", ""},
				}[i*3%5]
				r := holdfast.PayRequest{
					SenderTokenID: tokenID(by.token), TransactionAmount: money.Cents(1_00),
					CallerReference: holdfast.CallerReference(fmt.Sprint("o-", i)),
				}
				if by.recipient != "" {
					r.RecipientTokenID = tokenID(by.recipient)
				}
				made, err := w.p.Pay(t.Context(), callers[by.caller], r)
				if err != nil {
					t.Fatal(err)
				}
				if by.token != "STRANGE" { // between others
					want = append(want, made.ID)
				}
			}
			server := httptest.NewServer(w.handler)
			t.Cleanup(server.Close)
			c := &holdfast.Client{
				Endpoint: server.URL, AccessKeyID: keys["shop"], SecretKey: holdfast.NewSecretKey(secret), Now: w.clock,
				RetriesMax: -1,
			}
			for _, order := range []holdfast.SortOrder{holdfast.SortAscending, holdfast.SortDescending} {
				for _, size := range []int{1, 7, 20, 200} {
					var got []holdfast.TransactionID
					for row, err := range c.AccountActivity(t.Context(), holdfast.GetAccountActivityRequest{
						StartDate: testNow.Add(-time.Hour), MaxBatchSize: size, SortOrderByDate: order,
					}) {
						if err != nil {
							t.Fatal(err)
						}
						got = append(got, row.TransactionID)
					}
					if order == holdfast.SortDescending {
						slices.Reverse(got)
					}
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s by %d (-want +got):\n%s", order, size, diff)
					}
				}
			}
		})
	}
}
