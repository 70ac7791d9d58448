package payment_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A remote is a payment at a network that changes by itself, with the books of
// the network: what it owes us for the payment.
type remote struct {
	found   payment.PaymentFound
	owes    int64 // micro-dollars
	refunds int
}

// happens lets something happen at the network. It reports false if the state of
// the payment does not allow it.
func (r *remote) happens(dice *rand.Rand, at time.Time) bool {
	f := &r.found
	taken := f.Captured > 0
	disputed := len(f.Disputes) > 0
	switch dice.IntN(9) {
	case 0: // the hold lapses
		if f.Held == 0 {
			return false
		}
		f.Held, f.Ended = 0, true
		r.owes = 0
	case 1: // a refund in the dashboard
		left := r.owes
		if !taken || disputed || left < 1_000_000 {
			return false
		}
		micro := 10_000 * (1 + dice.Int64N(left/10_000))
		r.refunds++
		f.Refunds = append(f.Refunds, payment.RefundFound{
			Reference: fmt.Sprintf("re_out%d", r.refunds), Micro: micro, Paid: dice.IntN(2) == 0, At: at,
		})
		r.owes -= micro
	case 2, 3: // a refund fails
		i := dice.IntN(max(len(f.Refunds), 1))
		if len(f.Refunds) == 0 || f.Refunds[i].Failed || f.Refunds[i].Rest {
			return false
		}
		f.Refunds[i].Failed, f.Refunds[i].Paid = true, false
		r.owes += f.Refunds[i].Micro
	case 4: // a dispute
		if !taken || disputed || r.owes == 0 {
			return false
		}
		inquiry := dice.IntN(3) == 0
		f.Disputes = []payment.DisputeFound{{Reference: "dp_1", Status: "open", Micro: r.owes, Inquiry: inquiry, At: at}}
		if !inquiry {
			r.owes = 0
		}
	case 5: // an inquiry becomes a dispute, or a dispute is decided
		if !disputed || f.Disputes[0].Won || f.Disputes[0].Lost {
			return false
		}
		d := &f.Disputes[0]
		switch {
		case d.Inquiry:
			d.Inquiry, d.Micro, r.owes = false, r.owes, 0
		case dice.IntN(2) == 0:
			d.Won, d.Status = true, "won"
			r.owes += d.Micro
		default:
			d.Lost, d.Status = true, "lost"
		}
	case 6:
		if !taken || f.Warned {
			return false
		}
		f.Warned = true
	case 7: // the rest of a capture in part is a refund at the network
		if !taken || r.rest() {
			return false
		}
		f.Refunds = append(f.Refunds, payment.RefundFound{
			Reference: "re_rest", Micro: 2_500_000, Paid: true, Rest: true, At: at,
		})
	case 8: // a hold that nobody knows, after a decline
		if f.Held > 0 || taken || !f.Ended {
			return false
		}
		f.Held, f.Ended = 42_500_000, false
		r.owes = f.Held
	}
	return true
}

func (r *remote) rest() bool {
	for _, refund := range r.found.Refunds {
		if refund.Rest {
			return true
		}
	}
	return false
}

// Messages are dropped, repeated and shuffled, and what was looked at may be old.
// As long as one look comes after the last change, the books have what the
// network has, to the cent, and nothing was booked twice.
func TestS19OrderRepeatsAndGapsDoNotMatter(t *testing.T) {
	const seeds = 10_000
	for seed := range uint64(seeds) {
		runInAnyOrder(t, seed)
		if t.Failed() {
			t.Fatalf("with seed %d", seed)
		}
	}
}

func runInAnyOrder(t *testing.T, seed uint64) {
	t.Helper()
	dice := rand.New(rand.NewPCG(seed, 15))
	b, r := beginning(t, dice)
	seen := []payment.PaymentFound{copied(r.found)} // what looks have found so far
	at := now.Add(2 * time.Hour)                    // refunds of ours are long done
	for range 3 + dice.IntN(12) {
		r.happens(dice, at)
		at = at.Add(time.Minute)
		if dice.IntN(10) == 0 {
			b.answer()
		}
		for range dice.IntN(3) { // no message, one, or one that is repeated
			look := copied(r.found)
			seen = append(seen, look)
			if dice.IntN(4) == 0 { // a server writes what it found before others looked
				look = seen[dice.IntN(len(seen))]
			}
			step(b, look, at)
			if len(b.children) > 60 {
				t.Fatal("there is no end of bookings")
			}
			r.released(b)
		}
	}
	polls := 2 // the poll, and its repetition
	if b.asked != nil && !b.hear(copied(r.found), at.Add(2*time.Hour)) {
		polls = 0 // all messages are done, and none comes again
	}
	b.answer()
	for range polls {
		b.hear(copied(r.found), at.Add(2*time.Hour))
		r.released(b)
	}
	after, letters := len(b.children), len(b.notices)
	b.hear(copied(r.found), at.Add(3*time.Hour))
	owed := -ledger.Balance(b.postings, ledger.Network).Micro
	switch {
	case len(b.children) != after:
		t.Errorf("hearing the same again books %v", b.kinds()[after:])
	case len(b.notices) != letters:
		t.Errorf("hearing the same again tells of %v", b.notices[letters:])
	case owed != r.owes && b.attention == "":
		t.Errorf("the network owes %v, the books say %v: %+v, %v", money.Micros(r.owes), money.Micros(owed), r.found,
			b.kinds())
	case ledger.Balance(b.postings, ledger.Disputed).Micro != 0:
		t.Error("money stays in the account of disputes")
	}
	told := make(map[payment.NetworkAbout]int)
	for _, about := range b.notices {
		told[about]++
	}
	for _, about := range []payment.NetworkAbout{
		payment.AboutDispute, payment.AboutDisputeWon, payment.AboutDisputeLost, payment.AboutWarning,
	} {
		if told[about] > 1 {
			t.Errorf("%d letters are about %s", told[about], about)
		}
	}
	events := make(map[payment.EventType]int)
	for _, kind := range b.told {
		if events[kind]++; events[kind] > 1 {
			t.Errorf("there are %d events %s", events[kind], kind)
		}
	}
	if more := b.payment.Refunded.Micro - b.payment.Current().Micro; more > 0 {
		t.Errorf("more was refunded than was paid: %v", b.payment.Refunded)
	}
}

// beginning is a hold, a settled hold, a settled hold with refunds of ours, a hold
// that was taken while the answer to Settle is lost, or a payment that was
// declined.
func beginning(t *testing.T, dice *rand.Rand) (*booking, *remote) {
	t.Helper()
	switch dice.IntN(5) {
	case 0:
		hold := book(t, held(t), ledger.Move(ledger.Network, ledger.Held, money.Cents(42_50)))
		return hold, &remote{payment.PaymentFound{Reference: "pi_1", Held: 42_500_000}, 42_500_000, 0}
	case 1:
		c, err := payment.Reserve(good().Input, good().Request)
		if err != nil {
			t.Fatal(err)
		}
		return book(t, c.After.Outcome(*c.Ask, declined, now).After), &remote{
			payment.PaymentFound{Reference: "pi_1", Ended: true}, 0, 0,
		}
	case 2:
		return taking(t), &remote{payment.PaymentFound{Reference: "pi_1", Captured: 40_000_000}, 40_000_000, 0}
	}
	b, r := taken(t), &remote{payment.PaymentFound{Reference: "pi_1", Captured: 40_000_000}, 40_000_000, 0}
	for i := range dice.IntN(3) {
		refund := b.refunded(10_00 + int64(i))
		r.found.Refunds = append(r.found.Refunds, payment.RefundFound{
			Reference: fmt.Sprintf("re_own%d", i), Key: string(refund.ID) + "/Return", Micro: refund.Amount.Micro, Paid: true,
			At: now,
		})
		r.owes -= refund.Amount.Micro
	}
	return b, r
}

// step takes some of the steps towards what a look has found: another server may
// take the rest.
func step(b *booking, look payment.PaymentFound, at time.Time) {
	b.t.Helper()
	for range 3 {
		h, more, _ := b.input(look, at).Next()
		if !more {
			return
		}
		b.apply(h)
	}
}

// released lets the hold go when the books have asked for it.
func (r *remote) released(b *booking) {
	if b.released > 0 && r.found.Held > 0 {
		r.found.Held, r.found.Ended, r.owes = 0, true, 0
	}
}

func copied(f payment.PaymentFound) payment.PaymentFound {
	f.Refunds = append([]payment.RefundFound(nil), f.Refunds...)
	f.Disputes = append([]payment.DisputeFound(nil), f.Disputes...)
	return f
}
