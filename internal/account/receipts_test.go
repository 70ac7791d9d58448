package account_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// receiptOf returns an example of each kind of receipt.
func receiptOf(about payment.ReceiptAbout) payment.Receipt {
	return payment.Receipt{
		About: about, Caller: party.Caller{Name: "Fen Pottery", Sandbox: true},
		Instrument: payment.Instrument{ID: "I1", Method: holdfast.MethodCC, Brand: "Visa", Last4: "4242"},
		Transaction: payment.Transaction{
			ID: "T0001", Kind: payment.KindReserve, Amount: money.Cents(32_00), Settled: money.Cents(30_00),
			Descriptor:        "HF*FEN POTTERY",
			SenderDescription: "WIN A PRIZE",
		},
		Released: money.Cents(30_00),
		Token: payment.Token{
			ID: "K1", Type: holdfast.TokenRecurring, Amount: money.Cents(9_99), AmountType: holdfast.AmountMaximum,
			Reason: "WIN A PRIZE", FriendlyName: "WIN A PRIZE",
			Period:  payment.Period{N: 1, Unit: payment.Month},
			Expires: time.Date(2027, time.November, 23, 12, 0, 0, 0, time.UTC),
		},
		Limits: []payment.Limit{{Kind: payment.LimitCount, Value: 12}},
	}
}

func letters(t *testing.T) account.Letters {
	t.Helper()
	public, err := url.Parse("https://pay.example.test/")
	if err != nil {
		t.Fatal(err)
	}
	return account.Letters{Public: public}
}

// Each receipt, in each language, has its subject, amount, recipient and a
// link, and no text that the caller wrote for this payment.
func TestReceiptsInEachLanguage(t *testing.T) {
	for about, says := range map[payment.ReceiptAbout][]string{
		payment.ReceiptApproved: {"Fen Pottery", "9", "2027", "https://pay.example.test/account/authorisations/one?token="},
		payment.ReceiptCharged: {
			"Fen Pottery", "30", "32", "2", "Visa", "4242", "HF*FEN POTTERY", "T0001",
			"https://pay.example.test/account/history",
		},
		payment.ReceiptReleased: {"Fen Pottery", "30", "Visa", "T0001", "https://pay.example.test/account/history"},
		payment.ReceiptRefunded: {"Fen Pottery", "30", "Visa", "T0001", "https://pay.example.test/account/history"},
	} {
		subjects := make(map[string]bool)
		for _, words := range webui.AllWords() {
			r := receiptOf(about)
			r.Language = words.Tag()
			subject, text := letters(t).Receipt(r)
			if subject == "" || strings.ContainsAny(subject, "\r\n") {
				t.Errorf("%s in %s: the subject is %q", about, words.Tag(), subject)
			}
			for _, part := range says {
				if !strings.Contains(text, part) {
					t.Errorf("%s in %s does not say %q:\n%s", about, words.Tag(), part, text)
				}
			}
			if strings.Contains(text, "<no value>") || strings.Contains(text, "PRIZE") || strings.Contains(text, "K1") {
				t.Errorf("%s in %s says too much:\n%s", about, words.Tag(), text)
			}
			subjects[subject] = true
		}
		if len(subjects) < 3 {
			t.Errorf("%s: subjects are %v", about, subjects)
		}
	}
}

func TestReceiptsInWords(t *testing.T) {
	change := func(about payment.ReceiptAbout, by func(*payment.Receipt)) payment.Receipt {
		r := receiptOf(about)
		if by != nil {
			by(&r)
		}
		return r
	}
	live := func(r *payment.Receipt) { r.Caller.Sandbox = false }
	for name, row := range map[string]struct {
		receipt payment.Receipt
		subject string
		says    []string
		not     []string
	}{
		"a card is charged": {
			change(payment.ReceiptCharged, nil), "Your card was charged $30.00",
			[]string{
				"You have paid $30.00 to Fen Pottery.", "Of the $32.00 on hold, $2.00 was released.",
				"Payment method: Visa ending in 4242", "On your statement: HF*FEN POTTERY", "Transaction: T0001",
				"This was in the sandbox: no real money was moved.",
			},
			nil,
		},
		"in full, for real": {
			change(payment.ReceiptCharged, func(r *payment.Receipt) { r.Transaction.Settled = money.Cents(32_00); live(r) }),
			"Your card was charged $32.00",
			[]string{"You have paid $32.00 to Fen Pottery."},
			[]string{"released", "sandbox"},
		},
		"a bank account": {
			change(payment.ReceiptCharged, func(r *payment.Receipt) { r.Instrument.Method = holdfast.MethodACH }),
			"Your bank account was charged $30.00", nil, nil,
		},
		"the balance": {
			change(payment.ReceiptCharged, func(r *payment.Receipt) { r.Instrument.Method = holdfast.MethodABT }),
			"You paid $30.00 from your balance",
			nil,
			[]string{"On your statement"},
		},
		"a hold is released": {
			change(payment.ReceiptReleased, func(r *payment.Receipt) { r.Transaction.Settled = money.Micros(0) }),
			"A hold of $30.00 was released",
			[]string{
				"The hold of $30.00 for Fen Pottery was released. You were not charged for it.", "Your bank may show the hold",
			},
			[]string{"On your statement", "still on hold"},
		},
		"a part of a hold is released": {
			change(payment.ReceiptReleased, func(r *payment.Receipt) {
				r.Transaction.Settled, r.Released, r.Held = money.Micros(0), money.Cents(12_00), money.Cents(20_00)
			}),
			"$12.00 of a hold was released",
			[]string{
				"$12.00 of the hold for Fen Pottery was released. You will not be charged for it. $20.00 is still on hold.",
				"Your bank may show the hold",
			},
			[]string{"32.00", "30.00"},
		},
		"a hold that was lowered is charged": {
			change(payment.ReceiptCharged, func(r *payment.Receipt) { r.Transaction.Lowered = money.Cents(1_00) }),
			"Your card was charged $30.00",
			[]string{"Of the $31.00 on hold, $1.00 was released."},
			[]string{"32.00"},
		},
		"the rest of a hold is released": {
			change(payment.ReceiptReleased, func(r *payment.Receipt) {
				r.Transaction.Taken, r.Released = money.Cents(30_00), money.Cents(2_00)
			}),
			"A hold of $2.00 was released",
			[]string{
				"The rest of the hold for Fen Pottery, $2.00, was released. You were not charged for it.",
				"Your bank may show the hold",
			},
			[]string{"30.00"},
		},
		"a part of a hold is charged": {
			change(payment.ReceiptCharged, func(r *payment.Receipt) {
				r.Transaction.Kind, r.Transaction.Settled = payment.KindPart, money.Micros(0)
			}),
			"Your card was charged $32.00",
			[]string{"You have paid $32.00 to Fen Pottery."},
			[]string{"released"},
		},
		"a refund": {
			change(payment.ReceiptRefunded, nil), "$30.00 was refunded to you",
			[]string{"Fen Pottery has refunded $30.00 to you."},
			nil,
		},
		"regular payments": {
			change(payment.ReceiptApproved, nil), "Your approval for Fen Pottery",
			[]string{
				"You gave Fen Pottery this approval:", "Regular payments\n", "Each payment, at most: $9.99\n",
				"How often: once every month\n", "Limit: ", "Until: ",
				"Payment method: Visa ending in 4242\n",
			},
			nil,
		},
		"an approval that took another's place": {
			change(payment.ReceiptApproved, func(r *payment.Receipt) { r.Token.OldToken = "K0" }),
			"You changed your approval for Fen Pottery",
			[]string{"You changed your approval for Fen Pottery."},
			nil,
		},
		"a credit line": {
			change(payment.ReceiptApproved, func(r *payment.Receipt) {
				r.Token.Method, r.Aggregate = holdfast.MethodDebt, &payment.AggregateInstrument{
					Method: holdfast.MethodDebt, Limit: money.Cents(100_00),
				}
			}), "Your approval for Fen Pottery", []string{"You may owe, at most: $100.00"}, nil,
		},
	} {
		subject, text := letters(t).Receipt(row.receipt)
		if subject != row.subject {
			t.Errorf("%s: the subject is %q, want %q", name, subject, row.subject)
		}
		for _, part := range row.says {
			if !strings.Contains(text, part) {
				t.Errorf("%s: does not say %q:\n%s", name, part, text)
			}
		}
		for _, part := range row.not {
			if strings.Contains(text, part) {
				t.Errorf("%s: says %q:\n%s", name, part, text)
			}
		}
	}
}
