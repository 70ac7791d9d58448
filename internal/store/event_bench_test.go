package store_test

import (
	"fmt"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// benchEvents are written before the feed is read: events of the size of a
// hold's, of two callers.
const benchEvents = 40_000

// BenchmarkFeed reads a caller's feed in pages of 1,000 events, as a program does
// that catches up. The figure to look at is events/s; at least 20,000 are wanted.
func BenchmarkFeed(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		b.Run(name, func(b *testing.B) {
			db := holdfasttest.Open(b, address(b))
			fillFeed(b, db)
			b.ResetTimer()
			events := 0
			for b.Loop() {
				events += len(holdfasttest.FeedOf(b, db, "C1", 1000))
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s") //nolint:forbidigo // a rate, not money
		})
	}
}

// BenchmarkPlacing gives events their positions, a thousand in a commit.
func BenchmarkPlacing(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		b.Run(name, func(b *testing.B) {
			db := holdfasttest.Open(b, address(b))
			events := 0
			for b.Loop() {
				b.StopTimer()
				var all []payment.Event
				for i := range 1000 {
					all = append(all, benchEvent("C1", events+i))
				}
				addEvents(b, db, holdfasttest.Start, all...)
				b.StartTimer()
				events += place(b, db, 1000)
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s") //nolint:forbidigo // a rate, not money
		})
	}
}

func fillFeed(b *testing.B, db *store.DB) {
	b.Helper()
	for n := 0; n < benchEvents; n += 1000 {
		var all []payment.Event
		for i := range 500 {
			all = append(all, benchEvent("C1", n+i), benchEvent("C2", n+i))
		}
		addEvents(b, db, holdfasttest.Start, all...)
		place(b, db, 1000)
	}
}

func benchEvent(c party.CallerID, n int) payment.Event {
	zero := money.Micros(0)
	t := payment.Transaction{
		ID: "1TESTTESTTESTTESTTESTTEST", Caller: c, Kind: payment.KindReserve, State: payment.Reserved, Amount: tillAmount,
		Reference: "order-2026-000000001", Token: "TOKENTOKENTOKENTOKENTOKENTOKENTOKENTOKENTOKENTOKENTOKENTOKEN",
		StatusCode: "Success", StatusMessage: "The amount was held.", Settled: zero, Taken: zero, Taking: zero, Lowered: zero,
		Fee: zero, Commission: zero, Refunded: zero, FeeReturned: zero, CommissionReturned: zero,
	}
	return payment.Event{
		Caller: c, Type: payment.EventHoldHeld, ObjectID: fmt.Sprintf("1TESTTESTTESTTESTTEST%010d", n), Seq: 1,
		At: holdfasttest.Start, Data: t.EventData(),
	}
}
