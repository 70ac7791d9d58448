package holdfast_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

func linkClient() *holdfast.Client {
	return &holdfast.Client{
		CoBranded:   "https://" + pagesHost + holdfast.CoBrandedPath,
		AccessKeyID: testAccessKey, SecretKey: holdfast.NewSecretKey(vectorSecret),
	}
}

// link is the request of the worked examples' parameter set C.
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
		PaymentMethods: []holdfast.PaymentMethod{holdfast.MethodCC}, Reserve: true,
		ItemTotal: money.Cents(1), Shipping: money.Cents(2), Handling: money.Cents(3), GiftWrapping: money.Cents(4),
		Discount: money.Cents(5), Tax: money.Cents(0),
		Address: holdfast.Address{
			Name: "Ann", Line1: "1 A St", Line2: "Apt 2", City: "Reno", State: "NV", Country: "US", Zip: "89501", Phone: "775",
		},
		CobrandingURL: "https://shop.test/logo.png", WebsiteDescription: "Shop", RecipientToken: "R",
	}
	address, err := linkClient().SingleUseURL(r)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for name, values := range u.Query() {
		got[name] = strings.Join(values, "|")
	}
	delete(got, "signature")
	want := map[string]string{
		"callerKey": testAccessKey, "pipelineName": "SingleUse", "version": "2009-01-09",
		"signatureVersion": "2", "signatureMethod": "HmacSHA256",
		"callerReference": "c", "returnURL": "https://shop.test/r", "transactionAmount": "0.02", "currencyCode": "USD",
		"paymentReason": "tea", "paymentMethod": "CC", "reserve": "True",
		"itemTotal": "0.01", "shipping": "0.02", "handling": "0.03", "giftWrapping": "0.04", "discount": "0.05", "tax": "0.00",
		"addressName": "Ann", "addressLine1": "1 A St", "addressLine2": "Apt 2", "city": "Reno", "state": "NV",
		"country": "US", "zip": "89501", "phoneNumber": "775",
		"cobrandingUrl": "https://shop.test/logo.png", "websiteDescription": "Shop", "recipientToken": "R",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSingleUseURLSignsThePort(t *testing.T) {
	c := linkClient()
	c.CoBranded = "http://127.0.0.1:8086"
	address, err := c.SingleUseURL(link)
	if err != nil {
		t.Fatal(err)
	}
	query, ok := strings.CutPrefix(address, "http://127.0.0.1:8086/?")
	if !ok {
		t.Fatalf("link %s", address)
	}
	p, err := holdfast.ParseParams(query)
	if err != nil {
		t.Fatal(err)
	}
	text := holdfast.StringToSign("GET", "127.0.0.1:8086", "/", p.Without("signature"))
	if !holdfast.VerifyHMAC(c.SecretKey, holdfast.HmacSHA256, text, p.Get("signature")) {
		t.Error("the signature does not cover the host with its port")
	}
}

func TestSingleUseURLRefuses(t *testing.T) {
	for name, change := range map[string]func(*holdfast.SingleUseRequest){
		"no reference": func(r *holdfast.SingleUseRequest) { r.CallerReference = "" },
		"reference of 129 bytes": func(r *holdfast.SingleUseRequest) {
			r.CallerReference = holdfast.CallerReference(strings.Repeat("x", 129))
		},
		"reference of 65 é": func(r *holdfast.SingleUseRequest) {
			r.CallerReference = holdfast.CallerReference(strings.Repeat("é", 65))
		},
		"no amount":              func(r *holdfast.SingleUseRequest) { r.TransactionAmount = money.Amount{} },
		"amount of zero":         func(r *holdfast.SingleUseRequest) { r.TransactionAmount = money.Cents(0) },
		"amount below zero":      func(r *holdfast.SingleUseRequest) { r.TransactionAmount = money.Cents(-1) },
		"amount below a cent":    func(r *holdfast.SingleUseRequest) { r.TransactionAmount = money.Micros(1) },
		"amount in euros":        func(r *holdfast.SingleUseRequest) { r.TransactionAmount.Currency = "EUR" },
		"tax below zero":         func(r *holdfast.SingleUseRequest) { r.Tax = money.Cents(-1) },
		"no return URL":          func(r *holdfast.SingleUseRequest) { r.ReturnURL = "" },
		"relative return URL":    func(r *holdfast.SingleUseRequest) { r.ReturnURL = "/return" },
		"script as return URL":   func(r *holdfast.SingleUseRequest) { r.ReturnURL = "javascript:alert(1)" },
		"unparseable return URL": func(r *holdfast.SingleUseRequest) { r.ReturnURL = "http://[::1/" },
		"return URL of 3 KiB":    func(r *holdfast.SingleUseRequest) { r.ReturnURL = "http://a.test/" + strings.Repeat("x", 3<<10) },
		"return URL with status": func(r *holdfast.SingleUseRequest) { r.ReturnURL = "http://a.test/?status=SC" },
		"return URL, signature":  func(r *holdfast.SingleUseRequest) { r.ReturnURL = "http://a.test/?Signature=x" },
		"return URL, bad escape": func(r *holdfast.SingleUseRequest) { r.ReturnURL = "http://a.test/?a=%zz" },
		"reserve without card": func(r *holdfast.SingleUseRequest) {
			r.Reserve, r.PaymentMethods = true, []holdfast.PaymentMethod{"ACH"}
		},
		"address twice":           func(r *holdfast.SingleUseRequest) { r.Address.City = "Reno" },
		"recipient token too big": func(r *holdfast.SingleUseRequest) { r.RecipientToken = strings.Repeat("R", 66) },
		"logo without TLS":        func(r *holdfast.SingleUseRequest) { r.CobrandingURL = "http://shop.test/logo.png" },
	} {
		r := link
		change(&r)
		if got, err := linkClient().SingleUseURL(r); err == nil {
			t.Errorf("%s: got %s", name, got)
		}
	}
	longest := link
	longest.CallerReference = holdfast.CallerReference(strings.Repeat("x", 128))
	if _, err := linkClient().SingleUseURL(longest); err != nil {
		t.Errorf("a reference of 128 bytes: %v", err)
	}
	for name, c := range map[string]*holdfast.Client{
		"no address":    {AccessKeyID: "k", SecretKey: holdfast.NewSecretKey("s")},
		"no access key": {CoBranded: "https://pay.test/", SecretKey: holdfast.NewSecretKey("s")},
		"no secret key": {CoBranded: "https://pay.test/", AccessKeyID: "k"},
	} {
		if got, err := c.SingleUseURL(link); err == nil {
			t.Errorf("client with %s: got %s", name, got)
		}
	}
}
