package bench

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// loaders is how many transactions are made at a time without a server: more
// than share a commit, so that one is always full.
const loaders = 1024

// mintAhead is how many tokens are minted at a time for transactions to come.
const mintAhead = 100_000

// A loading makes transactions in the store with the server's own processor,
// and no server: what is made is what a server would have made.
type loading struct {
	bench     *Bench
	processor *processor.Processor
	doing     string
	merchants func(i int64) int
	one       func(ctx context.Context, p *processor.Processor, merchant int, r holdfast.ReserveRequest) (payment.Transaction, error)
	want      payment.State
}

func (b *Bench) newProcessor(now func() time.Time) *processor.Processor {
	return &processor.Processor{
		Store: b.Store, Network: &sandbox.Network{Now: now}, Now: now, Log: slog.New(slog.DiscardHandler),
	}
}

// Preload makes so many payments that have succeeded, over all merchants.
func (b *Bench) Preload(ctx context.Context, count int64) error {
	if err := b.assemble(ctx); err != nil {
		return err
	}
	l := loading{
		bench: b, processor: b.newProcessor(b.Now), doing: "loading payments", want: payment.Success,
		merchants: func(i int64) int { return int(i % int64(b.Merchants)) },
		one: func(ctx context.Context, p *processor.Processor, merchant int, r holdfast.ReserveRequest) (payment.Transaction, error) {
			return p.Pay(ctx, b.cast.merchants[merchant].caller, holdfast.PayRequest(r))
		},
	}
	return l.run(ctx, b.stock, count)
}

// run makes the transactions, minting as it goes.
func (l *loading) run(ctx context.Context, tokens *stock, count int64) error {
	defer l.processor.Close()
	began := l.bench.Now()
	orders := newNumbers(processor.RandomIDs{Now: l.bench.Now}.Other("l"), l.bench.Merchants)
	for made := int64(0); made < count; {
		n := min(mintAhead, count-made)
		merchants := make([]int, n)
		for i := range merchants {
			merchants[i] = l.merchants(made + int64(i))
		}
		if err := tokens.mintAll(ctx, merchants); err != nil {
			return err
		}
		if err := l.batch(ctx, tokens, orders, made, n); err != nil {
			return fmt.Errorf("%s: %w", l.doing, err)
		}
		made += n
		if took := l.bench.Now().Sub(began); l.bench.Progress != nil {
			l.bench.Progress(Progress{Doing: l.doing, Elapsed: took, Answered: made, Rate: perSecond(made, took)})
		}
	}
	return nil
}

func (l *loading) batch(ctx context.Context, tokens *stock, orders *numbers, first, count int64) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var making sync.WaitGroup
	for range min(loaders, count) {
		making.Go(func() {
			for i := next.Add(1) - 1; i < count && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := l.make(ctx, tokens, orders, first+i); err != nil {
					cancel(err)
				}
			}
		})
	}
	making.Wait()
	return context.Cause(ctx)
}

func (l *loading) make(ctx context.Context, tokens *stock, orders *numbers, i int64) error {
	merchant := l.merchants(i)
	token, err := tokens.take(ctx, merchant)
	if err != nil {
		return err
	}
	t, err := l.one(ctx, l.processor, merchant, holdfast.ReserveRequest{
		SenderTokenID: token, CallerReference: orders.next(merchant),
		TransactionAmount: money.Cents(500 + 100*(i%195)), // see drawAmount
	})
	if err == nil && t.State != l.want {
		err = fmt.Errorf("a transaction is %s instead of %s: %s", t.State, l.want, t.StatusMessage)
	}
	return err
}
