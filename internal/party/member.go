package party

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A Member is a membership as it is stored.
type Member struct {
	Membership
	Created time.Time
}

// CheckMember refuses a role that does not exist and a limit that does not belong to
// the role.
func (m Membership) CheckMember() error {
	switch {
	case !m.Role.Valid():
		return holdfast.Errorf(holdfast.InvalidParams, "there is no such role")
	case m.RefundLimit.Given() && (m.Role != RoleFinance || !m.RefundLimit.Positive()):
		return holdfast.Errorf(holdfast.InvalidParams, "only the role finance has a limit of refunds, above zero")
	}
	return nil
}

// MayRefund reports whether the membership allows a refund of an amount.
func (m Membership) MayRefund(amount money.Amount) bool {
	return m.May(MayRefund) && (!m.RefundLimit.Given() || amount.Cmp(m.RefundLimit) <= 0)
}

// ErrLastOwner refuses to leave a caller or the server without an owner.
var ErrLastOwner = holdfast.Errorf(holdfast.InvalidParams,
	"the last active owner can neither be removed or suspended nor get another role; make another member an owner first")

// CheckOwners refuses a change of one member if no owner would be left. all are the
// active members of the same caller or of the server before the change, and the member
// itself. after is the role of the member after it; empty if it is removed or stopped.
func CheckOwners(all []Member, changed ID, after Role) error {
	owned, owners := false, 0
	for _, m := range all {
		if m.Role == RoleOwner {
			owned = true
			if m.Party != changed {
				owners++
			}
		}
	}
	if owned && owners == 0 && after != RoleOwner {
		return ErrLastOwner
	}
	return nil
}

// An Invitation lets the reader of an e-mail address become a member. Only the hash
// of its link is stored.
type Invitation struct {
	Membership // without a party
	Link       LinkHash
	Email      string
	Language   string // of the mail
	Name       string // of the person, as far as the inviting one knows it; may be empty
	InvitedBy  ID     // empty if a command made the invitation
	Created    time.Time
}

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// Over reports whether the invitation has expired.
func (i Invitation) Over(now time.Time) bool { return !now.Before(i.Created.Add(InvitationLife)) }
