package processor

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// approversMax bounds the letters about one approval. The members of the caller come
// before those of the server.
const approversMax = 100

// askersLetters bounds the approvals of one asker that letters announce in an hour.
// Further approvals are only on the page.
const askersLetters = 20

// tellApprovers writes to each member who may approve, in the commit that asks.
func (p *Processor) tellApprovers(tx *store.Tx, a party.Approval) error {
	if p.Identity.Letters == nil {
		return nil
	}
	n, err := approvalNotice(tx, a, a.AskedBy)
	if err != nil {
		return err
	}
	n.About = party.NoticeApprovalAsked
	return p.writeToApprovers(tx, n)
}

// writeToApprovers writes a letter about an approval to each member who may approve it,
// if the asker has not caused too many letters.
func (p *Processor) writeToApprovers(tx *store.Tx, n party.Notice) error {
	a := n.Approval
	asked, err := tx.AskedWithin(a.Caller, a.AskedBy, a.AskedAt.Add(-time.Hour), a.AskedAt, askersLetters+1)
	if err != nil || asked > askersLetters {
		return err
	}
	all, err := identity.MembersThat(&tx.ReadTx, a.Caller, a.MayBeApprovedBy)
	if err != nil {
		return err
	}
	for _, m := range all[:min(len(all), approversMax)] {
		if err := p.Identity.TellOwner(tx, m, n); err != nil {
			return err
		}
	}
	return nil
}

// tellDecision writes to the member who has asked, unless the same member has decided or
// is no longer a member of the caller.
func (p *Processor) tellDecision(tx *store.Tx, a party.Approval) error {
	if p.Identity.Letters == nil || a.AskedBy == a.DecidedBy {
		return nil
	}
	n, err := approvalNotice(tx, a, a.DecidedBy)
	if err != nil {
		return err
	}
	n.About = party.NoticeApprovalDecided
	return p.writeToAsker(tx, n)
}

// tellLapse writes to the member who has asked and to those who may approve, in the commit
// that ends the approval.
func (p *Processor) tellLapse(tx *store.Tx, a party.Approval) error {
	if p.Identity.Letters == nil {
		return nil
	}
	n, err := approvalNotice(tx, a, a.AskedBy)
	if err != nil {
		return err
	}
	n.About = party.NoticeApprovalLapsed
	if err := p.writeToAsker(tx, n); err != nil {
		return err
	}
	return p.writeToApprovers(tx, n)
}

// writeToAsker writes a letter about an approval to the member who has asked for it, if a
// member has, and is still a member of the caller.
func (p *Processor) writeToAsker(tx *store.Tx, n party.Notice) error {
	a := n.Approval
	if a.AskedBy == "" {
		return nil
	}
	all, err := identity.MembershipsOf(&tx.ReadTx, a.AskedBy)
	if err != nil || !slices.ContainsFunc(all, func(m party.Membership) bool { return m.Covers(a.Caller) }) {
		return err
	}
	asker, err := partyOf(&tx.ReadTx, a.AskedBy)
	if err != nil {
		return err
	}
	return p.Identity.TellOwner(tx, asker, n)
}

// approvalNotice describes an approval for a letter. by is the member who asked or
// decided; empty for a command.
func approvalNotice(tx *store.Tx, a party.Approval, by party.ID) (n party.Notice, err error) {
	n.Approval = a
	caller, err := callerOf(&tx.ReadTx, a.Caller)
	if err != nil {
		return n, err
	}
	n.Caller, n.Limit = caller.Name, caller.ApproveAbove
	t, found, err := tx.Transaction(a.Caller, holdfast.TransactionID(a.Object))
	if err != nil {
		return n, err
	}
	if reference := string(t.Reference); found && !party.LooksLikeCard(reference) {
		n.Reference = reference
	}
	if by == "" {
		return n, nil
	}
	member, err := partyOf(&tx.ReadTx, by)
	n.Member = member.Email
	return n, err
}
