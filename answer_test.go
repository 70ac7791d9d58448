package holdfast_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
	"github.com/holdfast-pay/holdfast/money"
)

const testRequestID = "9a1d43d4-47c8-4b8a-9fd6-b4cbf4b3a6bd:0"

func TestGetTransactionStatus(t *testing.T) {
	f := newFakeServer(t, answerResult("GetTransactionStatus", "<TransactionId>"+testID+
		"</TransactionId><TransactionStatus>Cancelled</TransactionStatus>"+
		"<CallerReference>order-1001</CallerReference><StatusCode>Expired</StatusCode>"+
		"<StatusMessage>Not settled in time.</StatusMessage>"))
	got, err := f.client().GetTransactionStatus(t.Context(), testID)
	if err != nil {
		t.Fatal(err)
	}
	want := holdfast.TransactionState{
		TransactionID: testID, Status: holdfast.StatusCancelled, CallerReference: "order-1001",
		StatusCode: holdfast.CodeExpired, StatusMessage: "Not settled in time.",
		Answer: holdfast.Answer{RequestID: testRequestID},
	}
	if diff := compare.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if sent := sentParams(t, f.requests()[0], "/"); sent.Get("TransactionId") != testID ||
		sent.Get("Action") != "GetTransactionStatus" {
		t.Errorf("sent %v", sent)
	}
}

// detailXML has the elements that this server sends, in the schema's order.
// Between them are elements of other servers, which must be ignored.
const detailXML = "<Transaction><TransactionId>" + testID +
	"</TransactionId><CallerReference>order-1001</CallerReference>" +
	"<CallerDescription>Tea &amp; cakes</CallerDescription><SenderDescription>café</SenderDescription>" +
	"<DateReceived>2009-10-07T04:29:05.054-07:00</DateReceived><DateCompleted>2009-10-07T11:29:06.000Z</DateCompleted>" +
	"<TransactionAmount><CurrencyCode>USD</CurrencyCode><Value>12.500000</Value></TransactionAmount>" +
	"<FPSFees><CurrencyCode>USD</CurrencyCode><Value>0.670000</Value></FPSFees>" +
	"<MarketplaceFees><CurrencyCode>USD</CurrencyCode><Value>0.000000</Value></MarketplaceFees>" +
	"<FPSFeesPaidBy>Recipient</FPSFeesPaidBy><SenderTokenId>" + testToken +
	"</SenderTokenId><RecipientTokenId>R1</RecipientTokenId>" +
	"<FPSOperation>Reserve</FPSOperation><PaymentMethod>CC</PaymentMethod><TransactionStatus>Success</TransactionStatus>" +
	"<StatusCode>Success</StatusCode><StatusMessage>Done.</StatusMessage><SenderName>Ann Buyer</SenderName>" +
	"<SenderEmail>ann@example.test</SenderEmail><CallerName>Shop Inc</CallerName><RecipientName>Shop Inc</RecipientName>" +
	"<RecipientEmail>shop@example.test</RecipientEmail><RelatedTransaction><TransactionId>x</TransactionId>" +
	"</RelatedTransaction>" +
	"<StatusHistory><Date>2009-10-07T04:29:05.054-07:00</Date><TransactionStatus>Reserved</TransactionStatus>" +
	"<StatusCode>Success</StatusCode>" +
	"<Amount><CurrencyCode>USD</CurrencyCode><Value>12.500000</Value></Amount></StatusHistory>" +
	"<StatusHistory><Date>2009-10-07T11:29:06.000Z</Date><TransactionStatus>Success</TransactionStatus></StatusHistory>" +
	"</Transaction>"

func TestGetTransaction(t *testing.T) {
	f := newFakeServer(t, answerResult("GetTransaction", detailXML))
	got, err := f.client().GetTransaction(t.Context(), testID)
	if err != nil {
		t.Fatal(err)
	}
	received := time.Date(2009, 10, 7, 11, 29, 5, 54_000_000, time.UTC)
	completed := time.Date(2009, 10, 7, 11, 29, 6, 0, time.UTC)
	want := holdfast.TransactionDetail{
		TransactionID: testID, CallerReference: "order-1001", CallerDescription: "Tea & cakes", SenderDescription: "café",
		DateReceived: received, DateCompleted: completed,
		TransactionAmount: money.Cents(1250), FPSFees: money.Cents(67), MarketplaceFees: money.Cents(0),
		FPSFeesPaidBy: holdfast.RoleRecipient, SenderTokenID: testToken, RecipientTokenID: "R1",
		Operation: holdfast.OperationReserve, PaymentMethod: holdfast.MethodCC,
		Status: holdfast.StatusSuccess, StatusCode: holdfast.CodeSuccess, StatusMessage: "Done.",
		SenderName: "Ann Buyer", SenderEmail: "ann@example.test", CallerName: "Shop Inc",
		RecipientName: "Shop Inc", RecipientEmail: "shop@example.test",
		Related: []holdfast.RelatedTransaction{{TransactionID: "x"}},
		History: []holdfast.StatusChange{
			{Date: received, Status: holdfast.StatusReserved, StatusCode: holdfast.CodeSuccess, Amount: money.Cents(1250)},
			{Date: completed, Status: holdfast.StatusSuccess},
		},
		Answer: holdfast.Answer{RequestID: testRequestID},
	}
	if diff := compare.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGetTransactionUnreadable(t *testing.T) {
	for name, change := range map[string][2]string{
		"date":   {"2009-10-07T11:29:06.000Z</DateCompleted>", "yesterday</DateCompleted>"},
		"amount": {"<Value>12.500000</Value></TransactionAmount>", "<Value>12,50</Value></TransactionAmount>"},
		"currency": {
			"<CurrencyCode>USD</CurrencyCode><Value>0.670000",
			"<CurrencyCode>EUR</CurrencyCode><Value>0.670000",
		},
		"history":        {"<Value>12.500000</Value></Amount>", "<Value>1e3</Value></Amount>"},
		"no transaction": {"<TransactionId>" + testID + "</TransactionId>", ""},
	} {
		body := strings.Replace(detailXML, change[0], change[1], 1)
		if body == detailXML {
			t.Fatalf("%s: nothing to change", name)
		}
		f := newFakeServer(t, answerResult("GetTransaction", body))
		if got, err := f.client().GetTransaction(t.Context(), testID); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}

func TestGetTokenByCaller(t *testing.T) {
	f := newFakeServer(t, answerResult("GetTokenByCaller", "<Token><TokenId>"+testToken+
		"</TokenId><FriendlyName>One mug</FriendlyName>"+
		"<TokenStatus>Active</TokenStatus><DateInstalled>2026-11-23T10:15:30.044Z</DateInstalled>"+
		"<CallerReference>cart-2001</CallerReference>"+
		"<TokenType>SingleUse</TokenType><OldTokenId>"+testToken+
		"</OldTokenId><PaymentReason>One &lt;b&gt;mug</PaymentReason></Token>"))
	got, err := f.client().GetTokenByCaller(t.Context(), holdfast.GetTokenByCallerRequest{CallerReference: "cart-2001"})
	if err != nil {
		t.Fatal(err)
	}
	want := holdfast.Token{
		TokenID: testToken, FriendlyName: "One mug", Status: holdfast.TokenActive, DateInstalled: testNow,
		CallerReference: "cart-2001", Type: holdfast.TokenSingleUse, OldTokenID: testToken, PaymentReason: "One <b>mug",
		Answer: holdfast.Answer{RequestID: testRequestID},
	}
	if diff := compare.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	sent := sentParams(t, f.requests()[0], "/")
	if _, ok := sent.Lookup("TokenId"); ok || sent.Get("CallerReference") != "cart-2001" {
		t.Errorf("sent %v", sent)
	}
	empty := newFakeServer(t, answerResult("GetTokenByCaller", ""))
	if got, err := empty.client().GetTokenByCaller(t.Context(),
		holdfast.GetTokenByCallerRequest{TokenID: testToken}); err == nil {
		t.Errorf("an answer without a token: %+v", got)
	}
}

func TestVerifySignature(t *testing.T) {
	f := newFakeServer(
		t,
		answerResult("VerifySignature", "<VerificationStatus>Success</VerificationStatus>"),
		answerResult("VerifySignature", "<VerificationStatus>Failure</VerificationStatus>"),
		answerResult("VerifySignature", "<VerificationStatus>Perhaps</VerificationStatus>"),
	)
	request := holdfast.VerifySignatureRequest{URLEndPoint: row15.endpoint, HTTPParameters: row15.raw()}
	got, err := f.client().VerifySignature(t.Context(), request)
	if err != nil || got.Status != holdfast.VerificationSuccess || got.RequestID != testRequestID {
		t.Errorf("signed: %+v, %v", got, err)
	}
	sent := sentParams(t, f.requests()[0], "/")
	if sent.Get("UrlEndPoint") != row15.endpoint || sent.Get("HttpParameters") != row15.raw() {
		t.Errorf("sent %v", sent)
	}

	anybody := f.client()
	anybody.AccessKeyID, anybody.SecretKey = "", holdfast.SecretKey{}
	got, err = anybody.VerifySignature(t.Context(), request)
	if err != nil || got.Status != holdfast.VerificationFailure {
		t.Errorf("unsigned: %+v, %v", got, err)
	}
	if strings.Contains(f.requests()[1].body, "Signature=") {
		t.Errorf("unsigned sent %s", f.requests()[1].body)
	}
	if got, err := f.client().VerifySignature(t.Context(), request); err == nil {
		t.Errorf("an unknown status: %+v", got)
	}
}

func TestAnswersOfEveryNamespaceAreRead(t *testing.T) {
	plain := resultXML("Reserve", reservedXML)
	prefixed := strings.NewReplacer("xmlns=", "xmlns:f=", "</", "</f:", "<?", "<?", "<", "<f:").Replace(plain)
	for name, body := range map[string]string{
		"2008":         strings.Replace(plain, "2010-08-28", "2008-09-17", 1),
		"none":         strings.Replace(plain, ` xmlns="http://fps.amazonaws.com/doc/2010-08-28/"`, "", 1),
		"prefix":       prefixed,
		"indented":     strings.ReplaceAll(plain, "><", ">\n  <"),
		"with comment": strings.Replace(plain, "<ReserveResult>", "<!-- hello --><Other/><ReserveResult>", 1),
	} {
		f := newFakeServer(t, answerWith(200, body))
		got, err := f.client().Reserve(t.Context(), reserve)
		if err != nil || got.TransactionID != testID || got.RequestID != testRequestID {
			t.Errorf("%s: %+v, %v\n%s", name, got, err, body)
		}
	}
}
