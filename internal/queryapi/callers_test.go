package queryapi_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// A key that was removed or changed in the store by hand counts no longer than
// a second.
func TestAKeyThatWasRevoked(t *testing.T) {
	w := newWorld(t)
	balance := holdfast.Params{{Name: "Action", Value: "GetAccountBalance"}}
	want := func(status int, code string) {
		t.Helper()
		answer := w.exchange("POST", "/", w.signed("POST", "/", "shop", balance))
		if answer.Code != status || !strings.Contains(answer.Body.String(), code) {
			t.Errorf("answered %d %s, want %d %s", answer.Code, answer.Body, status, code)
		}
	}
	want(200, "AccountBalance")
	w.sql(`UPDATE access_keys SET secret = CAST('another' AS BLOB) WHERE access_key_id = '` + keys["shop"] + `'`)
	want(200, "AccountBalance")
	w.wait(time.Second)
	want(403, "<Code>InvalidSignature</Code>")
	w.sql(`DELETE FROM access_keys WHERE access_key_id = '` + keys["shop"] + `'`)
	want(403, "<Code>InvalidSignature</Code>")
	w.wait(time.Second)
	want(403, "<Code>InvalidClientTokenId</Code>")
}

// A caller's settings count at once on the server that changes them.
func TestSettingsCountAtOnce(t *testing.T) {
	w := newWorld(t)
	p := w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "GetAccountBalance"}},
		"Signature", "SignatureMethod", "SignatureVersion")
	p = append(p, holdfast.Param{Name: "SignatureVersion", Value: "1"})
	signature, err := holdfast.SignV1(holdfast.NewSecretKey(secret), p)
	if err != nil {
		t.Fatal(err)
	}
	p = append(p, holdfast.Param{Name: "Signature", Value: signature})
	for _, allowed := range []bool{false, true, false} {
		if _, err := w.p.ChangeCaller(t.Context(), "CSHOP", func(c party.Caller) (party.Caller, error) {
			c.SignatureV1 = allowed
			return c, nil
		}); err != nil {
			t.Fatal(err)
		}
		if answer := w.exchange("POST", "/", p); (answer.Code == http.StatusOK) != allowed {
			t.Errorf("allowed: %t, answered %d %s", allowed, answer.Code, answer.Body)
		}
	}
}

// A clock that another server or a command has moved counts at once, in every
// answer that depends on it.
func TestAClockThatIsMovedElsewhere(t *testing.T) {
	w := newWorld(t)
	w.token("A", w.tokenOf(nil))
	elsewhere := processor.New(holdfasttest.Open(t, w.address), processor.Config{Now: w.clock})
	t.Cleanup(elsewhere.Close)
	token := holdfast.Param{Name: "TokenId", Value: string(tokenID("A"))}
	payment := holdfast.Param{Name: "TransactionId", Value: string(transactionID(1))}
	given := map[string]holdfast.Params{
		"GetTokenByCaller":               {token},
		"GetTokenUsage":                  {token},
		"GetTransaction":                 {payment},
		"GetTransactionStatus":           {payment},
		"GetAccountActivity":             {{Name: "StartDate", Value: "2026-11-01"}},
		"GetTokens":                      nil,
		"GetSubscriptionDetails":         {{Name: "SubscriptionId", Value: string(tokenID("A"))}},
		"GetTransactionsForSubscription": {{Name: "SubscriptionId", Value: string(tokenID("A"))}},
	}
	for _, name := range append(queryapi.ByClock(), "") {
		path, verb := "/", http.MethodPost
		p, known := given[name]
		switch {
		case name == "":
			path, verb = "/sandbox/clock", http.MethodGet
		case !known:
			t.Fatalf("the test has no parameters for %s", name)
		default:
			p = append(holdfast.Params{{Name: "Action", Value: name}}, p...)
		}
		w.exchange(verb, path, w.signed(verb, path, "shop", p))
		after, err := elsewhere.AdvanceClock(context.Background(), "CSHOP", time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		answer := w.exchange(verb, path, w.signed(verb, path, "shop", p))
		got, want := answer.Header().Get(holdfast.HeaderTime), after.Now(w.clock()).Format(time.RFC3339Nano)
		if got != want {
			t.Errorf("%s is answered at %s, want %s: %d %s", name, got, want, answer.Code, answer.Body)
		}
	}
}
