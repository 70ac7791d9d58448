package holdfast_test

import (
	"maps"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
	"github.com/holdfast-pay/holdfast/money"
)

func linkClient() *holdfast.Client {
	return &holdfast.Client{
		CoBranded:   "https://" + pagesHost + holdfast.CoBrandedPath,
		AccessKeyID: testAccessKey, SecretKey: holdfast.NewSecretKey(vectorSecret),
	}
}

// The values that all requests with every field set share, and the parameters
// that they send.
var (
	allMethods = []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodACH, holdfast.MethodCC}
	allUsage   = []holdfast.UsageTerms{{Count: 4, Period: "1 Month"}, {Amount: money.Cents(5000)}}
	allAddress = holdfast.Address{
		Name: "Ann", Line1: "1 A St", Line2: "Apt 2", City: "Reno", State: "NV", Country: "US", Zip: "89501", Phone: "775",
	}
	startDay  = time.Date(2027, time.January, 1, 0, 0, 0, 999, time.FixedZone("", 3600))
	expiryDay = time.Date(2028, time.January, 1, 0, 0, 0, 0, time.UTC)

	sentByAll = map[string]string{
		"returnURL": "https://shop.test/r", "paymentReason": "tea", "paymentMethod": "ABT,ACH,CC",
		"cobrandingUrl": "https://shop.test/logo.png", "websiteDescription": "Shop",
	}
	sentBySenders = map[string]string{
		"currencyCode": "USD", "collectEmailAddress": "True",
		"addressName": "Ann", "addressLine1": "1 A St", "addressLine2": "Apt 2", "city": "Reno", "state": "NV",
		"country": "US", "zip": "89501", "phoneNumber": "775",
	}
	sentOfUsage = map[string]string{
		"usageLimitType1": "Count", "usageLimitValue1": "4", "usageLimitPeriod1": "1 Month",
		"usageLimitType2": "Amount", "usageLimitValue2": "50.00",
	}
	sentOfValidity = map[string]string{"validityStart": "1798758000", "validityExpiry": "1830297600"}
)

// sends checks that a pipeline's link has exactly the wanted parameters.
func sends[R any](t *testing.T, pipeline string, build func(R) (string, error), request R, want ...map[string]string) {
	t.Helper()
	address, err := build(request)
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
	all := map[string]string{
		"callerKey": testAccessKey, "pipelineName": pipeline, "version": "2009-01-09",
		"signatureVersion": "2", "signatureMethod": "HmacSHA256",
	}
	for _, some := range want {
		maps.Copy(all, some)
	}
	if diff := compare.Diff(all, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", pipeline, diff)
	}
}

// everythingIsSet checks that a request sets every field except
// CollectShippingAddress, which excludes an Address.
func everythingIsSet(t *testing.T, request any) {
	t.Helper()
	v := reflect.ValueOf(request)
	for i := range v.NumField() {
		if name := v.Type().Field(i).Name; v.Field(i).IsZero() && name != "CollectShippingAddress" {
			t.Errorf("%T: %s is not set", request, name)
		}
	}
}

// A refusal is a mistake in a valid request, and a part of the error that it
// causes.
type refusal[R any] struct {
	name   string
	change func(*R)
	want   string
}

// refuses checks that requests with a mistake give an error, and that requests
// at the limits give a link.
func refuses[R any](
	t *testing.T, build func(R) (string, error), good R, refusals []refusal[R], allowed map[string]func(*R),
) {
	t.Helper()
	for _, row := range refusals {
		r := good
		row.change(&r)
		if got, err := build(r); err == nil || got != "" || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %s, %v; want an error with %q", row.name, got, err, row.want)
		}
	}
	for name, change := range allowed {
		r := good
		change(&r)
		if _, err := build(r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLinksSignThePort(t *testing.T) {
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

func TestLinksNeedAWholeClient(t *testing.T) {
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

// All pipelines share these checks, so one pipeline is enough to test them.
func TestLinksRefuse(t *testing.T) {
	type request = holdfast.SingleUseRequest
	returns := func(address string) func(*request) { return func(r *request) { r.ReturnURL = address } }
	reference := func(ref string) func(*request) {
		return func(r *request) { r.CallerReference = holdfast.CallerReference(ref) }
	}
	refuses(t, linkClient().SingleUseURL, link, []refusal[request]{
		{"no reference", reference(""), "callerReference is required"},
		{"reference of 129 bytes", reference(strings.Repeat("x", 129)), "128 bytes"},
		{"reference of 65 é", reference(strings.Repeat("é", 65)), "128 bytes"},
		{"no return URL", returns(""), "ReturnURL is not"},
		{"relative return URL", returns("/return"), "ReturnURL is not"},
		{"script as return URL", returns("javascript:alert(1)"), "ReturnURL is not"},
		{"unparseable return URL", returns("http://[::1/"), "ReturnURL is not"},
		{"return URL with a password", returns("http://ann:pw@a.test/"), "ReturnURL is not"},
		{"return URL of a strange host", returns("http://a;b.test/"), "ReturnURL is not"},
		{"return URL of 2049 bytes", returns("http://a.test/" + strings.Repeat("x", 2049-14)), "returnURL is longer"},
		{"return URL, bad escape", returns("http://a.test/?a=%zz"), "ReturnURL: reading"},
		{"return URL, another spelling", returns("http://a.test/?Signature=x"), "a parameter signature"},
		{"address twice", func(r *request) { r.Address.City = "Reno" }, "exclude each other"},
		{"an unknown method", func(r *request) { r.PaymentMethods = []holdfast.PaymentMethod{"CC", "Debt"} }, `"Debt"`},
		{"logo without TLS", func(r *request) { r.CobrandingURL = "http://shop.test/logo.png" }, "CobrandingURL"},
		{
			"logo that looks like this machine's", func(r *request) { r.CobrandingURL = "http://localhost.shop.test/logo.png" },
			"CobrandingURL",
		},
		{"logo without host", func(r *request) { r.CobrandingURL = "https:///logo.png" }, "CobrandingURL"},
		{"reason of 2049 bytes", func(r *request) { r.PaymentReason = strings.Repeat("x", 2049) }, "paymentReason is longer"},
		{"reason that is not text", func(r *request) { r.PaymentReason = "\xff" }, "paymentReason: it is not UTF-8"},
		{"website with a NUL", func(r *request) { r.WebsiteDescription = "a\x00b" }, "websiteDescription: it is not"},
	}, map[string]func(*request){
		"reference of 128 bytes":        reference(strings.Repeat("é", 64)),
		"return URL of 2048 bytes":      returns("http://a.test/" + strings.Repeat("x", 2048-14)),
		"return URL of a local address": returns("http://[::1]:8080/?order=1#thanks"),
		"return URL of a Unicode host":  returns("http://münchen.test/"),
		"reason of 2048 bytes":          func(r *request) { r.PaymentReason = strings.Repeat("x", 2048) },
	})
}

func TestReturnURLLeavesTheAnswersNamesAlone(t *testing.T) {
	for _, name := range append([]string{"signature", "signatureVersion", "signatureMethod", "certificateUrl"},
		answerFields...) {
		r := link
		r.ReturnURL = "http://a.test/?" + name + "=x"
		if got, err := linkClient().SingleUseURL(r); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %s, %v", name, got, err)
		}
	}
}
