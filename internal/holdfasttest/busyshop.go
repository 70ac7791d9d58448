package holdfasttest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A BusyShop makes random payments and refunds of every kind. Its clock and the
// caller's are moved by days, so that steps come long after their transactions.
type BusyShop struct {
	Random *rand.Rand

	w    *World
	refs int

	market        Market
	spends, funds holdfast.TokenID
	prepaidID     holdfast.InstrumentID
	holds, paid   []holdfast.TransactionID
}

// NewBusyShop makes a busy shop in a world. The same seed gives the same actions.
func NewBusyShop(w *World, seed uint64) *BusyShop {
	w.Unchecked, w.Processor.Wait = true, 20*time.Millisecond
	s := &BusyShop{w: w, Random: rand.New(rand.NewPCG(seed, 1)), market: w.Market(false)}
	a, spends, funds := w.Aggregate(holdfast.MethodPrepaid, "1000.00")
	s.spends, s.funds, s.prepaidID = spends, funds, a.ID
	w.Deposit(w.Owner.ID, "500.00")
	w.Deposit(w.Buyer.ID, "500.00")
	w.Deposit(s.market.Seller.ID, "500.00")
	return s
}

func (s *BusyShop) ref() holdfast.CallerReference {
	s.refs++
	return holdfast.CallerReference(fmt.Sprintf("busy-%d", s.refs))
}

func (s *BusyShop) amount() string { return money.Cents(50 + s.Random.Int64N(5000)).Decimal() }

func (s *BusyShop) one(of []holdfast.TransactionID) holdfast.TransactionID {
	if len(of) == 0 {
		return "1NONE"
	}
	return of[s.Random.IntN(len(of))]
}

// reply makes the network decline a question, or lose its answer, now and then.
func (s *BusyShop) reply(step payment.Step) {
	s.w.Network.Forget()
	switch s.Random.IntN(5) {
	case 0:
		s.w.Network.Next(Reply{Step: step, Decline: holdfast.CodeTransactionDenied})
	case 1:
		s.w.Network.Next(Reply{Step: step, Lost: true})
	}
}

// act carries out one random action. Refusals are part of a busy day.
func (s *BusyShop) act() error {
	w, ctx := s.w, s.w.T.Context()
	amount := s.amount()
	var t payment.Transaction
	var err error
	switch s.Random.IntN(14) {
	case 0, 1:
		s.reply(payment.StepAuthorize)
		t, err = w.Reserve(w.Authorize(amount), amount, s.ref())
		s.holds = append(s.holds, t.ID)
	case 2, 3, 4:
		s.reply(payment.StepCapture)
		t, err = w.Settle(s.one(s.holds), []string{"", "0.70"}[s.Random.IntN(2)])
		s.paid = append(s.paid, t.ID)
	case 5:
		t, err = w.Cancel(s.one(s.holds))
	case 6:
		s.reply(payment.StepCharge)
		t, err = w.Pay(w.Authorize(amount), amount, s.ref())
		s.paid = append(s.paid, t.ID)
	case 7:
		t, err = w.Pay(w.AuthorizeWith(w.Balance(), amount), amount, s.ref())
		s.paid = append(s.paid, t.ID)
	case 8:
		t, err = s.market.Pay(amount, "0.25", s.ref())
		s.paid = append(s.paid, t.ID)
	case 9:
		t, err = s.market.Reserve(amount, "0.25", s.ref())
		s.holds = append(s.holds, t.ID)
	case 10, 11:
		s.reply(payment.StepReturn)
		_, err = w.Processor.Refund(ctx, w.Shop, holdfast.RefundRequest{
			TransactionID: s.one(s.paid), CallerReference: s.ref(), RefundAmount: USD("0.35"),
			MarketplaceRefundPolicy: []holdfast.RefundPolicy{
				"", holdfast.RefundMasterAndMarketplace, holdfast.RefundMarketplaceOnly,
			}[s.Random.IntN(3)],
		})
	case 12:
		err = s.prepaid(amount)
	case 13:
		err = s.passTime()
	}
	return err
}

func (s *BusyShop) prepaid(amount string) error {
	if s.Random.IntN(2) == 0 {
		t, err := s.w.Pay(s.spends, amount, s.ref())
		s.paid = append(s.paid, t.ID)
		return err
	}
	_, err := s.w.Processor.FundPrepaid(s.w.T.Context(), s.w.Shop, holdfast.FundPrepaidRequest{
		SenderTokenID: s.funds, PrepaidInstrumentID: s.prepaidID, FundingAmount: USD(amount),
		CallerReference: s.ref(),
	})
	return err
}

// passTime moves the clock of all or that of the caller, and does the background
// work, or leaves it undone so that it comes late.
func (s *BusyShop) passTime() error {
	w, ctx := s.w, s.w.T.Context()
	var moving error
	switch s.Random.IntN(6) {
	case 0:
		_, moving = w.Processor.AdvanceClock(ctx, w.Shop.ID, time.Duration(s.Random.IntN(200))*time.Hour)
	case 1:
		_, moving = w.Processor.ResetClock(ctx, w.Shop.ID)
	default:
		w.Clock.Advance(time.Duration(s.Random.IntN(240)) * time.Hour)
	}
	if s.Random.IntN(2) == 0 {
		return moving
	}
	w.Network.Forget()
	_, sweeping := w.Processor.Sweep(ctx)
	_, releasing := w.Processor.Release(ctx)
	_, resolving := w.Processor.Resolve(ctx)
	return errors.Join(moving, sweeping, releasing, resolving, w.SumDays())
}

// Run carries out some actions.
func (s *BusyShop) Run(actions int) {
	for range actions {
		err := s.act()
		if _, refused := errors.AsType[*holdfast.Error](err); err != nil && !refused {
			s.w.T.Fatal(err)
		}
	}
}

// SumDays computes the daily sums of all callers that are due.
func (w *World) SumDays() error {
	for {
		if done, err := w.Processor.SumDays(w.T.Context()); err != nil || done == 0 {
			return err
		}
	}
}
