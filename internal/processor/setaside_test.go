package processor_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A caller that pays the fees and has money for one fee can have one payment
// under way at a time. When that payment ends, the next can begin, unless the
// fee was paid.
func TestACallerNeverPaysMoreFeesThanItHas(t *testing.T) {
	pay := func(w *holdfasttest.World, m holdfasttest.Market, ref holdfast.CallerReference) (payment.Transaction, error) {
		return unanswered(w, func() (payment.Transaction, error) { return m.Pay("42.50", "", ref) })
	}
	settle := func(w *holdfasttest.World, m holdfasttest.Market,
		ref holdfast.CallerReference,
	) (payment.Transaction, error) {
		r, err := m.Reserve("42.50", "", ref)
		if err != nil || r.State != payment.Reserved {
			t.Fatalf("reserve: %+v, %v", r, err)
		}
		return unanswered(w, func() (payment.Transaction, error) { return w.Settle(r.ID, "") })
	}
	for name, row := range map[string]struct {
		ask    func(*holdfasttest.World, holdfasttest.Market, holdfast.CallerReference) (payment.Transaction, error)
		step   payment.Step
		answer holdfasttest.Reply // at last
		end    func(*holdfasttest.World, payment.Transaction)
		left   string // of the fee in the balance
	}{
		"a payment approved": {ask: pay, step: payment.StepCharge, left: "0.00"},
		"a payment declined": {
			ask: pay, step: payment.StepCharge,
			answer: holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied}, left: "1.53",
		},
		"a payment cancelled": {
			ask: pay, step: payment.StepCharge, left: "1.53",
			end: func(w *holdfasttest.World, p payment.Transaction) {
				if _, err := w.Cancel(p.ID); err != nil {
					t.Fatal(err)
				}
			},
		},
		"a payment timed out": {
			ask: pay, step: payment.StepCharge, left: "1.53",
			end: func(w *holdfasttest.World, p payment.Transaction) {
				w.Clock.Set(p.Deadline)
				sweep(w)
			},
		},
		"a capture approved": {ask: settle, step: payment.StepCapture, left: "0.00"},
		"a capture declined": {
			ask: settle, step: payment.StepCapture,
			answer: holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied}, left: "1.53",
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				m := w.Market(false)
				w.Deposit(w.Owner.ID, "1.53")
				has := func(account func(string) ledger.AccountID, dollars string) {
					t.Helper()
					want(w, balance(w, account(string(w.Owner.ID))), dollars)
				}
				answer := make(chan struct{})
				reply := row.answer
				reply.Step, reply.Wait = row.step, answer
				w.Network.Next(reply)
				first, err := row.ask(w, m, "first")
				if err != nil || first.State.Status() != holdfast.StatusPending {
					t.Fatalf("first: %+v, %v", first, err)
				}
				has(ledger.Party, "0.00")
				has(ledger.SetAside, "1.53")
				_, err = row.ask(w, m, "second")
				w.WantCode(err, holdfast.InsufficientBalance)

				if row.end != nil {
					row.end(w, first)
					w.CheckBooks()
					has(ledger.SetAside, "0.00")
				}
				close(answer)
				decided(w, first.ID, row.step)
				if row.end != nil {
					decided(w, first.ID, payment.StepReturn) // it was approved too late
				}
				w.CheckBooks()
				has(ledger.Party, row.left)
				has(ledger.SetAside, "0.00")
				want(w, balance(w, ledger.Outgoing), "0.00")
			})
		})
	}
}

// unanswered carries out an action that the network answers late.
func unanswered(w *holdfasttest.World, ask func() (payment.Transaction, error)) (payment.Transaction, error) {
	w.T.Helper()
	impatient(w)
	defer func() { w.Processor.Wait = 0 }()
	return ask()
}

// The fee that a refund gives back belongs to the caller only when the refund
// has succeeded: until then the network may decline it.
func TestAFeeThatComesBackIsNotSpentBefore(t *testing.T) {
	for name, row := range map[string]struct {
		answer holdfasttest.Reply
		has    string
	}{
		"returned": {holdfasttest.Reply{}, "1.53"},
		"declined": {holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied}, "0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				m := w.Market(false)
				w.Deposit(w.Owner.ID, "1.53")
				sold, err := m.Pay("42.50", "", "sold")
				if err != nil || sold.State != payment.Success {
					t.Fatalf("sold: %+v, %v", sold, err)
				}
				answer := make(chan struct{})
				row.answer.Step, row.answer.Wait = payment.StepReturn, answer
				w.Network.Next(row.answer)
				refund, err := unanswered(w, func() (payment.Transaction, error) { return w.Refund(sold.ID, "", "refund") })
				if err != nil || refund.State != payment.Pending {
					t.Fatalf("refund: %+v, %v", refund, err)
				}
				want(w, balance(w, ledger.Party(string(w.Owner.ID))), "0.00")
				want(w, balance(w, ledger.SetAside(string(w.Owner.ID))), "1.53")
				_, err = m.Pay("42.50", "", "next")
				w.WantCode(err, holdfast.InsufficientBalance)
				close(answer)
				decided(w, refund.ID, payment.StepReturn)
				w.CheckBooks()
				want(w, balance(w, ledger.Party(string(w.Owner.ID))), row.has)
				want(w, balance(w, ledger.SetAside(string(w.Owner.ID))), "0.00")
			})
		})
	}
}
