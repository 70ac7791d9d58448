package processor_test

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// The toy model of holds that are raised, renewed, settled and released: whole
// dollars in slices. Every hold has a token of its own, with a limit on the sum
// and on the number of its uses.
type linkModel struct {
	w     *holdfasttest.World
	now   time.Time
	holds []*toyHold
}

type toyHold struct {
	id      holdfast.TransactionID
	token   holdfast.TokenID
	members []*toyMember // that the network has held, the oldest first
	raised  int64        // by the root and by raises
	used    int64        // of the limit
	uses    int64
	doubt   *toyDoubt
}

type toyMember struct {
	amount, taken, lowered int64
	deadline               time.Time
	end                    payment.HoldState // empty while it is open
	ended                  time.Time
}

// A toyDoubt is a renewal that the network has not answered.
type toyDoubt struct {
	id       holdfast.TransactionID
	amount   int64
	deadline time.Time // afterwards it is given up
}

const (
	toyLimit = 60 // dollars
	toyUses  = 5
)

func dollarsOf(n int64) money.Amount { return money.Cents(n * 100) }

func (m *toyMember) open() int64 {
	if m.end != "" {
		return 0
	}
	return m.amount - m.taken - m.lowered
}

// open are the open members, the earliest deadline first, and what is open of
// them.
func (h *toyHold) open() (open []*toyMember, dollars int64) {
	for _, m := range h.members {
		if m.end == "" {
			open, dollars = append(open, m), dollars+m.open()
		}
	}
	slices.SortStableFunc(open, func(a, b *toyMember) int { return a.deadline.Compare(b.deadline) })
	return open, dollars
}

// over ends a member. What was not taken is given back to the limit, and so is
// its use if nothing was taken.
func (h *toyHold) over(m *toyMember, how payment.HoldState, at time.Time) {
	h.used -= m.open()
	if m.taken == 0 {
		h.uses--
	}
	m.end, m.ended = how, at
	if m.taken > 0 {
		m.end = payment.HoldSettled
	}
}

func TestRandomRaisesAndRenewalsAgreeWithTheModel(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		w.Unchecked = true
		rapid.Check(t, func(rt *rapid.T) {
			w.Clock.Set(holdfasttest.Start)
			w.Network.Forget() // what a run that failed has left
			m := &linkModel{w: w, now: w.Clock.Now()}
			var err error
			w.Shop, _, err = w.Processor.CreateCaller(t.Context(), processor.NewCaller{
				Owner: w.Owner.ID, Name: "Linked", Sandbox: true,
			})
			must(rt, err)
			rt.Repeat(map[string]func(*rapid.T){
				"Hold": m.hold, "Raise": m.raise, "RaiseMore": m.raise, "Renew": m.renew, "Doubt": m.renewInDoubt,
				"Answer": m.answer, "Settle": m.settle, "SettleMore": m.settle, "Release": m.release,
				"GoToAnEdge": m.goToAnEdge, "": m.check,
			})
		})
	})
}

func (m *linkModel) ref() holdfast.CallerReference {
	return holdfast.CallerReference(m.w.IDs.Other("ref-"))
}

func (m *linkModel) hold(t *rapid.T) {
	if len(m.holds) == 3 {
		return
	}
	amount := rapid.Int64Range(1, 30).Draw(t, "dollars")
	h := &toyHold{token: lasting(m.w, dollarsOf(toyLimit).Decimal(), toyUses), raised: amount, used: amount, uses: 1}
	r, err := m.w.Processor.Reserve(m.w.T.Context(), m.w.Shop, holdfast.ReserveRequest{
		SenderTokenID: h.token, TransactionAmount: dollarsOf(amount), CallerReference: m.ref(),
	})
	must(t, err)
	h.id, h.members = r.ID, []*toyMember{{amount: amount, deadline: r.Deadline}}
	m.holds = append(m.holds, h)
}

// changeable is what the model says of a raise or a renewal that begins.
func (h *toyHold) changeable() holdfast.Code {
	switch _, open := h.open(); {
	case open == 0:
		return holdfast.InvalidTransactionState
	case h.doubt != nil:
		return holdfast.OriginalTransactionIncomplete
	}
	return ""
}

// decline makes the network decline now and then.
func (m *linkModel) decline(t *rapid.T) bool {
	if rapid.IntRange(0, 3).Draw(t, "declined") > 0 {
		return false
	}
	m.w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Decline: holdfast.CodeTransactionDenied})
	return true
}

func (m *linkModel) raise(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	amount := rapid.Int64Range(1, 20).Draw(t, "dollars")
	if left := toyLimit - h.used; left > 0 && rapid.Bool().Draw(t, "at the edge") {
		amount = left + rapid.Int64Range(0, 1).Draw(t, "dollars more")
	}
	want := h.changeable()
	if want == "" && (h.used+amount > toyLimit || h.uses+1 > toyUses) {
		want = holdfast.TokenUsageError
	}
	declined := m.decline(t)
	got, err := m.w.Processor.RaiseHold(m.w.T.Context(), m.w.Shop, nil, processor.RaiseHold{
		Hold: h.id, Amount: dollarsOf(amount), Reference: m.ref(),
	})
	agree(t, err, want)
	m.w.Network.Forget()
	if want == "" && !declined {
		h.members = append(h.members, &toyMember{amount: amount, deadline: got.Deadline})
		h.raised, h.used, h.uses = h.raised+amount, h.used+amount, h.uses+1
	}
}

// renewable is what the model says of a renewal that begins.
func (h *toyHold) renewable() holdfast.Code {
	want := h.changeable()
	open, _ := h.open()
	if whole := h.wholeUses(open); want == "" && whole == 0 && h.uses+1 > toyUses {
		want = holdfast.TokenUsageError
	}
	return want
}

// wholeUses are the members of which nothing was taken.
func (h *toyHold) wholeUses(open []*toyMember) (n int64) {
	for _, o := range open {
		if o.taken == 0 {
			n++
		}
	}
	return n
}

func (m *linkModel) renew(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	want, declined := h.renewable(), m.decline(t)
	r := processor.RenewHold{Hold: h.id, Reference: m.ref()}
	got, err := m.w.Processor.RenewHold(m.w.T.Context(), m.w.Shop, nil, r)
	agree(t, err, want)
	m.w.Network.Forget()
	if want == "" && !declined {
		m.renewed(h, got.Deadline)
	}
}

// renewed replaces the open members.
func (m *linkModel) renewed(h *toyHold, deadline time.Time) {
	open, dollars := h.open()
	for _, o := range open {
		h.over(o, payment.HoldReleased, m.now)
	}
	h.members = append(h.members, &toyMember{amount: dollars, deadline: deadline})
	h.used, h.uses = h.used+dollars, h.uses+1
}

// renewInDoubt begins a renewal that the network does not answer.
func (m *linkModel) renewInDoubt(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	want := h.renewable()
	_, dollars := h.open()
	m.w.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Deaf: true})
	got, err := unanswered(m.w, func() (payment.Transaction, error) {
		return m.w.Processor.RenewHold(m.w.T.Context(), m.w.Shop, nil, processor.RenewHold{Hold: h.id, Reference: m.ref()})
	})
	agree(t, err, want)
	if want == "" {
		waitUntil(m.w, func() bool { return m.w.Network.AskedAbout(got.ID) })
		h.doubt = &toyDoubt{got.ID, dollars, got.Deadline}
	}
	m.w.Network.Forget()
}

// answer lets the network answer a renewal in doubt.
func (m *linkModel) answer(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok || h.doubt == nil {
		return
	}
	d := *h.doubt
	h.doubt = nil
	answer := payment.Answer{Code: holdfast.CodeTransactionDenied, Message: "No."}
	if rapid.Bool().Draw(t, "approved") {
		answer = payment.Answer{Verdict: payment.Approved, Authorization: "late"}
	}
	before := m.w.Transaction(d.id)
	question := before.Question()
	if question == nil {
		t.Fatalf("nothing is asked about %s, which is %s", d.id, before.State)
	}
	must(t, m.w.Processor.Answer(*question, answer, nil))
	if _, dollars := h.open(); answer.Approved() && before.State == payment.Pending && dollars == d.amount {
		m.renewed(h, before.Deadline)
	}
}

func (m *linkModel) settle(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	open, dollars := h.open()
	amount, final := rapid.Int64Range(1, dollars+1).Draw(t, "dollars"), rapid.IntRange(0, 3).Draw(t, "final") == 0
	want := holdfast.Code("")
	switch {
	case len(open) == 0:
		want = holdfast.InvalidTransactionState
	case amount > dollars:
		want = holdfast.SettleAmountGreaterThanReserveAmount
	}
	_, err := m.w.Processor.SettleHold(m.w.T.Context(), m.w.Shop, nil, processor.SettleHold{
		Hold: h.id, Amount: dollarsOf(amount), Final: final, Reference: m.ref(),
	})
	agree(t, err, want)
	if want != "" {
		return
	}
	drawn := map[*toyMember]int64{}
	if i := slices.IndexFunc(open, func(o *toyMember) bool { return o.open() >= amount }); i >= 0 {
		drawn[open[i]] = amount
	} else {
		left := amount
		for _, o := range open {
			drawn[o] = min(left, o.open())
			left -= drawn[o]
		}
	}
	for _, o := range open {
		o.taken += drawn[o]
		if drawn[o] > 0 && (final || o.open() == 0) || final {
			h.over(o, payment.HoldReleased, m.now)
		}
	}
	if final {
		h.doubt = nil // it was given up, and nobody asks for its answer
	}
}

func (m *linkModel) release(t *rapid.T) {
	h, ok := pick(t, m.holds)
	if !ok {
		return
	}
	open, dollars := h.open()
	r := processor.ReleaseHold{Hold: h.id}
	amount := dollars
	if rapid.IntRange(0, 3).Draw(t, "the rest") > 0 {
		amount = rapid.Int64Range(1, dollars+1).Draw(t, "dollars")
		r.Amount = dollarsOf(amount)
	}
	want := holdfast.Code("")
	switch {
	case len(open) == 0 && (r.Amount.Given() || h.doubt == nil || !m.now.Before(h.doubt.deadline)):
		want = holdfast.InvalidTransactionState
	case amount > dollars:
		want = holdfast.AmountOutOfRange
	}
	_, err := m.w.Processor.ReleaseHold(m.w.T.Context(), m.w.Shop, nil, r)
	agree(t, err, want)
	if want != "" {
		return
	}
	if !r.Amount.Given() {
		h.doubt = nil
	}
	for _, o := range open {
		some := min(amount, o.open())
		amount -= some
		switch {
		case some == 0:
		case some == o.open():
			h.over(o, payment.HoldReleased, m.now)
		default:
			o.lowered, h.used = o.lowered+some, h.used-some
		}
	}
}

// goToAnEdge moves the clock to a deadline, or a microsecond off it. The expiries
// are written at once, so that limits get back what they have counted.
func (m *linkModel) goToAnEdge(t *rapid.T) {
	var edges []time.Time
	for _, h := range m.holds {
		for _, o := range h.members {
			edges = append(edges, o.deadline)
		}
	}
	to := goTo(t, m.w, m.now, edges)
	if to.Equal(m.now) {
		return
	}
	m.now = to
	for _, h := range m.holds {
		for _, o := range h.members {
			if o.end == "" && !to.Before(o.deadline) {
				h.over(o, payment.HoldExpired, o.deadline)
			}
		}
	}
	must(t, second(m.w.Processor.Sweep(m.w.T.Context())))
	must(t, second(m.w.Processor.Release(m.w.T.Context())))
}

// state is what the hold is shown as.
func (h *toyHold) state(settled int64) payment.HoldState {
	switch _, open := h.open(); {
	case open > 0:
		return payment.HoldHeld
	case settled > 0:
		return payment.HoldSettled
	}
	return slices.MaxFunc(h.members, func(a, b *toyMember) int {
		return cmp.Or(a.ended.Compare(b.ended), 1) // of two that ended together, the newer
	}).end
}

func (m *linkModel) check(t *rapid.T) {
	held := int64(0)
	for _, h := range m.holds {
		_, open := h.open()
		settled := int64(0)
		for _, o := range h.members {
			settled += o.taken
		}
		held += open
		got := holdOf(m.w, h.id)
		is := fmt.Sprintf("%s %v/%v/%v", got.State(), got.Held(), got.Settled(), got.Released())
		says := fmt.Sprintf("%s %v/%v/%v", h.state(settled), dollarsOf(open), dollarsOf(settled),
			dollarsOf(h.raised-open-settled))
		if is != says {
			t.Fatalf("hold %s is %s, the model says %s", h.id, is, says)
		}
		if h.used > toyLimit || h.uses > toyUses {
			t.Fatalf("the model itself uses %d dollars in %d uses", h.used, h.uses)
		}
		wantUsed(m.w, h.token, dollarsOf(h.used).Decimal(), h.uses)
	}
	report, err := m.w.DB.CheckCallerBooks(m.w.T.Context(), m.w.Shop.ID)
	must(t, err)
	if len(report.Findings) > 0 || report.Held != dollarsOf(held).Micro {
		t.Fatalf("books hold %v, the model %d dollars; findings: %v", money.Micros(report.Held), held, report.Findings)
	}
}
