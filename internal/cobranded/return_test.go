package cobranded_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// reserved has all names that only the server may put into a message. The list
// is written out here, so that the test notices a name that is missing in the
// code.
var reserved = []string{
	"signature", "signatureVersion", "signatureMethod", "certificateUrl", "callerId",
	"status", "expiry", "errorMessage", "buyerEmailAddress",
	"tokenID", "refundTokenID", "prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID",
	"creditInstrumentID", "creditSenderTokenID", "settlementTokenID",
	"notificationType", "transactionId", "transactionDate", "transactionStatus", "statusCode", "statusMessage",
	"operation", "parentTransactionId", "buyerName", "buyerEmail", "recipientName", "recipientEmail", "customerName",
	"customerEmail", "tokenType", "dateInstalled", "tokenId",
}

// spellings returns spellings of a name that are the same to a reader who
// ignores case.
func spellings(name string) []string {
	return []string{name, strings.ToUpper(name), strings.ToLower(name), strings.ToUpper(name[:1]) + name[1:]}
}

// singleUse returns a request as an old program makes it.
func singleUse(reference, returnURL string) holdfast.Params {
	return params("pipelineName", "SingleUse", "callerReference", reference, "transactionAmount", "5", "reserve", "True",
		"version", "2009-01-09", "returnURL", returnURL)
}

func TestReturnURLHasNoReservedName(t *testing.T) {
	s := newSite(t)
	s.allowV1()
	for _, name := range reserved {
		for _, spelt := range spellings(name) {
			s.get(s.signed(singleUse("order-4711", shopURL+"&"+spelt+"=x")))
			s.wantInvalid("The following input(s) are either invalid or absent:[returnURL]")
		}
		p := append(s.oldOrder().Without("returnUrl"), params("returnUrl", shopURL+"&"+name+"=x")...)
		s.get(s.server.URL + holdfast.CoBrandedPath + "?" + s.signedV1("signature", holdfast.StringToSignV1(p), p).Encode())
		s.wantInvalid("The following input(s) are either invalid or absent:[returnURL]")
	}
	// Names that only resemble reserved ones may be used.
	s.get(s.signed(singleUse("order-4711", shopURL+"&my_status=x&transaction=7&callerReference=mine&paymentMethod=card")))
	s.wantPage("sign-in")
}

// A request's parameters with reserved names are ignored and never returned.
// With the server's signature, they would look like statements of the server.
func TestReservedNamesDoNotComeBack(t *testing.T) {
	for _, way := range []string{"version 2", "version 1"} {
		t.Run(way, func(t *testing.T) {
			s := newSite(t)
			s.allowV1()
			var strays holdfast.Params
			for _, name := range reserved {
				if strings.HasPrefix(name, "signature") {
					continue // these are the request's own
				}
				for i, spelt := range spellings(name) {
					if !slices.ContainsFunc(strays, func(p holdfast.Param) bool { return p.Name == spelt }) {
						strays = append(strays, holdfast.Param{Name: spelt, Value: "stray" + string(rune('0'+i))})
					}
				}
			}
			strays = append(strays, params("CallerReference", "stray", "Note", "kept")...)
			if way == "version 2" {
				s.get(s.signed(append(append(singleUse("order-4711", shopURL), params("paymentReason", "Mugs")...), strays...)))
			} else {
				p := append(s.oldOrder(), strays...)
				s.get(s.server.URL + holdfast.CoBrandedPath + "?" + s.signedV1("signature", holdfast.StringToSignV1(p), p).Encode())
			}
			s.signIn()
			s.submit()
			var got holdfast.Params
			if way == "version 2" {
				back := s.wantBack(holdfast.ReturnSuccessCC)
				if got = back.Params; back.CallerID != s.Shop.ID {
					t.Errorf("the answer is for %q", back.CallerID)
				}
			} else {
				got = s.wantBackV1(holdfast.ReturnSuccessCC)
				if _, named := got.Fold(holdfast.CallerField); named {
					t.Error("version 1 names a caller: its key is the caller's own")
				}
			}
			for _, p := range got {
				if strings.HasPrefix(p.Value, "stray") {
					t.Errorf("%s=%s came back signed", p.Name, p.Value)
				}
			}
			for _, name := range slices.Concat(reserved, []string{"callerReference"}) {
				if n := len(got) - len(got.Without(name)); n > 1 {
					t.Errorf("%s is %d times in %s", name, n, s.at.back)
				}
			}
			if got.Get("Note") != "kept" {
				t.Error("a parameter that the pipeline does not know is lost")
			}
		})
	}
}

// The field comes after the recorded fields, where no old parser looks.
func TestReturnNamesItsCaller(t *testing.T) {
	s := newSite(t)
	s.change(func(c party.Caller) party.Caller { c.BareReturn = true; return c })
	s.get(s.signed(singleUse("order-4711", shopURL)))
	s.press("cancel")
	back := s.wantBack(holdfast.ReturnAbandoned)
	last := back.Params[len(back.Params)-1]
	if want := (holdfast.Param{Name: "callerId", Value: string(s.Shop.ID)}); last != want {
		t.Errorf("the last parameter is %v, want %v", last, want)
	}
}
