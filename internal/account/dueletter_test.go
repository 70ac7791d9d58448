package account_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var dueNow = time.Date(2026, 12, 1, 10, 0, 0, 0, time.UTC)

func dueHold(n int, left time.Duration) payment.DueHold {
	return payment.DueHold{
		ID: holdfast.TransactionID(fmt.Sprintf("1T%d", n)), Reference: holdfast.CallerReference(fmt.Sprintf("order-%d", n)),
		Amount: money.Cents(42_50), Deadline: dueNow.Add(left),
	}
}

// A letter says in each language which holds end when, and what they are worth.
func TestDueLetters(t *testing.T) {
	public, err := url.Parse("https://pay.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	letters := account.Letters{Public: public}
	card := dueHold(4, time.Hour)
	card.Reference = "4242 4242 4242 4242"
	for name, row := range map[string]struct {
		n       payment.DueNotice
		subject map[string]string // by language
		text    map[string][]string
	}{
		"one hold": {
			payment.DueNotice{Open: []payment.DueHold{dueHold(1, 24*time.Hour)}, Sum: money.Cents(42_50)},
			map[string]string{
				"en": "A hold of $42.50 ends soon", "de": "Eine Reservierung über 42,50\u00a0$ läuft bald ab",
				"es": "Una retención de 42,50\u00a0US$ vence pronto",
			},
			map[string][]string{
				"en": {
					"This hold for Kiln & Co",
					"$42.50, until December 2, 2026, 10:00 AM\u00a0UTC (24 hours left): order-1, 1T1",
				},
				"de": {"Diese Reservierung für Kiln & Co", "bis 2. Dezember 2026, 10:00\u00a0UTC (noch 24 Stunden): order-1, 1T1"},
				"es": {
					"Esta retención para Kiln & Co",
					"hasta el 2 de diciembre de 2026, 10:00\u00a0UTC (quedan 24 horas): order-1, 1T1",
				},
			},
		},
		"several holds": {
			payment.DueNotice{
				Open: []payment.DueHold{dueHold(1, 59*time.Minute), dueHold(2, time.Hour), dueHold(3, 100*time.Hour)}, OpenMore: 12,
				Sum: money.Cents(637_50), Expired: []payment.DueHold{dueHold(9, -time.Minute)}, ExpiredMore: 1,
			},
			map[string]string{
				"en": "15 holds end soon: $637.50 in all", "de": "15 Reservierungen laufen bald ab: zusammen 637,50\u00a0$",
				"es": "15 retenciones vencen pronto: 637,50\u00a0US$ en total",
			},
			map[string][]string{
				"en": {
					"(59 minutes left)", "(one hour left)", "(4 days left)", "and 12 more", "have expired", "1T9",
					"and one more",
				},
				"de": {
					"(noch 59 Minuten)", "(noch eine Stunde)", "(noch 4 Tage)", "und 12 weitere", "sind abgelaufen",
					"und eine weitere",
				},
				"es": {"(quedan 59 minutos)", "(queda una hora)", "(quedan 4 días)", "y 12 más", "han vencido", "y una más"},
			},
		},
		"an expired hold": {
			payment.DueNotice{Expired: []payment.DueHold{dueHold(1, 0)}, Sum: money.Cents(0)},
			map[string]string{
				"en": "A hold has expired", "de": "Eine Reservierung ist abgelaufen", "es": "Una retención ha vencido",
			},
			map[string][]string{
				"en": {"do not ship the order"}, "de": {"versenden Sie die Bestellung nicht"}, "es": {"No envíe el pedido"},
			},
		},
		"a reference that is a card number": {
			payment.DueNotice{Open: []payment.DueHold{card}, Sum: money.Cents(42_50)},
			map[string]string{"en": "A hold of $42.50 ends soon"},
			map[string][]string{"en": {": 1T4"}},
		},
	} {
		for language, want := range row.subject {
			n := row.n
			n.Language, n.Now, n.Caller = language, dueNow, party.Caller{Name: "Kiln & Co", Sandbox: true}
			subject, text := letters.Due(n)
			if subject != want {
				t.Errorf("%s in %s: the subject is %q, want %q", name, language, subject, want)
			}
			for _, part := range append(row.text[language], "https://pay.example.test/account") {
				if !strings.Contains(text, part) {
					t.Errorf("%s in %s: the letter has no %q:\n%s", name, language, part, text)
				}
			}
			if strings.Contains(text, "4242 4242") || strings.Contains(subject+text, "due.") {
				t.Errorf("%s in %s: the letter is\n%s", name, language, text)
			}
		}
	}
}
