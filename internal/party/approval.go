package party

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// An ApprovalID names an approval, such as "Q01K…".
type ApprovalID string

// An ApprovalAction is what an approval is about.
type ApprovalAction string

// The actions.
const (
	ApproveSettle ApprovalAction = "settle"
	ApproveRefund ApprovalAction = "refund"
	// ApproveLimit raises or removes the limit above which approvals are needed: without
	// an approval, one member could raise the limit, act, and lower it again.
	ApproveLimit ApprovalAction = "limit"
)

// Permission is what a member needs to ask for the action and to approve it.
func (a ApprovalAction) Permission() Permission {
	switch a {
	case ApproveRefund:
		return MayRefund
	case ApproveLimit:
		return MayChangeCaller
	case ApproveSettle:
	}
	return MayActOnHolds
}

// RaisesLimit reports whether fewer actions need an approval with a new limit. A limit
// that is not given means that none does.
func RaisesLimit(before, after money.Amount) bool {
	return before.Given() && (!after.Given() || after.Cmp(before) > 0)
}

// An ApprovalState is the state of an approval.
type ApprovalState string

// The states.
const (
	ApprovalAsked    ApprovalState = "Asked"
	ApprovalApproved ApprovalState = "Approved" // and carried out in the same commit
	ApprovalDeclined ApprovalState = "Declined"
	// ApprovalUnneeded: the same call was carried out without it, because the limit was
	// changed meanwhile.
	ApprovalUnneeded ApprovalState = "Unneeded"
	// ApprovalLapsed: nobody decided on it in time. A server writes this state soon after
	// [Approval.Until]. Until then, the approval is asked and not open.
	ApprovalLapsed ApprovalState = "Lapsed"
)

// An Approval is a second person's yes to an action of a member above the caller's
// limit. The action is carried out when the second person says yes.
type Approval struct {
	ID     ApprovalID
	Caller CallerID
	// Idempotency is the key of the call that asks. The approved call has it, too.
	Idempotency string
	Action      ApprovalAction
	Object      string       // the transaction, or the caller for ApproveLimit
	Data        string       // the request, as JSON
	Amount      money.Amount // for ApproveLimit the new limit, or 0 to remove it
	State       ApprovalState
	// AskedAt and DecidedAt are in real time. AskedBy and DecidedBy are members; empty
	// for a command. A command may ask and decline, but not approve.
	AskedBy   ID
	AskedAt   time.Time
	DecidedBy ID
	DecidedAt time.Time
}

// ApprovalLife is how long an approval can be decided on.
const ApprovalLife = 7 * 24 * time.Hour

// Refusals of decisions.
var (
	ErrOwnApproval     = holdfast.Errorf(holdfast.InvalidParams, "another member must approve what you have asked for")
	ErrApprovalDecided = holdfast.Errorf(holdfast.InvalidParams, "another member has decided on it already")
	ErrApprovalOver    = holdfast.Errorf(holdfast.InvalidParams, "it was not decided on within seven days")
)

// Until is when the approval can no longer be decided on.
func (a Approval) Until() time.Time { return a.AskedAt.Add(ApprovalLife) }

// Limit is the caller's limit after an approval with [ApproveLimit].
func (a Approval) Limit() (limit money.Amount) {
	if a.Amount.Positive() {
		limit = a.Amount
	}
	return limit
}

// Open reports whether the approval can be decided on.
func (a Approval) Open(now time.Time) bool { return a.State == ApprovalAsked && now.Before(a.Until()) }

// MayBeApprovedBy reports whether a membership for the approval's caller lets its party
// approve.
func (a Approval) MayBeApprovedBy(m Membership) bool {
	return m.Party != a.AskedBy && m.May(a.Action.Permission()) &&
		(a.Action != ApproveRefund || m.MayRefund(a.Amount))
}

// CheckDecision refuses a decision of a member. The member that asked may decline,
// but not approve.
func (a Approval) CheckDecision(by ID, to ApprovalState, now time.Time) error {
	switch {
	case a.State == ApprovalLapsed:
		return ErrApprovalOver
	case a.State != ApprovalAsked:
		return ErrApprovalDecided
	case !a.Open(now):
		return ErrApprovalOver
	case to == ApprovalApproved && (a.AskedBy == by || by == ""):
		return ErrOwnApproval
	}
	return nil
}
