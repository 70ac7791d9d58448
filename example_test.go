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

// serverCertificates returns the server's certificates. A real shop reads them
// from a file.
func serverCertificates() []*x509.Certificate {
	certs, err := holdfast.ParseCertificates(testCertPEM())
	if err != nil {
		panic(err)
	}
	return certs
}

// exampleResults are the result elements that exampleServer answers, by action.
var exampleResults = map[string]string{
	"Pay":               successXML,
	"Refund":            refundXML,
	"FundPrepaid":       successXML,
	"GetPrepaidBalance": "<PrepaidBalance>" + amountXML("AvailableBalance", "50.000000") + "</PrepaidBalance>",
	"GetAccountActivity": "<Transaction><TransactionId>" + testID +
		"</TransactionId><DateReceived>2026-11-23T02:15:30.000-08:00</DateReceived>" +
		amountXML("TransactionAmount", "12.500000") +
		"<FPSOperation>Pay</FPSOperation><TransactionStatus>Success</TransactionStatus>" +
		amountXML("FPSFees", "0.660000") + "</Transaction>" +
		"<Transaction><TransactionId>" + refundID +
		"</TransactionId><DateReceived>2026-11-24T02:15:30.000-08:00</DateReceived>" +
		amountXML("TransactionAmount", "2.500000") +
		"<FPSOperation>Refund</FPSOperation><TransactionStatus>Success</TransactionStatus>" +
		amountXML("FPSFees", "-0.130000") + "</Transaction>",
	"GetTokenUsage": "<TokenUsageLimits><Count>3</Count><LastResetCount>1</LastResetCount></TokenUsageLimits>" +
		"<TokenUsageLimits>" + amountXML("Amount", "60.000000") + amountXML("LastResetAmount", "12.500000") +
		"</TokenUsageLimits>",
}

// exampleServer answers like a Holdfast server. It refuses amounts of 100
// dollars and more.
func exampleServer() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		action := r.PostFormValue("Action")
		w.Header().Set("Holdfast-Time", "2026-11-23T10:15:30Z")
		if len(r.PostFormValue("TransactionAmount.Value")) > len("99.99") {
			answerError(http.StatusBadRequest, holdfast.AmountOutOfRange, "The amount is more than the token allows.")(w, r)
			return
		}
		if result, ok := exampleResults[action]; ok {
			answerResult(action, result)(w, r)
			return
		}
		status := holdfast.StatusReserved
		if action == "Settle" {
			status = holdfast.StatusSuccess
		} else {
			w.Header().Set("Holdfast-Deadline", "2026-11-30T10:15:30Z")
		}
		answerResult(action, fmt.Sprintf("<TransactionId>%s</TransactionId><TransactionStatus>%s</TransactionStatus>", testID,
			status))(w, r)
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
	//   transactionAmount=12.50
	//   reserve=True
	//   itemTotal=10.00
	//   shipping=2.50
	//   returnURL=https%3A%2F%2Fshop.example.com%2Freturn%3Forder%3D4711
	//   currencyCode=USD
	//   paymentReason=One%20mug
	//   paymentMethod=CC
	//   signature=F3wY5dSaMhjsFgSWKBp7jlHarSnoqBWglW%2FZcBtpZgg%3D
}

// printParameters prints the named parameters of a link.
func printParameters(link string, names ...string) {
	u, err := url.Parse(link)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range names {
		fmt.Println(name, u.Query().Get(name))
	}
}

// A subscription: the buyer agrees once, and the program then makes each
// payment.
func ExampleClient_RecurringURL() {
	c := &holdfast.Client{
		CoBranded:   "https://pay.example.com/cobranded-ui/actions/start",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	link, err := c.RecurringURL(holdfast.RecurringRequest{
		CallerReference:   "subscription-12",
		ReturnURL:         "https://shop.example.com/subscribed",
		TransactionAmount: money.Cents(900),
		RecurringPeriod:   "1 Month",
		ValidityStart:     time.Date(2027, time.January, 1, 0, 0, 0, 0, time.UTC),
		ValidityExpiry:    time.Date(2028, time.January, 1, 0, 0, 0, 0, time.UTC),
		PaymentReason:     "The mug of the month",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	printParameters(link, "pipelineName", "transactionAmount", "recurringPeriod", "validityStart", "validityExpiry")
	// Output:
	// pipelineName Recurring
	// transactionAmount 9.00
	// recurringPeriod 1 Month
	// validityStart 1798761600
	// validityExpiry 1830297600
}

// A marketplace: the seller agrees once to be paid through it. Each buyer then
// authorises a payment to that seller.
func ExampleClient_RecipientURL() {
	c := &holdfast.Client{
		CoBranded:   "https://pay.example.com/cobranded-ui/actions/start",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	link, err := c.RecipientURL(holdfast.RecipientRequest{
		CallerReference:  "seller-7",
		ReturnURL:        "https://market.example.com/agreed",
		RecipientPaysFee: true,
		MaxFixedFee:      money.Cents(50),
		MaxVariableFee:   "5",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	printParameters(link, "pipelineName", "recipientPaysFee", "maxFixedFee", "maxVariableFee")

	// The seller comes back with a recipient token.
	verifier := holdfast.Verifier{CallerID: "CSHOP", Certificates: serverCertificates()}
	seller, err := verifier.ParseReturn(context.Background(), returnURL(holdfast.Params{
		{Name: "status", Value: "SR"},
		{Name: "tokenID", Value: "SELLERTOKEN"},
		{Name: "refundTokenID", Value: "REFUNDTOKEN"},
		{Name: "callerReference", Value: "seller-7"},
	}))
	if err != nil || !seller.Authorised() {
		fmt.Println(seller.Status, err)
		return
	}

	link, err = c.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference:     "order-4711",
		ReturnURL:           "https://market.example.com/return",
		TransactionAmount:   money.Cents(1250),
		RecipientToken:      string(seller.TokenID),
		RecipientCobranding: true,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	printParameters(link, "pipelineName", "transactionAmount", "recipientToken")
	// Output:
	// pipelineName Recipient
	// recipientPaysFee True
	// maxFixedFee 0.50
	// maxVariableFee 5
	// pipelineName SingleUse
	// transactionAmount 12.50
	// recipientToken SELLERTOKEN
}

func ExampleVerifier_ParseReturn() {
	verifier := holdfast.Verifier{CallerID: "CSHOP", Certificates: serverCertificates()}

	// The public address that the buyer's browser requested.
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

	// An attacker changes the order number.
	_, err = verifier.ParseReturn(context.Background(), strings.Replace(rawURL, "order=4711", "order=4712", 1))
	var unverified *holdfast.UnverifiedError
	fmt.Println(errors.As(err, &unverified), err)
	// Output:
	// true SC order-4711 10/2028
	// the shop's own: 4711
	// true the message is not verified: the signature does not match the message
}

// Reserve when the buyer orders, and settle when the goods ship.
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

	// The parcel has shipped. One item was out of stock, so charge less.
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
			fmt.Println("finally refused:", refusal.Code)
		case errors.As(err, &doubt):
			fmt.Println("send the same request again, money may be held:", doubt.Reference)
		default:
			fmt.Println("nothing was sent:", err)
		}
	}
	reserve(1250)
	reserve(100_000)
	server.Close() // from now on there is no answer
	reserve(1250)
	// Output:
	// held
	// finally refused: AmountOutOfRange
	// send the same request again, money may be held: order-4711
}

// Charge at once when the goods can be delivered at once.
func ExampleClient_Pay() {
	server := exampleServer()
	defer server.Close()
	c := &holdfast.Client{
		Endpoint:    server.URL + "/",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	paid, err := c.Pay(context.Background(), holdfast.PayRequest{
		SenderTokenID:     testToken, // from the Return
		CallerReference:   "order-4711",
		TransactionAmount: money.Cents(1250),
	})
	if err != nil {
		fmt.Println(err) // handle it as in the example of Reserve's errors
		return
	}
	switch paid.Status {
	case holdfast.StatusSuccess:
		fmt.Println("deliver", paid.TransactionID)
	case holdfast.StatusPending:
		fmt.Println("wait for the notification of", paid.TransactionID)
	default:
		fmt.Println("not paid:", paid.Status)
	}
	// Output:
	// deliver 14TESTTXN00000000000000000000000P01
}

// One of five mugs arrived broken, so a part of the payment is refunded.
func ExampleClient_Refund() {
	server := exampleServer()
	defer server.Close()
	c := &holdfast.Client{
		Endpoint:    server.URL + "/",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	refund, err := c.Refund(context.Background(), holdfast.RefundRequest{
		TransactionID:     testID, // of the Pay, or of the Reserve that was settled
		RefundAmount:      money.Cents(250),
		CallerReference:   "order-4711-mug-3", // a new one for each partial refund
		CallerDescription: "the third mug was broken",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(refund.Status, refund.TransactionID)
	// Output:
	// Success 14TESTTXN00000000000000000000000R01
}

// Fund a gift card and look up its balance.
func ExampleClient_FundPrepaid() {
	server := exampleServer()
	defer server.Close()
	c := &holdfast.Client{
		Endpoint:    server.URL + "/",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	ctx := context.Background()

	funded, err := c.FundPrepaid(ctx, holdfast.FundPrepaidRequest{
		SenderTokenID:       testToken, // the funding token and the instrument, from the Return
		PrepaidInstrumentID: testInstrument,
		FundingAmount:       money.Cents(5000),
		CallerReference:     "gift-17",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	balance, err := c.GetPrepaidBalance(ctx, testInstrument)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(funded.Status, balance.Available)
	// Output:
	// Success USD 50.00
}

// List all transactions since the first of the month, over all pages.
func ExampleClient_AccountActivity() {
	server := exampleServer()
	defer server.Close()
	c := &holdfast.Client{
		Endpoint:    server.URL + "/",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	fees := money.Cents(0)
	for t, err := range c.AccountActivity(context.Background(), holdfast.GetAccountActivityRequest{
		StartDate:       time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
		SortOrderByDate: holdfast.SortAscending,
	}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fees = fees.Add(t.FPSFees)
		fmt.Println(t.DateReceived.Format(time.DateOnly), t.Operation, t.TransactionAmount)
	}
	fmt.Println("fees:", fees)
	// Output:
	// 2026-11-23 Pay USD 12.50
	// 2026-11-24 Refund USD 2.50
	// fees: USD 0.53
}

// Show how much of a multi-use token's limits is left.
func ExampleClient_GetTokenUsage() {
	server := exampleServer()
	defer server.Close()
	c := &holdfast.Client{
		Endpoint:    server.URL + "/",
		AccessKeyID: "FPSTESTACCESSKEY0001", SecretKey: holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn"),
	}
	usage, err := c.GetTokenUsage(context.Background(), testToken)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, limit := range usage.Limits {
		if limit.Amount.Given() {
			fmt.Println(limit.Amount.Sub(limit.UsedAmount), "left of", limit.Amount)
		} else {
			fmt.Println(limit.Count-limit.UsedCount, "uses left of", limit.Count)
		}
	}
	// Output:
	// 2 uses left of 3
	// USD 47.50 left of USD 60.00
}

func ExampleVerifier_IPNHandler() {
	const endpoint = "https://shop.example.com/ipn" // the address that the server knows
	verifier := holdfast.Verifier{CallerID: "CSHOP", Certificates: serverCertificates()}

	mux := http.NewServeMux()
	mux.Handle("/ipn", verifier.IPNHandler(endpoint, func(_ context.Context, n holdfast.Notification) error {
		// A notification may arrive twice, so it only triggers a look at the order.
		fmt.Println("look at", n.CallerReference, n.Status, n.Amount)
		return nil
	}))

	// The server posts a notification, and an attacker posts a forgery.
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

// Sign a request by hand, as a client in another language does.
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
