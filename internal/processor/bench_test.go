package processor_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// BenchmarkReserve measures a whole Reserve without the HTTP request:
// reference, decision, intent, network, outcome. 256 callers at once share
// commits, or each has its own, to compare. The databases are only as durable
// as the machine's settings: PostgreSQL for tests runs without fsync.
func BenchmarkReserve(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		for group, most := range map[bool]int{true: 0, false: 1} {
			b.Run(fmt.Sprintf("%s/group=%v", name, group), func(b *testing.B) {
				w := crowded(b, store.Config{Address: address(b), GroupMax: most})
				tokens := mint(b, w, b.N)
				measure(b, "reserves", func() { reserveAll(b, w, tokens) })
			})
		}
	}
}

// BenchmarkHold compares a hold by the JSON API with a Reserve of the same caller,
// without the doors, while events and audit entries get their places as in a server.
func BenchmarkHold(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		for _, door := range []string{"fps", "json"} {
			b.Run(name+"/"+door, func(b *testing.B) {
				w := crowded(b, store.Config{Address: address(b)})
				key, _ := w.JSONKey(w.Shop, processor.NewKey{Name: "bench", Scopes: "hold"})
				tokens := mint(b, w, b.N)
				measure(b, "holds", func() {
					ctx, end := context.WithCancel(b.Context())
					var jobs sync.WaitGroup
					jobs.Go(func() { repeat(ctx, b, 10*time.Millisecond, w.Processor.PlaceEvents) })
					jobs.Go(func() { repeat(ctx, b, 250*time.Millisecond, w.Processor.ChainAudit) })
					if door == "fps" {
						reserveAll(b, w, tokens)
					} else {
						holdAll(b, w, key, tokens)
					}
					end()
					jobs.Wait()
				})
			})
		}
	}
}

// repeat does a job again and again, with a rest between, until ctx ends.
func repeat(ctx context.Context, b *testing.B, rest time.Duration, job func(context.Context) (int, error)) {
	b.Helper()
	for ctx.Err() == nil {
		if _, err := job(context.WithoutCancel(ctx)); err != nil {
			b.Error(err)
			return
		}
		select {
		case <-ctx.Done():
		case <-time.After(rest):
		}
	}
}

// holdAll is reserveAll by the JSON API.
func holdAll(b *testing.B, w *holdfasttest.World, key party.JSONKey, tokens []holdfast.TokenID) {
	b.Helper()
	ctx := store.ByActor(b.Context(), party.Actor{Kind: party.ActorKey, ID: string(key.ID), From: "192.0.2.1"})
	var callers sync.WaitGroup
	var next atomic.Int64
	for range 256 {
		callers.Go(func() {
			for i := next.Add(1); int(i) <= len(tokens); i = next.Add(1) {
				t, err := w.Processor.CreateHold(ctx, w.Shop, &processor.Call{
					Key: key, Idempotency: fmt.Sprint("bench-", i), Action: "POST /v1/holds",
					Body: `{"amount":{"amount":"42.50","currency":"USD"},"token":"` + string(tokens[i-1]) + `"}`,
				}, processor.CreateHold{Token: tokens[i-1], Amount: holdfasttest.USD("42.50")})
				if err != nil || t.State != payment.Reserved {
					b.Errorf("hold: %+v, %v", t, err)
				}
			}
		})
	}
	callers.Wait()
}

// BenchmarkExpiry measures how many holds per second expire that are all due at
// once, in the books and at the network.
func BenchmarkExpiry(b *testing.B) {
	for name, address := range holdfasttest.Addresses(b) {
		b.Run(name, func(b *testing.B) {
			w := crowded(b, store.Config{Address: address(b)})
			reserveAll(b, w, mint(b, w, b.N))
			w.Clock.Advance(payment.ReserveLifeMax)
			measure(b, "releases", func() {
				for released := 0; released < b.N; {
					_, sweeping := w.Processor.Sweep(b.Context())
					handed, releasing := w.Processor.Release(b.Context())
					found, resolving := w.Processor.Resolve(b.Context())
					if err := errors.Join(sweeping, releasing, resolving); err != nil {
						b.Fatal(err)
					}
					released += handed + found
				}
			})
		})
	}
}

// crowded makes a world with many callers at one time. Its ids grow with time,
// and so do the indexes on them.
func crowded(b *testing.B, c store.Config) *holdfasttest.World {
	b.Helper()
	db, err := store.Open(b.Context(), c)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { db.Close() })
	w := holdfasttest.NewWorld(b, db)
	w.Processor.IDs = processor.RandomIDs{Now: time.Now} //nolint:forbidigo // as in a server
	return w
}

// measure runs the benchmark's work and reports the rate per second and the
// processor time of one operation.
func measure(b *testing.B, what string, all func()) {
	b.Helper()
	b.ResetTimer()
	used := cpu(b)
	all()
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), what+"/s")                   //nolint:forbidigo // a rate, not money
	b.ReportMetric(float64((cpu(b)-used).Microseconds())/float64(b.N), "cpu-µs/op") //nolint:forbidigo // a time, not money
}

// reserveAll makes a Reserve with each of the tokens, for 256 callers at one
// time.
func reserveAll(b *testing.B, w *holdfasttest.World, tokens []holdfast.TokenID) {
	b.Helper()
	var callers sync.WaitGroup
	var next atomic.Int64
	for range 256 {
		callers.Go(func() {
			for i := next.Add(1); int(i) <= len(tokens); i = next.Add(1) {
				r, err := w.Processor.Reserve(b.Context(), w.Shop, holdfast.ReserveRequest{
					SenderTokenID: tokens[i-1], TransactionAmount: holdfasttest.USD("42.50"),
					CallerReference: holdfast.CallerReference(fmt.Sprint("bench-", i)),
				})
				if err != nil || r.State != payment.Reserved {
					b.Errorf("reserve: %+v, %v", r, err)
				}
			}
		})
	}
	callers.Wait()
}

// cpu returns the processor time that the process has used. On a busy machine
// it says more than the elapsed time.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mint makes tokens, a thousand in each transaction.
func mint(b *testing.B, w *holdfasttest.World, n int) []holdfast.TokenID {
	b.Helper()
	ids := make([]holdfast.TokenID, 0, n)
	for len(ids) < n {
		err := w.DB.Update(b.Context(), func(tx *store.Tx) error {
			for range min(1000, n-len(ids)) {
				t := payment.Token{
					ID: w.IDs.Token(), Caller: w.Shop.ID, Use: payment.UsePay, Sender: w.Buyer.ID, Recipient: w.Owner.ID,
					Instrument: w.Card.ID, Method: w.Card.Method, Type: holdfast.TokenSingleUse,
					Reference: holdfast.CallerReference(w.IDs.Other("cart-")), AmountType: holdfast.AmountMaximum,
					Amount: holdfasttest.USD("42.50"), Installed: w.Clock.Now(), Expires: w.Clock.Now().Add(payment.SingleUseLife),
				}
				if _, err := tx.InsertToken(t); err != nil {
					return err
				}
				ids = append(ids, t.ID)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return ids
}

func BenchmarkTransactionID(b *testing.B) {
	ids := processor.RandomIDs{Now: time.Now} //nolint:forbidigo // as in a server
	b.ReportAllocs()
	for b.Loop() {
		ids.Transaction()
	}
}
