package holdfast_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
	"github.com/holdfast-pay/holdfast/money"
)

const reservedXML = "<TransactionId>" + testID + "</TransactionId><TransactionStatus>Reserved</TransactionStatus>"

var reserve = holdfast.ReserveRequest{
	SenderTokenID: testToken, CallerReference: "order-1001", TransactionAmount: money.Cents(1250),
}

// sentParams returns the parameters of a sent request and checks its signature.
func sentParams(t *testing.T, a asked, path string) holdfast.Params {
	t.Helper()
	raw := a.body
	if a.verb == http.MethodGet {
		_, raw, _ = strings.Cut(a.uri, "?")
	} else if a.uri != path {
		t.Errorf("sent to %s, want %s", a.uri, path)
	}
	p, err := holdfast.ParseParams(raw)
	if err != nil {
		t.Fatal(err)
	}
	text := holdfast.StringToSign(a.verb, a.host, path, p.Without("Signature"))
	method := holdfast.SignatureMethod(p.Get("SignatureMethod"))
	if !holdfast.VerifyHMAC(holdfast.NewSecretKey(vectorSecret), method, text, p.Get("Signature")) {
		t.Errorf("the signature of %v is wrong", p)
	}
	return p.Without("Signature")
}

func TestReserve(t *testing.T) {
	deadline := testNow.Add(7 * 24 * time.Hour)
	f := newFakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Holdfast-Time", testNow.Format(time.RFC3339Nano))
		w.Header().Set("Holdfast-Deadline", deadline.Format(time.RFC3339Nano))
		answerResult("Reserve", reservedXML)(w, r)
	})
	got, err := f.client().Reserve(t.Context(), holdfast.ReserveRequest{
		SenderTokenID: testToken, RecipientTokenID: "R1", TransactionAmount: money.Cents(1250), CallerReference: "order-1001",
		CallerDescription: "Tea & cakes", SenderDescription: "café *~+", ChargeFeeTo: holdfast.RoleRecipient,
		SoftDescriptorType: "Dynamic", CSOwner: "Caller", TransactionTimeoutMins: 60,
		MarketplaceFixedFee: money.Cents(5), MarketplaceVariableFee: "2.5", OverrideIPNURL: "https://shop.example.test/ipn",
	})
	if err != nil {
		t.Fatal(err)
	}
	want := holdfast.TransactionResult{
		TransactionID: testID, Status: holdfast.StatusReserved,
		Answer: holdfast.Answer{RequestID: "9a1d43d4-47c8-4b8a-9fd6-b4cbf4b3a6bd:0", ServerTime: testNow, Deadline: deadline},
	}
	if diff := compare.Diff(want, got); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	a := f.requests()[0]
	if a.verb != http.MethodPost || a.contentType != "application/x-www-form-urlencoded; charset=utf-8" {
		t.Errorf("sent %s with %s", a.verb, a.contentType)
	}
	wantSent := holdfast.Params{
		{"Action", "Reserve"},
		{"SenderTokenId", testToken},
		{"RecipientTokenId", "R1"},
		{"TransactionAmount.CurrencyCode", "USD"},
		{"TransactionAmount.Value", "12.50"},
		{"CallerReference", "order-1001"},
		{"CallerDescription", "Tea & cakes"},
		{"SenderDescription", "café *~+"},
		{"ChargeFeeTo", "Recipient"},
		{"DescriptorPolicy.SoftDescriptorType", "Dynamic"},
		{"DescriptorPolicy.CSOwner", "Caller"},
		{"TransactionTimeoutInMins", "60"},
		{"MarketplaceFixedFee.CurrencyCode", "USD"},
		{"MarketplaceFixedFee.Value", "0.05"},
		{"MarketplaceVariableFee", "2.5"},
		{"OverrideIPNURL", "https://shop.example.test/ipn"},
		{"AWSAccessKeyId", testAccessKey},
		{"SignatureVersion", "2"},
		{"SignatureMethod", "HmacSHA256"},
		{"Timestamp", "2026-11-23T10:15:30.044Z"},
		{"Version", "2010-08-28"},
	}
	if diff := compare.Diff(wantSent, sentParams(t, a, "/")); diff != "" {
		t.Errorf("sent (-want +got):\n%s", diff)
	}
}

func TestSettleAndCancel(t *testing.T) {
	f := newFakeServer(
		t,
		answerResult("Settle", "<TransactionId>"+testID+"</TransactionId><TransactionStatus>Pending</TransactionStatus>"),
		answerResult("Cancel", "<TransactionId>"+testID+"</TransactionId><TransactionStatus>Cancelled</TransactionStatus>"),
	)
	c := f.client()
	c.Endpoint = strings.TrimSuffix(c.Endpoint, "/") // signed as "/" anyway
	c.Method, c.Version = holdfast.HmacSHA1, holdfast.Version2008
	settled, err := c.Settle(t.Context(), holdfast.SettleRequest{ReserveTransactionID: testID})
	if err != nil || settled.Status != holdfast.StatusPending || settled.TransactionID != testID {
		t.Errorf("Settle: %+v, %v", settled, err)
	}
	if !settled.ServerTime.IsZero() || !settled.Deadline.IsZero() {
		t.Errorf("times that the server did not send: %+v", settled.Answer)
	}
	cancelled, err := c.Cancel(t.Context(), holdfast.CancelRequest{TransactionID: testID, Description: "out of stock"})
	if err != nil || cancelled.Status != holdfast.StatusCancelled {
		t.Errorf("Cancel: %+v, %v", cancelled, err)
	}
	sent := sentParams(t, f.requests()[0], "/")
	if _, ok := sent.Lookup("TransactionAmount.Value"); ok || sent.Get("ReserveTransactionId") != testID {
		t.Errorf("Settle of all sent %v", sent)
	}
	if sent.Get("SignatureMethod") != "HmacSHA1" || sent.Get("Version") != "2008-09-17" {
		t.Errorf("Settle sent %v", sent)
	}
	sent = sentParams(t, f.requests()[1], "/")
	if sent.Get("TransactionId") != testID || sent.Get("Description") != "out of stock" {
		t.Errorf("Cancel sent %v", sent)
	}
}

func TestRefusal(t *testing.T) {
	f := newFakeServer(t, answerError(http.StatusBadRequest, holdfast.InvalidTokenIDSender,
		"Token &lt;x&gt; isn't &quot;valid&quot;."))
	_, err := f.client().Reserve(t.Context(), reserve)
	var refusal *holdfast.Error
	if !errors.As(err, &refusal) {
		t.Fatalf("got %v", err)
	}
	want := &holdfast.Error{
		Code: holdfast.InvalidTokenIDSender, Message: `Token <x> isn't "valid".`,
		RequestID: "9a1d43d4-47c8-4b8a-9fd6-b4cbf4b3a6bd", Status: http.StatusBadRequest,
	}
	if diff := compare.Diff(want, refusal); diff != "" {
		t.Errorf("refusal (-want +got):\n%s", diff)
	}
	if refusal.Retriable() {
		t.Error("InvalidTokenId_Sender is retriable")
	}
	if n := len(f.requests()); n != 1 {
		t.Errorf("a refusal was asked for %d times", n)
	}
}

func TestRefusalInTheDeclaredShape(t *testing.T) {
	f := newFakeServer(t, answerWith(http.StatusForbidden,
		`<f:ErrorResponse xmlns:f="http://fps.amazonaws.com/doc/2008-09-17/">`+
			`<f:Error><f:Type>Sender</f:Type><f:Code>AuthFailure</f:Code><f:Message>No.</f:Message></f:Error><f:RequestId>r:0</f:RequestId></f:ErrorResponse>`))
	_, err := f.client().GetTransactionStatus(t.Context(), testID)
	var refusal *holdfast.Error
	if !errors.As(err, &refusal) || refusal.Code != holdfast.AuthFailure || refusal.RequestID != "r:0" ||
		!refusal.Retriable() {
		t.Errorf("got %#v", err)
	}
}

func TestRetrySendsTheSameRequest(t *testing.T) {
	f := newFakeServer(
		t,
		answerError(http.StatusServiceUnavailable, holdfast.ServiceUnavailable, "Later."),
		answerNothing,
		answerWith(http.StatusInternalServerError, "<html>oops"),
		answerResult("Reserve", reservedXML),
	)
	c := f.client()
	now := testNow
	c.Now = func() time.Time { now = now.Add(time.Second); return now }
	got, err := c.Reserve(t.Context(), reserve)
	if err != nil || got.TransactionID != testID {
		t.Fatalf("got %+v, %v", got, err)
	}
	requests := f.requests()
	if len(requests) != 4 {
		t.Fatalf("asked %d times, want 4", len(requests))
	}
	for i, r := range requests[1:] {
		if diff := compare.Diff(requests[0].body, r.body); diff != "" {
			t.Errorf("try %d sent another body (-first +this):\n%s", i+2, diff)
		}
	}
	want := []time.Duration{400 * time.Millisecond, 1600 * time.Millisecond, 6400 * time.Millisecond}
	if diff := compare.Diff(want, f.pauses); diff != "" {
		t.Errorf("pauses (-want +got):\n%s", diff)
	}
}

func TestRetriesEnd(t *testing.T) {
	for retriesMax, want := range map[int]int{0: 4, 1: 2, 5: 6, -1: 1} {
		f := newFakeServer(t, answerError(http.StatusServiceUnavailable, holdfast.ServiceUnavailable, "Later."))
		c := f.client()
		c.RetriesMax = retriesMax
		_, err := c.Settle(t.Context(), holdfast.SettleRequest{ReserveTransactionID: testID})
		var refusal *holdfast.Error
		if !errors.As(err, &refusal) || refusal.Code != holdfast.ServiceUnavailable || !refusal.Retriable() {
			t.Errorf("RetriesMax %d: %v", retriesMax, err)
		}
		if got := len(f.requests()); got != want {
			t.Errorf("RetriesMax %d: asked %d times, want %d", retriesMax, got, want)
		}
	}
}

func TestUnanswered(t *testing.T) {
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		tries  int
	}{
		{"broken connection", answerNothing, 4},
		{"broken in the middle", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			w.Write([]byte("<ReserveResponse>")) //nolint:errcheck // broken on purpose
			panic(http.ErrAbortHandler)
		}, 4},
		{"gateway's error page", answerWith(http.StatusBadGateway, "<html><p>Bad gateway"), 4},
		{"empty answer", answerWith(http.StatusOK, ""), 1},
		{"not XML", answerWith(http.StatusOK, "OK"), 1},
		{"XML cut short", answerWith(http.StatusOK, resultXML("Reserve", reservedXML)[:150]), 1},
		{"another action's answer", answerResult("Settle", reservedXML), 1},
		{"no result", answerWith(http.StatusOK, "<ReserveResponse/>"), 1},
		{"no transaction", answerResult("Reserve", "<TransactionStatus>Pending</TransactionStatus>"), 1},
		{"no status", answerResult("Reserve", "<TransactionId>"+testID+"</TransactionId>"), 1},
		{"success under another status", answerWith(http.StatusAccepted, resultXML("Reserve", reservedXML)), 1},
		{
			"error without code", answerWith(http.StatusBadRequest, "<Response><Errors/><RequestID>r</RequestID></Response>"),
			1,
		},
		{"error cut short", answerWith(http.StatusBadRequest, "<Response><Errors>"), 1},
		{"proxy's refusal", answerWith(http.StatusForbidden, "<html>no</html>"), 1},
		{"redirect", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, 1},
		{"too long", answerResult("Reserve", reservedXML+strings.Repeat(" ", 1<<20)), 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := newFakeServer(t, tt.answer)
			got, err := f.client().Reserve(t.Context(), reserve)
			var doubt *holdfast.InDoubtError
			if !errors.As(err, &doubt) {
				t.Fatalf("got %+v, %v", got, err)
			}
			if doubt.Action != "Reserve" || doubt.Reference != "order-1001" || doubt.Err == nil {
				t.Errorf("doubt: %#v", doubt)
			}
			if strings.Contains(err.Error(), "Signature=") {
				t.Errorf("the error quotes the request: %v", err)
			}
			if n := len(f.requests()); n != tt.tries {
				t.Errorf("asked %d times, want %d", n, tt.tries)
			}

			// An action that moves no money returns no InDoubtError.
			_, err = f.client().GetTransactionStatus(t.Context(), testID)
			if err == nil || errors.As(err, &doubt) {
				t.Errorf("GetTransactionStatus: %v", err)
			}
		})
	}
}

func TestInDoubtNamesTheTransaction(t *testing.T) {
	f := newFakeServer(t, answerNothing)
	c := f.client()
	c.RetriesMax = -1
	_, err := c.Settle(t.Context(), holdfast.SettleRequest{ReserveTransactionID: testID})
	var doubt *holdfast.InDoubtError
	if !errors.As(err, &doubt) || doubt.TransactionID != testID || !strings.Contains(err.Error(), "Settle "+testID) {
		t.Errorf("Settle: %v", err)
	}
	_, err = c.Cancel(t.Context(), holdfast.CancelRequest{TransactionID: testID})
	if !errors.As(err, &doubt) || doubt.Action != "Cancel" {
		t.Errorf("Cancel: %v", err)
	}
}

func TestCancelledBeforeSendingIsNoDoubt(t *testing.T) {
	f := newFakeServer(t, answerResult("Reserve", reservedXML))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := f.client().Reserve(ctx, reserve)
	var doubt *holdfast.InDoubtError
	if !errors.Is(err, context.Canceled) || errors.As(err, &doubt) {
		t.Errorf("got %v", err)
	}
	if n := len(f.requests()); n != 0 {
		t.Errorf("asked %d times", n)
	}
}

func TestCancelledWhileAskingIsDoubt(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFakeServer(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	_, err := f.client().Reserve(ctx, reserve)
	var doubt *holdfast.InDoubtError
	if !errors.As(err, &doubt) || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if n := len(f.requests()); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestPauseOnATimerEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := newFakeServer(t, func(w http.ResponseWriter, r *http.Request) {
		answerError(http.StatusServiceUnavailable, holdfast.ServiceUnavailable, "Later.")(w, r)
		cancel()
	})
	c := f.client()
	c.Pause = nil
	_, err := c.Reserve(ctx, reserve)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestMissingSettingsSendNothing(t *testing.T) {
	for name, change := range map[string]func(*holdfast.Client){
		"no endpoint":          func(c *holdfast.Client) { c.Endpoint = "" },
		"endpoint not http":    func(c *holdfast.Client) { c.Endpoint = "file:///etc/passwd" },
		"endpoint with query":  func(c *holdfast.Client) { c.Endpoint += "?Action=Pay" },
		"endpoint unparseable": func(c *holdfast.Client) { c.Endpoint = "http://[::1" },
		"no access key":        func(c *holdfast.Client) { c.AccessKeyID = "" },
		"no secret key":        func(c *holdfast.Client) { c.SecretKey = holdfast.SecretKey{} },
		"unknown method":       func(c *holdfast.Client) { c.Method = "HmacMD5" },
	} {
		f := newFakeServer(t, answerResult("Reserve", reservedXML))
		c := f.client()
		change(c)
		_, err := c.Reserve(t.Context(), reserve)
		var doubt *holdfast.InDoubtError
		if err == nil || errors.As(err, &doubt) || len(f.requests()) != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestHTTPClientIsUsedAndNotChanged(t *testing.T) {
	f := newFakeServer(t, answerResult("Reserve", reservedXML))
	c := f.client()
	c.HTTP = &http.Client{Transport: f.Client().Transport, Timeout: time.Minute}
	if _, err := c.Reserve(t.Context(), reserve); err != nil {
		t.Error(err)
	}
	if c.HTTP.CheckRedirect != nil {
		t.Error("the program's own HTTP client was changed")
	}
}

func TestNobodyListening(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	f := newFakeServer(t, answerNothing)
	c := f.client()
	c.Endpoint = gone.URL
	_, err := c.Reserve(t.Context(), reserve)
	var doubt *holdfast.InDoubtError
	var outer *url.Error
	if !errors.As(err, &doubt) || errors.As(err, &outer) || len(f.pauses) != 3 {
		t.Errorf("got %v after %d pauses", err, len(f.pauses))
	}
}
