package processor_test

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// racers is how many requests race for money.
const racers = 24

// Two servers on one database get more requests at once than there is money
// for. They pay exactly as many as there is money for.
func TestTwoServersSpendNothingTwice(t *testing.T) {
	const each, asked = 10, racers // how many requests of one dollar succeed, and how many are made
	for name, race := range map[string]struct {
		prepare func(w *holdfasttest.World) func(*processor.Processor, int) error
		refused holdfast.Code
		left    func(w *holdfasttest.World) (account ledger.AccountID, dollars string)
	}{
		"a balance": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				w.Deposit(w.Buyer.ID, "10.00")
				tokens := make([]holdfast.TokenID, asked)
				for i := range tokens {
					tokens[i] = w.AuthorizeWith(w.Balance(), "1.00")
				}
				return func(p *processor.Processor, i int) error { return pay(w, p, tokens[i], i) }
			},
			refused: holdfast.InsufficientBalance,
			left: func(w *holdfasttest.World) (ledger.AccountID, string) {
				return ledger.Party(string(w.Buyer.ID)), "0.00"
			},
		},
		"a prepaid balance": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				a, spends, funds := w.Aggregate(holdfast.MethodPrepaid, "100.00")
				_, err := w.Processor.FundPrepaid(w.T.Context(), w.Shop, holdfast.FundPrepaidRequest{
					SenderTokenID: funds, PrepaidInstrumentID: a.ID, FundingAmount: holdfasttest.USD("10.00"), CallerReference: "fund",
				})
				if err != nil {
					w.T.Fatal(err)
				}
				return func(p *processor.Processor, i int) error { return pay(w, p, spends, i) }
			},
			refused: holdfast.InsufficientBalance,
			left:    func(w *holdfasttest.World) (ledger.AccountID, string) { return ledger.Owed(string(w.Owner.ID)), "0.00" },
		},
		"a credit limit": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				_, spends, _ := w.Aggregate(holdfast.MethodDebt, "10.00")
				return func(p *processor.Processor, i int) error { return pay(w, p, spends, i) }
			},
			refused: holdfast.AccountLimitsExceeded,
			left:    func(w *holdfasttest.World) (ledger.AccountID, string) { return ledger.Due(string(w.Owner.ID)), "10.00" },
		},
		"a token's limit": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				token := w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method},
					payment.Limit{Kind: payment.LimitCount, Value: each})
				return func(p *processor.Processor, i int) error { return pay(w, p, token, i) }
			},
			refused: holdfast.TokenUsageError,
			left:    func(w *holdfasttest.World) (ledger.AccountID, string) { return ledger.Network, "-10.00" },
		},
		"a single-use token's maximum, by raises": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				root, err := w.Reserve(w.Authorize("15.00"), "5.00", "order")
				if err != nil {
					w.T.Fatal(err)
				}
				return func(p *processor.Processor, i int) error {
					_, err := p.RaiseHold(w.T.Context(), w.Shop, nil, processor.RaiseHold{
						Hold: root.ID, Amount: money.Cents(1_00), Reference: holdfast.CallerReference(fmt.Sprint("more-", i)),
					})
					return err
				}
			},
			refused: holdfast.IncompatibleTokens,
			left:    func(w *holdfasttest.World) (ledger.AccountID, string) { return ledger.Held, "15.00" },
		},
		"a payment, by refunds": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				paid := w.Paid("10.00", "paid")
				w.Deposit(w.Owner.ID, "50.00")
				return func(p *processor.Processor, i int) error {
					_, err := p.Refund(w.T.Context(), w.Shop, holdfast.RefundRequest{
						TransactionID: paid.ID, RefundAmount: money.Cents(1_00),
						CallerReference: holdfast.CallerReference(fmt.Sprint("refund-", i)),
					})
					return err
				}
			},
			refused: holdfast.TransactionFullyRefundedAlready,
			left:    func(w *holdfasttest.World) (ledger.AccountID, string) { return ledger.Fees, "0.00" },
		},
		"the shop's balance, by refunds": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				w.Deposit(w.Buyer.ID, "24.00")
				paid := make([]holdfast.TransactionID, asked)
				for i := range paid { // each for a fee of 0.03
					one, err := w.Pay(w.AuthorizeWith(w.Balance(), "1.00"), "1.00", holdfast.CallerReference(fmt.Sprint("paid-", i)))
					if err != nil {
						w.T.Fatal(err)
					}
					paid[i] = one.ID
				}
				// The shop pays out enough that only ten refunds can be paid. Each refund
				// gives its fee back.
				out := w.Token(payment.Token{
					Sender: w.Owner.ID, Recipient: w.Buyer.ID, Instrument: w.BalanceOf(w.Owner.ID).ID, Method: holdfast.MethodABT,
				})
				if _, err := w.Pay(out, "13.58", "out"); err != nil {
					w.T.Fatal(err)
				}
				return func(p *processor.Processor, i int) error {
					_, err := p.Refund(w.T.Context(), w.Shop, holdfast.RefundRequest{
						TransactionID: paid[i], CallerReference: holdfast.CallerReference(fmt.Sprint("refund-", i)),
					})
					return err
				}
			},
			refused: holdfast.InsufficientBalance,
			left: func(w *holdfasttest.World) (ledger.AccountID, string) {
				return ledger.Party(string(w.Owner.ID)), "0.00"
			},
		},
		"the caller's balance, by fees of payments": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				requests := sales(w)
				return func(p *processor.Processor, i int) error {
					_, err := p.Pay(w.T.Context(), w.Shop, requests[i])
					return err
				}
			},
			refused: holdfast.InsufficientBalance,
			left:    ownersBalance,
		},
		"the caller's balance, by fees of settlements": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				var holds []holdfast.TransactionID
				for _, sale := range sales(w) {
					r, err := w.Processor.Reserve(w.T.Context(), w.Shop, holdfast.ReserveRequest(sale))
					if err != nil || r.State != payment.Reserved {
						w.T.Fatalf("%+v, %v", r, err)
					}
					holds = append(holds, r.ID)
				}
				return func(p *processor.Processor, i int) error {
					_, err := p.Settle(w.T.Context(), w.Shop, holdfast.SettleRequest{ReserveTransactionID: holds[i]})
					return err
				}
			},
			refused: holdfast.InsufficientBalance,
			left:    ownersBalance,
		},
		"the caller's balance, by commissions given back": {
			prepare: func(w *holdfasttest.World) func(*processor.Processor, int) error {
				// Each server gives back the fees of one seller. They have only the
				// marketplace's balance in common.
				sellers := []holdfasttest.Market{w.Market(true), w.Market(true)}
				sold := make([]holdfast.TransactionID, asked)
				for i := range sold {
					one, err := sellers[i%2].Pay("5.00", "1.00", holdfast.CallerReference(fmt.Sprint("sold-", i)))
					if err != nil {
						w.T.Fatal(err)
					}
					sold[i] = one.ID
				}
				w.Deposit(sellers[0].Seller.ID, "100.00")
				w.Deposit(sellers[1].Seller.ID, "100.00")
				// The marketplace pays out all its fees except ten.
				out := w.Token(payment.Token{
					Sender: w.Owner.ID, Recipient: w.Buyer.ID, Instrument: w.BalanceOf(w.Owner.ID).ID, Method: holdfast.MethodABT,
				})
				if _, err := w.Pay(out, "14.00", "out"); err != nil {
					w.T.Fatal(err)
				}
				return func(p *processor.Processor, i int) error {
					_, err := p.Refund(w.T.Context(), w.Shop, holdfast.RefundRequest{
						TransactionID: sold[i], CallerReference: holdfast.CallerReference(fmt.Sprint("refund-", i)),
						MarketplaceRefundPolicy: holdfast.RefundMasterAndMarketplace,
					})
					return err
				}
			},
			refused: holdfast.InsufficientBalance,
			left:    ownersBalance,
		},
	} {
		for engine, address := range holdfasttest.Addresses(t) {
			t.Run(name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				at := address(t)
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
				other := processor.New(holdfasttest.Open(t, at), processor.Config{
					Network: w.Network, Now: w.Clock.Now, IDs: w.IDs,
					Log: slog.New(slog.DiscardHandler),
				})
				t.Cleanup(other.Close)
				ask := race.prepare(w)
				var done atomic.Int64
				var asking sync.WaitGroup
				for i := range asked {
					asking.Go(func() {
						p := w.Processor
						if i%2 == 0 {
							p = other
						}
						err := ask(p, i)
						if refused, ok := errors.AsType[*holdfast.Error](err); ok && refused.Code == race.refused {
							return
						}
						if err != nil {
							t.Error(err)
						}
						done.Add(1)
					})
				}
				asking.Wait()
				if done.Load() != each {
					t.Errorf("%d of %d were carried out, want %d", done.Load(), asked, each)
				}
				account, dollars := race.left(w)
				want(w, balance(w, account), dollars)
				w.CheckBooks()
			})
		}
	}
}

func ownersBalance(w *holdfasttest.World) (ledger.AccountID, string) {
	return ledger.Party(string(w.Owner.ID)), "0.00"
}

// sales prepares more sales than the caller can pay the fees of: its money is
// enough for ten.
func sales(w *holdfasttest.World) []holdfast.PayRequest {
	w.T.Helper()
	m := w.Market(false)
	w.Deposit(w.Owner.ID, "1.00") // each costs 5 % and 0.05
	all := make([]holdfast.PayRequest, racers)
	for i := range all {
		all[i] = m.Sale("1.00", "", holdfast.CallerReference(fmt.Sprint("sale-", i)))
	}
	return all
}

func pay(w *holdfasttest.World, p *processor.Processor, token holdfast.TokenID, i int) error {
	_, err := p.Pay(w.T.Context(), w.Shop, holdfast.PayRequest{
		SenderTokenID: token, TransactionAmount: money.Cents(1_00),
		CallerReference: holdfast.CallerReference(fmt.Sprint("order-", i)),
	})
	return err
}
