package payment_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A booking is what the books have of one payment, with the postings of all its
// transactions. It is brought to what was found by the steps of HeardInput.
type booking struct {
	t         *testing.T
	payment   payment.Transaction
	children  []payment.Transaction
	disputes  payment.Disputes
	attention string
	released  int // times that the network was asked to release the hold
	postings  []ledger.Posting
	notices   []payment.NetworkAbout
	told      []payment.EventType // of disputes
	made      int
	asked     *payment.Change // whose question is open
}

// answer ends the open question as the network has decided it.
func (b *booking) answer() {
	if b.asked == nil {
		return
	}
	c := b.asked.After.Outcome(*b.asked.Ask, approved, now)
	b.payment, b.postings, b.asked = c.After, append(b.postings, c.Postings...), nil
}

// book is the booking of a payment by card, after some steps of its own.
func book(t *testing.T, p payment.Transaction, postings ...ledger.Posting) *booking {
	return &booking{t: t, payment: p, postings: postings}
}

func (b *booking) input(found payment.PaymentFound, at time.Time) payment.HeardInput {
	return payment.HeardInput{
		ID: holdfast.TransactionID("1N" + string(rune('A'+b.made))), Account: "N1", Transaction: b.payment,
		Attention: b.attention, Children: b.children, Disputes: b.disputes, Found: found, Now: at,
	}
}

// hear takes all steps, and reports whether something has to be looked at later.
func (b *booking) hear(found payment.PaymentFound, at time.Time) bool {
	b.t.Helper()
	for range 50 {
		h, more, later := b.input(found, at).Next()
		if !more {
			return later
		}
		b.apply(h)
	}
	b.t.Fatalf("no end of steps towards %+v", found)
	return false
}

func (b *booking) apply(h payment.Heard) {
	if h.Attention != "" {
		b.attention = h.Attention
	}
	for _, n := range h.Notices {
		b.notices = append(b.notices, n.About)
	}
	if d := h.Dispute; d != nil {
		before, _ := b.disputes.Find(d.ID)
		b.told = append(b.told, d.Tells(before)...)
		b.disputes = append(slices.DeleteFunc(b.disputes, func(other payment.Dispute) bool { return other.ID == d.ID }), *d)
	}
	c := h.Change
	if c == nil {
		return
	}
	b.postings = append(b.postings, c.Postings...)
	switch {
	case c.After.Asking == payment.StepRelease:
		b.released++
		b.payment = c.After.Outcome(*c.Ask, payment.Answer{Verdict: payment.Approved}, c.At).After
	case c.After.ID == b.payment.ID:
		b.payment = c.After
	default:
		b.made++
		b.children = append(b.children, c.After)
	}
	if c.Original != nil {
		b.payment = c.Original.After
	}
}

func (b *booking) kinds() (all []payment.Kind) {
	for _, c := range b.children {
		all = append(all, c.Kind)
	}
	return all
}

// taken is a Reserve of 42.50 that was settled for 40.00, without fees.
func taken(t *testing.T) *booking {
	t.Helper()
	b := taking(t)
	b.answer()
	return b
}

// taking is taken whose Settle has no answer yet.
func taking(t *testing.T) *booking {
	t.Helper()
	hold := held(t)
	in := settling(money.Cents(40_00), now)
	none := payment.FeeRate{Fixed: money.Micros(0)}
	in.Fees = payment.FeeSchedule{Card: none, Small: none, SmallBelow: money.Micros(0)}
	c, err := hold.Settle(in)
	if err != nil {
		t.Fatal(err)
	}
	b := book(t, c.After, append([]ledger.Posting{ledger.Move(ledger.Network, ledger.Held, money.Cents(42_50))},
		c.Postings...)...)
	b.asked = &c
	return b
}

// refunded adds a refund of ours that the network has approved.
func (b *booking) refunded(cents int64) payment.Transaction {
	b.t.Helper()
	in := refunding(b.payment)
	in.ID, in.Disputes = holdfast.TransactionID("1R"+string(rune('A'+len(b.children)))), b.disputes
	in.Owner = party.Party{ID: b.payment.Owner, Standing: party.Active}
	c, err := payment.Refund(in, holdfast.RefundRequest{RefundAmount: money.Cents(cents)})
	if err != nil {
		b.t.Fatal(err)
	}
	back := c.After.Outcome(*c.Ask, approved, now)
	b.postings = append(append(b.postings, c.Postings...), back.Postings...)
	b.payment, b.children = c.Original.After, append(b.children, back.After)
	return back.After
}

func found(change func(*payment.PaymentFound)) payment.PaymentFound {
	f := payment.PaymentFound{Reference: "pi_1", Key: "1T1/Authorize", Captured: 40_000_000, At: now}
	change(&f)
	return f
}

// What a network says after a payment was decided. Hearing it twice changes
// nothing more.
func TestHeard(t *testing.T) {
	late := now.Add(2 * time.Hour)
	hold := func(t *testing.T) *booking {
		return book(t, held(t), ledger.Move(ledger.Network, ledger.Held, money.Cents(42_50)))
	}
	cancelled := func(t *testing.T) *booking {
		c, err := held(t).Cancel("", now)
		if err != nil {
			t.Fatal(err)
		}
		return book(t, c.After.Outcome(*c.Ask, approved, now).After)
	}
	failed := func(t *testing.T) *booking {
		c, err := payment.Reserve(good().Input, good().Request)
		if err != nil {
			t.Fatal(err)
		}
		return book(t, c.After.Outcome(*c.Ask, declined, now).After)
	}
	type want struct {
		state     payment.State
		kinds     []payment.Kind
		network   int64 // cents that the network owes us
		recipient int64 // cents
		refunded  int64 // cents
		released  int
		later     bool
		attention bool
		notices   []payment.NetworkAbout
		told      []payment.EventType
	}
	inquiry := payment.DisputeFound{Reference: "dp_1", Status: "warning_needs_response", Micro: 40_000_000, Inquiry: true}
	open := payment.DisputeFound{Reference: "dp_1", Status: "needs_response", Micro: 40_000_000}
	won := payment.DisputeFound{Reference: "dp_1", Status: "won", Micro: 40_000_000, Won: true}
	lost := payment.DisputeFound{Reference: "dp_1", Status: "lost", Micro: 40_000_000, Lost: true}
	closed := payment.DisputeFound{
		Reference: "dp_1", Status: "warning_closed", Micro: 40_000_000, Inquiry: true, Closed: true,
	}
	disputed := func(all ...payment.DisputeFound) []payment.PaymentFound {
		var each []payment.PaymentFound
		for _, d := range all {
			each = append(each, found(func(f *payment.PaymentFound) { f.Disputes = []payment.DisputeFound{d} }))
		}
		return each
	}
	refund := func(r payment.RefundFound) payment.PaymentFound {
		return found(func(f *payment.PaymentFound) { r.At = now; f.Refunds = []payment.RefundFound{r} })
	}
	for name, row := range map[string]struct {
		begin func(*testing.T) *booking
		found []payment.PaymentFound
		waits bool // it is heard once more, hours later
		want
	}{
		"N10 S14 the hold lapsed": {
			hold,
			[]payment.PaymentFound{{Ended: true, Status: "canceled"}},
			false,
			want{state: payment.Cancelled},
		},
		"the hold is there": {
			hold,
			[]payment.PaymentFound{{Held: 42_500_000}},
			false,
			want{state: payment.Reserved, network: 42_50},
		},
		"S15 the hold was captured in the dashboard": {
			hold,
			[]payment.PaymentFound{{Captured: 42_500_000}},
			false,
			want{
				state: payment.Reserved, network: 42_50, attention: true, notices: []payment.NetworkAbout{payment.AboutAttention},
			},
		},
		"the hold was captured in the dashboard and given back": {
			hold,
			[]payment.PaymentFound{{
				Captured: 42_500_000, Refunds: []payment.RefundFound{{Reference: "re_1", Micro: 42_500_000, Paid: true}},
			}},
			false,
			want{state: payment.Reserved, network: 42_50},
		},
		"a late hold": {
			failed,
			[]payment.PaymentFound{{Reference: "pi_1", Held: 42_500_000}, {Ended: true}},
			false,
			want{state: payment.Failure, released: 1},
		},
		"a hold that was released is there": {
			cancelled,
			[]payment.PaymentFound{{Held: 42_500_000}},
			true,
			want{state: payment.Cancelled, attention: true, notices: []payment.NetworkAbout{payment.AboutAttention}},
		},
		"a cancelled hold was captured": {
			cancelled,
			[]payment.PaymentFound{{Captured: 1}},
			false,
			want{state: payment.Cancelled, attention: true, notices: []payment.NetworkAbout{payment.AboutAttention}},
		},
		"a cancelled hold was captured and given back": {
			cancelled,
			[]payment.PaymentFound{{
				Captured: 42_500_000, Refunds: []payment.RefundFound{{Reference: "re_1", Micro: 42_500_000, Paid: true}},
			}},
			false,
			want{state: payment.Cancelled},
		},
		"S13 the rest of the hold": {
			taken,
			[]payment.PaymentFound{refund(payment.RefundFound{
				Reference: "re_1", Micro: 2_500_000, Paid: true, Rest: true,
			})},
			false,
			want{state: payment.Success, network: 40_00, recipient: 40_00},
		},
		"another amount was captured": {
			taken,
			[]payment.PaymentFound{{Captured: 42_500_000}},
			false,
			want{
				state: payment.Success, network: 40_00, recipient: 40_00, attention: true,
				notices: []payment.NetworkAbout{payment.AboutAttention},
			},
		},
		"a refund in the dashboard": {
			taken,
			[]payment.PaymentFound{refund(payment.RefundFound{
				Reference: "re_1", Micro: 10_000_000, Paid: true,
			})},
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindOutsideRefund}, network: 30_00, recipient: 30_00,
				refunded: 10_00, notices: []payment.NetworkAbout{payment.AboutOutsideRefund},
			},
		},
		"that fails later": {
			taken,
			[]payment.PaymentFound{
				refund(payment.RefundFound{Reference: "re_1", Micro: 10_000_000, Paid: true}),
				refund(payment.RefundFound{Reference: "re_1", Micro: 10_000_000, Failed: true}),
			},
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindOutsideRefund, payment.KindRefundReversal},
				network: 40_00, recipient: 40_00,
				notices: []payment.NetworkAbout{payment.AboutOutsideRefund, payment.AboutRefundFailed},
			},
		},
		"that failed before": {
			taken,
			[]payment.PaymentFound{refund(payment.RefundFound{
				Reference: "re_1", Micro: 10_000_000, Failed: true,
			})},
			false,
			want{state: payment.Success, network: 40_00, recipient: 40_00},
		},
		"that is more than is left": {
			taken,
			[]payment.PaymentFound{refund(payment.RefundFound{
				Reference: "re_1", Micro: 40_010_000, Paid: true,
			})},
			false,
			want{state: payment.Success, network: 40_00, recipient: 40_00, later: true},
		},
		"a refund with an unknown key": {
			taken,
			[]payment.PaymentFound{refund(payment.RefundFound{
				Reference: "re_1", Micro: 10_000_000, Paid: true, Key: "1X/Return",
			})},
			false,
			want{state: payment.Success, network: 40_00, recipient: 40_00, later: true},
		},
		"an inquiry": {
			taken, disputed(inquiry),
			false,
			want{
				state: payment.Success, network: 40_00, recipient: 40_00,
				notices: []payment.NetworkAbout{payment.AboutInquiry},
				told:    []payment.EventType{payment.EventDisputeInquiry},
			},
		},
		"an inquiry that is closed, and looked at earlier": {
			taken, disputed(closed, inquiry),
			false,
			want{
				state: payment.Success, network: 40_00, recipient: 40_00,
				told: []payment.EventType{payment.EventDisputeInquiryClosed},
			},
		},
		"a dispute after an inquiry that was closed": {
			taken, disputed(inquiry, closed, open),
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindDispute},
				notices: []payment.NetworkAbout{payment.AboutInquiry, payment.AboutDispute},
				told: []payment.EventType{
					payment.EventDisputeInquiry, payment.EventDisputeInquiryClosed, payment.EventDisputeOpened,
				},
			},
		},
		"a dispute, and an inquiry that was looked at earlier": {
			taken, disputed(inquiry, open, closed, inquiry),
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindDispute},
				notices: []payment.NetworkAbout{payment.AboutInquiry, payment.AboutDispute},
				told:    []payment.EventType{payment.EventDisputeInquiry, payment.EventDisputeOpened},
			},
		},
		"S17 a dispute": {
			taken, disputed(open),
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindDispute},
				notices: []payment.NetworkAbout{payment.AboutDispute},
				told:    []payment.EventType{payment.EventDisputeOpened},
			},
		},
		"S17 a dispute that is won": {
			taken, disputed(inquiry, open, won),
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindDispute, payment.KindDisputeReturn},
				network: 40_00, recipient: 40_00,
				notices: []payment.NetworkAbout{payment.AboutInquiry, payment.AboutDispute, payment.AboutDisputeWon},
				told: []payment.EventType{
					payment.EventDisputeInquiry, payment.EventDisputeOpened, payment.EventDisputeWon,
				},
			},
		},
		"S17 a dispute that is lost": {
			taken, disputed(open, lost),
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindDispute},
				notices: []payment.NetworkAbout{payment.AboutDispute, payment.AboutDisputeLost},
				told:    []payment.EventType{payment.EventDisputeOpened, payment.EventDisputeLost},
			},
		},
		"a dispute of which only the end was heard": {
			taken, disputed(won),
			false,
			want{state: payment.Success, network: 40_00, recipient: 40_00},
		},
		"a dispute of which only the end was heard, and looked at earlier": {
			taken, disputed(won, inquiry, closed, open, won),
			false,
			want{state: payment.Success, network: 40_00, recipient: 40_00},
		},
		"an inquiry that became a dispute and was won unheard": {
			taken, disputed(inquiry, won),
			false,
			want{
				state: payment.Success, network: 40_00, recipient: 40_00,
				notices: []payment.NetworkAbout{payment.AboutInquiry},
				told:    []payment.EventType{payment.EventDisputeInquiry, payment.EventDisputeWon},
			},
		},
		"a dispute that was lost when it was first heard of": {
			taken, disputed(lost),
			false,
			want{
				state: payment.Success, kinds: []payment.Kind{payment.KindDispute},
				notices: []payment.NetworkAbout{payment.AboutDispute, payment.AboutDisputeLost},
				told:    []payment.EventType{payment.EventDisputeOpened, payment.EventDisputeLost},
			},
		},
		"a warning": {
			taken,
			[]payment.PaymentFound{found(func(f *payment.PaymentFound) { f.Warned = true })},
			false,
			want{
				state: payment.Success, network: 40_00, recipient: 40_00,
				notices: []payment.NetworkAbout{payment.AboutWarning},
				told:    []payment.EventType{payment.EventDisputeWarned},
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := row.begin(t)
			var later bool
			for _, f := range row.found {
				later = b.hear(f, now)
				b.hear(f, now)
				if row.waits {
					later = b.hear(f, late)
				}
			}
			recipient := ledger.Party(string(b.payment.Recipient))
			got := want{
				b.payment.State, b.kinds(), -ledger.Balance(b.postings, ledger.Network).Micro / 10_000,
				ledger.Balance(b.postings, recipient).Micro / 10_000, b.payment.Refunded.Micro / 10_000, b.released, later,
				b.attention != "", b.notices, b.told,
			}
			if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(want{})); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if left := ledger.Balance(b.postings, ledger.Disputed); left.Micro != 0 {
				t.Errorf("%v stay in the account of disputes", left)
			}
		})
	}
}

// A hold that the network let go ends with a message that says so, and is not
// released again.
func TestN10AHoldThatLapsed(t *testing.T) {
	c := held(t).Gone(now)
	if c.After.StatusCode != holdfast.CodeExpired || c.Ask != nil || !c.Told() {
		t.Errorf("the hold ends with %s, asks %v, tells %v", c.After.StatusCode, c.Ask, c.Told())
	}
	_, err := c.After.Settle(settling(money.Cents(40_00), now))
	refused, ok := errors.AsType[*holdfast.Error](err)
	if want := "the card network let the hold go"; !ok || refused.Code != holdfast.InvalidTransactionState ||
		!strings.Contains(refused.Message, want) {
		t.Errorf("Settle is refused with %v, which does not say %q", err, want)
	}
}
