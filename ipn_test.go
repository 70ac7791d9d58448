package holdfast_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
	"github.com/holdfast-pay/holdfast/money"
)

const ipnEndpoint = "https://shop.example.test/ipn"

var reservedIPN = holdfast.Params{
	{"transactionId", testID},
	{"transactionDate", "1795428930"},
	{"transactionStatus", "RESERVED"},
	{"statusCode", "Success"},
	{"statusMessage", "The amount is reserved."},
	{"notificationType", "TransactionStatus"},
	{"callerReference", "order-1001"},
	{"operation", "RESERVE"},
	{"transactionAmount", "USD 12.50"},
	{"buyerName", "Ann Buyer"},
	{"buyerEmail", "ann+test@example.test"},
	{"paymentMethod", "CC"},
	{"paymentReason", "One mug"},
	{"recipientName", "Shop Inc"},
	{"recipientEmail", "shop@example.test"},
}

func changed(p holdfast.Params, name, value string) holdfast.Params {
	return append(p.Without(name), holdfast.Param{Name: name, Value: value})
}

func TestParseIPN(t *testing.T) {
	got, err := offline(t).ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, reservedIPN)))
	if err != nil {
		t.Fatal(err)
	}
	if got.Params.Get("certificateUrl") != certURL {
		t.Errorf("parameters: %v", got.Params)
	}
	got.Params = nil
	want := holdfast.Notification{
		CallerID: testCaller, Type: "TransactionStatus", TransactionID: testID,
		TransactionDate: time.Unix(1795428930, 0).UTC(), Status: holdfast.StatusReserved, StatusCode: holdfast.CodeSuccess,
		StatusMessage: "The amount is reserved.", Operation: "RESERVE", PaymentMethod: holdfast.MethodCC,
		PaymentReason: "One mug", Amount: money.Cents(1250),
		CallerReference: "order-1001", BuyerName: "Ann Buyer", BuyerEmail: "ann+test@example.test",
		RecipientName: "Shop Inc", RecipientEmail: "shop@example.test",
	}
	if diff := compare.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestParseIPNWords(t *testing.T) {
	for word, want := range map[string]holdfast.TransactionStatus{
		"SUCCESS": "Success", "FAILURE": "Failure", "PENDING": "Pending", "INITIATED": "Pending", "RESERVED": "Reserved",
		"CANCELLED": "Cancelled",
	} {
		for _, name := range []string{"transactionStatus", "status"} {
			p := append(reservedIPN.Without("transactionStatus"), holdfast.Param{Name: name, Value: word})
			got, err := offline(t).ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, p)))
			if err != nil || got.Status != want {
				t.Errorf("%s=%s: %q, %v", name, word, got.Status, err)
			}
		}
	}
	older := append(reservedIPN.Without("buyerName").Without("buyerEmail"),
		holdfast.Params{{"customerName", "Ann"}, {"customerEmail", "a@b.test"}}...)
	got, err := offline(t).ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, older)))
	if err != nil || got.BuyerName != "Ann" || got.BuyerEmail != "a@b.test" {
		t.Errorf("customer for buyer: %+v, %v", got, err)
	}
	token := holdfast.Params{
		{"notificationType", "TokenCancellation"}, {"tokenId", testToken}, {"dateInstalled", "Sep 27, 2009"},
	}
	got, err = offline(t).ParseIPN(t.Context(), ipnEndpoint, []byte(signMessage("POST", ipnEndpoint, token)))
	if err != nil || got.Type != "TokenCancellation" || got.Params.Get("tokenId") != testToken || got.Amount.Given() ||
		!got.TransactionDate.IsZero() {
		t.Errorf("token notice: %+v, %v", got, err)
	}
}

func TestParseIPNSentToAnAddressWithAQuery(t *testing.T) {
	body := signMessage("POST", ipnEndpoint, reservedIPN)
	got, err := offline(t).ParseIPN(t.Context(), ipnEndpoint+"?shop=7&transactionStatus=FAILURE", []byte(body))
	if err != nil || got.Status != holdfast.StatusReserved || got.Params.Get("shop") != "" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestParseIPNRefuses(t *testing.T) {
	genuine := signMessage("POST", ipnEndpoint, reservedIPN)
	for name, tt := range map[string]struct{ endpoint, body string }{
		"forged":       {ipnEndpoint, strings.Replace(genuine, "signature=", "signature=AAAA", 1)},
		"tampered":     {ipnEndpoint, strings.Replace(genuine, "RESERVED", "SUCCESS", 1)},
		"status twice": {ipnEndpoint, genuine + "&transactionStatus=SUCCESS"},
		"signed twice over": {
			ipnEndpoint,
			signMessage("POST", ipnEndpoint, append(holdfast.Params{{"transactionId", "x"}}, reservedIPN...)),
		},
		"unsigned":        {ipnEndpoint, reservedIPN.Encode()},
		"as a return":     {ipnEndpoint, signMessage("GET", ipnEndpoint, reservedIPN)},
		"another address": {"https://shop.example.test/ipn/", genuine},
		"empty":           {ipnEndpoint, ""},
	} {
		got, err := offline(t).ParseIPN(t.Context(), tt.endpoint, []byte(tt.body))
		var unverified *holdfast.UnverifiedError
		if !errors.As(err, &unverified) || got.TransactionID != "" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestIPNHandler(t *testing.T) {
	genuine := signMessage("POST", ipnEndpoint, reservedIPN)
	failing := errors.New("the database is away: secret detail")
	for _, tt := range []struct {
		name       string
		verb, body string
		fails      error
		status     int
		handled    bool
	}{
		{"genuine", "POST", genuine, nil, 200, true},
		{"handling fails", "POST", genuine, failing, 500, true},
		{"forged", "POST", strings.Replace(genuine, "order-1001", "order-1002", 1), nil, 403, false},
		{"empty", "POST", "", nil, 403, false},
		{"bad escape", "POST", genuine + "&a=%zz", nil, 403, false},
		{"GET", "GET", "", nil, 405, false},
		{"PUT", "PUT", genuine, nil, 405, false},
		{"64 KiB", "POST", strings.Repeat("x", 64<<10), nil, 403, false},
		{"64 KiB and 1", "POST", strings.Repeat("x", 64<<10+1), nil, 413, false},
		{
			"genuine, unknown status", "POST",
			signMessage("POST", ipnEndpoint, changed(reservedIPN, "transactionStatus", "Reserved")), nil, 400, false,
		},
		{
			"genuine, bad date", "POST", signMessage("POST", ipnEndpoint, changed(reservedIPN, "transactionDate", "today")), nil,
			400, false,
		},
		{
			"genuine, bad amount", "POST",
			signMessage("POST", ipnEndpoint, changed(reservedIPN, "transactionAmount", "12.50 USD")), nil, 400, false,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			handled := 0
			h := offline(t).IPNHandler(ipnEndpoint, func(_ context.Context, n holdfast.Notification) error {
				handled++
				if n.TransactionID != testID {
					t.Errorf("handling %+v", n)
				}
				return tt.fails
			})
			w := httptest.NewRecorder()
			h.ServeHTTP(w, httptest.NewRequest(tt.verb, "/ipn", strings.NewReader(tt.body)))
			if w.Code != tt.status || (handled == 1) != tt.handled {
				t.Errorf("status %d, handled %d times; want %d, %v", w.Code, handled, tt.status, tt.handled)
			}
			if strings.Contains(w.Body.String(), "secret") {
				t.Errorf("the answer tells why: %s", w.Body)
			}
			if w.Code == http.StatusMethodNotAllowed && w.Header().Get("Allow") != "POST" {
				t.Errorf("allows %q", w.Header().Get("Allow"))
			}
		})
	}
}

func TestIPNHandlerAskingAServerThatIsAway(t *testing.T) {
	f := newFakeServer(t, answerNothing)
	h := holdfast.Verifier{Client: f.client()}.IPNHandler(ipnEndpoint, func(context.Context, holdfast.Notification) error {
		t.Error("handled unverified")
		return nil
	})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/ipn", strings.NewReader(signMessage("POST", ipnEndpoint, reservedIPN))))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("status %d, want 503 so that it is delivered again", w.Code)
	}
}
