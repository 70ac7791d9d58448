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
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// The model is the server without everything hard: no database, no postings, no
// silent network. Each action runs on the real processor and on the model, and
// both must give the same answer. After each action the balances agree and the
// audit finds nothing.
type model struct {
	w *holdfasttest.World
	modelPays
	modelSales

	now      time.Time
	tokens   []*modelToken
	reserves []*modelReserve
	paid     money.Amount // to the shop and in fees
}

type modelToken struct {
	id      holdfast.TokenID
	amount  money.Amount
	expires time.Time
	used    bool
}

type modelReserve struct {
	id       holdfast.TransactionID
	token    holdfast.TokenID
	ref      holdfast.CallerReference
	amount   money.Amount
	settled  money.Amount
	state    payment.State
	received time.Time
	deadline time.Time
}

func TestRandomActionsAgreeWithTheModel(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		rapid.Check(t, func(rt *rapid.T) {
			m := newModel(rt, w)
			rt.Repeat(m.actions(m.check))
		})
	})
}

// actions are all actions of the model, with a check after each of them.
func (m *model) actions(check func(*rapid.T)) map[string]func(*rapid.T) {
	return map[string]func(*rapid.T){
		"Authorize":    m.authorize,
		"Reserve":      m.reserve,
		"ReserveAgain": m.reserveAgain,
		"Settle":       m.settle,
		"Cancel":       m.cancel,
		"PayBalance":   m.payByBalance,
		"PayLasting":   m.payByLastingToken,
		"Refund":       m.refund,
		"FundPrepaid":  m.fundPrepaid,
		"SpendPrepaid": m.spendPrepaid,
		"Owe":          m.owe,
		"SettleDebt":   m.settleDebt,
		"WriteOffDebt": m.writeOffDebt,
		"Sell":         m.sell,
		"Answer":       m.answer,
		"CancelSale":   m.cancelSale,
		"GoToAnEdge":   m.goToAnEdge,
		"":             check,
	}
}

func second[T any](_ T, err error) error { return err }

func must(t *rapid.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// newModel starts with a new caller, with the clock at its start.
func newModel(t *rapid.T, w *holdfasttest.World) *model {
	w.Clock.Set(holdfasttest.Start)
	w.Network.Forget() // what a run that failed has left
	m := &model{w: w, now: w.Clock.Now(), paid: money.Micros(0)}
	m.start(t, w)
	var err error
	w.Shop, _, err = w.Processor.CreateCaller(w.T.Context(), processor.NewCaller{
		Owner: w.Owner.ID, Name: "Model", Sandbox: true,
	})
	must(t, err)
	m.install(w)
	m.installSeller(t, w)
	return m
}

func drawAmount(t *rapid.T, most int64) money.Amount {
	return money.Cents(rapid.Int64Range(30, most).Draw(t, "cents"))
}

func (m *model) authorize(t *rapid.T) {
	amount := drawAmount(t, 2000)
	id := m.w.Authorize(amount.Decimal())
	m.tokens = append(m.tokens, &modelToken{id: id, amount: amount, expires: m.now.Add(payment.SingleUseLife)})
}

func pick[T any](t *rapid.T, from []T) (one T, ok bool) {
	if len(from) == 0 {
		return one, false
	}
	return from[rapid.IntRange(0, len(from)-1).Draw(t, "which")], true
}

// edge draws an amount at a limit, a cent below it or a cent above. It is never
// negative, because no door accepts that.
func edge(t *rapid.T, limit money.Amount) money.Amount {
	amount := limit.Add(money.Cents(rapid.Int64Range(-1, 1).Draw(t, "cents off")))
	return money.Micros(max(0, amount.Micro))
}

func (m *model) reserve(t *rapid.T) {
	token, ok := pick(t, m.tokens)
	if !ok {
		return
	}
	amount := edge(t, token.amount)
	declined := rapid.IntRange(0, 9).Draw(t, "declined") == 0
	if declined {
		m.w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied})
	}
	r := &modelReserve{
		token: token.id, ref: holdfast.CallerReference(m.w.IDs.Other("ref-")), amount: amount, settled: money.Micros(0),
		received: m.now, deadline: m.now.Add(payment.ReserveLifeMax), state: payment.Reserved,
	}
	want := holdfast.Code("")
	switch {
	case token.used:
		want = holdfast.SameTokenIDUsedMultipleTimes
	case !m.now.Before(token.expires), amount.Cmp(token.amount) > 0:
		want = holdfast.IncompatibleTokens
	case declined:
		r.state = payment.Failure
	}
	got, err := m.w.Processor.Reserve(m.w.T.Context(), m.w.Shop, request(r))
	agree(t, err, want)
	if want == "" {
		r.id, token.used = got.ID, true
		m.reserves = append(m.reserves, r)
	} else if declined {
		m.w.Network.Forget() // in case the script was not used
	}
}

func request(r *modelReserve) holdfast.ReserveRequest {
	return holdfast.ReserveRequest{SenderTokenID: r.token, TransactionAmount: r.amount, CallerReference: r.ref}
}

// reserveAgain sends an old request again: no money may move.
func (m *model) reserveAgain(t *rapid.T) {
	r, ok := pick(t, m.reserves)
	if !ok {
		return
	}
	want := holdfast.Code("")
	if !m.now.Before(r.received.Add(payment.ReferenceLife)) {
		want = holdfast.SameTokenIDUsedMultipleTimes // the reference is free, but the token is used
		r = &modelReserve{token: r.token, amount: r.amount, ref: r.ref + "'"}
	}
	got, err := m.w.Processor.Reserve(m.w.T.Context(), m.w.Shop, request(r))
	agree(t, err, want)
	if want == "" && got.ID != r.id {
		t.Fatalf("asked again, answered with %s instead of %s", got.ID, r.id)
	}
}

func (m *model) settle(t *rapid.T) {
	r, ok := pick(t, m.reserves)
	if !ok {
		return
	}
	amount := edge(t, r.amount)
	want := holdfast.Code("")
	switch m.expire(r); {
	case r.state == payment.Success && r.settled == amount:
	case r.state == payment.Failure:
		want = holdfast.OriginalTransactionFailed
	case r.state != payment.Reserved:
		want = holdfast.InvalidTransactionState
	case amount.Cmp(r.amount) > 0:
		want = holdfast.SettleAmountGreaterThanReserveAmount
	default:
		r.state, r.settled = payment.Success, amount
		fee := payment.DefaultFees.Fee(holdfast.MethodCC, amount)
		m.paid, m.shop = m.paid.Add(amount), m.shop.Add(amount).Sub(fee)
		m.payments = append(m.payments, &modelPayment{
			id: r.id, method: holdfast.MethodCC, amount: amount, fee: fee, refunded: money.Micros(0),
		})
	}
	_, err := m.w.Processor.Settle(m.w.T.Context(), m.w.Shop, holdfast.SettleRequest{
		ReserveTransactionID: r.id, TransactionAmount: amount,
	})
	agree(t, err, want)
}

func (m *model) cancel(t *rapid.T) {
	r, ok := pick(t, m.reserves)
	if !ok {
		return
	}
	want := holdfast.Code("")
	if m.expire(r); r.state != payment.Reserved {
		want = holdfast.InvalidTransactionState
	} else {
		r.state = payment.Cancelled
	}
	_, err := m.w.Processor.Cancel(m.w.T.Context(), m.w.Shop, holdfast.CancelRequest{TransactionID: r.id})
	agree(t, err, want)
}

func (m *model) expire(r *modelReserve) {
	if r.state == payment.Reserved && !m.now.Before(r.deadline) {
		r.state = payment.Cancelled
	}
}

// goTo moves the clock to one of some edges or on by an hour, a microsecond before it
// or a microsecond after it. Whole hours would never find a fault at the exact
// moment. A time that has passed leaves the clock where it is. It returns the time
// that it is then.
func goTo(t *rapid.T, w *holdfasttest.World, now time.Time, edges []time.Time) time.Time {
	to, _ := pick(t, append([]time.Time{now.Add(time.Hour)}, edges...))
	to = to.Add(time.Duration(rapid.IntRange(-1, 1).Draw(t, "microseconds off")) * time.Microsecond)
	if !to.After(now) {
		return now
	}
	w.Clock.Set(to)
	return to
}

// goToAnEdge moves the clock to a deadline, or near it.
func (m *model) goToAnEdge(t *rapid.T) {
	var edges []time.Time
	for _, k := range m.tokens {
		edges = append(edges, k.expires)
	}
	for _, r := range m.reserves {
		edges = append(edges, r.deadline)
	}
	for _, s := range m.open {
		edges = append(edges, s.deadline)
	}
	m.now = goTo(t, m.w, m.now, edges)
}

// agree compares an answer with the model's. An error of the server is never
// what the model predicts.
func agree(t *rapid.T, err error, want holdfast.Code) {
	t.Helper()
	got := holdfast.Code("")
	if refused, ok := errors.AsType[*holdfast.Error](err); ok {
		got = refused.Code
	} else if err != nil {
		t.Fatalf("failed: %v", err)
	}
	if got != want {
		t.Fatalf("answered %q (%v), the model says %q", got, err, want)
	}
}

func (m *model) check(t *rapid.T) {
	held := money.Micros(0)
	for _, r := range m.reserves {
		m.expire(r)
		if got := m.w.Transaction(r.id); got.State != r.state || got.Settled != r.settled {
			t.Fatalf("%s is %s with %v settled, the model says %s with %v", r.id, got.State, got.Settled, r.state, r.settled)
		}
		if r.state == payment.Reserved {
			held = held.Add(r.amount)
		}
	}
	if !rapid.Bool().Draw(t, "swept") {
		return // balances agree only once all expiries are written
	}
	must(t, second(m.w.Processor.Sweep(m.w.T.Context())))
	must(t, second(m.w.Processor.Release(m.w.T.Context())))
	m.sweptSales()
	report, err := m.w.DB.CheckCallerBooks(m.w.T.Context(), m.w.Shop.ID)
	must(t, err)
	if len(report.Findings) > 0 || report.Held != held.Micro {
		t.Fatalf("books hold %v, the model %v; findings: %v", money.Micros(report.Held), held, report.Findings)
	}
	want := m.returned.Sub(m.paid).Sub(m.charged).Sub(held).Sub(money.Cents(50_00)).Decimal() // with the buyer's deposit
	if got := balance(m.w, ledger.Network); got != want {
		t.Fatalf("the network account is %s, the model says %s", got, want)
	}
	m.checkBalances(t)
	m.checkSales(t)
}
