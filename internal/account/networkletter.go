package account

import (
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Network writes the letter to an operator or a recipient about what a card
// network has done by itself.
func (l Letters) Network(n payment.NetworkNotice) (subject, text string) {
	w := webui.WordsIn(n.Language)
	subject, lead := networkWords(w, n)
	facts := []Term{{w.T("network.amount"), w.Dollars(n.Amount)}}
	if n.Transaction.ID != "" {
		facts = append(facts, Term{w.T("network.transaction"), string(n.Transaction.ID)},
			Term{w.T("network.order"), string(n.Transaction.Reference)})
	}
	facts = append(facts, Term{w.T("network.reference"), n.Reference})
	if n.Reason != "" {
		facts = append(facts, Term{w.T("network.reason"), n.Reason})
	}
	if !n.Due.IsZero() {
		facts = append(facts, Term{w.T("network.due"), w.Moment(n.Due)})
	}
	parts := []string{lead, lines(facts)}
	if n.Caller.Sandbox {
		parts = append(parts, w.T("mail.sandbox"))
	}
	return subject, l.text(parts...)
}

// networkWords are the subject and the first paragraph of a letter. Each key is
// written out, so that a test finds it.
func networkWords(w webui.Words, n payment.NetworkNotice) (subject, lead string) {
	amount, caller := w.Dollars(n.Amount), n.Caller.Name
	switch n.About {
	case payment.AboutInquiry:
		return w.T("network.inquiry-subject", "Amount", amount), w.T("network.inquiry", "Caller", caller)
	case payment.AboutDispute:
		return w.T("network.dispute-subject", "Amount", amount), w.T("network.dispute", "Caller", caller)
	case payment.AboutDisputeWon:
		return w.T("network.dispute-won-subject", "Amount", amount), w.T("network.dispute-won", "Caller", caller)
	case payment.AboutDisputeLost:
		return w.T("network.dispute-lost-subject", "Amount", amount), w.T("network.dispute-lost", "Caller", caller)
	case payment.AboutWarning:
		return w.T("network.warning-subject", "Amount", amount), w.T("network.warning", "Caller", caller)
	case payment.AboutRefundFailed:
		return w.T("network.refund-failed-subject", "Amount", amount), w.T("network.refund-failed", "Caller", caller)
	case payment.AboutOutsideRefund:
		return w.T("network.outside-refund-subject", "Amount", amount), w.T("network.outside-refund", "Caller", caller)
	case payment.AboutAttention:
		return w.T("network.attention-subject", "Amount", amount), w.T("network.attention", "Caller", caller)
	case payment.AboutUnknown:
	}
	return w.T("network.unknown-subject", "Amount", amount), w.T("network.unknown")
}
