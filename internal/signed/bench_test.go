package signed_test

import (
	"net/http"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/signed"
)

// BenchmarkCheck measures the check of a Reserve's signature, and of a wrong
// one.
func BenchmarkCheck(b *testing.B) {
	p := params(
		"Action", "Reserve", "SenderTokenId", "Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01",
		"TransactionAmount.CurrencyCode", "USD", "TransactionAmount.Value", "12.50", "CallerReference", "order-1001",
		"CallerDescription", "Tea & cakes ~ 50% off* (café)", "AWSAccessKeyId", "FPSTESTACCESSKEY0001",
		"SignatureVersion", "2", "SignatureMethod", "HmacSHA256", "Timestamp", "2026-11-23T10:15:30Z", "Version", "2010-08-28",
	)
	const host = "fps.example.test"
	signature := hmacOf(b, holdfast.HmacSHA256, holdfast.StringToSign(http.MethodPost, host, "/", p))
	r := at(http.MethodPost, host, "127.0.0.1:8080")
	for name, row := range map[string]struct {
		signature string
		want      error
	}{"right": {signature, nil}, "wrong": {"AAAA" + signature[4:], signed.ErrWrong}} {
		b.Run(name, func(b *testing.B) {
			sent := append(p[:len(p):len(p)], holdfast.Param{Name: "Signature", Value: row.signature})
			b.ReportAllocs()
			for b.Loop() {
				request := signed.Request{
					Request: r, Version: signed.Version2, Method: holdfast.HmacSHA256, Params: sent, Field: "Signature",
					Verbs: []string{http.MethodPost}, Hosts: []string{"pay.example.test"}, Paths: []string{"/"},
				}
				if err := request.Check(signer); err != row.want { //nolint:errorlint // it is the same value
					b.Fatal(err)
				}
			}
		})
	}
}
