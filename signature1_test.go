package holdfast_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// v1Vectors are the published vectors and those of the tests of client
// libraries.
var v1Vectors = []struct {
	name, secret string
	params       holdfast.Params
	want         string
}{
	{
		"row 7", vectorSecret, with(payParams, "SignatureVersion", "1").Without("SignatureMethod"),
		"9dysvuvLbvMRtzwXQyVwuZgQVtg=",
	},
	{
		"row 13", vectorSecret, linkParams.Without("signatureVersion").Without("signatureMethod"),
		"DSL0di0/ul0tIzUMK9PQcttCWR4=",
	},
	{"row 17", vectorSecret, row16Params(), "NBp/Z5LT+vddOPjMJnbHLRx8vok="},
	{"divvy", "secret_key", holdfast.Params{{"foo", "bar"}, {"one", "1"}}, "XtaSKfYnpyaQqfjL6mqX2Gow+Y0="},
	{"divvy link", "this-is-a-fake-key", holdfast.Params{
		{"callerKey", "this-is-a-fake-id"},
		{"callerReference", "my-caller-reference"},
		{"pipelineName", "SingleUse"},
		{"returnUrl", "http://www.mysite.com/thanks/for/the/order"},
		{"transactionAmount", "3.14"},
		{"version", "2009-01-09"},
	}, "DI3/fkEGuBzxo0gf8Sp6WQD79ks="},
	{"divvy return URL", "this-is-a-fake-key", holdfast.Params{
		{"status", "SC"},
		{"callerReference", "some-caller-reference"},
		{"tokenID", "some-token-id"},
	}, "8g9Xc+LCya3PTvDDyjJ/r3Tu2+M="},
	{"divvy refund", "this-is-a-fake-key", holdfast.Params{
		{"status", "SUCCESS"},
		{"paymentReason", "Refund"},
		{"parentTransactionId", "14GUOHEPHCAH8ZVTMEDTVUH9HLN7UISRBLK"},
		{"transactionDate", "1255555956"},
		{"buyerEmail", "paul@example.com"},
		{"transactionAmount", "USD 9.00"},
		{"notificationType", "TransactionStatus"},
		{"recipientEmail", "sam@example.com"},
		{"callerReference", "txnDtls906af6b8-e500-42e0-b11f-8c7f40f89c46"},
		{"buyerName", "Paul"},
		{"recipientName", "Sam"},
		{"operation", "REFUND"},
		{"paymentMethod", "CC"},
		{"transactionId", "14HAFEVKQ4HT4PC9TDKND9OIB244PU3JC4I"},
	}, "DPzwTCUGsxzmlSs00ZaWLgzgls8="},
	{"remit payment", "THISISMYTESTKEY", holdfast.Params{
		{"statusMessage", "The transaction was successful and the payment instrument was charged."},
		{"buyerName", "Some Buyer"},
		{"paymentReason", "My Reason"},
		{"callerReference", "asdf1234"},
		{"transactionDate", "1275778668"},
		{"transactionAmount", "USD 4.00"},
		{"recipientName", "John Doe"},
		{"transactionId", "13KIGL9RC25853BGPPOS2VSKBKF2JERR3HO"},
		{"recipientEmail", "me@example.com"},
		{"notificationType", "TransactionStatus"},
		{"transactionStatus", "SUCCESS"},
		{"operation", "PAY"},
		{"paymentMethod", "CC"},
		{"statusCode", "Success"},
	}, "iQDcQv0lnyFet2shDSVtk8VZB7c="},
}

// row16Params returns the parameters of row 16 without the four signature
// fields.
func row16Params() holdfast.Params {
	p, err := holdfast.ParseParams(row16.canonical)
	if err != nil {
		panic(err)
	}
	for _, name := range []string{"signature", "signatureVersion", "signatureMethod", "certificateUrl"} {
		p = p.Without(name)
	}
	return p
}

func TestSignatureVectorsV1(t *testing.T) {
	for _, v := range v1Vectors {
		t.Run(v.name, func(t *testing.T) {
			secret := holdfast.NewSecretKey(v.secret)
			if got, err := holdfast.SignV1(secret, v.params); err != nil || got != v.want {
				t.Errorf("signed %q, %v; want %q; text:\n%s", got, err, v.want, holdfast.StringToSignV1(v.params))
			}
			if !holdfast.VerifyV1(secret, v.params, v.want) ||
				!holdfast.VerifyV1(secret, v.params, strings.ReplaceAll(v.want, "+", " ")) {
				t.Error("the signature is refused")
			}
			last := v.params[len(v.params)-1]
			for what, changed := range map[string]holdfast.Params{
				"a value changed":  with(v.params, last.Name, last.Value+"x"),
				"a parameter more": append(v.params[:len(v.params):len(v.params)], holdfast.Param{Name: "x", Value: "1"}),
				"a parameter less": v.params[:len(v.params)-1],
				"the signature kept": append(v.params[:len(v.params):len(v.params)], holdfast.Param{
					Name: "signature", Value: v.want,
				}),
			} {
				if holdfast.VerifyV1(secret, changed, v.want) {
					t.Errorf("%s: accepted", what)
				}
			}
			if holdfast.VerifyV1(holdfast.NewSecretKey("another"), v.params, v.want) ||
				holdfast.VerifyV1(holdfast.SecretKey{}, v.params, v.want) {
				t.Error("accepted with another secret key, or with none")
			}
		})
	}
}

func TestStringToSignV1(t *testing.T) {
	want := "ActionPayAWSAccessKeyIdFPSTESTACCESSKEY0001CallerDescriptionTea & cakes ~ 50% off* " +
		"(café)CallerReferenceorder-1001SenderTokenIdQ5TESTTOKEN000000000000000000000000000000000000000000000" +
		"0000SU01SignatureVersion1Timestamp2026-11-23T10:15:30ZTransactionAmount.CurrencyCodeUSDTransactionAm" +
		"ount.Value12.50Version2008-09-17"
	if got := holdfast.StringToSignV1(with(payParams, "SignatureVersion", "1").Without("SignatureMethod")); got != want {
		t.Errorf("row 7: %q, want %q", got, want)
	}
	if got, want := holdfast.StringToSignV1(holdfast.Params{{"b", "1"}, {"a", "2"}, {"B", "3"}, {"A", "4"}}),
		"a2A4b1B3"; got != want {
		t.Errorf("names that differ in case: %q, want %q", got, want)
	}
}

// The weakness of version 1: two requests have the same signature. The only
// protection is to turn version 1 off.
func TestV1IsAmbiguous(t *testing.T) {
	const want = "zXA07z90Q/wry/seNazevR8a9xE="
	for _, p := range []holdfast.Params{
		{{"transactionAmount", "1"}, {"transactionId", "X"}},
		{{"transactionAmount", "1transactionIdX"}},
	} {
		if got, err := holdfast.SignV1(holdfast.NewSecretKey(vectorSecret), p); err != nil || got != want {
			t.Errorf("%v: signed %q, %v; want %q", p, got, err, want)
		}
	}
}

func TestSignatureVector2007(t *testing.T) {
	p := linkParams.Without("signatureVersion").Without("signatureMethod")
	text := holdfast.StringToSign2007(holdfast.CoBrandedPath, p)
	if !strings.HasPrefix(text, "/cobranded-ui/actions/start?callerKey=FPSTESTACCESSKEY0001&callerReference=cart-2001&") {
		t.Errorf("the text is %q", text)
	}
	const want = "exGwzcUYKmWIV4uw7AXGyH4rxIY="
	secret := holdfast.NewSecretKey(vectorSecret)
	if got, err := holdfast.SignHMAC(secret, holdfast.HmacSHA1, text); err != nil || got != want {
		t.Errorf("row 14: signed %q, %v; want %q", got, err, want)
	}
	if holdfast.VerifyV1(secret, p, want) || holdfast.VerifyHMAC(secret, holdfast.HmacSHA256, text, want) {
		t.Error("row 14 passes for another text or method")
	}
}
