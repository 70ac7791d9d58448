package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	// patternsMost is the number of transactions that are made by the rules. All
	// others are copies of them.
	patternsMost = 1000
	// loaders is the number of transactions that are made at the same time.
	loaders = 64
	// rebuildFrom is the number of payments from which a store gets its indexes at
	// the end.
	rebuildFrom = 1_000_000
	// loadedOver is the time between the first and the last payment of a store.
	loadedOver = time.Hour
)

// A loading makes transactions in the store without a server: some with the
// server's own processor, and the others as copies of these.
type loading struct {
	bench     *Bench
	processor *processor.Processor
	doing     string
	cast      cast
	kind      payment.Kind
	want      payment.State
	over      time.Duration // from the first copy to the last
	rebuild   bool          // see database.bare
	orders    *numbers
	made      atomic.Int64
}

// newProcessor makes a processor with the given clock. Its ids still grow with
// real time, because ids of one moment would have a random order.
func (b *Bench) newProcessor(now func() time.Time) *processor.Processor {
	return processor.New(b.Store, processor.Config{
		Network: &sandbox.Network{Now: now}, Now: now, Log: slog.New(slog.DiscardHandler),
		IDs: processor.RandomIDs{Now: b.Now},
	})
}

// Preload makes count successful payments, spread over all merchants.
func (b *Bench) Preload(ctx context.Context, count int64) error {
	if err := b.assemble(ctx); err != nil {
		return err
	}
	return b.preloading(count).run(ctx, count)
}

func (b *Bench) preloading(count int64) *loading {
	return &loading{
		bench: b, processor: b.newProcessor(b.Now), doing: "loading payments", cast: b.cast, kind: payment.KindPay,
		want: payment.Success, over: loadedOver, rebuild: count >= rebuildFrom,
	}
}

// run makes the transactions, in turns for all merchants.
func (l *loading) run(ctx context.Context, count int64) error {
	defer l.processor.Close()
	telling, told := context.WithCancel(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { l.bench.tell(telling, l.doing, func() (int64, int64) { return l.made.Load(), 0 }) })
	defer watching.Wait()
	defer told()
	patterns, err := l.makePatterns(ctx, min(count, patternsMost))
	if err != nil {
		return fmt.Errorf("%s: %w", l.doing, err)
	}
	copies := count - int64(len(patterns))
	for i := range patterns {
		patterns[i].copies = inParts(copies, len(patterns), i)
	}
	if err := l.copy(ctx, patterns); err != nil {
		return fmt.Errorf("%s: %w", l.doing, err)
	}
	if count <= patternsMost { // small stores are as good as empty ones
		return nil
	}
	if err := l.bench.database.settle(ctx); err != nil {
		return fmt.Errorf("%s: %w", l.doing, err)
	}
	return nil
}

func (l *loading) copy(ctx context.Context, patterns []pattern) (failed error) {
	f := newFilling(patterns, l.processor.IDs)
	if f.most == 0 {
		return nil
	}
	f.gap = l.over / time.Duration(f.most)
	if !l.bench.database.postgres {
		f.afterGroup = `PRAGMA wal_checkpoint(PASSIVE)`
	}
	if err := f.prepare(ctx, l.bench.database, copiedPayments); err != nil {
		return err
	}
	if err := f.addBalances(ctx, l.bench.database); err != nil {
		return err
	}
	if l.rebuild {
		restore, err := l.bench.database.bare(ctx, copiedPayments)
		if err != nil {
			return err
		}
		defer func() { failed = errors.Join(failed, restore(context.WithoutCancel(ctx))) }()
	}
	return f.run(ctx, l.bench.database, func(n int64) { l.made.Store(int64(len(patterns)) + n) })
}

// inParts is the i-th of so many almost equal parts.
func inParts(whole int64, parts, i int) int64 {
	part := whole / int64(parts)
	if int64(i) < whole%int64(parts) {
		part++
	}
	return part
}

// makePatterns makes count transactions with the server's own rules.
func (l *loading) makePatterns(ctx context.Context, count int64) ([]pattern, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.orders = newNumbers(l.processor.IDs.Other("l"), len(l.cast.merchants))
	patterns := make([]pattern, count)
	var next atomic.Int64
	var making sync.WaitGroup
	for range min(loaders, count) {
		making.Go(func() {
			for i := next.Add(1) - 1; i < count && ctx.Err() == nil; i = next.Add(1) - 1 {
				made, err := l.make(ctx, i)
				if err != nil {
					cancel(err)
				}
				patterns[i] = made
				l.made.Add(1)
			}
		})
	}
	making.Wait()
	return patterns, context.Cause(ctx)
}

// make makes the i-th transaction. Each merchant has several buyers.
func (l *loading) make(ctx context.Context, i int64) (pattern, error) {
	merchants, buyers := int64(len(l.cast.merchants)), int64(len(l.cast.buyers))
	m, b := l.cast.merchants[i%merchants], l.cast.buyers[(i+i/merchants)%buyers]
	token := newToken(m, b, l.processor.IDs, l.processor.Now())
	if err := insertTokens(ctx, l.bench.Store, []payment.Token{token}); err != nil {
		return pattern{}, err
	}
	asked := holdfast.ReserveRequest{
		SenderTokenID: token.ID, CallerReference: l.orders.next(int(i % merchants)),
		TransactionAmount: money.Cents(500 + 100*(i%195)), // see drawAmount
	}
	t, err := l.ask(ctx, m.caller, asked)
	if err == nil && t.State != l.want {
		err = fmt.Errorf("a transaction is %s instead of %s: %s", t.State, l.want, t.StatusMessage)
	}
	return pattern{caller: t.Caller, token: token.ID, transaction: t.ID, reference: t.Reference}, err
}

func (l *loading) ask(
	ctx context.Context, c party.Caller, asked holdfast.ReserveRequest,
) (payment.Transaction, error) {
	if l.kind == payment.KindReserve {
		return l.processor.Reserve(ctx, c, asked)
	}
	return l.processor.Pay(ctx, c, holdfast.PayRequest(asked))
}
