package processor

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Points at which Hook is called between the steps of an approval that lapses.
const (
	PointApprovalLate   = "approval-late"   // nobody has decided in time, and nothing is written
	PointApprovalLapsed = "approval-lapsed" // the lapse and its letters are durable
)

// lapsesMax bounds the approvals of one round. Each is a commit with at most 101 letters.
const lapsesMax = 50

// LapseApprovals ends the approvals that nobody decided on in time, and writes to the
// member who asked and to those who may approve. An approval lapses once: the letters are
// in the commit that writes its state. It reports how many have lapsed.
func (p *Processor) LapseApprovals(ctx context.Context) (done int, err error) {
	var late []party.Approval
	err = p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		late, err = tx.LapsedApprovals(p.now().Add(-party.ApprovalLife), lapsesMax)
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, a := range late {
		p.at(PointApprovalLate)
		failed := p.db.Background(ctx, func(tx *store.Tx) error { return p.lapseApproval(tx, a) })
		if errors.Is(failed, store.ErrStale) { // another server was faster
			continue
		}
		if err = errors.Join(err, failed); failed == nil {
			p.at(PointApprovalLapsed)
			done++
		}
	}
	return done, err
}

func (p *Processor) lapseApproval(tx *store.Tx, a party.Approval) error {
	a.State = party.ApprovalLapsed
	if err := tx.DecideApproval(a); err != nil {
		return err
	}
	if err := tx.Log(party.AuditEntry{
		Action: "approval.lapse", Caller: a.Caller, Object: a.Object, After: approvalFacts(a),
	}, p.now()); err != nil {
		return err
	}
	return p.tellLapse(tx, a)
}
