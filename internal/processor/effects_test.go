package processor_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A failing is a way in which a transaction fails.
type failing struct {
	kinds []payment.Kind
	end   func(s scene, k payment.Kind) payment.Transaction
}

// failings returns all ways in which a transaction fails, each with the kinds
// that can fail in this way.
func failings() map[string]failing {
	charged := []payment.Kind{payment.KindPay, payment.KindFundPrepaid, payment.KindSettleDebt}
	first := func(k payment.Kind) payment.Step {
		if k == payment.KindReserve {
			return payment.StepAuthorize
		}
		return payment.StepCharge
	}
	open := func(s scene, k payment.Kind) payment.Transaction {
		return s.open(first(k), func() (payment.Transaction, error) { return begins[k](s) })
	}
	begin := func(s scene, k payment.Kind) payment.Transaction {
		s.T.Helper()
		t, err := begins[k](s)
		s.must(err)
		return t
	}
	// late makes the network approve a transaction that was given up, and waits
	// until the server has asked for the release or the return.
	late := func(giveUp func(scene, payment.Transaction)) func(s scene, k payment.Kind) payment.Transaction {
		return func(s scene, k payment.Kind) payment.Transaction {
			s.T.Helper()
			t := open(s, k)
			giveUp(s, t)
			s.must(s.Processor.Answer(s.question(t.ID, first(k)), payment.Answer{Verdict: payment.Approved, Authorization: "late"}, nil))
			back := payment.StepReturn
			if k == payment.KindReserve {
				back = payment.StepRelease
			}
			s.question(t.ID, back)
			return t
		}
	}
	every := append([]payment.Kind{payment.KindReserve}, charged...)
	cancellable, holds := []payment.Kind{payment.KindReserve, payment.KindPay}, []payment.Kind{payment.KindReserve}
	return map[string]failing{
		"declined": {every, func(s scene, k payment.Kind) payment.Transaction {
			s.Network.Next(holdfasttest.Reply{Step: first(k), Decline: holdfast.CodeTransactionDenied})
			return begin(s, k)
		}},
		"declined after a while": {every, func(s scene, k payment.Kind) payment.Transaction {
			t := open(s, k)
			s.must(s.Processor.Answer(s.question(t.ID, first(k)), payment.Answer{Code: holdfast.CodeTransactionDenied}, nil))
			return t
		}},
		"swept": {
			every,
			func(s scene, k payment.Kind) payment.Transaction { t := open(s, k); timedOut(s, t); return t },
		},
		"approved after it was swept": {every, late(timedOut)},
		"approved after its deadline": {every, late(overdue)},
		"cancelled": {
			cancellable,
			func(s scene, k payment.Kind) payment.Transaction { t := open(s, k); cancelled(s, t); return t },
		},
		"approved after it was given up": {cancellable, late(cancelled)},
		"cancelled when held": {
			holds,
			func(s scene, k payment.Kind) payment.Transaction { t := begin(s, k); cancelled(s, t); return t },
		},
		"swept when held": {
			holds,
			func(s scene, k payment.Kind) payment.Transaction { t := begin(s, k); timedOut(s, t); return t },
		},
		"settled after its deadline": {holds, func(s scene, k payment.Kind) payment.Transaction {
			t := begin(s, k)
			overdue(s, t)
			_, err := s.Settle(t.ID, "")
			s.WantCode(err, holdfast.InvalidTransactionState)
			return t
		}},
		"capture declined": {holds, func(s scene, k payment.Kind) payment.Transaction {
			t := begin(s, k)
			s.Network.Next(holdfasttest.Reply{Step: payment.StepCapture, Decline: holdfast.CodeTransactionDenied})
			_, err := s.Settle(t.ID, "40.00")
			s.must(err)
			return t
		}},
	}
}

// A failed transaction gives everything back: the limits of the token, of the
// sender and of the recipient, the pending amount of an instrument, and money
// that the network took too late. Afterwards the token can do as much as
// before, and no more.
func TestAFailedTransactionLeavesNothing(t *testing.T) {
	for name, way := range failings() {
		for _, kind := range way.kinds {
			t.Run(string(kind)+" "+name, func(t *testing.T) {
				t.Parallel()
				story(t, func(w *holdfasttest.World) {
					s := newScene(w, w.Market(false))
					before, network := s.used(), balance(w, ledger.Network)
					ended := way.end(s, kind)
					if now := s.raw(ended.ID); now.State != payment.Failure && now.State != payment.Cancelled {
						t.Fatalf("the state is %s", now.State)
					}
					if _, err := w.Processor.Release(t.Context()); err != nil {
						t.Fatal(err)
					}
					if name != "swept" && name != "cancelled" { // there the network never answers
						s.quiet(ended.ID)
					}
					w.CheckBooks()
					s.wantSame("when it is over", before, s.used())
					want(w, balance(w, ledger.Network), network)
					want(w, balance(w, ledger.Held), "0.00")
					want(w, balance(w, ledger.Outgoing), "0.00")
					for range 2 { // 85.00 of the limit of 90.00, and of the instruments'
						again, err := begins[kind](s)
						if err != nil || again.State != payment.Success && again.State != payment.Reserved {
							t.Fatalf("again: %s, %v", again.State, err)
						}
					}
					_, err := begins[kind](s)
					w.WantCode(err, holdfast.TokenUsageError)
				})
			})
		}
	}
}

// A use is the used part of a limit.
type use struct {
	Count  int64
	Amount money.Amount
}

// usedUp returns the used part of all limits that count, and the pending
// amounts.
type usedUp struct {
	Sent, Received                             money.Amount
	Tokens                                     map[holdfast.TokenID][]use
	Prepaid, PrepaidPending, Debt, DebtPending money.Amount
}

func (s scene) used() usedUp {
	s.T.Helper()
	b := s.related()
	u := usedUp{
		Sent: b.Sent, Received: b.Received, Tokens: make(map[holdfast.TokenID][]use),
		Prepaid: b.Prepaid.Balance, PrepaidPending: b.Prepaid.Pending, Debt: b.Debt.Balance, DebtPending: b.Debt.Pending,
	}
	for token, limits := range b.Used {
		for _, l := range limits {
			u.Tokens[token] = append(u.Tokens[token], use{l.UsedCount, l.UsedAmount})
		}
	}
	return u
}

// Each month of a party has its own count. If an amount is counted in one month
// and given back in the next, in full or in part, the count of the next month
// does not change.
func TestMonthsGiveBackTheirOwn(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		s := newScene(w, w.Market(false))
		wantUsed := func(dollars string) {
			t.Helper()
			b := s.related()
			want(w, b.Sent.Decimal(), dollars)
			want(w, b.Received.Decimal(), dollars)
		}
		hold := func(at time.Time) payment.Transaction {
			t.Helper()
			w.Clock.Set(at)
			r, err := w.Reserve(w.Authorize("42.50"), "42.50", s.ref())
			s.must(err)
			return r
		}
		settle := func(r payment.Transaction) {
			t.Helper()
			_, err := w.Settle(r.ID, "40.00")
			s.must(err)
		}
		november := time.Date(2026, time.November, 30, 23, 59, 59, 999_999_000, time.UTC)
		december := november.Add(time.Microsecond)

		whole, part, alone := hold(november), hold(november), hold(november)
		wantUsed("127.50")
		w.Clock.Set(december)
		settle(alone) // nothing is counted in December yet
		wantUsed("125.00")
		next := hold(december)
		wantUsed("42.50")
		cancelled(s, whole)
		settle(part)
		wantUsed("42.50")
		settle(next)
		wantUsed("40.00")
		last := hold(december)
		wantUsed("82.50")
		cancelled(s, last)
		wantUsed("40.00")
	})
}
