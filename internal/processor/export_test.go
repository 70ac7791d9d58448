package processor

import "github.com/holdfast-pay/holdfast/internal/payment"

// KeepHandoverShort bounds how many questions may be between Sweep and Release.
func (p *Processor) KeepHandoverShort(limit int) { p.handover.limit = limit }

// Answer records an answer of the network. written is the transaction as it was
// written with the question; nil means unknown.
func (p *Processor) Answer(a payment.Attempt, answer payment.Answer, written *payment.Transaction) error {
	_, err := p.recordOutcome(a, answer, written, p.db.Complete)
	return err
}

// KeepOverShort bounds how many expired instruments one sweep reads.
func (p *Processor) KeepOverShort(limit int) { p.over.limit = limit }
