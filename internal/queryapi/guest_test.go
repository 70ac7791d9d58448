package queryapi_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// GetTransaction, GetTokenByCaller and notifications show a guest like any sender.
func TestAGuestIsASender(t *testing.T) {
	w := newWorld(t)
	guest := party.Party{
		ID: "PGUS", Name: "Gus Guest", Email: "ann@example.test", Guest: true, Standing: party.Active, Verified: true,
		Created: testNow,
	}
	w.update(func(tx *store.Tx) error {
		_, err := tx.InsertParty(guest)
		return err
	})
	w.instrument(payment.Instrument{
		Owner: guest.ID, ID: "visa", ExpiryMonth: 12, ExpiryYear: testNow.Year() + 2, Verified: true,
	})
	token := w.token("A", payment.Token{Sender: guest.ID})
	if got := w.ask("GetTokenByCaller", "TokenId="+string(token)).Body.String(); !strings.Contains(got, "<TokenId>A0") {
		t.Errorf("the token is %s", got)
	}
	if got := w.ask("Reserve", "SenderTokenId="+string(token), "TransactionAmount.CurrencyCode=USD",
		"TransactionAmount.Value=12", "CallerReference=order-1").Body.String(); !strings.Contains(got, "Reserved") {
		t.Fatalf("reserving: %s", got)
	}
	got := w.ask("GetTransaction", "TransactionId="+string(transactionID(1))).Body.String()
	for _, part := range []string{"<SenderName>Gus Guest</SenderName>", "<SenderEmail>ann@example.test</SenderEmail>"} {
		if !strings.Contains(got, part) {
			t.Errorf("the transaction has no %s:\n%s", part, got)
		}
	}
	told := ipn.Compose(ipn.Message{
		Transaction: payment.Transaction{ID: "1T", Recipient: "PSHOP"}, Caller: party.Caller{Owner: "PSHOP"}, Sender: guest,
	})
	if told.Get("buyerName") != guest.Name || told.Get("buyerEmail") != guest.Email {
		t.Errorf("the notification is %v", told)
	}
}
