package sandbox

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A Hold is the amount that the network holds or has taken for one transaction.
type Hold struct {
	Transaction   holdfast.TransactionID
	Authorization string
	Authorized    money.Amount
	Captured      money.Amount // not given before the capture; with parts, their sum
	Returned      money.Amount // not given before a return
	Released      bool
	Parts         int // captures that have left the rest in place
}

// Open reports whether an amount is still held.
func (h Hold) Open() bool {
	return !h.Released && (!h.Captured.Given() || h.Parts > 0 && h.Captured.Cmp(h.Authorized) < 0)
}

// Holds returns the remembered holds, in the order of their transactions.
func (n *Network) Holds() []Hold {
	n.mu.Lock()
	defer n.mu.Unlock()
	holds := make([]Hold, 0, len(n.record.holds))
	for _, h := range n.record.holds {
		holds = append(holds, *h)
	}
	slices.SortFunc(holds, func(a, b Hold) int { return cmp.Compare(a.Transaction, b.Transaction) })
	return holds
}

// Audit fails if the network got a question that no processor may send.
// Examples are two different questions with one key, a capture of more than the
// hold, and a release after a capture. The error names every such question, up
// to a limit.
func (n *Network) Audit() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return errors.Join(n.record.faults...)
}

// record remembers questions and answers, up to a limit. A forgotten question
// gets the same answer again, because answers depend only on the question.
type record struct {
	answers map[string]answered // by Attempt.Key
	holds   map[holdfast.TransactionID]*Hold
	order   []asked // oldest first
	faults  []error
}

type answered struct {
	question card.Question
	answer   payment.Answer
}

// asked names a question.
type asked struct {
	key         string
	transaction holdfast.TransactionID
}

const (
	questionsMax = 20_000
	faultsMax    = 100
)

// again finds the answer to a question that was answered before.
func (r *record) again(q card.Question) (payment.Answer, bool) {
	before, ok := r.answers[q.Key()]
	if !ok {
		return payment.Answer{}, false
	}
	was := before.question
	if was.Amount != q.Amount || was.Card != q.Card || was.Authorization != q.Authorization {
		r.fault("%s was asked for %v and then for %v, or about another card or hold", q.Key(), was.Amount, q.Amount)
	}
	return before.answer, true
}

func (r *record) add(q card.Question, answer payment.Answer) {
	if r.answers == nil {
		r.answers, r.holds = map[string]answered{}, map[holdfast.TransactionID]*Hold{}
	}
	if len(r.order) >= questionsMax {
		r.forget()
	}
	key := q.Key()
	r.answers[key] = answered{question: q, answer: answer}
	r.order = append(r.order, asked{key, q.Transaction})
	if answer.Approved() {
		r.carryOut(q, answer)
	}
}

// forget drops the older half at once, so that it runs rarely.
func (r *record) forget() {
	half := len(r.order) / 2
	for _, q := range r.order[:half] {
		delete(r.answers, q.key)
	}
	r.order = slices.Clone(r.order[half:])
	kept := map[holdfast.TransactionID]bool{}
	for _, q := range r.order {
		kept[q.transaction] = true
	}
	maps.DeleteFunc(r.holds, func(id holdfast.TransactionID, _ *Hold) bool { return !kept[id] })
}

func (r *record) carryOut(q card.Question, answer payment.Answer) {
	switch q.Step {
	case payment.StepAuthorize, payment.StepCharge:
		if r.holds[q.Transaction] != nil {
			r.fault("%s holds or takes %v a second time", q.Key(), q.Amount)
		}
		h := &Hold{Transaction: q.Transaction, Authorization: answer.Authorization, Authorized: q.Amount}
		if q.Step == payment.StepCharge {
			h.Captured = q.Amount
		}
		r.holds[q.Transaction] = h
	case payment.StepReturn:
		r.giveBack(q)
	case payment.StepCapture, payment.StepRelease:
		r.take(q)
	}
}

// take captures from a hold or releases it.
func (r *record) take(q card.Question) {
	h := r.holdOf(q)
	if h == nil { // held before a restart, or forgotten: only the question is known
		if q.Part {
			return
		}
		h = &Hold{Transaction: q.Transaction, Authorization: q.Authorization, Authorized: q.Amount}
		r.holds[q.Transaction] = h
	}
	captured := money.Micros(h.Captured.Micro)
	switch {
	case q.Authorization != h.Authorization:
		r.fault("%s names hold %q instead of %q", q.Key(), q.Authorization, h.Authorization)
	case !h.Open():
		r.fault("%s comes after the hold was captured or released", q.Key())
	case q.Amount.Cmp(h.Authorized.Sub(captured)) > 0:
		r.fault("%s is for %v of the %v held", q.Key(), q.Amount, h.Authorized.Sub(captured))
	}
	switch {
	case q.Part:
		h.Captured = captured.Add(q.Amount)
		h.Parts++
	case q.Step == payment.StepCapture:
		h.Captured = q.Amount
	default:
		h.Released = true
	}
}

// holdOf finds the hold of a question. A part names it only by its
// authorization.
func (r *record) holdOf(q card.Question) *Hold {
	if !q.Part {
		return r.holds[q.Transaction]
	}
	for _, h := range r.holds {
		if h.Authorization == q.Authorization {
			return h
		}
	}
	return nil
}

// giveBack returns money that was taken for a payment. A refund names the
// payment only by its authorization.
func (r *record) giveBack(q card.Question) {
	for _, h := range r.holds {
		if h.Authorization != q.Authorization {
			continue
		}
		if !h.Returned.Given() {
			h.Returned = money.Micros(0)
		}
		if h.Returned = h.Returned.Add(q.Amount); !h.Captured.Given() || h.Returned.Cmp(h.Captured) > 0 {
			r.fault("%s gives back %v in all of the %v taken", q.Key(), h.Returned, h.Captured)
		}
		return
	}
	if q.Authorization == "" { // charges from before a restart are forgotten
		r.fault("%s names no payment", q.Key())
	}
}

func (r *record) fault(format string, args ...any) {
	if len(r.faults) < faultsMax {
		r.faults = append(r.faults, fmt.Errorf("sandbox network: "+format, args...))
	}
}
