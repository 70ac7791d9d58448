package holdfast_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// serverCertificates stands for a file that a shop is given once, read with
// ParseCertificates.
func serverCertificates() []*x509.Certificate {
	certs, err := holdfast.ParseCertificates(testCertPEM())
	if err != nil {
		panic(err)
	}
	return certs
}

// exampleServer answers Reserve, Settle and GetTransactionStatus as a server
// does, with amounts above 100 dollars refused.
func exampleServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := r.PostFormValue("Action")
		w.Header().Set("Holdfast-Time", "2026-11-23T10:15:30Z")
		if len(r.PostFormValue("TransactionAmount.Value")) > len("99.99") {
			answerError(http.StatusBadRequest, holdfast.AmountOutOfRange, "The amount is more than the token allows.")(w, r)
			return
		}
		status := holdfast.StatusReserved
		if action == "Settle" {
			status = holdfast.StatusSuccess
		} else {
			w.Header().Set("Holdfast-Deadline", "2026-11-30T10:15:30Z")
		}
		answerResult(action, fmt.Sprintf("<TransactionId>%s</TransactionId><TransactionStatus>%s</TransactionStatus>", testID, status))(w, r)
	}))
}

func ExampleClient_SingleUseURL() {
	c := &holdfast.Client{
		CoBranded:   "https://pay.example.com/cobranded-ui/actions/start",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	link, err := c.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference:   "order-4711",
		ReturnURL:         "https://shop.example.com/return?order=4711",
		TransactionAmount: money.Cents(1250),
		PaymentReason:     "One mug",
		PaymentMethods:    []holdfast.PaymentMethod{holdfast.MethodCC},
		Reserve:           true,
		ItemTotal:         money.Cents(1000),
		Shipping:          money.Cents(250),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	start, query, _ := strings.Cut(link, "?")
	fmt.Println(start)
	for pair := range strings.SplitSeq(query, "&") {
		fmt.Println(" ", pair)
	}
	// Output:
	// https://pay.example.com/cobranded-ui/actions/start
	//   callerKey=FPSTESTACCESSKEY0001
	//   pipelineName=SingleUse
	//   version=2009-01-09
	//   signatureVersion=2
	//   signatureMethod=HmacSHA256
	//   callerReference=order-4711
	//   returnURL=https%3A%2F%2Fshop.example.com%2Freturn%3Forder%3D4711
	//   transactionAmount=12.50
	//   currencyCode=USD
	//   paymentReason=One%20mug
	//   paymentMethod=CC
	//   reserve=True
	//   itemTotal=10.00
	//   shipping=2.50
	//   signature=F3wY5dSaMhjsFgSWKBp7jlHarSnoqBWglW%2FZcBtpZgg%3D
}

func ExampleVerifier_ParseReturn() {
	verifier := holdfast.Verifier{Certificates: serverCertificates()}

	// The public address that the buyer's browser asked for.
	rawURL := returnURL(holdfast.Params{
		{Name: "order", Value: "4711"},
		{Name: "status", Value: "SC"},
		{Name: "tokenID", Value: testToken},
		{Name: "callerReference", Value: "order-4711"},
		{Name: "expiry", Value: "10/2028"},
	})
	back, err := verifier.ParseReturn(context.Background(), rawURL)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(back.Authorised(), back.Status, back.CallerReference, back.Expiry)
	fmt.Println("the shop's own:", back.Params.Get("order"))

	// Somebody makes it another order's.
	_, err = verifier.ParseReturn(context.Background(), strings.Replace(rawURL, "order=4711", "order=4712", 1))
	var unverified *holdfast.UnverifiedError
	fmt.Println(errors.As(err, &unverified), err)
	// Output:
	// true SC order-4711 10/2028
	// the shop's own: 4711
	// true the message is not verified: the signature does not match the message
}

// The one path: reserve when the buyer orders, settle when the goods ship.
func Example() {
	server := exampleServer()
	defer server.Close()
	c := &holdfast.Client{
		Endpoint:    server.URL + "/",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	ctx := context.Background()

	held, err := c.Reserve(ctx, holdfast.ReserveRequest{
		SenderTokenID:     testToken, // from the Return
		CallerReference:   "order-4711",
		TransactionAmount: money.Cents(1250),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(held.Status, "until", held.Deadline.Format(time.DateOnly))
	fmt.Println("left to ship:", held.Deadline.Sub(held.ServerTime))

	// The parcel is on its way; one item was out of stock.
	paid, err := c.Settle(ctx, holdfast.SettleRequest{
		ReserveTransactionID: held.TransactionID,
		TransactionAmount:    money.Cents(1000),
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(paid.Status, paid.TransactionID == held.TransactionID)
	// Output:
	// Reserved until 2026-11-30
	// left to ship: 168h0m0s
	// Success true
}

// What to do about each kind of error.
func ExampleClient_Reserve_errors() {
	server := exampleServer()
	defer server.Close()
	c := &holdfast.Client{
		Endpoint:    server.URL + "/",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
		RetriesMax: -1,
	}
	reserve := func(cents int64) {
		_, err := c.Reserve(context.Background(), holdfast.ReserveRequest{
			SenderTokenID: testToken, CallerReference: "order-4711", TransactionAmount: money.Cents(cents),
		})
		var refusal *holdfast.Error
		var doubt *holdfast.InDoubtError
		switch {
		case err == nil:
			fmt.Println("held")
		case errors.As(err, &refusal) && refusal.Retriable():
			fmt.Println("send the same request again later:", refusal.Code)
		case errors.As(err, &refusal):
			fmt.Println("refused for good:", refusal.Code)
		case errors.As(err, &doubt):
			fmt.Println("send the same request again, money may be held:", doubt.Reference)
		default:
			fmt.Println("nothing was sent:", err)
		}
	}
	reserve(1250)
	reserve(100_000)
	server.Close() // and now nobody answers
	reserve(1250)
	// Output:
	// held
	// refused for good: AmountOutOfRange
	// send the same request again, money may be held: order-4711
}

func ExampleVerifier_IPNHandler() {
	const endpoint = "https://shop.example.com/ipn" // as the server knows it
	verifier := holdfast.Verifier{Certificates: serverCertificates()}

	mux := http.NewServeMux()
	mux.Handle("/ipn", verifier.IPNHandler(endpoint, func(_ context.Context, n holdfast.Notification) error {
		// It may come twice, so this only says to look.
		fmt.Println("look at", n.CallerReference, n.Status, n.Amount)
		return nil
	}))

	// The server posts a notification, and somebody else posts a forgery.
	body := signMessage("POST", endpoint, holdfast.Params{
		{Name: "notificationType", Value: "TransactionStatus"},
		{Name: "transactionId", Value: testID},
		{Name: "transactionStatus", Value: "RESERVED"},
		{Name: "transactionAmount", Value: "USD 12.50"},
		{Name: "callerReference", Value: "order-4711"},
	})
	for _, body := range []string{body, strings.Replace(body, "RESERVED", "SUCCESS", 1)} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/ipn", strings.NewReader(body)))
		fmt.Println(w.Code)
	}
	// Output:
	// look at order-4711 Reserved USD 12.50
	// 200
	// 403
}

// Sign a request by hand, as a client in another language would.
func ExampleStringToSign() {
	endpoint, err := url.Parse("https://FPS.example.com/")
	if err != nil {
		fmt.Println(err)
		return
	}
	text := holdfast.StringToSign(http.MethodPost, holdfast.SignedHost(endpoint), endpoint.EscapedPath(), holdfast.Params{
		{Name: "Action", Value: "Settle"},
		{Name: "AWSAccessKeyId", Value: "FPSTESTACCESSKEY0001"},
		{Name: "Description", Value: "café & cakes"},
	})
	signature, err := holdfast.SignHMAC(holdfast.NewSecretKey("bar"), holdfast.HmacSHA256, text)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text)
	fmt.Println(len(signature))
	// Output:
	// POST
	// fps.example.com
	// /
	// AWSAccessKeyId=FPSTESTACCESSKEY0001&Action=Settle&Description=caf%C3%A9%20%26%20cakes
	// 44
}
