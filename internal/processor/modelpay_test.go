package processor_test

import (
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

// The model's payments at once: each subtracts from one balance and adds to
// another.
type modelPays struct {
	shop, buyer money.Amount // balances
	payments    []*modelPayment

	lasting holdfast.TokenID // by card: lastingCount a day, lastingMost in all
	made    time.Time        // when the token was made
	uses    []time.Time
	used    money.Amount

	prepaid, debt     modelInstrument
	returned, charged money.Amount // at the network
	ofBalance         payment.Instrument
}

type modelInstrument struct {
	id            payment.AggregateID
	spends, pays  holdfast.TokenID
	limit, amount money.Amount
}

type modelPayment struct {
	id                    holdfast.TransactionID
	method                holdfast.PaymentMethod
	amount, fee, refunded money.Amount
}

const lastingCount = 3

var lastingMost = money.Cents(60_00)

// start makes a shop and a buyer for the model only, so that no other payments
// are in their balances.
func (p *modelPays) start(t *rapid.T, w *holdfasttest.World) {
	w.Owner, w.Buyer = newcomer(t, w, "owner"), newcomer(t, w, "buyer")
	now := w.Clock.Now()
	p.ofBalance = payment.Instrument{
		ID: payment.InstrumentID(w.IDs.Other("I")), Owner: w.Buyer.ID, Method: holdfast.MethodABT, Verified: true,
		Created: now,
	}
	w.Card = payment.Instrument{
		ID: payment.InstrumentID(w.IDs.Other("I")), Owner: w.Buyer.ID, Method: holdfast.MethodCC, Brand: "Visa",
		Last4: "4242", ExpiryMonth: 12, ExpiryYear: 2099, NetworkRef: "test:4242", Verified: true, Created: now,
	}
	must(t, w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		if err := tx.InsertInstrument(p.ofBalance); err != nil {
			return err
		}
		return tx.InsertInstrument(w.Card)
	}))
}

func newcomer(t *rapid.T, w *holdfasttest.World, name string) party.Party {
	id := w.IDs.Other("P")
	p := party.Party{
		ID: party.ID(id), Name: name, Email: id + "@example.test", EmailVerified: true, Standing: party.Active,
		Business: true, Verified: true, Created: w.Clock.Now(),
	}
	must(t, w.DB.Update(w.T.Context(), func(tx *store.Tx) error { return second(tx.InsertParty(p)) }))
	return p
}

// install gives the shop a lasting token, a prepaid and a credit instrument,
// and gives the buyer a balance.
func (p *modelPays) install(w *holdfasttest.World) {
	zero := money.Micros(0)
	p.shop, p.buyer, p.used, p.returned, p.charged = zero, money.Cents(50_00), zero, zero, zero
	w.Deposit(w.Buyer.ID, "50.00")
	p.made = w.Clock.Now()
	p.lasting = w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method},
		payment.Limit{Kind: payment.LimitCount, Value: lastingCount, Period: payment.Period{N: 1, Unit: payment.Day}},
		payment.Limit{Kind: payment.LimitAmount, Value: lastingMost.Micro})
	instrument := func(m holdfast.PaymentMethod) modelInstrument {
		a, spends, pays := w.Aggregate(m, "40.00")
		return modelInstrument{id: a.ID, spends: spends, pays: pays, limit: money.Cents(40_00), amount: zero}
	}
	p.prepaid, p.debt = instrument(holdfast.MethodPrepaid), instrument(holdfast.MethodDebt)
}

// pay pays with a token, and compares the answer with the one that the model
// wants.
func (m *model) pay(
	t *rapid.T, token holdfast.TokenID, method holdfast.PaymentMethod, amount money.Amount, want holdfast.Code,
) *modelPayment {
	least := money.Cents(1)
	if method == holdfast.MethodCC {
		least = money.Cents(2)
	}
	fee := payment.DefaultFees.Fee(method, amount)
	switch {
	case amount.Cmp(least) < 0:
		want = holdfast.AmountOutOfRange
	case fee.Cmp(amount) >= 0:
		want = holdfast.InvalidParams
	}
	made, err := m.w.Processor.Pay(m.w.T.Context(), m.w.Shop, holdfast.PayRequest{
		SenderTokenID: token, TransactionAmount: amount, CallerReference: holdfast.CallerReference(m.w.IDs.Other("ref-")),
	})
	agree(t, err, want)
	if want != "" {
		return nil
	}
	paid := &modelPayment{id: made.ID, method: method, amount: amount, fee: fee, refunded: money.Micros(0)}
	m.payments = append(m.payments, paid)
	if method == holdfast.MethodCC || method == holdfast.MethodABT {
		m.shop = m.shop.Add(amount).Sub(fee)
	}
	return paid
}

func (m *model) payByBalance(t *rapid.T) {
	amount := edge(t, m.buyer)
	if rapid.Bool().Draw(t, "not all of it") {
		amount = drawAmount(t, 2000)
	}
	token := m.w.AuthorizeWith(m.ofBalance, "10000.00")
	want := holdfast.Code("")
	if amount.Cmp(m.buyer) > 0 {
		want = holdfast.InsufficientBalance
	}
	if m.pay(t, token, holdfast.MethodABT, amount, want) != nil {
		m.buyer = m.buyer.Sub(amount)
	}
}

func (m *model) payByLastingToken(t *rapid.T) {
	amount := drawAmount(t, 2000)
	if rapid.IntRange(0, 2).Draw(t, "at the limit") == 0 {
		amount = edge(t, lastingMost.Sub(m.used))
	}
	today, day := 0, 24*time.Hour
	for _, at := range m.uses {
		if at.Sub(m.made)/day == m.now.Sub(m.made)/day {
			today++
		}
	}
	want := holdfast.Code("")
	if today >= lastingCount || m.used.Add(amount).Cmp(lastingMost) > 0 {
		want = holdfast.TokenUsageError
	}
	declined := want == "" && rapid.IntRange(0, 4).Draw(t, "declined") == 0
	if declined {
		m.w.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Decline: holdfast.CodeTransactionDenied})
	}
	before := m.shop
	switch paid := m.pay(t, m.lasting, holdfast.MethodCC, amount, want); {
	case paid == nil:
		m.w.Network.Forget()
	case declined: // and does not count
		m.shop, m.payments = before, m.payments[:len(m.payments)-1]
	default:
		m.uses, m.used, m.charged = append(m.uses, m.now), m.used.Add(amount), m.charged.Add(amount)
	}
}

func (m *model) refund(t *rapid.T) {
	paid, ok := pick(t, m.payments)
	if !ok {
		return
	}
	left := paid.amount.Sub(paid.refunded)
	amount := edge(t, left)
	if left.Positive() && rapid.Bool().Draw(t, "a part") {
		amount = money.Cents(rapid.Int64Range(1, left.Micro/10_000).Draw(t, "cents"))
	}
	fee := paid.fee.PartHalfUpToCent(lesser(paid.refunded.Add(amount), paid.amount),
		paid.amount).Sub(paid.fee.PartHalfUpToCent(paid.refunded, paid.amount))
	want := holdfast.Code("")
	switch {
	case !m.now.Before(m.paidAt(paid).Add(payment.RefundWindow)):
		want = holdfast.TransactionDenied
	case !left.Positive():
		want = holdfast.TransactionFullyRefundedAlready
	case !amount.Positive():
		want = holdfast.AmountOutOfRange
	case amount.Cmp(left) > 0, paid.method == holdfast.MethodDebt && amount.Cmp(m.debt.amount) > 0:
		want = holdfast.RefundAmountExceeded
	case (paid.method == holdfast.MethodCC || paid.method == holdfast.MethodABT) && m.shop.Add(fee).Cmp(amount) < 0:
		want = holdfast.InsufficientBalance
	}
	_, err := m.w.Processor.Refund(m.w.T.Context(), m.w.Shop, holdfast.RefundRequest{
		TransactionID: paid.id, RefundAmount: amount, CallerReference: holdfast.CallerReference(m.w.IDs.Other("ref-")),
	})
	agree(t, err, want)
	if want != "" {
		return
	}
	paid.refunded = paid.refunded.Add(amount)
	switch paid.method {
	case holdfast.MethodPrepaid:
		m.prepaid.amount = m.prepaid.amount.Add(amount)
	case holdfast.MethodDebt:
		m.debt.amount = m.debt.amount.Sub(amount)
	case holdfast.MethodABT:
		m.shop, m.buyer = m.shop.Sub(amount).Add(fee), m.buyer.Add(amount)
	case holdfast.MethodCC, holdfast.MethodACH:
		m.shop, m.returned = m.shop.Sub(amount).Add(fee), m.returned.Add(amount)
	}
}

func lesser(a, b money.Amount) money.Amount {
	if a.Cmp(b) > 0 {
		return b
	}
	return a
}

func (m *model) paidAt(p *modelPayment) time.Time { return m.w.Transaction(p.id).Completed }

func (m *model) fundPrepaid(t *rapid.T) {
	amount := m.edgeOrLess(t, m.prepaid.limit.Sub(m.prepaid.amount))
	want := m.onInstrument(amount)
	if want == "" && m.prepaid.amount.Add(amount).Cmp(m.prepaid.limit) > 0 {
		want = holdfast.PrepaidFundingLimitExceeded
	}
	_, err := m.w.Processor.FundPrepaid(m.w.T.Context(), m.w.Shop, holdfast.FundPrepaidRequest{
		SenderTokenID: m.prepaid.pays, PrepaidInstrumentID: m.prepaid.id, FundingAmount: amount,
		CallerReference: holdfast.CallerReference(m.w.IDs.Other("ref-")),
	})
	agree(t, err, want)
	if want == "" {
		m.prepaid.amount = m.prepaid.amount.Add(amount)
		m.charge(amount)
	}
}

func (m *model) spendPrepaid(t *rapid.T) {
	amount := m.edgeOrLess(t, m.prepaid.amount)
	want := holdfast.Code("")
	if amount.Cmp(m.prepaid.amount) > 0 {
		want = holdfast.InsufficientBalance
	}
	if m.pay(t, m.prepaid.spends, holdfast.MethodPrepaid, amount, want) != nil {
		m.prepaid.amount = m.prepaid.amount.Sub(amount)
	}
}

func (m *model) owe(t *rapid.T) {
	amount := m.edgeOrLess(t, m.debt.limit.Sub(m.debt.amount))
	want := holdfast.Code("")
	if m.debt.amount.Add(amount).Cmp(m.debt.limit) > 0 {
		want = holdfast.AccountLimitsExceeded
	}
	if m.pay(t, m.debt.spends, holdfast.MethodDebt, amount, want) != nil {
		m.debt.amount = m.debt.amount.Add(amount)
	}
}

func (m *model) settleDebt(t *rapid.T) {
	amount := m.edgeOrLess(t, m.debt.amount)
	want := m.onInstrument(amount)
	if want == "" && amount.Cmp(m.debt.amount) > 0 {
		want = holdfast.SettleAmountGreaterThanDebt
	}
	_, err := m.w.Processor.SettleDebt(m.w.T.Context(), m.w.Shop, holdfast.SettleDebtRequest{
		SenderTokenID: m.debt.pays, CreditInstrumentID: m.debt.id, SettlementAmount: amount,
		CallerReference: holdfast.CallerReference(m.w.IDs.Other("ref-")),
	})
	agree(t, err, want)
	if want == "" {
		m.debt.amount = m.debt.amount.Sub(amount)
		m.charge(amount)
	}
}

func (m *model) writeOffDebt(t *rapid.T) {
	amount := m.edgeOrLess(t, m.debt.amount)
	want := holdfast.Code("")
	switch {
	case amount.Cmp(money.Cents(1)) < 0:
		want = holdfast.AmountOutOfRange
	case amount.Cmp(m.debt.amount) > 0:
		want = holdfast.SettleAmountGreaterThanDebt
	}
	_, err := m.w.Processor.WriteOffDebt(m.w.T.Context(), m.w.Shop, holdfast.WriteOffDebtRequest{
		CreditInstrumentID: m.debt.id, AdjustmentAmount: amount,
		CallerReference: holdfast.CallerReference(m.w.IDs.Other("ref-")),
	})
	agree(t, err, want)
	if want == "" {
		m.debt.amount = m.debt.amount.Sub(amount)
	}
}

// onInstrument returns the error for an amount of a FundPrepaid or SettleDebt
// that is too small.
func (m *model) onInstrument(amount money.Amount) holdfast.Code {
	switch fee := payment.DefaultFees.Fee(holdfast.MethodCC, amount); {
	case amount.Cmp(money.Cents(2)) < 0:
		return holdfast.AmountOutOfRange
	case fee.Cmp(amount) >= 0:
		return holdfast.InvalidParams
	}
	return ""
}

func (m *model) charge(amount money.Amount) {
	m.charged = m.charged.Add(amount)
	m.shop = m.shop.Add(amount).Sub(payment.DefaultFees.Fee(holdfast.MethodCC, amount))
}

// edgeOrLess draws an amount near a limit, or a small one.
func (m *model) edgeOrLess(t *rapid.T, limit money.Amount) money.Amount {
	amount := edge(t, limit)
	if rapid.Bool().Draw(t, "less") {
		amount = drawAmount(t, 1000)
	}
	return amount
}

// checkBalances compares the accounts with the model.
func (m *model) checkBalances(t *rapid.T) {
	zero := money.Micros(0)
	for account, want := range map[ledger.AccountID]money.Amount{
		ledger.Party(string(m.w.Owner.ID)):   m.shop,
		ledger.Party(string(m.w.Buyer.ID)):   m.buyer,
		ledger.Prepaid(string(m.prepaid.id)): m.prepaid.amount,
		ledger.Owed(string(m.w.Owner.ID)):    zero.Sub(m.prepaid.amount),
		ledger.Debt(string(m.debt.id)):       zero.Sub(m.debt.amount),
		ledger.Due(string(m.w.Owner.ID)):     m.debt.amount,
		ledger.Outgoing:                      zero,
	} {
		if got := balance(m.w, account); got != want.Decimal() {
			t.Fatalf("%s is %s, the model says %s", account, got, want.Decimal())
		}
	}
}
