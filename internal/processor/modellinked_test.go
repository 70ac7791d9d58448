package processor_test

import (
	"cmp"
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

// The toy model of one hold that is raised, renewed, settled in parts and
// released: a list of members with cents.
type linkedModel struct {
	w            *holdfasttest.World
	now          time.Time
	token        holdfast.TokenID
	root         holdfast.TransactionID
	members      []*linkedMember
	settled, fee money.Amount
}

type linkedMember struct {
	id                     holdfast.TransactionID
	amount, taken, lowered money.Amount
	deadline               time.Time
	open, parted           bool
}

// most is what the token of the hold allows in all.
var most = money.Cents(60_00)

func (m *linkedMember) left() money.Amount {
	if !m.open {
		return money.Micros(0)
	}
	return m.amount.Sub(m.taken).Sub(m.lowered)
}

func TestRandomStepsOfARaisedHoldAgreeWithTheModel(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Unchecked = true
		rapid.Check(t, func(rt *rapid.T) {
			m := newLinkedModel(rt, w)
			rt.Repeat(map[string]func(*rapid.T){
				"Settle": m.settle, "SettleAgain": m.settle, "Release": m.release, "Raise": m.raise, "RaiseAgain": m.raise,
				"Renew": m.renew, "GoToAnEdge": m.goToAnEdge, "": m.check,
			})
		})
	})
}

func newLinkedModel(t *rapid.T, w *holdfasttest.World) *linkedModel {
	w.Clock.Set(holdfasttest.Start)
	w.Network.Forget() // what a run that failed has left
	m := &linkedModel{w: w, now: w.Clock.Now(), settled: money.Micros(0), fee: money.Micros(0)}
	(&modelPays{}).start(t, w)
	var err error
	w.Shop, _, err = w.Processor.CreateCaller(w.T.Context(), processor.NewCaller{
		Owner: w.Owner.ID, Name: "Linked", Sandbox: true,
	})
	must(t, err)
	m.token = lasting(w, most.Decimal(), 1_000)
	r, err := w.Processor.Reserve(w.T.Context(), w.Shop, holdfast.ReserveRequest{
		SenderTokenID: m.token, TransactionAmount: drawAmount(t, 3000), CallerReference: m.ref(),
	})
	must(t, err)
	m.root = r.ID
	m.add(r)
	return m
}

func (m *linkedModel) ref() holdfast.CallerReference {
	return holdfast.CallerReference(m.w.IDs.Other("ref-"))
}

func (m *linkedModel) add(t payment.Transaction) {
	zero := money.Micros(0)
	m.members = append(m.members, &linkedMember{
		id: t.ID, amount: t.Amount, taken: zero, lowered: zero, open: true, deadline: m.now.Add(payment.ReserveLifeMax),
	})
}

// open are the open members, the earliest deadline first.
func (m *linkedModel) open() (open []*linkedMember) {
	for _, one := range m.members {
		if one.open && !m.now.Before(one.deadline) {
			one.open = false
		}
		if one.open {
			open = append(open, one)
		}
	}
	slices.SortStableFunc(open, func(a, b *linkedMember) int {
		return cmp.Or(a.deadline.Compare(b.deadline), cmp.Compare(a.id, b.id))
	})
	return open
}

func (m *linkedModel) left() money.Amount {
	sum := money.Micros(0)
	for _, one := range m.open() {
		sum = sum.Add(one.left())
	}
	return sum
}

// uses is what counts in the limit of the token.
func (m *linkedModel) uses() money.Amount {
	sum := m.left()
	for _, one := range m.members {
		sum = sum.Add(one.taken)
	}
	return sum
}

func (m *linkedModel) some(t *rapid.T) money.Amount {
	left := m.left()
	if left.Positive() && rapid.Bool().Draw(t, "less") {
		return money.Cents(rapid.Int64Range(1, left.Micro/10_000).Draw(t, "cents"))
	}
	return edge(t, left)
}

// A linkedDraw is what a settle takes from one member.
type linkedDraw struct {
	*linkedMember
	amount, fee money.Amount
}

// draws splits an amount over the open members, and calculates the fees.
func (m *linkedModel) draws(amount money.Amount, alone bool) (draws []linkedDraw) {
	open := m.open()
	if i := slices.IndexFunc(open, func(o *linkedMember) bool { return amount.Cmp(o.left()) <= 0 }); alone && i >= 0 {
		open = open[i : i+1]
	}
	taken, fee := m.settled, m.fee
	for _, one := range open {
		some := lesser(amount, one.left())
		if amount = amount.Sub(some); !some.Positive() {
			continue
		}
		taken = taken.Add(some)
		by := payment.DefaultFees.Fee(holdfast.MethodCC, taken).Sub(fee)
		fee = fee.Add(by)
		draws = append(draws, linkedDraw{one, some, by})
	}
	return draws
}

func (m *linkedModel) settle(t *rapid.T) {
	amount, final := m.some(t), rapid.IntRange(0, 4).Draw(t, "final") == 0
	draws, want := m.draws(amount, true), holdfast.Code("")
	switch {
	case !amount.Positive():
		want = holdfast.AmountOutOfRange
	case len(m.open()) == 0:
		want = m.ended()
	case amount.Cmp(m.left()) > 0:
		want = holdfast.SettleAmountGreaterThanReserveAmount
	case slices.ContainsFunc(draws, func(d linkedDraw) bool { return d.fee.Cmp(d.amount) >= 0 }):
		want = holdfast.InvalidParams
	}
	declined := len(draws) == 1 && rapid.IntRange(0, 4).Draw(t, "declined") == 0
	if declined {
		m.w.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: holdfast.CodeTransactionDenied})
	}
	_, err := m.w.Processor.SettleHold(m.w.T.Context(), m.w.Shop, nil, processor.SettleHold{
		Hold: m.root, Amount: amount, Final: final,
	})
	agree(t, err, want)
	m.w.Network.Forget()
	if want != "" {
		return
	}
	if final {
		for _, one := range m.open() {
			drawn := func(d linkedDraw) bool { return d.linkedMember == one }
			one.open = slices.ContainsFunc(draws, drawn)
		}
	}
	for _, d := range draws {
		m.took(d, final, !declined)
	}
}

// took books the outcome of a draw.
func (m *linkedModel) took(d linkedDraw, final, approved bool) {
	whole := !d.parted && (final || d.amount == d.left())
	switch {
	case approved:
		d.taken, d.parted = d.taken.Add(d.amount), d.parted || !whole
		m.settled, m.fee = m.settled.Add(d.amount), m.fee.Add(d.fee)
		d.open = !whole && !final && d.left().Positive()
	case whole:
		d.open = false
	}
}

// ended is the refusal of a settle of a hold that has ended: the root says why.
func (m *linkedModel) ended() holdfast.Code {
	if m.w.Transaction(m.root).State == payment.Failure {
		return holdfast.OriginalTransactionFailed
	}
	return holdfast.InvalidTransactionState
}

func (m *linkedModel) release(t *rapid.T) {
	r := processor.ReleaseHold{Hold: m.root}
	open, amount, want := m.open(), m.left(), holdfast.Code("")
	if rapid.IntRange(0, 4).Draw(t, "the rest") > 0 {
		amount = m.some(t)
		r.Amount = amount
	}
	switch {
	case len(open) == 0:
		want = holdfast.InvalidTransactionState
	case !amount.Positive(), amount.Cmp(m.left()) > 0:
		want = holdfast.AmountOutOfRange
	}
	_, err := m.w.Processor.ReleaseHold(m.w.T.Context(), m.w.Shop, nil, r)
	agree(t, err, want)
	if want != "" {
		return
	}
	for _, d := range m.draws(amount, false) {
		if d.amount == d.left() {
			d.open = false
		} else {
			d.lowered = d.lowered.Add(d.amount)
		}
	}
}

// decline lets the network decline a raise or a renewal now and then.
func (m *linkedModel) decline(t *rapid.T) bool {
	declined := rapid.IntRange(0, 4).Draw(t, "declined") == 0
	if declined {
		m.w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied})
	}
	return declined
}

func (m *linkedModel) raise(t *rapid.T) {
	amount, want := drawAmount(t, 2000), holdfast.Code("")
	if edgy := most.Sub(m.uses()); edgy.Cmp(money.Cents(31)) > 0 && rapid.Bool().Draw(t, "at the limit") {
		amount = edge(t, edgy)
	}
	must(t, second(m.w.Processor.Sweep(m.w.T.Context()))) // so that the limit has what has expired
	switch {
	case len(m.open()) == 0:
		want = holdfast.InvalidTransactionState
	case m.uses().Add(amount).Cmp(most) > 0:
		want = holdfast.TokenUsageError
	}
	declined := m.decline(t)
	r, err := m.w.Processor.RaiseHold(m.w.T.Context(), m.w.Shop, nil, processor.RaiseHold{
		Hold: m.root, Amount: amount, Reference: m.ref(),
	})
	agree(t, err, want)
	m.w.Network.Forget()
	if want == "" && !declined {
		m.add(r)
	}
}

func (m *linkedModel) renew(t *rapid.T) {
	left := m.left()
	if left.Positive() && left.Cmp(money.Cents(30)) < 0 {
		return // no more than the fee
	}
	want := holdfast.Code("")
	if len(m.open()) == 0 {
		want = holdfast.InvalidTransactionState
	}
	declined := m.decline(t)
	request := processor.RenewHold{Hold: m.root, Reference: m.ref()}
	r, err := m.w.Processor.RenewHold(m.w.T.Context(), m.w.Shop, nil, request)
	agree(t, err, want)
	m.w.Network.Forget()
	if want == "" && !declined {
		for _, one := range m.open() {
			one.open = false
		}
		m.add(r)
	}
}

func (m *linkedModel) goToAnEdge(t *rapid.T) {
	var edges []time.Time
	for _, one := range m.members {
		edges = append(edges, one.deadline)
	}
	m.now = goTo(t, m.w, m.now, edges)
}

func (m *linkedModel) check(t *rapid.T) {
	h, left := holdOf(m.w, m.root), m.left()
	if h.Open() != left || h.Held() != left || h.Settled() != m.settled {
		t.Fatalf("%v are open, %v held and %v settled, the model says %v and %v", h.Open(), h.Held(), h.Settled(), left,
			m.settled)
	}
	if held := h.State() == payment.HoldHeld; held != left.Positive() || m.uses().Cmp(most) > 0 {
		t.Fatalf("the hold is %s with %v, and uses %v of the token", h.State(), left, m.uses())
	}
	if !rapid.Bool().Draw(t, "swept") {
		return
	}
	must(t, second(m.w.Processor.Sweep(m.w.T.Context())))
	must(t, second(m.w.Processor.Release(m.w.T.Context())))
	report, err := m.w.DB.CheckCallerBooks(m.w.T.Context(), m.w.Shop.ID)
	must(t, err)
	if len(report.Findings) > 0 || report.Held != left.Micro {
		t.Fatalf("books hold %v, the model %v; findings: %v", money.Micros(report.Held), left, report.Findings)
	}
	if got := balance(m.w, ledger.Fees); got != m.fee.Decimal() {
		t.Fatalf("the fees are %s, the model says %v", got, m.fee)
	}
	must(t, m.w.DB.View(m.w.T.Context(), func(tx *store.ReadTx) error {
		limits, err := tx.Limits(string(m.w.Shop.ID), string(m.token))
		for _, l := range limits {
			if l.UsedAmount != m.uses() {
				t.Fatalf("%v of the token are used, the model says %v", l.UsedAmount, m.uses())
			}
		}
		return err
	}))
}
