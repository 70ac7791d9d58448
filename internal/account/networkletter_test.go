package account_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// Each subject has a letter of its own in each language, and every letter says
// how much it is about and where to find it at the network.
func TestNetworkLetters(t *testing.T) {
	public, err := url.Parse("https://pay.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	letters := account.Letters{Public: public}
	for language, amount := range map[string]string{"en": "$42.50", "de": "42,50", "es": "42,50"} {
		seen := make(map[string]payment.NetworkAbout)
		for _, about := range payment.NetworkAbouts {
			subject, text := letters.Network(payment.NetworkNotice{
				About: about, Language: language, Caller: party.Caller{Name: "Kiln & Co"},
				Transaction: payment.Transaction{ID: "1T1", Reference: "order-4711"}, Amount: money.Cents(42_50),
				Reference: "dp_123", Reason: "product_not_received", Due: time.Date(2026, 12, 9, 10, 0, 0, 0, time.UTC),
			})
			if other, known := seen[subject]; known {
				t.Errorf("%s: %s and %s have the same subject", language, about, other)
			}
			seen[subject] = about
			for _, want := range []string{amount, "dp_123", "order-4711", "1T1", "product_not_received", "2026"} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: the letter about %s does not say %q:\n%s", language, about, want, text)
				}
			}
			if !strings.Contains(subject, amount) || strings.Contains(subject+text, "network.") {
				t.Errorf("%s: the letter about %s has the subject %q and the text\n%s", language, about, subject, text)
			}
		}
	}
}
