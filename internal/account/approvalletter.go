package account

import (
	"net/url"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// letterWords have the ids of the messages of a letter.
type letterWords struct{ subject, text string }

// approvalWords are those of the letters about approvals.
type approvalWords struct{ asked, approved, declined, lapsed letterWords }

var (
	settleLetters = approvalWords{
		letterWords{"mail-approval.settle-asked-subject", "mail-approval.settle-asked"},
		letterWords{"mail-approval.settle-approved-subject", "mail-approval.settle-approved"},
		letterWords{"mail-approval.settle-declined-subject", "mail-approval.settle-declined"},
		letterWords{"mail-approval.settle-lapsed-subject", "mail-approval.settle-lapsed"},
	}
	refundLetters = approvalWords{
		letterWords{"mail-approval.refund-asked-subject", "mail-approval.refund-asked"},
		letterWords{"mail-approval.refund-approved-subject", "mail-approval.refund-approved"},
		letterWords{"mail-approval.refund-declined-subject", "mail-approval.refund-declined"},
		letterWords{"mail-approval.refund-lapsed-subject", "mail-approval.refund-lapsed"},
	}
	limitLetters = approvalWords{
		letterWords{"mail-approval.limit-asked-subject", "mail-approval.limit-asked"},
		letterWords{"mail-approval.limit-approved-subject", "mail-approval.limit-approved"},
		letterWords{"mail-approval.limit-declined-subject", "mail-approval.limit-declined"},
		letterWords{"mail-approval.limit-lapsed-subject", "mail-approval.limit-lapsed"},
	}
	noLimitLetters = approvalWords{
		letterWords{"mail-approval.no-limit-asked-subject", "mail-approval.no-limit-asked"},
		letterWords{"mail-approval.no-limit-approved-subject", "mail-approval.no-limit-approved"},
		letterWords{"mail-approval.no-limit-declined-subject", "mail-approval.no-limit-declined"},
		letterWords{"mail-approval.no-limit-lapsed-subject", "mail-approval.no-limit-lapsed"},
	}
)

func lettersAbout(a party.Approval) approvalWords {
	switch a.Action {
	case party.ApproveRefund:
		return refundLetters
	case party.ApproveLimit:
		if a.Limit().Given() {
			return limitLetters
		}
		return noLimitLetters
	case party.ApproveSettle:
	}
	return settleLetters
}

// aboutApproval composes a letter to a member who may approve an action, or to the one
// that has asked for it.
func (l Letters) aboutApproval(w webui.Words, n party.Notice) (subject, text string) {
	a := n.Approval
	all := lettersAbout(a)
	ids, foot := all.asked, w.T("mail-approval.why-asked")
	if n.Party == a.AskedBy {
		foot = w.T("mail-approval.why-decided")
	}
	switch a.State {
	case party.ApprovalApproved:
		ids = all.approved
	case party.ApprovalDeclined:
		ids = all.declined
	case party.ApprovalLapsed:
		ids = all.lapsed
	case party.ApprovalAsked, party.ApprovalUnneeded:
	}
	member := n.Member
	if member == "" {
		member = w.T("mail-approval.operator")
	}
	amount := w.Dollars(a.Amount)
	object := a.Object
	if n.Reference != "" {
		object = n.Reference + ", " + object
	}
	facts := w.T("mail-approval.payment", "Object", object)
	if a.Action == party.ApproveLimit {
		facts = w.T("mail-approval.limit-now", "Amount", limitIn(w, n.Limit))
	}
	if a.State == party.ApprovalAsked {
		facts += "\n" + w.T("mail-approval.until", "Until", w.Moment(a.Until()))
	}
	return w.T(ids.subject, "Amount", amount, "Caller", n.Caller), l.text(
		w.T(ids.text, "Member", member, "Amount", amount, "Caller", n.Caller), facts,
		l.console("c/"+url.PathEscape(string(a.Caller))+"/approvals/"+url.PathEscape(string(a.ID))), foot)
}

// aboutLimit composes a letter to an owner about a limit for approvals that a command has
// raised or removed.
func (l Letters) aboutLimit(w webui.Words, n party.Notice) (subject, text string) {
	return w.T("mail-approval.raised-subject", "Caller", n.Caller), l.text(
		w.T("mail-approval.raised", "Caller", n.Caller, "User", n.Member), w.T("mail-approval.raised-limits",
			"Before", limitIn(w, n.LimitBefore), "After", limitIn(w, n.Limit)),
		l.console("c/"+url.PathEscape(string(n.CallerID))+"/settings"), w.T("mail-approval.why-raised"))
}

// limitIn is a limit for approvals in words.
func limitIn(w webui.Words, limit money.Amount) string {
	if !limit.Given() {
		return w.T("mail-approval.none")
	}
	return w.Dollars(limit)
}
