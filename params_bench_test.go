package holdfast_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// reserveForm is the body of a usual Reserve.
const reserveForm = "Action=Reserve&SenderTokenId=Q5TESTTOKEN0000000000000000000000000000000000000000000000000SU01" +
	"&TransactionAmount.CurrencyCode=USD&TransactionAmount.Value=12.50&CallerReference=order-1001" +
	"&CallerDescription=Tea%20%26%20cakes%20~%2050%25%20off&AWSAccessKeyId=FPSTESTACCESSKEY0001" +
	"&SignatureVersion=2&SignatureMethod=HmacSHA256&Timestamp=2026-11-23T10%3A15%3A30Z&Version=2010-08-28" +
	"&Signature=bW9jayBzaWduYXR1cmUgb2YgMzIgYnl0ZXMuLi4uLi4%3D"

func BenchmarkParseParams(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		p, err := holdfast.ParseParams(reserveForm)
		if err != nil {
			b.Fatal(err)
		}
		if name, doubled := p.Duplicate(); doubled {
			b.Fatal(name)
		}
	}
}

func BenchmarkEncodeParams(b *testing.B) {
	p, err := holdfast.ParseParams(reserveForm)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if p.Encode() != reserveForm {
			b.Fatal("the form has changed")
		}
	}
}
