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

// A Network approves everything unless a test scripts it, and remembers what
// took effect, so that a test can tell a question asked twice from money taken
// twice.
type Network struct {
	mu      sync.Mutex
	answers map[string]payment.Answer
	script  []Reply
	effects []string
}

// A Reply is what the network does with its next question.
type Reply struct {
	Step    payment.Step        // the only step it is for; empty means any
	Decline holdfast.StatusCode // refuses with this code
	Lost    bool                // takes effect, and the answer never arrives
	Deaf    bool                // takes no effect and answers nothing
	Wait    <-chan struct{}     // answers once this is closed, or not at all
}

// ErrNoAnswer is what a question without an answer ends in.
var ErrNoAnswer = errors.New("the network did not answer")

// Next scripts the coming questions, in order.
func (n *Network) Next(replies ...Reply) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = append(n.script, replies...)
}

// Effects lists what took effect, such as "1T…1/Authorize USD 12.50", each key
// once.
func (n *Network) Effects() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.effects...)
}

// Verify keeps any card, by its last four digits.
func (n *Network) Verify(_ context.Context, d card.Details) (card.Kept, error) {
	digits := d.Number.Reveal()
	if len(digits) < 4 {
		return card.Kept{}, &card.RefusedError{Problem: payment.CardNumberForm}
	}
	last4 := digits[len(digits)-4:]
	return card.Kept{Brand: "Visa", Last4: last4, Ref: "test:" + last4}, nil
}

// Ask answers by the script.
func (n *Network) Ask(ctx context.Context, q card.Question) (payment.Answer, error) {
	n.mu.Lock()
	reply := n.next(q.Step)
	n.mu.Unlock()
	if reply.Wait != nil {
		select {
		case <-reply.Wait:
		case <-ctx.Done():
			return payment.Answer{}, ctx.Err()
		}
	}
	if reply.Deaf {
		return payment.Answer{}, ErrNoAnswer
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	answer, asked := n.answers[q.Key()]
	if !asked {
		answer = payment.Answer{Approved: true, Authorization: "auth-" + string(q.Transaction)}
		if reply.Decline != "" {
			answer = payment.Answer{Code: reply.Decline, Message: "The card network declined the payment."}
		} else {
			n.effects = append(n.effects, fmt.Sprintf("%s %v", q.Key(), q.Amount))
		}
		if n.answers == nil {
			n.answers = make(map[string]payment.Answer)
		}
		n.answers[q.Key()] = answer
	}
	if reply.Lost {
		return payment.Answer{}, ErrNoAnswer
	}
	return answer, nil
}

// next takes what the script says of a question.
func (n *Network) next(step payment.Step) Reply {
	for i, r := range n.script {
		if r.Step == "" || r.Step == step {
			n.script = slices.Delete(n.script, i, i+1)
			return r
		}
	}
	return Reply{}
}

// Forget drops what is left of the script.
func (n *Network) Forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.script = nil
}
