package holdfast_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// link is the request for the parameter set C of the worked examples.
var link = holdfast.SingleUseRequest{
	CallerReference: "cart-2001", ReturnURL: "http://shop.example.test:8080/return?session=42",
	TransactionAmount: money.Cents(1250), PaymentReason: "One <b>mug</b>",
	PaymentMethods: []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodACH, holdfast.MethodCC},
	ItemTotal:      money.Cents(1000), Shipping: money.Cents(250), CollectShippingAddress: true,
}

func TestSingleUseURLOfTheWorkedExample(t *testing.T) {
	for method, want := range map[holdfast.SignatureMethod]string{
		"":                  "iVQhA6VzY9DrSAiu5vFVZkrrSyCCQpdKEHryBPx2Dls=", // row 10
		holdfast.HmacSHA256: "iVQhA6VzY9DrSAiu5vFVZkrrSyCCQpdKEHryBPx2Dls=",
		holdfast.HmacSHA1:   "yxqyBQIZ0o15Qlm4lad+f8G/hEY=", // row 11
	} {
		c := linkClient()
		c.Method = method
		address, err := c.SingleUseURL(link)
		if err != nil {
			t.Fatal(err)
		}
		start, query, _ := strings.Cut(address, "?")
		if start != c.CoBranded {
			t.Errorf("the link begins with %s", start)
		}
		p, err := holdfast.ParseParams(query)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Get("signature"); got != want {
			t.Errorf("method %q: signature %q, want %q; link %s", method, got, want, address)
		}
	}
}

func TestSingleUseURLSendsEverything(t *testing.T) {
	r := holdfast.SingleUseRequest{
		CallerReference: "c", ReturnURL: "https://shop.test/r", TransactionAmount: money.Cents(2), PaymentReason: "tea",
		PaymentMethods: allMethods, Reserve: true,
		ItemTotal: money.Cents(1), Shipping: money.Cents(2), Handling: money.Cents(3), GiftWrapping: money.Cents(4),
		Discount: money.Cents(5), Tax: money.Cents(0), Address: allAddress, CollectEmailAddress: true,
		CobrandingURL: "https://shop.test/logo.png", WebsiteDescription: "Shop", RecipientToken: "R",
		RecipientCobranding: true,
	}
	everythingIsSet(t, r)
	sends(t, "SingleUse", linkClient().SingleUseURL, r, sentByAll, sentBySenders, map[string]string{
		"callerReference": "c", "transactionAmount": "0.02", "reserve": "True",
		"itemTotal": "0.01", "shipping": "0.02", "handling": "0.03", "giftWrapping": "0.04", "discount": "0.05",
		"tax": "0.00", "recipientToken": "R", "isRecipientCobranding": "True",
	})
	sends(t, "SingleUse", linkClient().SingleUseURL, link, map[string]string{
		"callerReference": "cart-2001", "returnURL": link.ReturnURL, "transactionAmount": "12.50", "currencyCode": "USD",
		"paymentReason": link.PaymentReason, "paymentMethod": "ABT,ACH,CC", "itemTotal": "10.00", "shipping": "2.50",
		"collectShippingAddress": "True",
	})
}

func TestSingleUseURLRefuses(t *testing.T) {
	type request = holdfast.SingleUseRequest
	amount := func(a money.Amount) func(*request) { return func(r *request) { r.TransactionAmount = a } }
	recipient := func(id string) func(*request) { return func(r *request) { r.RecipientToken = id } }
	refuses(t, linkClient().SingleUseURL, link, []refusal[request]{
		{"no amount", amount(money.Amount{}), "from USD 0.02 to USD 10000.00"},
		{"amount of zero", amount(money.Cents(0)), "from USD 0.02"},
		{"amount below zero", amount(money.Cents(-1)), "transactionAmount: an amount is"},
		{"amount of a cent", amount(money.Cents(1)), "from USD 0.02"},
		{"amount above $10,000", amount(money.Cents(1_000_001)), "from USD 0.02"},
		{"amount of parts of a cent", amount(money.Micros(20_001)), "transactionAmount: an amount is"},
		{"amount in euros", amount(money.Amount{Micro: 1_000_000, Currency: "EUR"}), "the only currency is USD"},
		{"tax below zero", func(r *request) { r.Tax = money.Cents(-1) }, "tax: an amount is"},
		{"reserve without card", func(r *request) {
			r.Reserve, r.PaymentMethods = true, []holdfast.PaymentMethod{holdfast.MethodACH}
		}, "has no CC"},
		{"recipient token of 66 bytes", recipient(strings.Repeat("R", 66)), "recipientToken is longer than 65"},
		{"two recipient tokens", recipient("R,S"), "recipientToken is not a token id"},
	}, map[string]func(*request){
		"two cents":                   amount(money.Cents(2)),
		"$10,000":                     amount(money.Cents(1_000_000)),
		"recipient token of 65 bytes": recipient(strings.Repeat("R", 65)),
		"reserve by any method":       func(r *request) { r.Reserve, r.PaymentMethods = true, nil },
	})
}
