package processor_test

import (
	"errors"
	"log/slog"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// Two servers decide at the same moment: one takes a token or a card away, the
// other puts money on the instrument. In either order no money is stranded.
func TestTwoServersStrandNothing(t *testing.T) {
	const rounds = 12
	cancel := func(p purse, id holdfast.TokenID) error {
		return p.Processor.CancelToken(p.T.Context(), p.Shop, holdfast.CancelTokenRequest{TokenID: id})
	}
	fund := func(p purse) error {
		return second(p.Processor.FundPrepaid(p.T.Context(), p.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: p.pays, PrepaidInstrumentID: p.ID, FundingAmount: holdfasttest.USD("20.00"),
			CallerReference: p.ref("fund"),
		}))
	}
	owe := func(p purse) error {
		return second(p.Processor.Pay(p.T.Context(), p.Shop, holdfast.PayRequest{
			SenderTokenID: p.spends, TransactionAmount: holdfasttest.USD("20.00"), CallerReference: p.ref("owe"),
		}))
	}
	end := func(p purse) error { return second(p.Processor.EndInstrument(p.T.Context(), p.Buyer.ID, p.spends)) }
	most := payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("30.00").Micro}
	for name, race := range map[string]struct {
		method   holdfast.PaymentMethod
		limits   []payment.Limit
		one, two func(purse) error
	}{
		"cancelling and funding": {holdfast.MethodPrepaid, nil, func(p purse) error { return cancel(p, p.spends) }, fund},
		"ending and funding":     {holdfast.MethodPrepaid, nil, end, fund},
		"cancelling and owing":   {holdfast.MethodDebt, nil, func(p purse) error { return cancel(p, p.pays) }, owe},
		"ending and owing":       {holdfast.MethodDebt, nil, end, owe},
		"owing and owing":        {holdfast.MethodDebt, []payment.Limit{most}, owe, owe},
		"removing the card and owing": {holdfast.MethodDebt, nil, func(p purse) error {
			err := p.Processor.RemoveInstrument(p.T.Context(), p.Buyer.ID, p.card)
			if errors.Is(err, processor.ErrInstrumentNeeded) {
				return nil
			}
			return err
		}, owe},
	} {
		for engine, address := range holdfasttest.Addresses(t) {
			t.Run(name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				at := address(t)
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
				other := *w
				other.Processor = processor.New(holdfasttest.Open(t, at), processor.Config{
					Network: w.Network, Now: w.Clock.Now, IDs: w.IDs,
					Log: slog.New(slog.DiscardHandler),
				})
				t.Cleanup(other.Processor.Close)
				for range rounds {
					w.Card = w.AddCard(w.Buyer.ID)
					one := newPurse(w, race.method, 0, race.limits...)
					one.card = w.Card.ID
					two := one
					two.World = &other
					meet(t, func() error { return race.one(one) }, func() error { return race.two(two) })
					sweep(w)
					w.CheckBooks()
				}
			})
		}
	}
}

// meet runs actions at the same time. They may be refused, but must not fail.
func meet(t *testing.T, actions ...func() error) {
	var all sync.WaitGroup
	begin := make(chan struct{})
	for _, action := range actions {
		all.Go(func() {
			<-begin
			err := action()
			if _, refused := errors.AsType[*holdfast.Error](err); err != nil && !refused {
				t.Error(err)
			}
		})
	}
	close(begin)
	all.Wait()
}
