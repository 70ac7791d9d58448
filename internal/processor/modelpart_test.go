package processor_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// The toy model of holds that are settled in parts: sums of cents, and nothing
// that is hard.
type partModel struct {
	w      *holdfasttest.World
	now    time.Time
	shop   money.Amount // balance
	taken  money.Amount // from cards, less what went back
	holds  []*partHold
	paid   []*partPayment
	asking []*partPayment // in doubt at the network
}

type partHold struct {
	id                          holdfast.TransactionID
	amount, taken, lowered, fee money.Amount
	state                       payment.State
	deadline                    time.Time
	busy                        *partPayment
}

// A partPayment is a settle: a part, or of the hold itself.
type partPayment struct {
	id                    holdfast.TransactionID
	of                    *partHold
	amount, fee, refunded money.Amount
	whole, final          bool
	settled               time.Time
}

func (h *partHold) open() money.Amount { return h.amount.Sub(h.taken).Sub(h.lowered) }

func TestRandomPartsAgreeWithTheModel(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Unchecked = true
		rapid.Check(t, func(rt *rapid.T) {
			m := newPartModel(rt, w)
			rt.Repeat(map[string]func(*rapid.T){
				"Hold": m.hold, "Settle": m.settle, "SettleAgain": m.settle, "Doubt": m.doubt, "Answer": m.answer,
				"Release": m.release, "FPSSettle": m.fpsSettle, "FPSCancel": m.fpsCancel, "Refund": m.refund,
				"RefundHold": m.refundHold, "GoToAnEdge": m.goToAnEdge, "": m.check,
			})
		})
	})
}

func newPartModel(t *rapid.T, w *holdfasttest.World) *partModel {
	w.Clock.Set(holdfasttest.Start)
	w.Network.Forget() // what a failed run has left
	zero := money.Micros(0)
	m := &partModel{w: w, now: w.Clock.Now(), shop: zero, taken: zero}
	(&modelPays{}).start(t, w)
	var err error
	w.Shop, _, err = w.Processor.CreateCaller(w.T.Context(), processor.NewCaller{
		Owner: w.Owner.ID, Name: "Parts", Sandbox: true,
	})
	must(t, err)
	w.StartEvents()
	m.shop = money.Cents(20_00)
	w.Deposit(w.Owner.ID, "20.00")
	return m
}

func (m *partModel) ref() holdfast.CallerReference {
	return holdfast.CallerReference(m.w.IDs.Other("ref-"))
}

func (m *partModel) hold(t *rapid.T) {
	amount := drawAmount(t, 3000)
	r, err := m.w.Processor.Reserve(m.w.T.Context(), m.w.Shop, holdfast.ReserveRequest{
		SenderTokenID: m.w.Authorize(amount.Decimal()), TransactionAmount: amount, CallerReference: m.ref(),
	})
	must(t, err)
	zero := money.Micros(0)
	m.holds = append(m.holds, &partHold{
		id: r.ID, amount: amount, taken: zero, lowered: zero, fee: zero, state: payment.Reserved, deadline: r.Deadline,
	})
}

// some draws an amount of a hold: at the edge of what is open, or less.
func (m *partModel) some(t *rapid.T, h *partHold) money.Amount {
	if h.open().Positive() && rapid.Bool().Draw(t, "less") {
		return money.Cents(rapid.Int64Range(1, h.open().Micro/10_000).Draw(t, "cents"))
	}
	return edge(t, h.open())
}

// begins tells what the model says of a settle, and books what is taken from the
// hold at once.
func (m *partModel) begins(h *partHold, amount money.Amount, final bool) (p *partPayment, want holdfast.Code) {
	m.expire(h)
	p = &partPayment{of: h, amount: amount, refunded: money.Micros(0), final: final}
	p.whole = !h.taken.Positive() && (final || amount == h.open())
	p.fee = payment.DefaultFees.Fee(holdfast.MethodCC, h.taken.Add(amount)).Sub(h.fee)
	switch {
	case h.busy != nil:
		return p, holdfast.InvalidTransactionState
	case h.state == payment.Failure:
		return p, holdfast.OriginalTransactionFailed
	case !amount.Positive():
		return p, holdfast.AmountOutOfRange
	case h.state != payment.Reserved:
		return p, holdfast.InvalidTransactionState
	case amount.Cmp(h.open()) > 0:
		return p, holdfast.SettleAmountGreaterThanReserveAmount
	case p.fee.Cmp(amount) >= 0:
		return p, holdfast.InvalidParams
	}
	return p, ""
}

// ends books the outcome of a settle.
func (m *partModel) ends(p *partPayment, approved bool) {
	h := p.of
	h.busy = nil
	switch {
	case approved:
		h.taken, h.fee = h.taken.Add(p.amount), h.fee.Add(p.fee)
		m.shop, m.taken = m.shop.Add(p.amount).Sub(p.fee), m.taken.Add(p.amount)
		p.settled = m.now
		m.paid = append(m.paid, p)
		if p.whole || p.final || !h.open().Positive() {
			h.state = payment.Success
		}
	case p.whole:
		h.state = payment.Failure
	}
	m.expire(h)
}

func (m *partModel) ask(t *rapid.T, h *partHold, reply holdfasttest.Reply) (*partPayment, bool) {
	amount, final := m.some(t, h), rapid.IntRange(0, 3).Draw(t, "final") == 0
	p, want := m.begins(h, amount, final)
	if !amount.Positive() { // is refused before the hold's state
		want = holdfast.AmountOutOfRange
	}
	reply.Step = payment.StepCapture
	m.w.Network.Next(reply)
	all, err := m.w.Processor.SettleHold(m.w.T.Context(), m.w.Shop, nil, processor.SettleHold{
		Hold: h.id, Amount: amount, Final: final,
	})
	agree(t, err, want)
	if want != "" {
		m.w.Network.Forget()
		return nil, false
	}
	if p.id = all[0].ID; len(all) != 1 || (p.id == h.id) != p.whole {
		t.Fatalf("it has settled %+v, whole %v", all, p.whole)
	}
	return p, true
}

func (m *partModel) settle(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	reply := holdfasttest.Reply{}
	if rapid.IntRange(0, 3).Draw(t, "declined") == 0 {
		reply.Decline = holdfast.CodeTransactionDenied
	}
	if p, done := m.ask(t, h, reply); done {
		m.ends(p, reply.Decline == "")
	}
}

// doubt begins a settle that the network does not answer.
func (m *partModel) doubt(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	if p, begun := m.ask(t, h, holdfasttest.Reply{Deaf: true}); begun {
		h.busy = p
		m.asking = append(m.asking, p)
	}
}

// answer lets the network answer a settle in doubt, perhaps after the deadline,
// and perhaps twice.
func (m *partModel) answer(t *rapid.T) {
	p, ok := pick(t, m.asking)
	if !ok {
		return
	}
	m.asking = slices.DeleteFunc(m.asking, func(o *partPayment) bool { return o == p })
	a := payment.Answer{Code: holdfast.CodeTransactionDenied}
	approved := rapid.Bool().Draw(t, "approved")
	if approved {
		a.Verdict = payment.Approved
	}
	m.w.Network.Forget() // in case the question itself is late
	question := *m.w.Transaction(p.id).Question()
	for range rapid.IntRange(1, 2).Draw(t, "times") {
		must(t, m.w.Processor.Answer(question, a, nil))
	}
	m.ends(p, approved)
}

func (m *partModel) release(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	r := processor.ReleaseHold{Hold: h.id}
	rest := rapid.IntRange(0, 2).Draw(t, "the rest") == 0
	m.expire(h)
	amount := h.open()
	if !rest {
		amount = m.some(t, h)
		r.Amount = amount
	}
	_, err := m.w.Processor.ReleaseHold(m.w.T.Context(), m.w.Shop, nil, r)
	switch {
	case h.state != payment.Reserved, h.busy != nil:
		agree(t, err, holdfast.InvalidTransactionState)
		return
	case !amount.Positive(), amount.Cmp(h.open()) > 0:
		agree(t, err, holdfast.AmountOutOfRange)
		return
	}
	agree(t, err, "")
	if amount == h.open() {
		m.close(h)
	} else {
		h.lowered = h.lowered.Add(amount)
	}
}

// close ends a hold: a success if anything was taken.
func (m *partModel) close(h *partHold) {
	h.state = payment.Cancelled
	if h.taken.Positive() {
		h.state = payment.Success
	}
}

func (m *partModel) expire(h *partHold) {
	if h.state == payment.Reserved && h.busy == nil && !m.now.Before(h.deadline) {
		m.close(h)
	}
}

func (m *partModel) fpsSettle(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	m.expire(h)
	amount := m.some(t, h)
	if h.state == payment.Success && !m.parted(h) { // the identical Settle is answered again
		return
	}
	p, want := m.begins(h, amount, true)
	if busy := h.busy; busy != nil && busy.whole && busy.amount == amount {
		return // it is the Settle that is under way
	}
	if h.taken.Positive() && want != holdfast.OriginalTransactionFailed && want != holdfast.AmountOutOfRange &&
		want != holdfast.SettleAmountGreaterThanReserveAmount {
		want = holdfast.InvalidTransactionState
	}
	_, err := m.w.Processor.Settle(m.w.T.Context(), m.w.Shop, holdfast.SettleRequest{
		ReserveTransactionID: h.id, TransactionAmount: amount,
	})
	agree(t, err, want)
	if want == "" {
		p.id = h.id
		m.ends(p, true)
	}
}

// parted reports whether parts have taken something.
func (m *partModel) parted(h *partHold) bool {
	return slices.ContainsFunc(m.paid, func(p *partPayment) bool { return p.of == h && !p.whole })
}

func (m *partModel) fpsCancel(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	m.expire(h)
	want := holdfast.Code("")
	if h.state != payment.Reserved || h.busy != nil {
		want = holdfast.InvalidTransactionState
	}
	_, err := m.w.Processor.Cancel(m.w.T.Context(), m.w.Shop, holdfast.CancelRequest{TransactionID: h.id})
	agree(t, err, want)
	if want == "" {
		m.close(h)
	}
}

func (m *partModel) refund(t *rapid.T) {
	p, ok := pick(t, m.paid)
	if !ok {
		return
	}
	left := p.amount.Sub(p.refunded)
	amount := edge(t, left)
	if left.Positive() && rapid.Bool().Draw(t, "less") {
		amount = money.Cents(rapid.Int64Range(1, left.Micro/10_000).Draw(t, "cents"))
	}
	want := holdfast.Code("")
	switch {
	case !m.now.Before(p.settled.Add(payment.RefundWindow)):
		want = holdfast.TransactionDenied
	case !left.Positive():
		want = holdfast.TransactionFullyRefundedAlready
	case !amount.Positive():
		want = holdfast.AmountOutOfRange
	case amount.Cmp(left) > 0:
		want = holdfast.RefundAmountExceeded
	case m.shop.Add(p.backFee(amount)).Cmp(amount) < 0:
		want = holdfast.InsufficientBalance
	}
	_, err := m.w.Processor.Refund(m.w.T.Context(), m.w.Shop, holdfast.RefundRequest{
		TransactionID: p.id, RefundAmount: amount, CallerReference: m.ref(),
	})
	agree(t, err, want)
	if want == "" {
		m.back(p, amount)
	}
}

// backFee is the part of the fee that comes back with an amount.
func (p *partPayment) backFee(amount money.Amount) money.Amount {
	return p.fee.PartHalfUpToCent(p.refunded.Add(amount), p.amount).Sub(p.fee.PartHalfUpToCent(p.refunded, p.amount))
}

func (m *partModel) back(p *partPayment, amount money.Amount) {
	m.shop, m.taken = m.shop.Sub(amount).Add(p.backFee(amount)), m.taken.Sub(amount)
	p.refunded = p.refunded.Add(amount)
}

// refundHold refunds a hold in full or in part, from its payments, the oldest
// first.
func (m *partModel) refundHold(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	m.expire(h)
	left, backs, has := money.Micros(0), map[*partPayment]money.Amount{}, m.shop
	want := holdfast.Code("")
	var open []*partPayment
	for _, p := range m.paid {
		if p.of == h && !m.now.Before(p.settled.Add(payment.RefundWindow)) {
			return
		}
		if rest := p.amount.Sub(p.refunded); p.of == h && rest.Positive() {
			open, left = append(open, p), left.Add(rest)
		}
	}
	if len(open) == 0 {
		return // see the stories
	}
	amount := edge(t, left)
	if rapid.Bool().Draw(t, "less") {
		amount = money.Cents(rapid.Int64Range(1, left.Micro/10_000).Draw(t, "cents"))
	}
	need := amount
	for _, p := range open {
		some := lesser(need, p.amount.Sub(p.refunded))
		if need = need.Sub(some); !some.Positive() {
			continue
		}
		if has.Add(p.backFee(some)).Cmp(some) < 0 && want == "" {
			want = holdfast.InsufficientBalance
		}
		has, backs[p] = has.Add(p.backFee(some)).Sub(some), some
	}
	switch {
	case !amount.Positive():
		want = holdfast.AmountOutOfRange
	case want == "" && amount.Cmp(left) > 0:
		want = holdfast.RefundAmountExceeded
	}
	all, err := m.w.Processor.RefundHold(m.w.T.Context(), m.w.Shop, nil, processor.RefundHold{
		Hold: h.id, Amount: amount, Reference: m.ref(),
	})
	agree(t, err, want)
	if want != "" {
		return
	}
	if len(all) != len(backs) {
		t.Fatalf("%d refunds were made, the model says %d", len(all), len(backs))
	}
	for _, p := range open {
		if some, is := backs[p]; is {
			m.back(p, some)
		}
	}
}

// goToAnEdge moves the clock to a deadline, or a microsecond off it.
func (m *partModel) goToAnEdge(t *rapid.T) {
	var edges []time.Time
	for _, h := range m.holds {
		edges = append(edges, h.deadline)
	}
	m.now = goTo(t, m.w, m.now, edges)
}

func (m *partModel) check(t *rapid.T) {
	held := money.Micros(0)
	for _, h := range m.holds {
		m.expire(h)
		got := m.w.Transaction(h.id)
		taken, state := h.taken, h.state
		if h.busy != nil && h.busy.whole {
			state = payment.Settling
		} else if h.busy != nil {
			taken = taken.Add(h.busy.amount)
		}
		if whole := !m.parted(h) && (h.busy == nil || h.busy.whole); whole {
			taken = money.Micros(0) // it is in Settled
		}
		if got.State != state || got.Taken != taken || got.Lowered != h.lowered {
			t.Fatalf("%s is %s with %v taken and %v released, the model says %s with %v and %v", h.id, got.State, got.Taken,
				got.Lowered, state, taken, h.lowered)
		}
		if got.State == payment.Success && (got.Settled != h.taken || got.Fee != h.fee) {
			t.Fatalf("%s was settled for %v with a fee of %v, the model says %v and %v", h.id, got.Settled, got.Fee, h.taken,
				h.fee)
		}
		if state == payment.Reserved || state == payment.Settling {
			held = held.Add(h.open())
		}
	}
	if !rapid.Bool().Draw(t, "swept") {
		return // balances agree only once all expiries are written
	}
	must(t, second(m.w.Processor.Sweep(m.w.T.Context())))
	must(t, second(m.w.Processor.Release(m.w.T.Context())))
	must(t, second(m.w.Processor.PlaceEvents(m.w.T.Context())))
	for _, h := range m.holds {
		checkHoldTold(t, m.w, h.id)
	}
	report, err := m.w.DB.CheckCallerBooks(m.w.T.Context(), m.w.Shop.ID)
	must(t, err)
	if len(report.Findings) > 0 || report.Held != held.Micro {
		t.Fatalf("books hold %v, the model %v; findings: %v", money.Micros(report.Held), held, report.Findings)
	}
	zero := money.Micros(0)
	for account, want := range map[ledger.AccountID]money.Amount{
		ledger.Party(string(m.w.Owner.ID)): m.shop,
		ledger.Outgoing:                    zero,
		ledger.Network:                     zero.Sub(held).Sub(m.taken).Sub(money.Cents(20_00)),
	} {
		if got := balance(m.w, account); got != want.Decimal() {
			t.Fatalf("%s is %s, the model says %s", account, got, want.Decimal())
		}
	}
}
