// Package sandbox is a card network for trying things out: it takes test cards
// only, and does what each of them, the amount or a script says.
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

// A Network answers for test cards. Its answer is a function of the question
// alone, so that a question asked again after a restart, when nothing of it is
// remembered, gets the answer it got before. Only [Network.Next] departs from
// that.
type Network struct {
	Now   func() time.Time                     // real time, for expiry dates
	After func(time.Duration) <-chan time.Time // nil means time.After
	// PlainAmounts keeps amounts from deciding anything: only cards do.
	PlainAmounts bool

	mu     sync.Mutex
	script []Outcome
	record record
}

var _ card.Network = (*Network)(nil)

// An Outcome is what happens to one question. The zero Outcome approves at
// once.
type Outcome struct {
	Step    payment.Step        // the only step it is for; empty means any
	Decline holdfast.StatusCode // empty approves
	Message string              // of a decline, for the caller
	Delay   time.Duration       // before the answer, at the first asking
	Lost    Loss                // at the first asking
}

// A Loss says what gets lost when a question ends without an answer.
type Loss int

// A lost question takes no effect; a lost answer leaves its effect behind.
const (
	LostNothing Loss = iota
	LostQuestion
	LostAnswer
)

const (
	// lateDelay is longer than a caller waits and shorter than the processor's
	// own patience.
	lateDelay = 5 * time.Second
	// lossDelay is how long a loss stays unnoticed, unless the one who asks
	// gives up before.
	lossDelay = 30 * time.Second
)

// errLost is what is known of a question that got lost: nothing.
var errLost = errors.New("the sandbox network did not answer")

// Next has outcomes come true for the next questions that have not been
// answered yet, one each in this order, whatever their cards and amounts say.
func (n *Network) Next(outcomes ...Outcome) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = append(n.script, outcomes...)
}

// Ask answers one question, once: asked again under its key it does nothing and
// gets the first answer.
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

// decide finds the answer and lets it take effect. The lock makes it one
// question, however many ask it at a time.
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

// outcome is what the script says, else the card, else the amount.
func (n *Network) outcome(q card.Question) Outcome {
	for i, o := range n.script {
		if o.Step == "" || o.Step == q.Step {
			n.script = append(n.script[:i:i], n.script[i+1:]...)
			return o
		}
	}
	c, ok := byRef[q.CardRef]
	if !ok && q.CardRef != BankRef {
		return Outcome{Decline: holdfast.CodeTransactionDenied, Message: "The card is not one of the sandbox's test cards."}
	}
	o := c.script[q.Step]
	if paying(q.Step) && o.Decline == "" && !n.PlainAmounts {
		o = o.byAmount(q)
	}
	if q.Asked > 1 { // what is slow or gets lost does so once
		o.Delay, o.Lost = 0, LostNothing
	}
	return o
}

// paying reports whether a step begins a payment.
func paying(s payment.Step) bool { return s == payment.StepAuthorize || s == payment.StepCharge }

// byAmount lets the first decimal of an amount decide, as the service's own
// sandbox did (Sandbox, "simulating errors": N.6n is a temporary decline; that
// 7 is a permanent one and 8 one that comes late is our reading).
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
	answer := payment.Answer{Approved: true}
	if paying(q.Step) {
		answer.Authorization = authorization(q)
	}
	return answer
}

// authorization names a hold by what was asked, so that it is the same after a
// restart.
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
