package payment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

func TestParseQuery(t *testing.T) {
	refs := func(all ...string) (list []holdfast.CallerReference) {
		for _, one := range all {
			list = append(list, holdfast.CallerReference(one))
		}
		return list
	}
	usd := func(text string) money.Amount {
		a, err := money.Parse(text, money.USD)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	transaction := "1" + strings.Repeat("A", 34)
	for _, row := range []struct {
		text string
		want payment.Query
	}{
		{"order 4711", payment.Query{References: refs("order 4711", "4711", "order-4711", "order_4711", "order4711")}},
		{"  Order   No. 4711 ", payment.Query{
			Text: "Order No. 4711", References: refs("Order No. 4711", "4711", "Order-No.-4711", "Order_No._4711",
				"OrderNo.4711"),
		}},
		{"4711", payment.Query{
			References: refs("4711"),
			Guesses:    refs("order-4711", "order_4711", "order4711", "Order-4711", "ORDER-4711", "#4711"),
		}},
		{"order-4711", payment.Query{References: refs("order-4711")}},
		{"Ann.Buyer@example.com", payment.Query{
			Email: "Ann.Buyer@example.com", References: refs("Ann.Buyer@example.com"),
		}},
		{transaction, payment.Query{
			Transaction: holdfast.TransactionID(transaction), References: refs(transaction),
		}},
		{"hold " + transaction, payment.Query{
			Transaction: holdfast.TransactionID(transaction),
			References:  refs("hold "+transaction, transaction, "hold-"+transaction, "hold_"+transaction, "hold"+transaction),
		}},
		{"evt_1ABC_2_K7Q2MPLD", payment.Query{Event: "evt_1ABC_2_K7Q2MPLD", References: refs("evt_1ABC_2_K7Q2MPLD")}},
		{"pi_3MtwBwLkdIwHu7ix", payment.Query{Network: "pi_3MtwBwLkdIwHu7ix", References: refs("pi_3MtwBwLkdIwHu7ix")}},
		{"H1MIT4PX0001", payment.Query{PageHold: "H1MIT4PX0001", References: refs("H1MIT4PX0001")}},
		{"V1MIT4PX0001", payment.Query{Visit: "V1MIT4PX0001", References: refs("V1MIT4PX0001")}},
		{"4242 12.50", payment.Query{
			Last4: "4242", Amount: usd("12.50"), References: refs("4242 12.50", "4242-12.50", "4242_12.50", "424212.50"),
		}},
		{"$12,5 …4242", payment.Query{
			Last4: "4242", Amount: usd("12.50"), References: refs("$12,5 …4242", "$12,5-…4242", "$12,5_…4242", "$12,5…4242"),
		}},
	} {
		got, err := payment.ParseQuery(row.text)
		if row.want.Text == "" {
			row.want.Text = row.text
		}
		if diff := cmp.Diff(row.want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", row.text, err, diff)
		}
	}
}

// A card number is refused and is in no error. Nothing else is refused because it
// has many digits.
func TestParseQueryRefuses(t *testing.T) {
	for text, want := range map[string]error{
		"":                             payment.ErrQueryEmpty,
		" \t ":                         payment.ErrQueryEmpty,
		strings.Repeat("x", 201):       payment.ErrQueryLong,
		"4242424242424242":             payment.ErrQueryCard,
		"card 4242 4242 4242 4242":     payment.ErrQueryCard,
		"4242-4242-4242-4242":          payment.ErrQueryCard,
		"order 4000056655665556 12.00": payment.ErrQueryCard,
		"card_4242424242424242":        payment.ErrQueryCard,
		"evt_4242424242424242_1_ABC":   payment.ErrQueryCard,
	} {
		got, err := payment.ParseQuery(text)
		if !errors.Is(err, want) || got.Text != "" || got.References != nil {
			t.Errorf("%q: %+v, %v, want %v", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "4242") {
			t.Errorf("the error has the number in it: %v", err)
		}
	}
	for _, text := range []string{"4242424242424241", "1" + strings.Repeat("0", 15) + "42424242424242424 "} {
		if q, err := payment.ParseQuery(text); err != nil ||
			!slices.Contains(q.References, holdfast.CallerReference(q.Text)) {
			t.Errorf("%q: %+v, %v", text, q, err)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, text := range []string{"order 4711", "4242 12.50", "ann@example.com", "evt_1_2_3", "# #", "\x00\xff"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		q, err := payment.ParseQuery(text)
		if err == nil && (len(q.References) == 0 && q.Text != strings.Repeat("#", len(q.Text)) &&
			strings.Trim(q.Text, "# ") != "" ||
			len(q.References)+len(q.Guesses) > 12 || (q.Last4 != "") != q.Amount.Given()) {
			t.Errorf("%q: %+v", text, q)
		}
	})
}
