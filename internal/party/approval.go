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
)

// Permission is what a member needs to ask for the action and to approve it.
func (a ApprovalAction) Permission() Permission {
	if a == ApproveRefund {
		return MayRefund
	}
	return MayActOnHolds
}

// An ApprovalState is the state of an approval.
type ApprovalState string

// The states. An approval that nobody decided on in time stays asked.
const (
	ApprovalAsked    ApprovalState = "Asked"
	ApprovalApproved ApprovalState = "Approved" // and carried out in the same commit
	ApprovalDeclined ApprovalState = "Declined"
	// ApprovalUnneeded: the same call was carried out without it, because the limit was
	// changed meanwhile.
	ApprovalUnneeded ApprovalState = "Unneeded"
)

// An Approval is a second person's yes to an action of a member above the caller's
// limit. The action is carried out when the second person says yes.
type Approval struct {
	ID     ApprovalID
	Caller CallerID
	// Idempotency is the key of the call that asks. The approved call has it, too.
	Idempotency string
	Action      ApprovalAction
	Object      string // the transaction
	Data        string // the request, as JSON
	Amount      money.Amount
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
	case a.State != ApprovalAsked:
		return ErrApprovalDecided
	case !a.Open(now):
		return ErrApprovalOver
	case to == ApprovalApproved && (a.AskedBy == by || by == ""):
		return ErrOwnApproval
	}
	return nil
}
