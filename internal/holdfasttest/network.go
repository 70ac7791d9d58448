package holdfasttest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Network approves everything unless a test scripts it. It records each
// effect, so that a test can distinguish a repeated question from a repeated
// charge.
type Network struct {
	mu      sync.Mutex
	answers map[string]payment.Answer
	script  []Reply
	effects []string
	asked   []card.Question
}

// A Reply scripts the network's answer to its next question.
type Reply struct {
	Step    payment.Step        // the only step that it applies to; empty means any
	Decline holdfast.StatusCode // declines with this code
	Lost    bool                // takes effect, but the answer never arrives
	Deaf    bool                // has no effect and gives no answer
	Wait    <-chan struct{}     // answers only after this is closed
	// Answer is what a real network answers. If it is approved, it takes effect.
	Answer *payment.Answer
	// Doubt is the error of a question without an answer. It takes effect if Lost is
	// set.
	Doubt *card.DoubtError
}

// ErrNoAnswer is the error of a question without an answer.
var ErrNoAnswer = errors.New("the network did not answer")

// Next scripts the answers to the next questions, in order.
func (n *Network) Next(replies ...Reply) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = append(n.script, replies...)
}

// Effects lists the operations that took effect, such as "1T…1/Authorize USD
// 12.50". Each key is listed once.
func (n *Network) Effects() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.effects...)
}

// Verify accepts any card. Its Ref is made from the last four digits.
func (n *Network) Verify(_ context.Context, d card.Details) (card.Kept, error) {
	digits := d.Number.Reveal()
	if len(digits) < 4 {
		return card.Kept{}, &card.RefusedError{Problem: payment.CardNumberForm}
	}
	last4 := digits[len(digits)-4:]
	return card.Kept{Brand: "Visa", Last4: last4, Ref: "test:" + last4, Fingerprint: "test:" + last4}, nil
}

// Ask answers according to the script.
func (n *Network) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	n.mu.Lock()
	n.asked = append(n.asked, q)
	reply := n.next(q.Step)
	n.mu.Unlock()
	if reply.Wait != nil {
		select {
		case <-reply.Wait:
		case <-ctx.Done():
			return payment.Answer{}, ctx.Err()
		}
	}
	if reply.Deaf || reply.Doubt != nil && !reply.Lost {
		return payment.Answer{}, reply.err()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	answer, asked := n.answers[q.Key()]
	if !asked {
		answer = payment.Answer{Verdict: payment.Approved, Authorization: "auth-" + string(q.Transaction)}
		switch {
		case reply.Answer != nil:
			answer = *reply.Answer
		case reply.Decline != "":
			answer = payment.Answer{Code: reply.Decline, Message: "The card network declined the payment."}
		}
		if answer.Verdict == payment.Accepted {
			return answer, nil // the next time the question is asked, it is decided
		}
		if answer.Approved() {
			n.effects = append(n.effects, fmt.Sprintf("%s %v", q.Key(), q.Amount))
		}
		if n.answers == nil {
			n.answers = make(map[string]payment.Answer)
		}
		n.answers[q.Key()] = answer
	}
	if reply.Lost {
		return payment.Answer{}, reply.err()
	}
	return answer, nil
}

func (r Reply) err() error {
	if r.Doubt != nil {
		return r.Doubt
	}
	return ErrNoAnswer
}

// Asked lists the questions that were sent, repetitions included.
func (n *Network) Asked() []card.Question {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Clone(n.asked)
}

// AskedAbout reports whether a question about a transaction was sent. From then on,
// the script no longer has the reply to it.
func (n *Network) AskedAbout(id holdfast.TransactionID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := len(n.asked) - 1; i >= 0; i-- { // it is among the last
		if n.asked[i].Transaction == id {
			return true
		}
	}
	return false
}

// next takes the script's reply to a question.
func (n *Network) next(step payment.Step) Reply {
	for i, r := range n.script {
		if r.Step == "" || r.Step == step {
			n.script = slices.Delete(n.script, i, i+1)
			return r
		}
	}
	return Reply{}
}

// Forget drops the rest of the script.
func (n *Network) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = nil
}
