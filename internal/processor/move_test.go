package processor

import (
	"io"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// BenchmarkMoveLog measures what the line about one action costs: the line
// alone, and with the system call that writes it.
func BenchmarkMoveLog(b *testing.B) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	t := payment.Transaction{
		ID: "14TESTTXN00000000000000000000000P01", Caller: "CTESTCALLER", Reference: "order-1001",
		Amount: money.Cents(1234), State: payment.Reserved, StatusCode: "Success",
	}
	for name, to := range map[string]io.Writer{"line": io.Discard, "written": null} {
		b.Run(name, func(b *testing.B) {
			log := slog.New(slog.NewTextHandler(to, nil))
			b.ReportAllocs()
			for b.Loop() {
				MoveOf(&t).Log(b.Context(), log, "Reserve", "00000000-0000-4000-8000-000000000002", 1234*time.Microsecond)
			}
		})
	}
}
