package cardtest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// Sandbox is the bench of the sandbox. It forgets no question of a test, and no
// hold lapses there.
func Sandbox(t *testing.T, w *holdfasttest.World) *Bench {
	t.Helper()
	n := &sandbox.Network{
		Now: w.Clock.Now, PlainAmounts: true,
		After: func(time.Duration) <-chan time.Time {
			over := make(chan time.Time)
			close(over)
			return over
		},
	}
	w.Processor.Network = n
	var err error
	w.Card, err = w.Processor.AddCard(t.Context(), w.Buyer.ID, card.Details{
		Number: card.NewNumber("4242424242424242"), SecurityCode: card.NewNumber("123"), ExpiryMonth: 12, ExpiryYear: 2031,
		Holder: "Ann Buyer",
	}, true)
	if err != nil {
		t.Fatal(err)
	}
	sum := func(of func(sandbox.Hold) money.Amount) money.Amount {
		total := money.Micros(0)
		for _, h := range n.Holds() {
			if a := of(h); a.Given() {
				total = total.Add(a)
			}
		}
		return total
	}
	return &Bench{
		World: w,
		Lose: func(step payment.Step, l Loss) {
			n.Next(sandbox.Outcome{Step: step, Lost: map[Loss]sandbox.Loss{
				LostQuestion: sandbox.LostQuestion, LostAnswer: sandbox.LostAnswer,
			}[l]})
		},
		Decline: func(d Decline) {
			code := holdfast.CodeTransactionDenied
			if d == DeclinedForFunds {
				code = holdfast.StatusCode(holdfast.InsufficientBalance)
			}
			n.Next(sandbox.Outcome{Decline: code, Message: "The card was declined."})
		},
		Held: func() (held []money.Amount) {
			for _, h := range n.Holds() {
				if h.Open() {
					held = append(held, money.Micros(h.Authorized.Micro-h.Captured.Micro))
				}
			}
			return held
		},
		Taken:      func() money.Amount { return sum(func(h sandbox.Hold) money.Amount { return h.Captured }) },
		Returned:   func() money.Amount { return sum(func(h sandbox.Hold) money.Amount { return h.Returned }) },
		ForgetKeys: func() {},
		Faults: func() []string {
			err := n.Audit()
			if err == nil {
				return nil
			}
			return slices.DeleteFunc(strings.Split(err.Error(), "\n"), func(s string) bool { return s == "" })
		},
	}
}
