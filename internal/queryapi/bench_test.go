package queryapi

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/signed"
)

// BenchmarkReserveParseVerifyAnswer measures the door's own part of a Reserve,
// without the database and the processor.
func BenchmarkReserveParseVerifyAnswer(b *testing.B) {
	secret := holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn")
	now := time.Date(2026, 11, 23, 10, 15, 30, 0, time.UTC)
	p := holdfast.Params{
		{Name: "Action", Value: "Reserve"},
		{Name: "SenderTokenId", Value: "Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01"},
		{Name: "TransactionAmount.CurrencyCode", Value: "USD"},
		{Name: "TransactionAmount.Value", Value: "12.50"},
		{Name: "CallerReference", Value: "order-1001"},
		{Name: "CallerDescription", Value: "Tea & cakes ~ 50% off* (café)"},
		{Name: "AWSAccessKeyId", Value: "FPSTESTACCESSKEY0001"},
		{Name: "SignatureVersion", Value: "2"},
		{Name: "SignatureMethod", Value: "HmacSHA256"},
		{Name: "Timestamp", Value: "2026-11-23T10:15:30Z"},
		{Name: "Version", Value: "2010-08-28"},
	}
	signature, err := holdfast.SignHMAC(secret, holdfast.HmacSHA256,
		holdfast.StringToSign(http.MethodPost, "fps.example.test", "/", p))
	if err != nil {
		b.Fatal(err)
	}
	body := append(p, holdfast.Param{Name: "Signature", Value: signature}).Encode()
	r := httptest.NewRequest(http.MethodPost, "http://fps.example.test/", nil)
	s := &Server{}
	signer := signed.Signer{Key: party.AccessKey{Secret: secret}}
	id := randomUUID()
	t := payment.Transaction{
		ID: "14TESTTXN00000000000000000000000P01", Kind: payment.KindReserve, State: payment.Reserved, Deadline: now,
	}
	b.ReportAllocs()
	for b.Loop() {
		p, err := form("", body, typeForm)
		if err != nil {
			b.Fatal(err)
		}
		if err := s.checkTime(p, now); err != nil {
			b.Fatal(err)
		}
		sent := signed.Request{
			Request: r, Version: p.Get("SignatureVersion"), Method: holdfast.SignatureMethod(p.Get("SignatureMethod")),
			Params: p, Field: "Signature", Verbs: []string{r.Method}, Paths: s.signedPaths("/"),
		}
		if err := checkSignature(&sent, signer, nil); err != nil {
			b.Fatal(err)
		}
		a, _ := actionNamed(p.Get("Action"))
		if p, err = a.read(holdfast.Version2010, p); err != nil {
			b.Fatal(err)
		}
		if _, err := amountOf(p, "TransactionAmount"); err != nil {
			b.Fatal(err)
		}
		doc := newDocument(a.name, holdfast.Version2010)
		if err := (&request{}).transactionResult(t, nil, doc); err != nil {
			b.Fatal(err)
		}
		if len(doc.finish(id)) == 0 {
			b.Fatal("nothing was written")
		}
	}
}
