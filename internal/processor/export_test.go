package processor

import "github.com/holdfast-pay/holdfast/internal/payment"

// KeepHandoverShort lets so many questions be on their way from Sweep to Release.
func (p *Processor) KeepHandoverShort(most int) { p.handover.most = most }

// Answer records an answer of the network. written is the transaction as it stood
// with the question, where that is known.
func (p *Processor) Answer(a payment.Attempt, answer payment.Answer, written *payment.Transaction) error {
	_, err := p.recordOutcome(a, answer, written, p.Store.Complete)
	return err
}

// KeepOverShort bounds how many instruments that are over one sweep looks at.
func (p *Processor) KeepOverShort(most int) { p.over.most = most }
