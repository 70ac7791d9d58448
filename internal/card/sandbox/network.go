// Package sandbox is a card network for development. It accepts only test
// cards. The card, the amount or a test's script decides the outcome.
package sandbox

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Network answers for test cards. The answer depends only on the question. So
// a question that is sent again after a restart gets the same answer, though
// the network has forgotten it. Only the scripts of [Network.Next] do not
// follow this rule.
type Network struct {
	Now   func() time.Time                     // real time, for expiry dates
	After func(time.Duration) <-chan time.Time // nil means time.After
	// PlainAmounts means that only cards decide the outcome, not amounts.
	PlainAmounts bool

	mu     sync.Mutex
	script []Outcome
	record record
}

var _ card.Network = (*Network)(nil)

// An Outcome is the result of one question. The zero Outcome approves at once.
type Outcome struct {
	Step    payment.Step        // the only step that it applies to; empty means any
	Decline holdfast.StatusCode // empty approves
	Message string              // of a decline, for the caller
	Delay   time.Duration       // before the first answer
	Lost    Loss                // the first time
}

// A Loss says whether the question or the answer is lost.
type Loss int

// A lost question has no effect. If the answer is lost, the question still has
// its effect.
const (
	LostNothing Loss = iota
	LostQuestion
	LostAnswer
)

const (
	// lateDelay is longer than a request waits and shorter than the processor's
	// time-out for the network.
	lateDelay = 5 * time.Second
	// lossDelay is the time until Ask reports a loss, unless its context ends
	// before.
	lossDelay = 30 * time.Second
)

// errLost is the error for a question without an answer.
var errLost = errors.New("the sandbox network did not answer")

// Next sets the outcomes of the next new questions, one each in this order.
// Cards and amounts do not matter for them.
func (n *Network) Next(outcomes ...Outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = append(n.script, outcomes...)
}

// Ask answers one question. A question with the same key has no further effect
// and gets the first answer.
func (n *Network) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	if err := ctx.Err(); err != nil {
		return payment.Answer{}, err
	}
	answer, o := n.decide(q)
	if o.Lost != LostNothing {
		if err := n.wait(ctx, lossDelay); err != nil {
			return payment.Answer{}, err
		}
		return payment.Answer{}, errLost
	}
	if err := n.wait(ctx, o.Delay); err != nil {
		return payment.Answer{}, err
	}
	return answer, nil
}

// decide finds the answer and lets it take effect. The lock makes sure that
// this happens once, even if the same question is sent several times at once.
func (n *Network) decide(q card.Question) (payment.Answer, Outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if answer, met := n.record.again(q); met {
		return answer, Outcome{}
	}
	o := n.outcome(q)
	answer := o.answer(q)
	if o.Lost != LostQuestion {
		n.record.add(q, answer)
	}
	return answer, o
}

// outcome is decided by the script, else by the card, else by the amount.
func (n *Network) outcome(q card.Question) Outcome {
	for i, o := range n.script {
		if o.Step == "" || o.Step == q.Step {
			n.script = append(n.script[:i:i], n.script[i+1:]...)
			return o
		}
	}
	c, ok := byRef[q.Card.Ref]
	if !ok && q.Card.Ref != BankRef {
		return Outcome{Decline: holdfast.CodeTransactionDenied, Message: "The card is not one of the sandbox's test cards."}
	}
	o := c.script[q.Step]
	if paying(q.Step) && o.Decline == "" && !n.PlainAmounts {
		o = o.byAmount(q)
	}
	if q.Asked > 1 { // delays and losses happen only once
		o.Delay, o.Lost = 0, LostNothing
	}
	return o
}

// paying reports whether a step begins a payment.
func paying(s payment.Step) bool { return s == payment.StepAuthorize || s == payment.StepCharge }

// byAmount lets the first decimal of an amount decide, as FPS's own sandbox did
// (Sandbox, "simulating errors"). N.6n is a temporary decline. That N.7n is a
// permanent and N.8n a late decline is this server's own choice.
func (o Outcome) byAmount(q card.Question) Outcome {
	const microPerDime = 100_000
	switch q.Amount.Micro / microPerDime % 10 {
	case 6:
		o.Decline, o.Message = holdfast.CodeTransactionDenied,
			"The payment was declined for the time being (sandbox: an amount of N.6n)."
	case 7:
		o.Decline, o.Message = holdfast.CodeTransactionDenied, "The payment was declined (sandbox: an amount of N.7n)."
	case 8:
		o.Decline, o.Message = holdfast.CodeTransactionDenied,
			"The payment was declined after a while (sandbox: an amount of N.8n)."
		o.Delay = max(o.Delay, lateDelay)
	}
	return o
}

func (o Outcome) answer(q card.Question) payment.Answer {
	if o.Decline != "" {
		return payment.Answer{Code: o.Decline, Message: o.Message}
	}
	answer := payment.Answer{Verdict: payment.Approved}
	if paying(q.Step) {
		answer.Authorization = authorization(q)
	}
	return answer
}

// authorization names a hold. The name depends only on the question, so that it
// is the same after a restart.
func authorization(q card.Question) string {
	sum := sha256.Sum256([]byte(q.Key()))
	return "SBX" + strings.ToUpper(fmt.Sprintf("%x", sum[:8]))
}

func (n *Network) wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	after := n.After
	if after == nil {
		after = time.After
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-after(d):
		return nil
	}
}
