package cobranded_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func (s *site) allowV1() {
	s.t.Helper()
	s.change(func(c party.Caller) party.Caller { c.SignatureV1 = true; return c })
}

// oldOrder returns the parameters that an old program sends, without the
// signature.
func (s *site) oldOrder() holdfast.Params {
	return params("callerKey", s.Key.ID, "pipelineName", "SingleUse", "callerReference", "order-4711",
		"transactionAmount", "42.50", "paymentReason", "Two mugs & more", "returnUrl", shopURL, "version", "2009-01-09")
}

// Ways to sign by version 1: the parameter's name, and the text.
var oldWays = []struct {
	name, parameter string
	text            func(holdfast.Params) string
}{
	{"2009", "signature", holdfast.StringToSignV1},
	{"2009 as awsSignature", "awsSignature", holdfast.StringToSignV1},
	{"2007", "awsSignature", func(p holdfast.Params) string {
		return holdfast.StringToSign2007(holdfast.CoBrandedPath, p)
	}},
}

func (s *site) signedV1(parameter, text string, p holdfast.Params) holdfast.Params {
	s.t.Helper()
	signature, err := holdfast.SignHMAC(s.Key.Secret, holdfast.HmacSHA1, text)
	if err != nil {
		s.t.Fatal(err)
	}
	return append(p[:len(p):len(p)], holdfast.Param{Name: parameter, Value: signature})
}

// wantBackV1 fails the test unless the browser was sent to the shop with a
// status, signed by version 1.
func (s *site) wantBackV1(status holdfast.ReturnStatus) holdfast.Params {
	s.t.Helper()
	if s.at.back == nil {
		s.t.Fatalf("the browser is at %s with status %d, not sent back:\n%s", s.at.url, s.at.status, s.at.body)
	}
	got, err := holdfast.ParseParams(s.at.back.RawQuery)
	if err != nil {
		s.t.Fatal(err)
	}
	if !holdfast.VerifyV1(s.Key.Secret, got.Without("signature"), got.Get("signature")) {
		s.t.Errorf("the signature of %s is wrong", s.at.back)
	}
	for _, name := range []string{"signatureVersion", "signatureMethod", "certificateUrl", "awsSignature"} {
		if _, ok := got.Fold(name); ok {
			s.t.Errorf("%s has %s", s.at.back, name)
		}
	}
	if got.Get("status") != string(status) || got.Get("callerReference") != "order-4711" || got.Get("order") != "4711" {
		s.t.Errorf("the answer is %s, want status %s", s.at.back, status)
	}
	return got
}

func TestSignatureV1(t *testing.T) { holdfasttest.Databases(t, signatureV1) }

func signatureV1(t *testing.T, db *store.DB) {
	s := newSiteOn(t, db)
	s.allowV1()
	p := s.oldOrder()
	link := s.server.URL + holdfast.CoBrandedPath + "?" + s.signedV1("signature", holdfast.StringToSignV1(p), p).Encode()
	s.get(link)
	s.signIn()
	s.submit()
	got := s.wantBackV1(holdfast.ReturnSuccessCC)
	if s.token(holdfast.TokenID(got.Get("tokenID"))).Amount != usd("42.50") ||
		got.Get("paymentReason") != "Two mugs & more" {
		t.Errorf("the answer is %s", s.at.back)
	}
	verifier := holdfasttest.Verifier(s.Shop.ID)
	if _, err := verifier.ParseReturn(t.Context(), s.at.back.String()); err == nil {
		t.Error("a version 1 signature is accepted as version 2")
	}
	// The reference is used, and the refusal is signed by version 1, too.
	s.post(s.server.URL+holdfast.CoBrandedPath, s.signedV1("signature", holdfast.StringToSignV1(p), p))
	s.wantBackV1(holdfast.ReturnCallerError)
	// The same caller can also use version 2.
	s.get(s.link(order()))
	s.wantBack(holdfast.ReturnCallerError)
}

// The answer is signed by the key of the request. If that key was replaced and has
// ended meanwhile, it is signed by the new one.
func TestSignatureV1OfAKeyThatEnded(t *testing.T) {
	s := newSite(t)
	s.allowV1()
	p := s.oldOrder()
	s.get(s.server.URL + holdfast.CoBrandedPath + "?" + s.signedV1("signature", holdfast.StringToSignV1(p), p).Encode())
	s.signIn()
	_, second, err := s.Processor.RotateAccessKey(t.Context(), s.Key.ID, 0)
	if err != nil {
		t.Fatal(err)
	}
	s.submit()
	s.Key = second
	s.wantBackV1(holdfast.ReturnSuccessCC)
}

func TestSignatureV1Ways(t *testing.T) {
	for _, way := range oldWays {
		t.Run(way.name, func(t *testing.T) {
			s := newSite(t)
			s.allowV1()
			s.change(func(c party.Caller) party.Caller { c.BareReturn = true; return c })
			p := s.oldOrder()
			signed := s.signedV1(way.parameter, way.text(p), p)
			slices.Reverse(signed)
			s.post(s.server.URL+holdfast.CoBrandedPath, signed)
			s.signIn()
			s.submit()
			var names []string
			for _, p := range s.wantBackV1(holdfast.ReturnSuccessCC) {
				names = append(names, p.Name)
			}
			if diff := cmp.Diff([]string{"order", "signature", "expiry", "tokenID", "status", "callerReference"},
				names); diff != "" {
				t.Errorf("parameters in order (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSignatureV1Cancelled(t *testing.T) {
	s := newSite(t)
	s.allowV1()
	p := s.oldOrder()
	s.get(s.server.URL + holdfast.CoBrandedPath + "?" + s.signedV1("signature", holdfast.StringToSignV1(p), p).Encode())
	s.press("cancel")
	s.wantBackV1(holdfast.ReturnAbandoned)
}

func TestSignatureV1Vectors(t *testing.T) {
	s := newSite(t)
	s.allowV1()
	for id, secret := range map[string]string{
		"FPSTESTACCESSKEY0001": "fps-test-secret-0123456789abcdefghijklmn", "this-is-a-fake-id": "this-is-a-fake-key",
	} {
		key := party.AccessKey{ID: id, Secret: holdfast.NewSecretKey(secret), Caller: s.Shop.ID}
		if err := s.DB.Update(t.Context(),
			func(tx *store.Tx) error { return tx.InsertAccessKey(key) }); err != nil {
			t.Fatal(err)
		}
	}
	setC := params("callerKey", "FPSTESTACCESSKEY0001", "callerReference", "cart-2001", "collectShippingAddress", "True",
		"currencyCode", "USD", "itemTotal", "10.00", "paymentMethod", "ABT,ACH,CC", "paymentReason", "One <b>mug</b>",
		"pipelineName", "SingleUse", "returnURL", "http://shop.example.test:8080/return?session=42", "shipping", "2.50",
		"transactionAmount", "12.50", "version", "2009-01-09")
	divvy := params("callerKey", "this-is-a-fake-id", "callerReference", "my-caller-reference", "pipelineName",
		"SingleUse",
		"returnUrl", "http://www.mysite.com/thanks/for/the/order", "transactionAmount", "3.14", "version", "2009-01-09")
	setC, divvy = slices.Clip(setC), slices.Clip(divvy) // each row gets its own
	for name, row := range map[string]struct {
		p    holdfast.Params
		good bool
	}{
		"row 13":                 {append(setC, params("signature", "DSL0di0/ul0tIzUMK9PQcttCWR4=")...), true},
		"row 13 as awsSignature": {append(setC, params("awsSignature", "DSL0di0/ul0tIzUMK9PQcttCWR4=")...), true},
		"row 14":                 {append(setC, params("awsSignature", "exGwzcUYKmWIV4uw7AXGyH4rxIY=")...), true},
		"row 14 as signature":    {append(setC, params("signature", "exGwzcUYKmWIV4uw7AXGyH4rxIY=")...), false},
		"row 10 without its version": {
			append(setC, params("signature", "iVQhA6VzY9DrSAiu5vFVZkrrSyCCQpdKEHryBPx2Dls=")...),
			false,
		},
		"divvy": {append(divvy, params("signature", "DI3/fkEGuBzxo0gf8Sp6WQD79ks=")...), true},
		"divvy, another amount": {append(divvy.Without("transactionAmount"),
			params("transactionAmount", "0.01", "signature", "DI3/fkEGuBzxo0gf8Sp6WQD79ks=")...), false},
	} {
		t.Logf("%s", name)
		for _, verb := range []string{http.MethodGet, http.MethodPost} {
			if verb == http.MethodGet {
				s.get(s.server.URL + holdfast.CoBrandedPath + "?" + row.p.Encode())
			} else {
				s.post(s.server.URL+holdfast.CoBrandedPath, row.p)
			}
			if row.good {
				s.wantPage("sign-in")
			} else {
				s.wantInvalid("Invalid Signature")
			}
		}
	}
}

// Anybody who has seen a link of a caller can send it as a version 1 link,
// again and again. The log gets one line an hour.
func TestRefusedLinksCannotFillTheLog(t *testing.T) {
	s := newSite(t)
	p := s.oldOrder()
	link := s.server.URL + holdfast.CoBrandedPath + "?" + s.signedV1("signature", holdfast.StringToSignV1(p), p).Encode()
	for hours := range 3 {
		for range 20 {
			s.get(link)
			s.wantText("--signature-v1") // the page tells sandbox callers each time
		}
		if got := strings.Count(s.log.String(), "\n"); got != hours+1 {
			t.Errorf("after %d hours the log has %d lines:\n%s", hours, got, s.log)
		}
		s.Clock.Advance(time.Hour)
	}
}

func TestSignatureV1Refused(t *testing.T) {
	const absent = "The following input(s) are either invalid or absent:"
	signed := func(s *site) holdfast.Params {
		p := s.oldOrder()
		return s.signedV1("signature", holdfast.StringToSignV1(p), p)
	}
	for _, row := range []struct {
		name    string
		off     bool
		request func(*site) holdfast.Params
		reason  string
		hint    string
	}{
		{
			name: "not allowed", off: true, request: signed, reason: absent + "[signatureVersion, signatureMethod]",
			hint: "--signature-v1",
		},
		{name: "awsSignature not allowed", off: true, request: func(s *site) holdfast.Params {
			p := s.oldOrder()
			return s.signedV1("awsSignature", holdfast.StringToSignV1(p), p)
		}, reason: absent + "[signature, signatureVersion, signatureMethod]", hint: "--signature-v1"},
		{name: "version 0", request: func(s *site) holdfast.Params {
			return append(signed(s), params("signatureVersion", "0", "signatureMethod", "HmacSHA1")...)
		}, reason: absent + "[signatureVersion]"},
		{name: "no signature", request: func(s *site) holdfast.Params { return s.oldOrder() }, reason: absent +
			"[signature, signatureVersion, signatureMethod]"},
		{name: "two signatures", request: func(s *site) holdfast.Params {
			return append(signed(s), params("awsSignature", signed(s).Get("signature"))...)
		}, reason: absent + "[signatureVersion, signatureMethod]"},
		{
			name: "no returnURL", request: func(s *site) holdfast.Params { return signed(s).Without("returnURL") },
			reason: absent + "[returnURL, signatureVersion, signatureMethod]",
		},
		{name: "unknown pipeline", request: func(s *site) holdfast.Params {
			return append(signed(s).Without("pipelineName"), params("pipelineName", "Lottery")...)
		}, reason: absent + "[signatureVersion, signatureMethod]"},
		{name: "tampered", request: func(s *site) holdfast.Params {
			return append(signed(s).Without("transactionAmount"), params("transactionAmount", "0.01")...)
		}, reason: "Invalid Signature"},
		{name: "sent as version 2", request: func(s *site) holdfast.Params {
			return append(signed(s), params("signatureVersion", "2", "signatureMethod", "HmacSHA1")...)
		}, reason: "Invalid Signature"},
		{name: "separators", request: func(s *site) holdfast.Params {
			p := s.oldOrder()
			return s.signedV1("signature", strings.TrimPrefix(holdfast.StringToSign2007("/", p), "/?"), p)
		}, reason: "Invalid Signature", hint: "= and & between names and values"},
	} {
		t.Run(row.name, func(t *testing.T) {
			s := newSite(t)
			if !row.off {
				s.allowV1()
			}
			s.get(s.server.URL + holdfast.CoBrandedPath + "?" + row.request(s).Encode())
			s.wantInvalid(row.reason)
			if row.hint != "" {
				s.wantText(row.hint)
			}
			if logged := strings.Contains(s.log.String(), "holdfast caller set --caller "+string(s.Shop.ID)+
				" --signature-v1"); logged != row.off {
				t.Errorf("the log names the flag: %v\n%s", logged, s.log)
			}
		})
	}
}

// The answer does not reveal whether a live caller exists and may use version
// 1, unless the signature is valid.
func TestSignatureV1TellsNothingOfLiveCallers(t *testing.T) {
	s := newSite(t)
	_, key, err := s.Processor.CreateCaller(t.Context(), processor.NewCaller{
		Owner: s.Owner.ID, Name: "Live", SignatureV1: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := make(map[string]string)
	for _, id := range []string{key.ID, "HFAAAAAAAAAAAAAAAAAA"} {
		p := append(s.oldOrder().Without("callerKey"),
			params("callerKey", id, "signature", "DSL0di0/ul0tIzUMK9PQcttCWR4=")...)
		s.get(s.server.URL + holdfast.CoBrandedPath + "?" + p.Encode())
		s.wantInvalid("The following input(s) are either invalid or absent:[signatureVersion, signatureMethod]")
		answers[s.at.body] = id
	}
	if len(answers) != 1 {
		t.Error("the two answers differ")
	}
}

// A live caller that may not use version 1 gets the same answer as an unknown
// caller. The operator finds the reason in the log.
func TestSignatureV1IsNotNamedToLiveCallers(t *testing.T) {
	s := newSite(t)
	live, key, err := s.Processor.CreateCaller(t.Context(), processor.NewCaller{Owner: s.Owner.ID, Name: "Live"})
	if err != nil {
		t.Fatal(err)
	}
	p := append(s.oldOrder().Without("callerKey"),
		params("callerKey", key.ID, "signature", "DSL0di0/ul0tIzUMK9PQcttCWR4=")...)
	s.get(s.server.URL + holdfast.CoBrandedPath + "?" + p.Encode())
	s.wantInvalid("The following input(s) are either invalid or absent:[signatureVersion, signatureMethod]")
	if strings.Contains(s.at.body, "signature-v1") ||
		!strings.Contains(s.log.String(), "--caller "+string(live.ID)+" --signature-v1") {
		t.Errorf("the page is %s\nthe log is %s", s.at.body, s.log)
	}
}
