package holdfast_test

import (
	"crypto/x509"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

const returnEndpoint = "http://shop.example.test:8080/return"

// bareReturn has the parameters that the server adds; session is the shop's
// own.
var bareReturn = holdfast.Params{
	{"session", "42"},
	{"expiry", "10/2028"},
	{"tokenID", testToken},
	{"status", "SC"},
	{"callerReference", "cart-2001"},
}

// fullReturn also has the parameters of the Co-Branded request.
var fullReturn = append(
	linkParams.Without("signatureMethod").Without("signatureVersion"),
	holdfast.Params{
		{"session", "42"},
		{"expiry", "10/2028"},
		{"tokenID", testToken},
		{"status", "SC"},
		{"addressName", "Ann Buyer"},
		{"addressLine1", "1 Main St"},
		{"addressLine2", "Apt 2"},
		{"city", "Reno"},
		{"state", "NV"},
		{"country", "US"},
		{"zip", "89501"},
		{"phoneNumber", "775 555 0100"},
	}...,
)

func returnURL(p holdfast.Params) string {
	return returnEndpoint + "?" + signMessage("GET", returnEndpoint, p)
}

func offline(t testing.TB) holdfast.Verifier {
	return holdfast.Verifier{CallerID: testCaller, Certificates: []*x509.Certificate{testCert(t)}}
}

func TestParseReturn(t *testing.T) {
	for name, tt := range map[string]struct {
		params  holdfast.Params
		address holdfast.Address
	}{
		"bare": {bareReturn, holdfast.Address{}},
		"full": {fullReturn, holdfast.Address{
			Name: "Ann Buyer", Line1: "1 Main St", Line2: "Apt 2", City: "Reno", State: "NV", Country: "US", Zip: "89501",
			Phone: "775 555 0100",
		}},
	} {
		got, err := offline(t).ParseReturn(t.Context(), returnURL(tt.params))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !got.Authorised() {
			t.Errorf("%s: not authorised", name)
		}
		for _, p := range tt.params {
			if got.Params.Get(p.Name) != p.Value {
				t.Errorf("%s: %s came back as %q", name, p.Name, got.Params.Get(p.Name))
			}
		}
		got.Params = nil
		want := holdfast.Return{
			CallerID: testCaller, Status: holdfast.ReturnSuccessCC, TokenID: testToken, CallerReference: "cart-2001",
			Expiry: "10/2028", Address: tt.address,
		}
		if diff := compare.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseReturnOfEachPipeline(t *testing.T) {
	for name, row := range map[string]struct {
		params holdfast.Params
		want   holdfast.Return
	}{
		"MultiUse": {
			holdfast.Params{
				{"tokenID", testToken},
				{"status", "SA"},
				{"callerReference", "c"},
				{"buyerEmailAddress", "ann@example.test"},
				{"city", "Reno"},
			},
			holdfast.Return{
				Status: holdfast.ReturnSuccessABT, TokenID: testToken, CallerReference: "c", BuyerEmail: "ann@example.test",
				Address: holdfast.Address{City: "Reno"},
			},
		},
		"Recipient": {
			holdfast.Params{{"refundTokenID", "F"}, {"tokenID", testToken}, {"status", "SR"}, {"callerReference", "c"}},
			holdfast.Return{
				Status: holdfast.ReturnSuccessRecipient, TokenID: testToken, RefundTokenID: "F", CallerReference: "c",
			},
		},
		"SetupPrepaid": {
			holdfast.Params{
				{"prepaidInstrumentID", "I"}, {"prepaidSenderTokenID", "S"}, {"fundingTokenID", "F"}, {"status", "SB"},
			},
			holdfast.Return{
				Status: holdfast.ReturnSuccessACH, PrepaidInstrumentID: "I", PrepaidSenderTokenID: "S", FundingTokenID: "F",
			},
		},
		"SetupPostpaid": {
			holdfast.Params{
				{"creditSenderTokenID", "S"},
				{"creditInstrumentID", "I"},
				{"settlementTokenID", "T"},
				{"status", "SC"},
				{"expiry", "10/2028"},
			},
			holdfast.Return{
				Status: holdfast.ReturnSuccessCC, CreditInstrumentID: "I", CreditSenderTokenID: "S", SettlementTokenID: "T",
				Expiry: "10/2028",
			},
		},
		"EditToken": {
			holdfast.Params{{"tokenID", testToken}, {"status", "SU"}, {"callerReference", "c"}},
			holdfast.Return{Status: holdfast.ReturnTokenUnchanged, TokenID: testToken, CallerReference: "c"},
		},
	} {
		got, err := offline(t).ParseReturn(t.Context(), returnURL(row.params))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.Authorised() {
			t.Errorf("%s: not authorised", name)
		}
		got.Params, row.want.CallerID = nil, testCaller
		if diff := compare.Diff(row.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// answerFields are the parameters from which a Return is read.
var answerFields = []string{
	"status", "callerReference", "expiry", "errorMessage", "buyerEmailAddress", "tokenID", "refundTokenID",
	"prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID", "creditInstrumentID", "creditSenderTokenID",
	"settlementTokenID", "addressName", "addressLine1", "addressLine2", "city", "state", "country", "zip", "phoneNumber",
}

func TestParseReturnRefusesTwoValues(t *testing.T) {
	for _, name := range answerFields {
		got, err := offline(t).ParseReturn(t.Context(), returnURL(holdfast.Params{{name, "a"}, {name, "b"}}))
		var unverified *holdfast.UnverifiedError
		if !errors.As(err, &unverified) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestParseReturnOfTheWorkedExampleIsNotOurs(t *testing.T) {
	_, err := offline(t).ParseReturn(t.Context(), row15.endpoint+"?"+row15.raw())
	var unverified *holdfast.UnverifiedError
	if !errors.As(err, &unverified) || unverified.Unanswered {
		t.Errorf("got %v", err)
	}
}

func TestParseReturnNotAuthorised(t *testing.T) {
	got, err := offline(t).ParseReturn(t.Context(), returnURL(holdfast.Params{
		{"status", "A"},
		{"callerReference", "cart-2001"},
		{"errorMessage", "The buyer gave up."},
	}))
	if err != nil || got.Authorised() || got.Status != holdfast.ReturnAbandoned ||
		got.ErrorMessage != "The buyer gave up." {
		t.Errorf("got %+v, %v", got, err)
	}
	for status, want := range map[holdfast.ReturnStatus]bool{
		"SA": true, "SB": true, "SC": true, "SR": true, "SU": true,
		"SE": false, "A": false, "CE": false, "PE": false, "NP": false, "NM": false, "IT": false, "UT": false, "NA": false,
		"": false, "sc": false,
	} {
		if got := (holdfast.Return{Status: status}).Authorised(); got != want {
			t.Errorf("status %q authorises: %v", status, got)
		}
	}
}

func TestParseReturnToleratesTheWire(t *testing.T) {
	genuine := returnURL(bareReturn)
	head, signature, _ := strings.Cut(genuine, "signature=")
	plain, err := url.QueryUnescape(signature)
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{
		"line breaks in the signature": head + "signature=" +
			url.QueryEscape(plain[:76]+"\n"+plain[76:160]+"\r\n"+plain[160:]),
		"bare plus signs":  head + "signature=" + strings.ReplaceAll(signature, "%2B", "+"),
		"fragment":         genuine + "#thanks",
		"host in capitals": strings.Replace(genuine, "shop.example.test", "Shop.Example.TEST", 1),
		"empty pair":       genuine + "&",
	} {
		if _, err := offline(t).ParseReturn(t.Context(), address); err != nil {
			t.Errorf("%s: %v\n%s", name, err, address)
		}
	}
}

func TestParseReturnRefuses(t *testing.T) {
	genuine := returnURL(bareReturn)
	without := func(name string) string {
		_, query, _ := strings.Cut(genuine, "?")
		p, err := holdfast.ParseParams(query)
		if err != nil {
			t.Fatal(err)
		}
		return returnEndpoint + "?" + p.Without(name).Encode()
	}
	for name, address := range map[string]string{
		"forged":         strings.Replace(genuine, "signature=", "signature=AAAA", 1),
		"unsigned":       returnEndpoint + "?" + bareReturn.Encode(),
		"token tampered": strings.Replace(genuine, "SU01", "SU02", 1),
		"status tampered": strings.Replace(returnURL(holdfast.Params{{"status", "A"}, {"tokenID", testToken}}),
			"status=A", "status=SC", 1),
		"no certificateUrl":      without("certificateUrl"),
		"no signatureMethod":     without("signatureMethod"),
		"no signatureVersion":    without("signatureVersion"),
		"no signature":           without("signature"),
		"status twice":           genuine + "&status=A",
		"status twice, the same": genuine + "&status=SC",
		"signature twice":        genuine + "&signature=AAAA",
		"extra parameter":        genuine + "&utm_source=mail",
		"signed, but two tokens": returnURL(append(bareReturn[:len(bareReturn):len(bareReturn)], holdfast.Param{
			Name: "tokenID", Value: "other",
		})),
		"signed, but two signatures": returnURL(append(bareReturn[:len(bareReturn):len(bareReturn)], holdfast.Param{
			Name: "signatureMethod", Value: "HmacSHA256",
		})),
		"as a notification": returnEndpoint + "?" + signMessage("POST", returnEndpoint, bareReturn),
		"another shop's":    strings.Replace(genuine, "shop.example.test", "other.example.test", 1),
		"the port lost":     strings.Replace(genuine, ":8080", "", 1),
		"no host":           strings.Replace(genuine, "http://shop.example.test:8080", "", 1),
		"no query":          returnEndpoint,
		"bad escape":        genuine + "&a=%zz",
		"empty":             "",
	} {
		got, err := offline(t).ParseReturn(t.Context(), address)
		var unverified *holdfast.UnverifiedError
		if !errors.As(err, &unverified) || unverified.Unanswered {
			t.Errorf("%s: %v", name, err)
		}
		if diff := compare.Diff(holdfast.Return{}, got); diff != "" {
			t.Errorf("%s: data of an unverified URL:\n%s", name, diff)
		}
	}
}

func TestParseReturnOfAGenuineButIncompleteURL(t *testing.T) {
	for name, p := range map[string]holdfast.Params{
		"no status": {{"tokenID", testToken}},
		"no token":  {{"status", "SC"}},
		"no seller": {{"status", "SR"}, {"refundTokenID", "F"}},
		"no instrument": {
			{"status", "SC"},
			{"prepaidSenderTokenID", "S"},
			{"fundingTokenID", "F"},
			{"creditSenderTokenID", "S"},
			{"settlementTokenID", "T"},
		},
		"no edited token": {{"status", "SU"}},
	} {
		got, err := offline(t).ParseReturn(t.Context(), returnURL(p))
		var unverified *holdfast.UnverifiedError
		if err == nil || errors.As(err, &unverified) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestParseReturnByAsking(t *testing.T) {
	f := newFakeServer(
		t,
		answerFor(testCaller, "Success"),
		answerFor("", "Failure"),
		answerError(http.StatusBadRequest, holdfast.InvalidParams, "urlEndPoint is an invalid URL"),
		answerNothing,
	)
	v := holdfast.Verifier{Client: f.client()}
	got, err := v.ParseReturn(t.Context(), returnURL(bareReturn))
	if err != nil || got.TokenID != testToken {
		t.Errorf("genuine: %+v, %v", got, err)
	}
	sent := sentParams(t, f.requests()[0], "/")
	_, query, _ := strings.Cut(returnURL(bareReturn), "?")
	if sent.Get("UrlEndPoint") != returnEndpoint || sent.Get("HttpParameters") != query {
		t.Errorf("asked %v", sent)
	}
	for _, tt := range []struct {
		name       string
		unanswered bool
	}{{"forged", false}, {"refused", false}, {"no answer", true}} {
		got, err := v.ParseReturn(t.Context(), returnURL(bareReturn))
		var unverified *holdfast.UnverifiedError
		if !errors.As(err, &unverified) || unverified.Unanswered != tt.unanswered || got.TokenID != "" {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	var unverified *holdfast.UnverifiedError
	if _, err := (holdfast.Verifier{CallerID: testCaller}).ParseReturn(t.Context(), returnURL(bareReturn)); !errors.As(err,
		&unverified) {
		t.Errorf("a verifier that can ask nobody: %v", err)
	}
}

func TestParseReturnAfterAKeyChange(t *testing.T) {
	old := &x509.Certificate{PublicKey: vectorKey(t)}
	v := holdfast.Verifier{CallerID: testCaller, Certificates: []*x509.Certificate{old, testCert(t)}}
	if got, err := v.ParseReturn(t.Context(), returnURL(bareReturn)); err != nil || got.TokenID != testToken {
		t.Errorf("got %+v, %v", got, err)
	}
}

// FuzzParseReturn changes a genuine URL in any way and checks that ParseReturn
// reads only signed values.
func FuzzParseReturn(f *testing.F) {
	genuine := returnURL(bareReturn)
	for _, suffix := range []string{"", "&", "&status=A", "#x", "&Signature=x", "&%73ignature=", "&a=%zz", "&tokenID=x"} {
		f.Add(suffix)
	}
	v := offline(f)
	f.Fuzz(func(t *testing.T, suffix string) {
		got, err := v.ParseReturn(t.Context(), genuine+suffix)
		if err != nil {
			return
		}
		got.Params = nil
		want := holdfast.Return{
			CallerID: testCaller, Status: "SC", TokenID: testToken, CallerReference: "cart-2001", Expiry: "10/2028",
		}
		if diff := compare.Diff(want, got); diff != "" {
			t.Errorf("%q (-signed +read):\n%s", suffix, diff)
		}
	})
}
