package processor_test

import (
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// The model's sales, for which the shop is a marketplace. The shop pays the
// fee, which is set aside while the network is silent.
type modelSales struct {
	market        holdfasttest.Market
	seller, aside money.Amount
	open          []*modelSale
}

type modelSale struct {
	id                           holdfast.TransactionID
	amount, fee, commission, set money.Amount
	deadline                     time.Time
}

func (s *modelSales) installSeller(t *rapid.T, w *holdfasttest.World) {
	s.seller, s.aside = money.Micros(0), money.Micros(0)
	s.market = w.MarketWith(newcomer(t, w, "seller"), false)
}

// sell begins a sale that the network does not answer.
func (m *model) sell(t *rapid.T) {
	amount := drawAmount(t, 2000)
	s := &modelSale{
		amount: amount, fee: payment.DefaultFees.Fee(holdfast.MethodCC, amount), set: money.Micros(0),
		commission: money.Cents(rapid.Int64Range(0, 29).Draw(t, "commission")), deadline: m.now.Add(payment.ReserveLifeMax),
	}
	if s.fee.Cmp(s.commission) > 0 {
		s.set = s.fee.Sub(s.commission)
	}
	want := holdfast.Code("")
	if m.shop.Cmp(s.set) < 0 {
		want = holdfast.InsufficientBalance
	}
	m.w.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Deaf: true})
	got, err := unanswered(m.w, func() (payment.Transaction, error) {
		return m.w.Processor.Pay(m.w.T.Context(), m.w.Shop,
			m.market.Sale(amount.Decimal(), s.commission.Decimal(), holdfast.CallerReference(m.w.IDs.Other("ref-"))))
	})
	agree(t, err, want)
	if want != "" {
		m.w.Network.Forget()
		return
	}
	s.id = got.ID
	// If the question came late, the network could approve it, or leave its silence to
	// another charge.
	waitUntil(m.w, func() bool { return m.w.Network.AskedAbout(s.id) })
	m.open = append(m.open, s)
	m.shop, m.aside = m.shop.Sub(s.set), m.aside.Add(s.set)
}

// answer lets the network answer a sale, in time or too late.
func (m *model) answer(t *rapid.T) {
	s, ok := pick(t, m.open)
	if !ok {
		return
	}
	a := payment.Answer{
		Verdict: rapid.SampledFrom([]payment.Verdict{payment.Declined, payment.Approved}).Draw(t, "verdict"), Authorization: "auth", Code: holdfast.CodeTransactionDenied,
	}
	must(t, m.w.Processor.Answer(m.questions(t, s.id)[0], a, nil))
	m.over(s)
	if a.Approved() && m.now.Before(s.deadline) {
		m.shop = m.shop.Add(s.commission).Sub(s.fee)
		m.seller, m.charged = m.seller.Add(s.amount).Sub(s.commission), m.charged.Add(s.amount)
	}
	for m.asking(t, s.id) { // money that was approved too late is on its way back
	}
}

func (m *model) cancelSale(t *rapid.T) {
	s, ok := pick(t, m.open)
	if !ok {
		return
	}
	want := holdfast.Code("")
	if !m.now.Before(s.deadline) {
		want = holdfast.InvalidTransactionState
	}
	_, err := m.w.Processor.Cancel(m.w.T.Context(), m.w.Shop, holdfast.CancelRequest{TransactionID: s.id})
	agree(t, err, want)
	m.over(s)
}

// over gives back the amount that was set aside for a sale.
func (m *model) over(s *modelSale) {
	m.open = slices.DeleteFunc(m.open, func(o *modelSale) bool { return o == s })
	m.shop, m.aside = m.shop.Add(s.set), m.aside.Sub(s.set)
}

// sweptSales ends the sales whose deadline has passed.
func (m *model) sweptSales() {
	for _, s := range slices.Clone(m.open) {
		if !m.now.Before(s.deadline) {
			m.over(s)
		}
	}
}

func (m *model) questions(t *rapid.T, id holdfast.TransactionID) (all []payment.Attempt) {
	must(t, m.w.DB.View(m.w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Attempts(m.w.Shop.ID, id)
		return err
	}))
	return all
}

func (m *model) asking(t *rapid.T, id holdfast.TransactionID) bool {
	return slices.ContainsFunc(m.questions(t, id), func(a payment.Attempt) bool { return a.State == payment.AttemptOpen })
}

// checkSales compares the accounts of sales with the model. No balance is
// negative.
func (m *model) checkSales(t *rapid.T) {
	for account, want := range map[ledger.AccountID]money.Amount{
		ledger.Party(string(m.market.Seller.ID)): m.seller,
		ledger.SetAside(string(m.w.Owner.ID)):    m.aside,
	} {
		if got := balance(m.w, account); got != want.Decimal() {
			t.Fatalf("%s is %s, the model says %s", account, got, want.Decimal())
		}
	}
	for _, p := range []party.ID{m.w.Owner.ID, m.w.Buyer.ID, m.market.Seller.ID} {
		for _, account := range []ledger.AccountID{ledger.Party(string(p)), ledger.SetAside(string(p))} {
			var micro int64
			must(t, m.w.DB.View(m.w.T.Context(), func(tx *store.ReadTx) (err error) {
				micro, err = tx.AccountBalance(account, true)
				return err
			}))
			if !account.Allows(micro) {
				t.Fatalf("%s has %v", account, money.Micros(micro))
			}
		}
	}
}
