package payment_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// BenchmarkReserve decides on a Reserve and on the network's answer.
func BenchmarkReserve(b *testing.B) {
	in := good()
	b.ReportAllocs()
	for b.Loop() {
		c, err := payment.Reserve(in.Input, in.Request)
		if err != nil {
			b.Fatal(err)
		}
		answer := payment.Answer{Verdict: payment.Approved, Authorization: "A1"}
		if got := c.After.Outcome(*c.Ask, answer, now); got.After.State != payment.Reserved {
			b.Fatal(got.After.State)
		}
	}
}

func BenchmarkDigestOf(b *testing.B) {
	in := good()
	b.ReportAllocs()
	for b.Loop() {
		payment.DigestOf("Reserve", in.Request)
	}
}
