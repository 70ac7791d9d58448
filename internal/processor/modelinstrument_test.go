package processor_test

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// The model of one prepaid or credit instrument and everything that can happen
// to it: cancelled tokens, limits, time, charges with late answers, and a shop
// without money. After each step the audit finds nothing, and all money on the
// instrument can be moved by somebody.
type modelPurse struct {
	*model
	purse
	spendsOver, paysOver bool // cancelled

	most, used  money.Amount // of the token that settles
	on, pending money.Amount // on the instrument, and on its way to it
	fundings    []modelFunding
	spent       []*modelPayment
	late        []money.Amount // charges without an answer yet
}

type modelFunding struct{ amount, fee, back money.Amount }

func TestRandomStepsStrandNoMoney(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Processor.Wait = time.Millisecond
		rapid.Check(t, func(rt *rapid.T) {
			method := rapid.SampledFrom([]holdfast.PaymentMethod{holdfast.MethodPrepaid, holdfast.MethodDebt}).Draw(rt, "method")
			m := newModelPurse(rt, w, method)
			actions := map[string]func(*rapid.T){
				"Spend": m.spendSome, "CancelSpender": m.cancelSpender, "CancelPayer": m.cancelPayer, "End": m.endIt,
				"GoToTheEnd": m.goToTheEnd, "Drain": m.drain, "Sweep": m.sweepIt, "Answer": m.answer, "": m.checkPurse,
			}
			if method == holdfast.MethodPrepaid {
				actions["Fund"], actions["Refund"] = m.fundSome, m.refundSome
			} else {
				actions["Settle"] = m.settleSome
			}
			rt.Repeat(actions)
			// The next check starts without instruments that a sweep could find.
			must(rt, m.w.Processor.Deposit(t.Context(), m.w.Shop.ID, m.w.Owner.ID, holdfasttest.USD("200.00")))
			must(rt, second(m.w.Processor.Sweep(t.Context())))
		})
	})
}

func newModelPurse(t *rapid.T, w *holdfasttest.World, method holdfast.PaymentMethod) *modelPurse {
	zero := money.Micros(0)
	m := &modelPurse{model: newModel(t, w), most: money.Cents(50_00), used: zero, on: zero, pending: zero}
	must(t, w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		return tx.InsertInstrument(payment.Instrument{
			ID: payment.InstrumentID(w.IDs.Other("I")), Owner: w.Owner.ID, Method: holdfast.MethodABT, Verified: true,
			Created: m.now,
		})
	}))
	var limits []payment.Limit
	if method == holdfast.MethodDebt {
		limits = append(limits, payment.Limit{Kind: payment.LimitAmount, Value: m.most.Micro})
	}
	m.purse = newPurse(w, method, time.Hour, limits...)
	return m
}

func (m *modelPurse) over() bool { return !m.now.Before(m.Expires) }

func (m *modelPurse) open() money.Amount { return m.on.Sub(m.pending) }

// agreed compares an answer with what the model allows.
func agreed(t *rapid.T, what string, err error, allowed bool) bool {
	t.Helper()
	if _, refused := errors.AsType[*holdfast.Error](err); err != nil && !refused {
		t.Fatalf("%s failed: %v", what, err)
	}
	if (err == nil) != allowed {
		t.Fatalf("%s: answered %v, the model allows it: %v", what, err, allowed)
	}
	return allowed
}

// some draws an amount near a limit, or another. It is never so small that a
// card's fee would use it up.
func (m *modelPurse) some(t *rapid.T, limit money.Amount) money.Amount {
	return money.Micros(max(money.Cents(1_00).Micro, m.edgeOrLess(t, limit).Micro))
}

// A purseReply says whether the network's answer to a charge is late or a
// decline.
type purseReply struct{ late, declined bool }

// reply prepares the network's answer to a charge.
func (m *modelPurse) reply(t *rapid.T) purseReply {
	switch rapid.IntRange(0, 3).Draw(t, "reply") {
	case 0:
		m.w.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Deaf: true})
		return purseReply{late: true}
	case 1:
		m.w.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Decline: holdfast.CodeTransactionDenied})
		return purseReply{declined: true}
	}
	return purseReply{}
}

func (m *modelPurse) fundSome(t *rapid.T) {
	amount := m.some(t, m.Limit.Sub(m.on).Sub(m.pending))
	allowed := !m.paysOver && !m.spendsOver && !m.over() && m.on.Add(m.pending).Add(amount).Cmp(m.Limit) <= 0
	reply := m.reply(t)
	made, err := m.w.Processor.FundPrepaid(m.T.Context(), m.w.Shop, holdfast.FundPrepaidRequest{
		SenderTokenID: m.pays, PrepaidInstrumentID: m.ID, FundingAmount: amount, CallerReference: m.ref("fund"),
	})
	m.charged(t, "funding", made, err, allowed, reply)
}

func (m *modelPurse) settleSome(t *rapid.T) {
	amount := m.some(t, m.open())
	allowed := !m.paysOver && amount.Cmp(m.open()) <= 0
	reply := m.reply(t)
	made, err := m.w.Processor.SettleDebt(m.T.Context(), m.w.Shop, holdfast.SettleDebtRequest{
		SenderTokenID: m.pays, CreditInstrumentID: m.ID, SettlementAmount: amount, CallerReference: m.ref("settle"),
	})
	m.charged(t, "settling", made, err, allowed, reply)
}

// charged records the result of a charge: it succeeds, the network declines it,
// or it is under way until answer.
func (m *modelPurse) charged(
	t *rapid.T, what string, made payment.Transaction, err error, allowed bool, reply purseReply,
) {
	t.Helper()
	if !agreed(t, what, err, allowed) {
		m.w.Network.Forget()
		return
	}
	if !reply.late {
		decided(m.w, made.ID, payment.StepCharge)
	}
	switch {
	case reply.late:
		m.pending = m.pending.Add(made.Amount)
		m.late = append(m.late, made.Amount)
	case !reply.declined:
		m.arrived(made.Amount)
	}
}

// arrived records a charge that the network has approved.
func (m *modelPurse) arrived(amount money.Amount) {
	fee := payment.DefaultFees.Fee(holdfast.MethodCC, amount)
	m.shop = m.shop.Add(amount).Sub(fee)
	if m.Method == holdfast.MethodDebt {
		m.on, m.used = m.on.Sub(amount), m.used.Add(amount)
		return
	}
	m.on = m.on.Add(amount)
	m.fundings = append(m.fundings, modelFunding{amount: amount, fee: fee, back: money.Micros(0)})
}

// answer lets the network answer the late charges.
func (m *modelPurse) answer(t *rapid.T) {
	m.now = m.now.Add(time.Minute)
	m.w.Clock.Set(m.now)
	must(t, second(m.w.Processor.Resolve(m.T.Context())))
	for _, amount := range m.late {
		m.pending = m.pending.Sub(amount)
		m.arrived(amount)
	}
	m.late = nil
}

func (m *modelPurse) spendSome(t *rapid.T) {
	room := m.on
	if m.Method == holdfast.MethodDebt {
		room = lesser(m.Limit.Sub(m.on), m.most.Sub(m.used).Sub(m.on))
	}
	amount := m.some(t, room)
	allowed := !m.spendsOver && amount.Cmp(room) <= 0
	if m.Method == holdfast.MethodDebt {
		allowed = allowed && !m.paysOver && !m.over()
	} else {
		_, covered := m.back()
		allowed = allowed && (!m.over() || !covered)
	}
	made, err := m.w.Processor.Pay(m.T.Context(), m.w.Shop, holdfast.PayRequest{
		SenderTokenID: m.spends, TransactionAmount: amount, CallerReference: m.ref("spend"),
	})
	if !agreed(t, "spending", err, allowed) {
		return
	}
	if m.Method == holdfast.MethodDebt {
		m.on = m.on.Add(amount)
		return
	}
	m.on = m.on.Sub(amount)
	m.spent = append(m.spent, &modelPayment{id: made.ID, amount: amount, refunded: money.Micros(0)})
}

func (m *modelPurse) refundSome(t *rapid.T) {
	paid, ok := pick(t, m.spent)
	if !ok {
		return
	}
	amount := m.some(t, paid.amount.Sub(paid.refunded))
	away := m.spendsOver || m.over() // to the buyer's balance
	allowed := paid.refunded.Add(amount).Cmp(paid.amount) <= 0 && (!away || amount.Cmp(m.shop) <= 0)
	_, err := m.w.Processor.Refund(m.T.Context(), m.w.Shop, holdfast.RefundRequest{
		TransactionID: paid.id, RefundAmount: amount, CallerReference: m.ref("refund"),
	})
	if !agreed(t, "refunding", err, allowed) {
		return
	}
	paid.refunded = paid.refunded.Add(amount)
	if !away {
		m.on = m.on.Add(amount)
		return
	}
	m.shop, m.buyer = m.shop.Sub(amount), m.buyer.Add(amount)
}

func (m *modelPurse) cancelSpender(t *rapid.T) {
	allowed := !m.spendsOver && !m.over() && (m.Method == holdfast.MethodDebt || !m.busy())
	err := m.w.Processor.CancelToken(m.T.Context(), m.w.Shop, holdfast.CancelTokenRequest{TokenID: m.spends})
	m.spendsOver = agreed(t, "cancelling the token that spends", err, allowed) || m.spendsOver
}

func (m *modelPurse) cancelPayer(t *rapid.T) {
	allowed := !m.paysOver && !m.over() && (m.Method == holdfast.MethodPrepaid || !m.busy())
	err := m.w.Processor.CancelOwnToken(m.T.Context(), m.w.Buyer.ID, m.pays)
	m.paysOver = agreed(t, "cancelling the token that pays", err, allowed) || m.paysOver
}

func (m *modelPurse) busy() bool { return m.on.Positive() || m.pending.Positive() }

func (m *modelPurse) endIt(t *rapid.T) {
	_, err := m.w.Processor.EndInstrument(m.T.Context(), m.w.Buyer.ID, m.pays)
	agreed(t, "ending", err, true)
	if m.over() {
		m.goBack()
		return
	}
	m.Expires = m.now
	m.goBack()
	if m.Method == holdfast.MethodPrepaid {
		m.paysOver, m.spendsOver = true, m.spendsOver || !m.busy()
		return
	}
	m.spendsOver, m.paysOver = true, m.paysOver || !m.busy()
}

// back returns the fees that come back with a prepaid balance, and whether the
// shop can pay the rest of it.
func (m *modelPurse) back() (fees money.Amount, covered bool) {
	left, fees := m.on, money.Micros(0)
	for i := len(m.fundings) - 1; i >= 0 && left.Positive(); i-- {
		f := m.fundings[i]
		part := lesser(left, f.amount.Sub(f.back))
		fees = fees.Add(f.fee.PartHalfUpToCent(f.back.Add(part), f.amount).Sub(f.fee.PartHalfUpToCent(f.back, f.amount)))
		left = left.Sub(part)
	}
	return fees, m.shop.Add(fees).Cmp(m.on) >= 0
}

// goBack pays back the balance of an expired prepaid instrument.
func (m *modelPurse) goBack() {
	fees, covered := m.back()
	if m.Method != holdfast.MethodPrepaid || !m.over() || !covered {
		return
	}
	m.shop, m.buyer = m.shop.Add(fees).Sub(m.on), m.buyer.Add(m.on)
	for i := len(m.fundings) - 1; i >= 0 && m.on.Positive(); i-- {
		f := &m.fundings[i]
		part := lesser(m.on, f.amount.Sub(f.back))
		f.back, m.on = f.back.Add(part), m.on.Sub(part)
	}
}

func (m *modelPurse) sweepIt(t *rapid.T) {
	must(t, second(m.w.Processor.Sweep(m.T.Context())))
	m.goBack()
}

// goToTheEnd moves the clock to the instrument's expiry, a microsecond before
// it or a microsecond after it.
func (m *modelPurse) goToTheEnd(t *rapid.T) {
	to := m.Expires.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "microseconds off")) * time.Microsecond)
	if to.After(m.now) {
		m.now = to
		m.w.Clock.Set(to)
	}
}

// drain makes the shop pay out its balance, or a part.
func (m *modelPurse) drain(t *rapid.T) {
	amount := lesser(drawAmount(t, 2000), m.shop)
	if amount.Cmp(money.Cents(30)) < 0 {
		return
	}
	out := m.w.Token(payment.Token{
		Sender: m.w.Owner.ID, Recipient: m.w.Buyer.ID, Instrument: m.w.BalanceOf(m.w.Owner.ID).ID, Method: holdfast.MethodABT,
	})
	_, err := m.w.Processor.Pay(m.T.Context(), m.w.Shop, holdfast.PayRequest{
		SenderTokenID: out, TransactionAmount: amount, CallerReference: m.ref("out"),
	})
	agreed(t, "paying out", err, true)
	m.shop, m.buyer = m.shop.Sub(amount), m.buyer.Add(amount).Sub(payment.DefaultFees.Fee(holdfast.MethodABT, amount))
}

// checkPurse compares the books with the model. The audit would also name
// stranded money.
func (m *modelPurse) checkPurse(t *rapid.T) {
	report, err := m.w.DB.CheckCallerBooks(m.T.Context(), m.w.Shop.ID)
	must(t, err)
	if len(report.Findings) > 0 {
		t.Fatalf("findings: %v", report.Findings)
	}
	account, on := ledger.Prepaid(string(m.ID)), m.on
	if m.Method == holdfast.MethodDebt {
		account, on = ledger.Debt(string(m.ID)), money.Micros(0).Sub(m.on)
	}
	for account, want := range map[ledger.AccountID]money.Amount{
		account: on, ledger.Party(string(m.w.Owner.ID)): m.shop, ledger.Party(string(m.w.Buyer.ID)): m.buyer,
	} {
		if got := balance(m.w, account); got != want.Decimal() {
			t.Fatalf("%s is %s, the model says %s", account, got, want.Decimal())
		}
	}
}
