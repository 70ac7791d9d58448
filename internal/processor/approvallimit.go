package processor

import (
	"cmp"
	"context"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// errLimitRaised refuses a change of a member that must go through ChangeSettings.
var errLimitRaised = holdfast.Errorf(holdfast.AccessFailure,
	"a second member must approve a higher limit for approvals, and the removal of the limit")

// ChangeSettings is [Processor.ChangeCaller] for a member. If the change raises or removes
// the limit above which approvals are needed, the limit stays, the other settings change,
// and a second member must approve the new limit: asked is then that approval. The same
// call again changes nothing.
func (p *Processor) ChangeSettings(
	ctx context.Context, id party.CallerID, call *Call, change func(party.Caller) (party.Caller, error),
) (after party.Caller, asked *party.Approval, err error) {
	defer p.callerChanged()
	fresh, err := p.newApproval(call, party.Approval{Caller: id, Action: party.ApproveLimit, Object: string(id)}, Wanted{})
	if err != nil {
		return after, nil, err
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		asked = nil
		before, err := callerOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		if same, found, err := tx.ApprovalUnder(id, call.Idempotency); err != nil || found {
			after, asked = before, &same
			if err == nil {
				err = askedBySame(same, call)
			}
			return err
		}
		if after, err = change(before); err != nil {
			return err
		}
		if wanted := after.ApproveAbove; party.RaisesLimit(before.ApproveAbove, wanted) {
			after.ApproveAbove = before.ApproveAbove
			a := fresh
			if a.Amount = money.Micros(0); wanted.Given() {
				a.Amount = wanted
			}
			if a, err = p.insertApproval(tx, call, a); err != nil {
				return err
			}
			if asked = &a; after == before {
				return nil
			}
		}
		if err := checkCaller(after); err != nil {
			return err
		}
		return p.saveCaller(tx, before, after)
	})
	return after, asked, err
}

// approveLimit writes the yes of a second member to a higher limit, and the limit, in one
// commit.
func (p *Processor) approveLimit(ctx context.Context, a party.Approval, by party.ID) error {
	defer p.callerChanged()
	return p.db.Update(ctx, func(tx *store.Tx) error {
		before, err := callerOf(&tx.ReadTx, a.Caller)
		if err != nil {
			return err
		}
		d := decision{tx: tx, caller: before, real: p.now()}
		if a, err = approvalOf(&tx.ReadTx, a.Caller, a.ID); err != nil {
			return err
		}
		if err := a.CheckDecision(by, party.ApprovalApproved, d.real); err != nil {
			return err
		}
		for _, member := range []party.ID{a.AskedBy, by} {
			if err := d.permit(member, a.Action, a.Amount); err != nil {
				return err
			}
		}
		after := before
		after.ApproveAbove = a.Limit()
		if err := p.saveCaller(tx, before, after); err != nil {
			return err
		}
		return p.decide(tx, a, by, party.ApprovalApproved, d.real)
	})
}

// raisesLimit checks a change of a caller's settings by one person. A member may not raise
// or remove the limit above which approvals are needed. A command may, because the
// operators of the machine are trusted, and each owner gets a letter about it.
func (p *Processor) raisesLimit(tx *store.Tx, before, after party.Caller) error {
	if !party.RaisesLimit(before.ApproveAbove, after.ApproveAbove) {
		return nil
	}
	actor := tx.Actor()
	if actor.Kind == party.ActorMember {
		return errLimitRaised
	}
	if p.Identity.Letters == nil {
		return nil
	}
	owners, err := identity.MembersThat(&tx.ReadTx, after.ID, func(m party.Membership) bool {
		return m.May(party.ApproveLimit.Permission())
	})
	if err != nil {
		return err
	}
	n := party.Notice{
		About: party.NoticeLimitRaised, Caller: after.Name, CallerID: after.ID, Member: cmp.Or(actor.Name, actor.ID),
		Limit: after.ApproveAbove, LimitBefore: before.ApproveAbove,
	}
	for _, m := range owners[:min(len(owners), approversMax)] {
		if err := p.Identity.TellOwner(tx, m, n); err != nil {
			return err
		}
	}
	return nil
}
