package account

import (
	"net/url"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// letterWords have the ids of the messages of a letter.
type letterWords struct{ subject, text string }

// approvalWords are those of the letters about approvals.
type approvalWords struct{ asked, approved, declined letterWords }

var approvalLetters = map[party.ApprovalAction]approvalWords{
	party.ApproveSettle: {
		letterWords{"mail-approval.settle-asked-subject", "mail-approval.settle-asked"},
		letterWords{"mail-approval.settle-approved-subject", "mail-approval.settle-approved"},
		letterWords{"mail-approval.settle-declined-subject", "mail-approval.settle-declined"},
	},
	party.ApproveRefund: {
		letterWords{"mail-approval.refund-asked-subject", "mail-approval.refund-asked"},
		letterWords{"mail-approval.refund-approved-subject", "mail-approval.refund-approved"},
		letterWords{"mail-approval.refund-declined-subject", "mail-approval.refund-declined"},
	},
}

// aboutApproval composes a letter to a member who may approve an action, or to the one
// that has asked for it.
func (l Letters) aboutApproval(w webui.Words, n party.Notice) (subject, text string) {
	a := n.Approval
	ids, foot := approvalLetters[a.Action].asked, w.T("mail-approval.why-asked")
	if n.About == party.NoticeApprovalDecided {
		foot = w.T("mail-approval.why-decided")
		ids = approvalLetters[a.Action].approved
		if a.State == party.ApprovalDeclined {
			ids = approvalLetters[a.Action].declined
		}
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
	if n.About == party.NoticeApprovalAsked {
		facts += "\n" + w.T("mail-approval.until", "Until", w.Moment(a.Until()))
	}
	return w.T(ids.subject, "Amount", amount, "Caller", n.Caller), l.text(
		w.T(ids.text, "Member", member, "Amount", amount, "Caller", n.Caller), facts,
		l.console("c/"+url.PathEscape(string(a.Caller))+"/approvals/"+url.PathEscape(string(a.ID))), foot)
}
