package processor_test

import (
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A scene is a world in which a transaction changes everything that it can
// change: tokens with limits, parties with limits, instruments, and a
// marketplace that pays fees and takes some.
type scene struct {
	*holdfasttest.World
	market               holdfasttest.Market
	pays, funds, settles holdfast.TokenID
	prepaid, debt        payment.AggregateInstrument
	sold                 payment.Transaction // with a marketplace fee, for refunds
}

const debtOfScene = "90.00"

func newScene(w *holdfasttest.World, m holdfasttest.Market) scene {
	w.T.Helper()
	s := scene{World: w, market: m}
	w.Deposit(w.Owner.ID, "10.00")
	sold, err := s.market.Pay("30.00", "2.00", s.ref())
	s.must(err)
	s.sold = sold
	var owes holdfast.TokenID
	s.prepaid, _, _ = w.Aggregate(holdfast.MethodPrepaid, "100.00")
	s.debt, owes, _ = w.Aggregate(holdfast.MethodDebt, "100.00")
	_, err = w.Pay(owes, debtOfScene, s.ref())
	s.must(err)
	w.Change(w.Buyer.ID, func(p *party.Party) { p.SendingLimit = holdfasttest.USD("1000000.00") })
	w.Change(w.Owner.ID, func(p *party.Party) { p.ReceivingLimit = holdfasttest.USD("1000000.00") })
	limited := func(t payment.Token) holdfast.TokenID {
		t.Type, t.Instrument, t.Method = holdfast.TokenMultiUse, w.Card.ID, w.Card.Method
		return w.Token(t,
			payment.Limit{Kind: payment.LimitCount, Value: 9, Period: payment.Period{N: 1, Unit: payment.Month}},
			payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("90.00").Micro})
	}
	s.pays = limited(payment.Token{})
	s.funds = limited(payment.Token{Use: payment.UseFund, Aggregate: s.prepaid.ID})
	s.settles = limited(payment.Token{Use: payment.UseSettle, Aggregate: s.debt.ID})
	return s
}

func (s scene) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

// ref returns a new CallerReference.
func (s scene) ref() holdfast.CallerReference { return holdfast.CallerReference(s.IDs.Other("ref-")) }

// begins has the first action of each kind, with a token whose limits count it.
var begins = map[payment.Kind]func(s scene) (payment.Transaction, error){
	payment.KindReserve: func(s scene) (payment.Transaction, error) { return s.Reserve(s.pays, "42.50", s.ref()) },
	payment.KindPay:     func(s scene) (payment.Transaction, error) { return s.Pay(s.pays, "42.50", s.ref()) },
	payment.KindFundPrepaid: func(s scene) (payment.Transaction, error) {
		return s.Processor.FundPrepaid(s.T.Context(), s.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: s.funds, PrepaidInstrumentID: s.prepaid.ID, FundingAmount: holdfasttest.USD("42.50"),
			CallerReference: s.ref(),
		})
	},
	payment.KindSettleDebt: func(s scene) (payment.Transaction, error) {
		return s.Processor.SettleDebt(s.T.Context(), s.Shop, holdfast.SettleDebtRequest{
			SenderTokenID: s.settles, CreditInstrumentID: s.debt.ID, SettlementAmount: holdfasttest.USD("42.50"),
			CallerReference: s.ref(),
		})
	},
}

// sale lets the buyer pay a seller. The marketplace pays the fee.
func (s scene) sale() (payment.Transaction, error) { return s.market.Pay("42.50", "1.00", s.ref()) }

// refund pays a part of a sale back to the card, with a part of the fees.
func (s scene) refund() (payment.Transaction, error) {
	return s.Processor.Refund(s.T.Context(), s.Shop, holdfast.RefundRequest{
		TransactionID: s.sold.ID, RefundAmount: holdfasttest.USD("10.00"), CallerReference: s.ref(),
		MarketplaceRefundPolicy: holdfast.RefundMasterAndMarketplace,
	})
}

// open carries out an action and makes the network silent to its first question
// of a step.
func (s scene) open(step payment.Step, do func() (payment.Transaction, error)) payment.Transaction {
	s.T.Helper()
	s.Network.Next(holdfasttest.Reply{Step: step, Deaf: true})
	t, err := unanswered(s.World, do)
	s.must(err)
	s.question(t.ID, step)
	return t
}

// question waits until a step was asked, and returns the question.
func (s scene) question(id holdfast.TransactionID, step payment.Step) (question payment.Attempt) {
	s.T.Helper()
	waitUntil(s.World, func() bool {
		s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) error {
			attempts, err := tx.Attempts(s.Shop.ID, id)
			for _, a := range attempts {
				if a.Step == step {
					question = a
				}
			}
			return err
		}))
		return question.Step == step
	})
	return question
}

// quiet waits until the network has answered all questions about a transaction.
func (s scene) quiet(id holdfast.TransactionID) {
	s.T.Helper()
	waitUntil(s.World, func() (quiet bool) {
		s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) error {
			attempts, err := tx.Attempts(s.Shop.ID, id)
			quiet = !slices.ContainsFunc(attempts, func(a payment.Attempt) bool { return a.State == payment.AttemptOpen })
			return err
		}))
		return quiet
	})
}

// raw reads a transaction as it is stored.
func (s scene) raw(id holdfast.TransactionID) (t payment.Transaction) {
	s.T.Helper()
	s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) (err error) {
		t, _, err = tx.Transaction(s.Shop.ID, id)
		return err
	}))
	return t
}

// A state is everything that a transaction can change.
type state struct {
	Transactions []payment.Transaction // it, the payment that it refunds, and its fee
	Histories    [][]payment.HistoryRow
	Postings     [][]ledger.Posting
	Attempts     []payment.Attempt
	Balances     map[ledger.AccountID]money.Amount
	Related      related
}

// A related holds the rows outside of the transaction that it can change.
type related struct {
	Sent, Received money.Amount                         // by the buyer, and by the shop, this month
	Used           map[holdfast.TokenID][]payment.Limit // the limits of each token
	Prepaid, Debt  payment.AggregateInstrument
}

func (s scene) state(id holdfast.TransactionID) (all state) {
	s.T.Helper()
	all.Balances, all.Related = make(map[ledger.AccountID]money.Amount), s.related()
	s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) (err error) {
		t, _, err := tx.Transaction(s.Shop.ID, id)
		if err != nil {
			return err
		}
		for _, id := range []holdfast.TransactionID{id, t.Parent, t.CommissionID} {
			t, _, err := tx.Transaction(s.Shop.ID, id)
			if err != nil {
				return err
			}
			history, err := tx.History(s.Shop.ID, id)
			if err != nil {
				return err
			}
			postings, err := tx.Postings(s.Shop.ID, id)
			if err != nil {
				return err
			}
			all.Transactions, all.Histories, all.Postings = append(all.Transactions, t), append(all.Histories, history),
				append(all.Postings, postings)
		}
		for _, p := range []party.ID{s.Owner.ID, s.Buyer.ID, s.market.Seller.ID} {
			for _, account := range []ledger.AccountID{
				ledger.Party(string(p)), ledger.SetAside(string(p)), ledger.Owed(string(p)), ledger.Due(string(p)),
			} {
				micro, err := tx.AccountBalance(account, true)
				if err != nil {
					return err
				}
				all.Balances[account] = money.Micros(micro)
			}
		}
		all.Attempts, err = tx.Attempts(s.Shop.ID, id)
		return err
	}))
	return all
}

func (s scene) related() (b related) {
	s.T.Helper()
	b.Used = make(map[holdfast.TokenID][]payment.Limit)
	used := func(limits []payment.Limit, err error) money.Amount {
		s.T.Helper()
		s.must(err)
		if len(limits) == 0 {
			return money.Micros(0)
		}
		return limits[0].UsedAmount
	}
	s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) (err error) {
		b.Sent = used(tx.Limits(s.Shop.LimitScope(), payment.SendingSubject(s.Buyer.ID)))
		b.Received = used(tx.Limits(s.Shop.LimitScope(), payment.ReceivingSubject(s.Owner.ID)))
		for _, token := range []holdfast.TokenID{s.pays, s.funds, s.settles} {
			if b.Used[token], err = tx.Limits(string(s.Shop.ID), string(token)); err != nil {
				return err
			}
		}
		if b.Prepaid, _, err = tx.Aggregate(s.prepaid.ID); err != nil {
			return err
		}
		b.Debt, _, err = tx.Aggregate(s.debt.ID)
		return err
	}))
	return b
}

func (s scene) wantSame(what string, want, got any) {
	s.T.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		s.T.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
