package processor

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
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

// KeepAuditShort bounds how many rows of a table a batch of the audit reads.
func (p *Processor) KeepAuditShort(limit int) { p.audit.batch = limit }

// StepAudit audits one more batch, whether or not a pass is due, and returns the
// place after it. A place in from replaces the present one.
func (p *Processor) StepAudit(ctx context.Context, from *store.AuditPlace) (at store.AuditPlace, mine bool, err error) {
	p.audit.mu.Lock()
	defer p.audit.mu.Unlock()
	if !p.audit.mine || !p.now().Before(p.audit.state.LeasedUntil) {
		if mine, err := p.takeAudit(ctx, p.now(), true); err != nil || !mine {
			return at, false, err
		}
	}
	if from != nil {
		p.audit.state.Place = *from
	}
	_, _, err = p.auditStep(ctx)
	return p.audit.state.Place, p.audit.mine || !p.audit.state.Under(), err
}

// AuditRate is how many rows a second the audit reads.
func (p *Processor) AuditRate() int { return p.audit.rate }

// ChangedEvery is how often the list of changed transactions is taken.
const ChangedEvery time.Duration = changedEvery

// KeepWarningsShort bounds how many holds are warned of in one commit.
func (p *Processor) KeepWarningsShort(limit int) { p.warnMost = limit }

// The settings of objects, for the audit log.
var (
	CallerFacts  = callerFacts
	NetworkFacts = networkFacts
)
