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
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// loaders is the number of transactions that are made at the same time, so that
// each commit is full.
const loaders = 1024

// A loading makes transactions in the store with the server's own processor,
// but without a server. The result is the same as with a server.
type loading struct {
	bench     *Bench
	processor *processor.Processor
	doing     string
	cast      cast
	kind      payment.Kind
	want      payment.State
	orders    *numbers
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
	l := loading{
		bench: b, processor: b.newProcessor(b.Now), doing: "loading payments", cast: b.cast, kind: payment.KindPay,
		want: payment.Success,
	}
	return l.run(ctx, count)
}

// run makes the transactions, in turns for all merchants.
func (l *loading) run(ctx context.Context, count int64) error {
	defer l.processor.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l.orders = newNumbers(processor.RandomIDs{Now: l.bench.Now}.Other("l"), len(l.cast.merchants))
	var next, made atomic.Int64
	telling, told := context.WithCancel(ctx)
	var making, watching sync.WaitGroup
	watching.Go(func() { l.bench.tell(telling, l.doing, func() (int64, int64) { return made.Load(), 0 }) })
	for range min(loaders, count) {
		making.Go(func() {
			for i := next.Add(1) - 1; i < count && ctx.Err() == nil; i = next.Add(1) - 1 {
				if err := l.make(ctx, i); err != nil {
					cancel(fmt.Errorf("%s: %w", l.doing, err))
				}
				made.Add(1)
			}
		})
	}
	making.Wait()
	told()
	watching.Wait()
	return context.Cause(ctx)
}

func (l *loading) make(ctx context.Context, i int64) error {
	merchant := int(i % int64(len(l.cast.merchants)))
	m, b := l.cast.merchants[merchant], l.cast.buyers[i%int64(len(l.cast.buyers))]
	token := newToken(m, b, l.processor.IDs, l.processor.Now())
	if err := insertTokens(ctx, l.bench.Store, []payment.Token{token}); err != nil {
		return err
	}
	asked := holdfast.ReserveRequest{
		SenderTokenID: token.ID, CallerReference: l.orders.next(merchant),
		TransactionAmount: money.Cents(500 + 100*(i%195)), // see drawAmount
	}
	t, err := l.ask(ctx, m.caller, asked)
	if err == nil && t.State != l.want {
		err = fmt.Errorf("a transaction is %s instead of %s: %s", t.State, l.want, t.StatusMessage)
	}
	return err
}

func (l *loading) ask(
	ctx context.Context, c party.Caller, asked holdfast.ReserveRequest,
) (payment.Transaction, error) {
	if l.kind == payment.KindReserve {
		return l.processor.Reserve(ctx, c, asked)
	}
	return l.processor.Pay(ctx, c, holdfast.PayRequest(asked))
}
