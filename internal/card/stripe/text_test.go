package stripe

import (
	"strings"
	"testing"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/card"
)

// hostile are texts that must not be stored, in whatever field Stripe sends them.
var hostile = []string{
	"\x00", "a\x00b", "a\nb", "\x1b[31m", "a\u202eb", "\xff\xfe", strings.Repeat("a", 5000), "4242 4242 4242 4242",
}

func TestHostileTextsOfACard(t *testing.T) {
	for _, text := range append(hostile, "4242424242424242") {
		got := readCard(&stripego.PaymentMethod{ID: "pm_1", Card: &stripego.PaymentMethodCard{
			Brand: stripego.PaymentMethodCardBrand(text), Last4: text, Country: text, Funding: stripego.CardFunding(text),
			ExpMonth: 12, ExpYear: 2031,
		}})
		if want := (card.Kept{Brand: "Card", Ref: "pm_1", ExpiryMonth: 12, ExpiryYear: 2031}); got != want {
			t.Errorf("with the texts %q, the card is %+v", text, got)
		}
	}
}

func TestHostileTextsOfAPayment(t *testing.T) {
	for _, text := range hostile {
		pi := &stripego.PaymentIntent{
			ID: "pi_1", Status: stripego.PaymentIntentStatus(text),
			LastPaymentError: &stripego.Error{Code: stripego.ErrorCode(text), DeclineCode: stripego.DeclineCode(text)},
			NextAction: &stripego.PaymentIntentNextAction{
				RedirectToURL: &stripego.PaymentIntentNextActionRedirectToURL{URL: "https://" + text},
			},
		}
		if strings.HasPrefix(text, "a") && len(text) > 100 {
			pi.NextAction.RedirectToURL.URL = "https://bank.example/" + text
		}
		d := readIntent(pi).details()
		if d.Status != "" || d.DeclineCode != "" || d.Advice != "" || d.Action != "" {
			t.Errorf("with the text %q, stored are %+v", text, d)
		}
		found := foundDispute(&stripego.Dispute{
			ID: "dp_1", Status: stripego.DisputeStatus(text), Reason: stripego.DisputeReason(text),
		})
		if found.Status != "" || found.Reason != "" {
			t.Errorf("with the text %q, the dispute is %+v", text, found)
		}
	}
}

func TestTextsOfStripe(t *testing.T) {
	for _, row := range []struct{ name, got, want string }{
		{"a name", line(" Ann\tB.\x00 Müller "), "Ann B.  Müller"},
		{"a name that is not UTF-8", line("Ann\xff"), ""},
		{"a long name", line(strings.Repeat("a", lineMax+1)), ""},
		{"a country", country("US"), "US"},
		{"a country in small letters", country("us"), ""},
		{"four digits", last4("4242"), "4242"},
		{"digits of another script", last4("٤٢"), ""},
		{"a kind of card", funding("prepaid"), "prepaid"},
		{"an unknown kind of card", funding("unknown"), ""},
		{"a bank's page", page("https://bank.example/a?b=c#d"), "https://bank.example/a?b=c#d"},
		{"a script", page("javascript:alert(1)"), ""},
		{"a path", page("/a"), ""},
	} {
		if row.got != row.want {
			t.Errorf("%s is read as %q, want %q", row.name, row.got, row.want)
		}
	}
}
