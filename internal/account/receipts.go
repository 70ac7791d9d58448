package account

import (
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Receipt writes the mail to a sender about an approval or a movement of money.
// It contains the caller's name, which the operator has set, and a reference that
// is one plain word, but no other text of the caller.
func (l Letters) Receipt(r payment.Receipt) (subject, text string) {
	w := webui.WordsIn(r.Language)
	var parts []string
	if r.About == payment.ReceiptApproved {
		subject, parts = l.approval(w, r)
	} else {
		subject, parts = l.moved(w, r)
	}
	if r.Caller.Sandbox {
		parts = append(parts, w.T("mail.sandbox"))
	}
	foot := w.T("mail.foot", "Address", l.address(""))
	if r.Guest != "" {
		foot = w.T("mail.guest-foot")
	}
	return subject, l.text(append(parts, foot)...)
}

// moved writes about a movement of money.
func (l Letters) moved(w webui.Words, r payment.Receipt) (subject string, parts []string) {
	t, caller := r.Transaction, r.Caller.Name
	amount := w.Dollars(t.Current())
	switch r.About {
	case payment.ReceiptReleased:
		amount = w.Dollars(r.Released)
		released, about := "mail.released", "mail.released-subject"
		switch {
		case r.Held.Positive():
			released, about = "mail.released-part", "mail.released-part-subject"
		case t.Parted(): // the parts have receipts of their own
			released = "mail.released-rest"
		}
		subject = w.T(about, "Amount", amount)
		parts = append(parts, w.T(released, "Amount", amount, "Caller", caller, "Held", w.Dollars(r.Held)))
		if r.Instrument.Method == holdfast.MethodCC {
			parts = append(parts, w.T("mail.released-card"))
		}
	case payment.ReceiptRefunded:
		subject = w.T("mail.refunded-subject", "Amount", amount)
		parts = append(parts, w.T("mail.refunded", "Amount", amount, "Caller", caller))
	case payment.ReceiptCharged, payment.ReceiptApproved:
		switch r.Instrument.Method {
		case holdfast.MethodABT:
			subject = w.T("mail.charged-balance-subject", "Amount", amount)
		case holdfast.MethodACH:
			subject = w.T("mail.charged-bank-subject", "Amount", amount)
		default:
			subject = w.T("mail.charged-card-subject", "Amount", amount)
		}
		parts = append(parts, w.T("mail.charged", "Amount", amount, "Caller", caller))
		if rest := t.Released(); rest.Positive() {
			parts = append(parts, w.T("mail.charged-rest", "Held", w.Dollars(t.Current().Add(rest)), "Rest", w.Dollars(rest)))
		}
	}
	facts := []Term{{w.T("mail.method"), InstrumentIn(w, r.Instrument).Title}}
	if t.Descriptor != "" && r.About == payment.ReceiptCharged && r.Instrument.Method != holdfast.MethodABT {
		facts = append(facts, Term{w.T("mail.statement"), t.Descriptor})
	}
	if r.Reference != "" {
		facts = append(facts, Term{w.T("mail.reference"), r.Reference})
	}
	facts = append(facts, Term{w.T("mail.transaction"), string(t.ID)})
	more := w.T("mail.history", "Address", l.address("history"))
	if r.Guest != "" {
		more = w.T("mail.guest-link", "Address", l.address("guest", "link", r.Guest))
	}
	parts = append(parts, lines(facts))
	if r.Page != "" {
		parts = append(parts, w.T("mail.receipt-link", "Address", l.address("receipt", "link", r.Page)))
	}
	return subject, append(parts, more)
}

// approval writes about an approval of the sender.
func (l Letters) approval(w webui.Words, r payment.Receipt) (subject string, parts []string) {
	caller := r.Caller.Name
	subject, lead := w.T("mail.approved-subject", "Caller", caller), w.T("mail.approved", "Caller", caller)
	if r.Token.OldToken != "" {
		subject, lead = w.T("mail.approval-changed-subject", "Caller", caller), w.T("mail.approval-changed", "Caller", caller)
	}
	terms := tokenFor(w, r.Token) + "\n" + lines(approvalTerms(w, r))
	if r.Guest != "" {
		return subject, []string{
			lead, terms, w.T("mail.guest-link", "Address", l.address("guest", "link", r.Guest)),
			w.T("mail.guest-not-you", "Caller", caller),
		}
	}
	link := l.address("authorisations/one", "token", string(r.Token.Handle()))
	return subject, []string{lead, terms, w.T("mail.approval-link", "Address", link)}
}

// approvalTerms returns the terms of an approval.
func approvalTerms(w webui.Words, r payment.Receipt) (all []Term) {
	t := r.Token
	if t.Amount.Given() {
		all = append(all, Term{Bound(w, t.AmountType), w.Dollars(t.Amount)})
	}
	if !t.Period.Endless() {
		all = append(all, Term{w.T("term.how-often"), w.T("often.once", "Every", Every(w, t.Period))})
	}
	for _, limit := range r.Limits {
		all = append(all, Term{
			w.T("term.limit"), Usage(w, payment.UsageTerms{Kind: limit.Kind, Value: limit.Value, Period: limit.Period}),
		})
	}
	switch {
	case r.Aggregate == nil:
	case r.Aggregate.Method == holdfast.MethodPrepaid:
		all = append(all, Term{w.T("term.balance"), w.Dollars(r.Aggregate.Limit)})
	default:
		all = append(all, Term{w.T("term.debt"), w.Dollars(r.Aggregate.Limit)})
	}
	if t.Use == payment.UseReceive {
		all = append(all, Term{w.T("term.fee", "Caller", r.Caller.Name), FeeCeiling(w, t.FeeCeiling)})
	}
	if r.Instrument.ID != "" {
		all = append(all, Term{w.T("mail.method"), InstrumentIn(w, r.Instrument).Title})
	}
	until := w.T("authorisations.for-ever")
	if !t.Expires.IsZero() {
		until = w.Moment(t.Expires)
	}
	return append(all, Term{w.T("term.until"), until})
}

// lines formats terms for a mail.
func lines(terms []Term) string {
	all := make([]string, len(terms))
	for i, t := range terms {
		all[i] = t.Label + ": " + t.Value
	}
	return strings.Join(all, "\n")
}
