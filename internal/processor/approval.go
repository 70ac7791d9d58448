package processor

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// An ApprovalNeededError refuses an action of a member that a second member must
// approve.
type ApprovalNeededError struct {
	Amount money.Amount // that the action would move
	Above  money.Amount // the caller's limit
	Call   *Call        // the refused call, for [Processor.AskApproval]
}

func (e *ApprovalNeededError) Error() string {
	return fmt.Sprintf("a second member must approve what moves more than %v", e.Above)
}

// A RefundLimitError refuses a refund above the limit of the member.
type RefundLimitError struct{ Limit money.Amount }

func (e *RefundLimitError) Error() string { return "the refund is above the limit of the member" }

// allow refuses a call of a person that needs a second member, and a call of a member
// that its role does not allow now. It runs in the commit of the action, so it knows the
// amount that the action moves, and sees a role that was changed since the page was
// shown. A key has limits of its own.
func (d decision) allow(c *Call, u payment.KeyUse) error {
	if !c.Person {
		return nil
	}
	action := party.ApproveSettle
	if u.Scope == party.ScopeRefund {
		action = party.ApproveRefund
	}
	if c.Member != "" {
		if err := d.permit(c.Member, action, u.Amount); err != nil {
			return err
		}
	}
	takesMoney := u.Amount.Given() && u.Scope != party.ScopeHold
	if takesMoney && c.approval != "" {
		return d.approve(c, u.Amount)
	}
	if above := d.caller.ApproveAbove; takesMoney && above.Given() && u.Amount.Cmp(above) > 0 {
		return &ApprovalNeededError{u.Amount, above, c}
	}
	return d.closeUnneeded(c)
}

// closeUnneeded closes the approval that the same call has asked for before: now it is
// carried out without one.
func (d decision) closeUnneeded(c *Call) error {
	a, found, err := d.tx.ApprovalUnder(d.caller.ID, c.Idempotency)
	if err != nil || !found {
		return err
	}
	if err := askedBySame(a, c); err != nil || a.State != party.ApprovalAsked {
		return err
	}
	a.State, a.DecidedBy, a.DecidedAt = party.ApprovalUnneeded, c.Member, Micro(d.real)
	if err := d.tx.DecideApproval(a); err != nil {
		return err
	}
	return d.tx.Log(party.AuditEntry{
		Action: "approval.unneeded", Caller: a.Caller, Object: a.Object, After: approvalFacts(a),
	}, d.real)
}

// askedBySame refuses a call under the idempotency key of an approval that another call
// has asked for.
func askedBySame(a party.Approval, c *Call) error {
	w, err := WantedIn(a)
	if err != nil {
		return err
	}
	return payment.Call{Action: w.Action, Body: w.Body, Created: a.AskedAt}.Again(c.Action, c.Body)
}

// permit refuses an action that a member's role does not allow. The amount is not given
// for an action that moves no money.
func (d decision) permit(by party.ID, action party.ApprovalAction, amount money.Amount) error {
	m, err := identity.Permit(&d.tx.ReadTx, by, action.Permission(), d.caller.ID)
	if err == nil && amount.Given() && action == party.ApproveRefund && !m.MayRefund(amount) {
		err = &RefundLimitError{m.RefundLimit}
	}
	return err
}

// approve writes the yes of a second member, in the commit of the action.
func (d decision) approve(c *Call, amount money.Amount) error {
	a, err := approvalOf(&d.tx.ReadTx, d.caller.ID, c.approval)
	if err != nil {
		return err
	}
	if err := a.CheckDecision(c.Member, party.ApprovalApproved, d.real); err != nil {
		return err
	}
	if a.AskedBy != "" {
		if err := d.permit(a.AskedBy, a.Action, amount); err != nil {
			return err
		}
	}
	if amount.Cmp(a.Amount) != 0 {
		return fmt.Errorf("approval %s is about %v, and the action moves %v", a.ID, a.Amount, amount)
	}
	return c.decide(d.tx, a, c.Member, party.ApprovalApproved, Micro(d.real))
}

// decide writes a decision on an approval, and the letter to the member who has asked.
func (p *Processor) decide(
	tx *store.Tx, a party.Approval, by party.ID, to party.ApprovalState, now time.Time,
) error {
	a.State, a.DecidedBy, a.DecidedAt = to, by, now
	err := tx.DecideApproval(a)
	if errors.Is(err, store.ErrStale) {
		return party.ErrApprovalDecided
	}
	if err != nil {
		return err
	}
	action := party.AuditAction("approval.approve")
	if to == party.ApprovalDeclined {
		action = "approval.decline"
	}
	if err := tx.Log(party.AuditEntry{
		Action: action, Caller: a.Caller, Object: a.Object, After: approvalFacts(a),
	}, now); err != nil {
		return err
	}
	return p.tellDecision(tx, a)
}

func approvalFacts(a party.Approval) party.Facts {
	amount := a.Amount.Decimal()
	if a.Action == party.ApproveLimit && !a.Limit().Given() {
		amount = "none"
	}
	return party.Facts{
		"approval": string(a.ID), "action": string(a.Action), "amount": amount, "askedBy": string(a.AskedBy),
	}
}

var (
	errNoApproval    = holdfast.Errorf(holdfast.InvalidParams, "there is no such approval")
	errDoneMeanwhile = holdfast.Errorf(holdfast.InvalidParams, "the same request was carried out meanwhile")
)

func approvalOf(tx *store.ReadTx, of party.CallerID, id party.ApprovalID) (party.Approval, error) {
	a, found, err := tx.Approval(of, id)
	if err == nil && !found {
		err = errNoApproval
	}
	return a, err
}

// A Wanted is what a member wants to do, as an approval keeps it.
type Wanted struct {
	Hold   bool   `json:"hold,omitempty"` // the object is a hold, for refunds
	Final  bool   `json:"final,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Action and Body are those of the call that asked, so that the approved call is the
	// same one. See [Call].
	Action string `json:"action"`
	Body   string `json:"body"`
	// Reference names the payment of a settle; empty means the idempotency key.
	Reference holdfast.CallerReference `json:"reference,omitempty"`
	// By is the user of the machine whose command asks; empty for a member.
	By string `json:"by,omitempty"`
}

// approvalsMax bounds the approvals of one caller that wait.
const approvalsMax = 500

// AskApproval keeps what a refused call wants to do until a second member decides, and
// writes to those who may. The approval has the idempotency key of the call. So the same
// call asks once, also after the decision, and is carried out once, with the approval or
// without. A command asks without a member.
func (p *Processor) AskApproval(
	ctx context.Context, call *Call, a party.Approval, w Wanted,
) (party.Approval, error) {
	a, err := p.newApproval(call, a, w)
	if err != nil {
		return a, err
	}
	fresh := a
	err = p.db.Update(ctx, func(tx *store.Tx) (err error) {
		a, err = p.insertApproval(tx, call, fresh)
		return err
	})
	return a, err
}

// newApproval makes the approval of what a refused call wants to do.
func (p *Processor) newApproval(call *Call, a party.Approval, w Wanted) (party.Approval, error) {
	w.Action, w.Body = call.Action, call.Body
	a.Idempotency, a.AskedBy = call.Idempotency, call.Member
	data, err := json.Marshal(w)
	if err != nil {
		return a, fmt.Errorf("keeping what a member wants: %w", err)
	}
	a.ID, a.Data, a.State = party.ApprovalID(p.ids().Other("Q")), string(data), party.ApprovalAsked
	a.AskedAt = p.now()
	return a, nil
}

// insertApproval writes a new approval and the letters about it. It returns the earlier
// approval if the same call has asked before.
func (p *Processor) insertApproval(tx *store.Tx, call *Call, a party.Approval) (party.Approval, error) {
	if a.AskedBy != "" {
		d := decision{tx: tx, caller: party.Caller{ID: a.Caller}}
		if err := d.permit(a.AskedBy, a.Action, a.Amount); err != nil {
			return a, err
		}
	}
	same, found, err := tx.ApprovalUnder(a.Caller, a.Idempotency)
	if err != nil {
		return a, err
	}
	if found {
		return same, askedBySame(same, call)
	}
	if _, done, err := tx.Call(a.Caller, a.Idempotency); err != nil || done {
		return a, cmp.Or(err, error(errDoneMeanwhile))
	}
	waiting, err := tx.OpenApprovals(a.Caller, a.AskedAt.Add(-party.ApprovalLife), approvalsMax)
	if err != nil {
		return a, err
	}
	if len(waiting) >= approvalsMax {
		return a, holdfast.Errorf(holdfast.InvalidParams, "%d actions wait for an approval already", approvalsMax)
	}
	if err := tx.Log(party.AuditEntry{
		Action: "approval.ask", Caller: a.Caller, Object: a.Object, After: approvalFacts(a),
	}, a.AskedAt); err != nil {
		return a, err
	}
	if err := tx.InsertApproval(a); err != nil {
		return a, err
	}
	return a, p.tellApprovers(tx, a)
}

// Approve carries out what another member has asked for. The yes is written in the
// commit of the action, so the action happens once, however many members say yes at
// the same time. A refused action leaves the approval open.
func (p *Processor) Approve(
	ctx context.Context, caller party.Caller, id party.ApprovalID, by party.ID,
) ([]payment.Transaction, error) {
	a, w, err := p.readApproval(ctx, caller.ID, id)
	if err != nil {
		return nil, err
	}
	if err := a.CheckDecision(by, party.ApprovalApproved, p.now()); err != nil {
		return nil, err
	}
	if a.Action == party.ApproveLimit {
		return nil, p.approveLimit(ctx, a, by)
	}
	call := &Call{
		Person: true, Member: by, approval: id, decide: p.decide,
		Idempotency: a.Idempotency, Action: w.Action, Body: w.Body,
	}
	all, err := p.carryOutApproved(ctx, caller, call, a, w)
	if err != nil {
		return nil, err
	}
	if a, _, err = p.readApproval(ctx, caller.ID, id); err == nil &&
		(a.State != party.ApprovalApproved || a.DecidedBy != by) {
		err = party.ErrApprovalDecided
	}
	return all, err
}

func (p *Processor) carryOutApproved(
	ctx context.Context, caller party.Caller, call *Call, a party.Approval, w Wanted,
) ([]payment.Transaction, error) {
	id := holdfast.TransactionID(a.Object)
	switch {
	case a.Action == party.ApproveSettle:
		return p.SettleHold(ctx, caller, call,
			SettleHold{Hold: id, Amount: a.Amount, Final: w.Final, Reference: w.Reference})
	case w.Hold:
		return p.RefundHold(ctx, caller, call, RefundHold{Hold: id, Amount: a.Amount, Description: w.Reason})
	}
	t, err := p.RefundPayment(ctx, caller, call, RefundPayment{Payment: id, Amount: a.Amount, Description: w.Reason})
	return []payment.Transaction{t}, err
}

// DeclineApproval refuses what a member has asked for. The member itself may do it,
// too. by is empty for a command.
func (p *Processor) DeclineApproval(
	ctx context.Context, caller party.CallerID, id party.ApprovalID, by party.ID,
) error {
	return p.db.Update(ctx, func(tx *store.Tx) error {
		now := p.now()
		a, err := approvalOf(&tx.ReadTx, caller, id)
		if err != nil {
			return err
		}
		if by != "" {
			if _, err := identity.Permit(&tx.ReadTx, by, a.Action.Permission(), caller); err != nil {
				return err
			}
		}
		if err := a.CheckDecision(by, party.ApprovalDeclined, now); err != nil {
			return err
		}
		return p.decide(tx, a, by, party.ApprovalDeclined, now)
	})
}

func (p *Processor) readApproval(
	ctx context.Context, of party.CallerID, id party.ApprovalID,
) (a party.Approval, w Wanted, err error) {
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		a, err = approvalOf(tx, of, id)
		return err
	})
	if err != nil {
		return a, w, err
	}
	w, err = WantedIn(a)
	return a, w, err
}

// WantedIn reads what the member wants that asked for an approval.
func WantedIn(a party.Approval) (w Wanted, err error) {
	if err := json.Unmarshal([]byte(a.Data), &w); err != nil {
		return w, fmt.Errorf("reading what a member wants: %w", err)
	}
	return w, nil
}
