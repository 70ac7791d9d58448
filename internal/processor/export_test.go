package processor

import (
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// KeepHandoverShort bounds how many questions may be between Sweep and Release.
func (p *Processor) KeepHandoverShort(limit int) { p.handover.limit = limit }

// Answer records an answer of the network. written is the transaction as it was
// written with the question; nil means unknown.
func (p *Processor) Answer(a payment.Attempt, answer payment.Answer, written *payment.Transaction) error {
	return p.AnswerTo(a, answer, written, nil)
}

// AnswerTo is Answer with the caller as it was read with the question.
func (p *Processor) AnswerTo(
	a payment.Attempt, answer payment.Answer, written *payment.Transaction, caller *party.Caller,
) error {
	var known *intent
	if written != nil {
		known = &intent{written, caller}
	}
	_, err := p.recordOutcome(&a, answer, known, p.db.Complete)
	return err
}

// KeepOverShort bounds how many expired instruments one sweep reads.
func (p *Processor) KeepOverShort(limit int) { p.over.limit = limit }
