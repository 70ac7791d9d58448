package queryapi_test

import (
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Problems that developers had with FPS's API, by the row of our list of
// pitfalls, and how this server avoids each. Rows about pages, notifications or
// TLS are not here.
func TestPitfalls(t *testing.T) {
	for name, meet := range map[string]func(*testing.T, *world){
		"1: blanks as plus, * not encoded, ~ encoded":       pitfallEncoding,
		"2: hexadecimal digits in base64":                   pitfallHexadecimal,
		"3: signatureMethod forgotten":                      pitfallMethodForgotten,
		"4: line feeds, verb, slash":                        pitfallText,
		"5: host with and without port":                     pitfallHost,
		"6: the server is under a prefix":                   pitfallPrefix,
		"7: tokenID, tokenId, TokenId":                      pitfallTokenID,
		"9: localhost in VerifySignature":                   pitfallLocalhost,
		"10: VerifySignature says Failure and nothing more": pitfallVerification,
		"11: version 1 is no longer accepted":               pitfallVersion1,
		"12: parameters of 2007, and None for a token":      pitfallOldNames,
		"13: an amount with its currency's sign":            pitfallAmount,
		"14: a marketplace's parameters":                    pitfallMarketplace,
		"17: a reference used again":                        pitfallReference,
		"21: references that are numbers":                   pitfallNumbers,
		"23: the namespace is the Version's":                pitfallNamespace,
		"24: unknown error codes crash clients":             pitfallCodes,
		"25: offsets, fractions, and clocks that are wrong": pitfallClock,
		"26: a plus in the signature, not encoded":          pitfallPlus,
		"28: settled too late":                              pitfallTooLate,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.arrange("token A\ntoken R use=Receive type=Unrestricted caller=CMARKET holder=PSELL")
			meet(t, w)
		})
	}
}

// lookUp are parameters of a request that changes nothing, not yet signed.
func (w *world) lookUp(more ...holdfast.Param) holdfast.Params {
	w.t.Helper()
	p := append(holdfast.Params{
		{Name: "Action", Value: "GetTokenByCaller"}, {Name: "TokenId", Value: string(tokenID("A"))},
	}, more...)
	return w.signed(http.MethodPost, "/", "shop", p, "Signature")
}

func (w *world) post(p holdfast.Params, more ...holdfast.Param) *httptest.ResponseRecorder {
	w.t.Helper()
	return w.exchange(http.MethodPost, "/", append(p[:len(p):len(p)], more...))
}

// ask signs and sends an action with parameters "name=value".
func (w *world) ask(action string, pairs ...string) *httptest.ResponseRecorder {
	w.t.Helper()
	p := holdfast.Params{{Name: "Action", Value: action}}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		p = append(p, holdfast.Param{Name: name, Value: value})
	}
	return w.post(w.signed(http.MethodPost, "/", "shop", p))
}

func want(t *testing.T, answer *httptest.ResponseRecorder, status int, parts ...string) {
	t.Helper()
	all := answer.Body.String()
	for name, values := range answer.Header() {
		all += "\n" + name + ": " + strings.Join(values, " ")
	}
	for _, part := range parts {
		if answer.Code != status || !strings.Contains(all, part) {
			t.Errorf("answered %d %s, want %d and %q", answer.Code, all, status, part)
		}
	}
}

func (w *world) mac(text string) holdfast.Param {
	w.t.Helper()
	signature, err := holdfast.SignHMAC(holdfast.NewSecretKey(secret), holdfast.HmacSHA256, text)
	if err != nil {
		w.t.Fatal(err)
	}
	return holdfast.Param{Name: "Signature", Value: signature}
}

func pitfallEncoding(t *testing.T, w *world) {
	p := w.signed("POST", "/", "shop",
		holdfast.Params{{Name: "Action", Value: "Cancel"}, {Name: "Description", Value: "a b*c~d"}}, "Signature")
	text := holdfast.StringToSign("POST", testHost, "/", p)
	want(t, w.post(p, w.mac(strings.ReplaceAll(text, "%20", "+"))), 403, "InvalidSignature", "blanks written as +")
	want(t, w.post(p, w.mac(strings.ReplaceAll(text, "%2A", "*"))), 403, "InvalidSignature", "* left as it is")
	want(t, w.post(p, w.mac(strings.ReplaceAll(text, "~", "%7E"))), 403, "InvalidSignature", "~ encoded")
}

func pitfallHexadecimal(t *testing.T, w *world) {
	p := w.lookUp()
	right := w.mac(holdfast.StringToSign("POST", testHost, "/", p))
	sum, err := base64.StdEncoding.DecodeString(right.Value)
	if err != nil {
		t.Fatal(err)
	}
	wrong := base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum)))
	want(t, w.post(p, holdfast.Param{Name: "Signature", Value: wrong}), 403, "InvalidSignature",
		"base64 of hexadecimal digits")
}

func pitfallMethodForgotten(t *testing.T, w *world) {
	p := w.lookUp().Without("SignatureMethod")
	want(t, w.post(p, holdfast.Param{Name: "Signature", Value: "AAAA"}), 403, "AuthFailure", "SignatureMethod is missing.")
}

func pitfallText(t *testing.T, w *world) {
	p := w.lookUp()
	text := holdfast.StringToSign("POST", testHost, "/", p)
	want(t, w.post(p, w.mac(strings.ReplaceAll(text, "\n", ""))), 403, "without the line feeds")
	want(t, w.post(p, w.mac(strings.Replace(text, "POST", "GET", 1))), 403, "the other verb")
	want(t, w.post(p, w.mac(strings.Replace(text, "\n/\n", "\n\n", 1))), 403, "without the path")
}

func pitfallHost(t *testing.T, w *world) {
	w.server.Hosts = []string{"pay.example.test:8443"}
	for _, host := range []string{testHost, "pay.example.test", "pay.example.test:8443", "fps.amazonaws.com"} {
		p := w.lookUp()
		want(t, w.post(p, w.mac(holdfast.StringToSign("POST", host, "/", p))), 200, "TokenStatus")
	}
	p := w.lookUp()
	want(t, w.post(p, w.mac(holdfast.StringToSign("POST", "elsewhere.test", "/", p))), 403, "InvalidSignature")
}

func pitfallPrefix(t *testing.T, w *world) {
	w.server.Paths = []string{"/fps/"}
	for _, signed := range []string{"/", "/fps/"} {
		for _, sent := range []string{"/", "/fps/"} {
			p := w.lookUp()
			p = append(p, w.mac(holdfast.StringToSign("POST", testHost, signed, p)))
			want(t, w.exchange(http.MethodPost, sent, p), 200, "TokenStatus")
		}
	}
	want(t, w.exchange(http.MethodPost, "/fps", w.lookUp()), 404, "InvalidRequest")
}

func pitfallTokenID(t *testing.T, w *world) {
	for _, name := range []string{"TokenId", "tokenId", "tokenID", "TokenID"} {
		want(t, w.ask("GetTokenByCaller", name+"="+string(tokenID("A"))), 200, "<TokenId>"+string(tokenID("A"))+"</TokenId>")
	}
}

func pitfallLocalhost(t *testing.T, w *world) {
	for _, host := range []string{"localhost:8080", "127.0.0.1:8080"} {
		answer := w.ask("VerifySignature", "UrlEndPoint=http://"+host+"/return", "HttpParameters="+verifiable)
		want(t, answer, 200, "<VerificationStatus>Failure</VerificationStatus>")
		if strings.Contains(answer.Body.String(), "invalid URL") {
			t.Errorf("%s is refused", host)
		}
	}
}

// verifiable are the parameters of a message that the published key signed, sent
// to verifiableAt.
const (
	verifiableAt = "http://shop.example.test/ipn"
	verifiable   = "buyerEmail=ann%2Btest%40example.test&buyerName=Ann%20Buyer&callerReference=order-1001&" +
		"certificateUrl=https%3A%2F%2Ffps.sandbox.amazonaws.com%2Fcerts%2F090911%2FPKICert.pem%3FrequestId%3Dabc123&" +
		"notificationType=TransactionStatus&operation=PAY&paymentMethod=CC&paymentReason=One%20mug&" +
		"recipientEmail=shop%40example.test&recipientName=Shop%20Inc&signatureMethod=RSA-SHA1&signatureVersion=2&" +
		"statusCode=Success&" +
		"statusMessage=The%20transaction%20was%20successful%20and%20the%20payment%20instrument%20was%20charged.&" +
		"transactionAmount=USD%2012.50&transactionDate=1795428930&transactionId=14TESTTXN00000000000000000000000P01&" +
		"transactionStatus=SUCCESS&" +
		"signature=Wa8SgHWbfaxN5LUjRHLAHLkbZ7NaXDuAtjooeHTO%2FGw3jtrgIZeyNIAVZjpid6xWgcf2cuvXYGuvngLDn1%2FoIjHJFVC4qCdx6kfZGUE%2BpngTpKLQUacEkbtW%2BWgzyjdgro4qQ5qUggQa2V2xcGrfzBNHD7EFFAtjJ%2F7prdrsqsP8phOmpND2zypMiWQ6JlWIkH%2BB5RGRGT1fBzoSG7ixvAio5LRbx0Pn4CB0gx7x%2FD%2BEcB4qF3s9tUaayWLfNGWvFTKzMJ94LYtOwg4%2F%2Bm5C71NfL9tTrXQa0Pd7m3M9KyQfbxTPjv1u%2BGwV3svN5UxXN7glI0ZouZC1Nkd2Ht1JAg%3D%3D"
)

func pitfallVerification(t *testing.T, w *world) {
	const failure = "<VerificationStatus>Failure</VerificationStatus>"
	for _, row := range []struct{ at, params, hint string }{
		{verifiableAt + "/", verifiable, "without the slash at the end"},
		{verifiableAt, verifiable + "&utm_source=mail", "without the parameter utm_source"},
		{verifiableAt, strings.Replace(verifiable, "Ann%20Buyer", "Ann%2520Buyer", 1), "decoded once more"},
		{verifiableAt, strings.Replace(verifiable, "Ann%20Buyer", "Ann%20Buyer%20", 1), "without the blanks"},
		{"http://shop.example.test:8080/ipn", verifiable, "without the port"},
		{"http://other.example.test/ipn", verifiable, "No usual change"},
	} {
		want(t, w.ask("VerifySignature", "UrlEndPoint="+row.at, "HttpParameters="+row.params), 200, failure, row.hint)
		unsigned := w.exchange(http.MethodPost, "/", holdfast.Params{
			{Name: "Action", Value: "VerifySignature"},
			{Name: "UrlEndPoint", Value: row.at},
			{Name: "HttpParameters", Value: row.params},
		})
		want(t, unsigned, 200, failure)
		if hint := unsigned.Header().Get("Holdfast-Verification-Hint"); hint != "" {
			t.Errorf("somebody who did not sign is told %q", hint)
		}
	}
	answer := w.ask("VerifySignature", "UrlEndPoint="+verifiableAt, "HttpParameters="+verifiable)
	want(t, answer, 200, "<VerificationStatus>Success</VerificationStatus>")
	if hint := answer.Header().Get("Holdfast-Verification-Hint"); hint != "" {
		t.Errorf("a success is explained: %q", hint)
	}
}

func pitfallVersion1(t *testing.T, w *world) {
	p := w.lookUp().Without("SignatureVersion")
	answer := w.post(p, holdfast.Param{Name: "SignatureVersion", Value: "1"}, holdfast.Param{
		Name: "Signature", Value: "AAAA",
	})
	want(t, answer, 403, "AuthFailure", "use version 2")
}

func pitfallOldNames(t *testing.T, w *world) {
	want(t, w.ask("Pay", "SenderTokenId=None", "CallerReference=r", "TransactionAmount.CurrencyCode=USD",
		"TransactionAmount.Amount=5.00"),
		400, "Parameter TransactionAmount.Amount is of version 2007-01-08", "TransactionAmount.Value")
	want(t, w.ask("Pay", "SenderTokenId=None", "CallerReference=r", "TransactionAmount.CurrencyCode=USD",
		"TransactionAmount.Value=5.00"),
		400, "InvalidTokenId_Sender", "senderTokenId", "None")
}

func pitfallAmount(t *testing.T, w *world) {
	for _, value := range []string{"$5.00", "5.000", "5,00", "-5", "5 USD"} {
		want(t, w.ask("Pay", "SenderTokenId="+string(tokenID("A")), "CallerReference=r", "TransactionAmount.CurrencyCode=USD",
			"TransactionAmount.Value="+value),
			400, "InvalidParams", "transactionAmount.Value has to be digits with at most two decimals, such as 12.50, without "+
				"sign, exponent or currency")
	}
}

func pitfallMarketplace(t *testing.T, w *world) {
	want(t, w.ask("Pay", "SenderTokenId="+string(tokenID("A")), "CallerReference=r", "TransactionAmount.CurrencyCode=USD",
		"TransactionAmount.Value=5", "MarketplaceVariableFee=5", "RecipientTokenId="+string(tokenID("R"))), 400,
		"NotMarketplaceApp", "not registered as a marketplace")
}

func pitfallReference(t *testing.T, w *world) {
	pay := func(amount string) *httptest.ResponseRecorder {
		return w.ask("Pay", "SenderTokenId="+string(tokenID("A")), "CallerReference=r", "TransactionAmount.CurrencyCode=USD",
			"TransactionAmount.Value="+amount)
	}
	first := pay("5.00")
	want(t, first, 200, "Success")
	want(t, pay("5.00"), 200,
		first.Body.String()[strings.Index(first.Body.String(), "<PayResult>"):strings.Index(first.Body.String(),
			"<RequestId>")])
	want(t, pay("5.01"), 400, "DuplicateRequest", "was used for a different request")
}

func pitfallNumbers(t *testing.T, w *world) {
	for i, reference := range []string{"0012", " 12 ", "1e3", "Ünïcode-☃"} {
		name := string(rune('B' + i))
		w.arrange("token " + name)
		want(t, w.ask("Pay", "SenderTokenId="+string(tokenID(name)), "CallerReference="+reference,
			"TransactionAmount.CurrencyCode=USD", "TransactionAmount.Value=5"), 200, "Success")
		want(t, w.ask("GetTransactionStatus", "TransactionId="+string(transactionID(i+1))), 200, "<CallerReference>"+
			reference+"</CallerReference>")
	}
}

func pitfallNamespace(t *testing.T, w *world) {
	for version, namespace := range map[string]string{
		"2008-09-17": "2008-09-17", "2010-08-28": "2010-08-28", "2011-09-20": "2010-08-28",
	} {
		want(t, w.ask("GetTokenByCaller", "TokenId="+string(tokenID("A")), "Version="+version),
			200, `<GetTokenByCallerResponse xmlns="http://fps.amazonaws.com/doc/`+namespace+`/">`)
	}
}

// pitfallCodes are codes that a server might easily invent. Every code in a
// story's answer is documented (TestGoldenCoversEveryCode).
func pitfallCodes(t *testing.T, w *world) {
	want(t, w.ask("Steal"), 400, "<Code>InvalidRequest</Code>")
	want(t, w.ask("GetTokenByCaller", "Version=1999-01-01"), 400, "<Code>InvalidRequest</Code>")
	want(t, w.ask("GetTransaction"), 400, "<Code>InvalidParams</Code>")
	want(t, w.exchange(http.MethodPut, "/", nil), 405, "<Code>InvalidRequest</Code>")
}

func pitfallClock(t *testing.T, w *world) {
	for _, timestamp := range []string{
		"2026-11-23T02:15:30-08:00", "2026-11-23T10:15:30.123456Z", "2026-11-23T15:45:30+0530",
	} {
		want(t, w.ask("GetTokenByCaller", "TokenId="+string(tokenID("A")), "Timestamp="+timestamp), 200, "TokenStatus")
	}
	want(t, w.ask("GetTokenByCaller", "TokenId="+string(tokenID("A")), "Timestamp=2026-11-23T02:15:30Z"), 400,
		"RequestExpired", "Request has expired. Timestamp date is 2026-11-23T02:15:30.000Z",
		"here it is 2026-11-23T10:15:30.044Z", "Holdfast-Time: 2026-11-23T10:15:30.044Z")
}

func pitfallPlus(t *testing.T, w *world) {
	for range 50 {
		w.wait(1e9)
		p := w.lookUp()
		signature := w.mac(holdfast.StringToSign("POST", testHost, "/", p))
		if !strings.Contains(signature.Value, "+") {
			continue
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+testHost+"/",
			strings.NewReader(p.Encode()+"&Signature="+strings.ReplaceAll(url.QueryEscape(signature.Value), "%2B", "+")))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		want(t, answer, 200, "TokenStatus")
		return
	}
	t.Fatal("no signature had a plus in it")
}

func pitfallTooLate(t *testing.T, w *world) {
	want(t, w.ask("Reserve", "SenderTokenId="+string(tokenID("A")), "CallerReference=r",
		"TransactionAmount.CurrencyCode=USD", "TransactionAmount.Value=5"),
		200, "Reserved", "Holdfast-Deadline: 2026-11-30T10:15:30.044Z")
	w.wait(payment.ReserveLifeMax)
	want(t, w.ask("Settle", "ReserveTransactionId="+string(transactionID(1))), 400, "InvalidTransactionState",
		"its deadline was 2026-11-30T10:15:30.044Z and the amount was released")
	want(t, w.ask("GetTransactionStatus", "TransactionId="+string(transactionID(1))), 200,
		"<TransactionStatus>Cancelled</TransactionStatus>", "<StatusCode>Expired</StatusCode>")
}
