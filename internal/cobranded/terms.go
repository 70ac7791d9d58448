package cobranded

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// An agreement describes a request in words: the question, its terms, what they
// mean for the sender, and the label of the button.
type agreement struct {
	Asks     string       // shown after the seller's name
	Amount   money.Amount // shown large, if given
	Terms    []account.Term
	Heading  string
	Calm     string // says what is not charged
	Note     string
	Agree    string
	PayWords string // the label of the chosen instrument
}

// agreement puts the call's request into words.
func (c *call) agreement() agreement {
	w, r, caller := c.words, c.request, c.started.caller.Name
	amount := account.Amount(w, r.Amount)
	a := agreement{
		Heading: w.T("confirm.heading"), Calm: w.T("confirm.not-here"), PayWords: w.T("confirm.pay-with"), Terms: c.terms(),
	}
	switch r.Pipeline {
	case payment.PipelineSingleUse:
		a.Amount = r.Amount
		a.Asks, a.Agree = w.T("single-use.asks"), w.T("single-use.agree", "Amount", amount)
		a.Note = w.T("single-use.note", "Caller", caller, "Amount", amount)
		if r.Reserve {
			a.Calm, a.Note = w.T("confirm.not-yet"), w.T("single-use.note-reserve", "Caller", caller, "Amount", amount)
		}
		if c.holdsOnPage() {
			c.agreeToHold(&a)
		}
	case payment.PipelineMultiUse:
		a.Asks, a.Agree = w.T("multi-use.asks"), w.T("multi-use.agree")
		a.Note = w.T("multi-use.note", "Caller", caller)
	case payment.PipelineRecurring:
		a.Amount = r.Amount
		a.Asks, a.Agree = w.T("recurring.asks"), w.T("recurring.agree")
		a.Note = w.T("recurring.note", "Caller", caller, "Amount", amount, "Every", account.Every(w, r.Period))
	case payment.PipelineRecipient:
		a.Asks, a.Agree = w.T("recipient.asks"), w.T("recipient.agree")
		a.Heading, a.Calm = w.T("confirm.heading-terms"), w.T("confirm.not-you")
		a.Note = w.T("recipient.note", "Caller", caller)
	case payment.PipelineSetupPrepaid:
		a.Asks, a.Agree = w.T("setup-prepaid.asks"), w.T("setup-prepaid.agree")
		a.Note, a.PayWords = w.T("setup-prepaid.note", "Caller", caller, "Amount", amount), w.T("confirm.fill-with")
	case payment.PipelineSetupPostpaid:
		a.Asks, a.Agree = w.T("setup-postpaid.asks"), w.T("setup-postpaid.agree")
		a.Note, a.PayWords = w.T("setup-postpaid.note", "Caller", caller), w.T("confirm.settle-with")
	case payment.PipelineEditToken:
		a.Asks, a.Agree = w.T("edit-token.asks"), w.T("edit-token.agree")
		a.Heading, a.PayWords = w.T("confirm.heading-change"), w.T("confirm.from-now-on")
		a.Note = w.T("edit-token.note", "Caller", caller)
	}
	return a
}

// agreeToHold says that the amount is held by the next step, and where.
func (c *call) agreeToHold(a *agreement) {
	w, named := c.words, []any{
		"Network", c.brand(), "Caller", c.started.caller.Name, "Amount", account.Amount(c.words, c.request.Amount),
	}
	later := w.T("network.charged-later", named...)
	if c.visit.Instrument == payment.CardOnPage {
		a.Agree, a.Note = w.T("network.agree-hold", named...), w.T("network.next-hold", named...)+" "+later
		return
	}
	a.Note = w.T("network.held-now", named...) + " " + later + " " + w.T("network.next-saved")
}

// terms returns the terms of the request.
func (c *call) terms() (all []account.Term) {
	w, r := c.words, c.request
	add := func(label, value string) {
		if value != "" {
			all = append(all, account.Term{Label: label, Value: value})
		}
	}
	if sellers := strings.Join(c.sellers(), ", "); sellers != c.started.caller.Name {
		add(w.T("term.paid-to"), sellers)
	}
	switch r.Pipeline {
	case payment.PipelineMultiUse:
		add(account.Bound(w, r.AmountType), account.Amount(w, r.Amount))
		add(w.T("term.in-all"), account.Amount(w, r.GlobalLimit))
	case payment.PipelineRecurring:
		add(w.T("term.how-often"), w.T("often.once", "Every", account.Every(w, r.Period)))
	case payment.PipelineRecipient:
		all = append(all, c.recipientTerms()...)
	case payment.PipelineSetupPrepaid:
		add(w.T("term.balance"), account.Amount(w, r.Amount))
	case payment.PipelineSetupPostpaid:
		add(w.T("term.debt"), account.Amount(w, r.Amount))
		add(w.T("term.charged"), account.Amount(w, r.GlobalLimit))
	case payment.PipelineEditToken:
		add(w.T("term.approved-for"), c.edited.FriendlyName)
	case payment.PipelineSingleUse:
	}
	for _, u := range r.Usage {
		add(w.T("term.limit"), account.Usage(w, u))
	}
	if r.Pipeline != payment.PipelineSingleUse && r.Pipeline != payment.PipelineEditToken {
		add(w.T("term.from"), w.Day(r.Starts))
		add(w.T("term.until"), w.Day(c.until()))
	}
	return all
}

// until is the end of the approval, or zero if it has no end.
func (c *call) until() time.Time {
	r := c.request
	if r.Expires.IsZero() && r.Pipeline == payment.PipelineMultiUse {
		begins := r.Starts
		if begins.IsZero() {
			begins = c.now
		}
		return begins.AddDate(1, 0, 0)
	}
	return r.Expires
}

func (c *call) recipientTerms() []account.Term {
	w, r, caller := c.words, c.request, c.started.caller.Name
	bears := w.T("fee.theirs", "Caller", caller)
	if r.PaysFee {
		bears = w.T("fee.yours")
	}
	terms := []account.Term{
		{Label: w.T("term.fee", "Caller", caller), Value: account.FeeCeiling(w, r.FeeCeiling)},
		{Label: w.T("term.processing-fee"), Value: bears},
	}
	if len(r.Methods) > 0 {
		terms = append(terms, account.Term{Label: w.T("term.methods"), Value: account.MethodNames(w, r.Methods)})
	}
	return terms
}

// sellers returns the names of the recipients that a marketplace names. It is
// empty if the caller itself is paid.
func (c *call) sellers() (all []string) {
	for _, p := range c.payees {
		if p.Named != "" {
			all = append(all, p.Party.Name)
		}
	}
	return all
}

// headlineMax is how many sellers the first line of the summary names. The
// terms name all.
const headlineMax = 2

// headline names the sellers in one line.
func (c *call) headline(sellers []string) string {
	if len(sellers) <= headlineMax {
		return strings.Join(sellers, ", ")
	}
	return c.words.N("slip.and-others", len(sellers)-1, "Seller", sellers[0])
}

// breakdown returns the parts of the amount.
func (c *call) breakdown() (all []account.Term) {
	for _, l := range c.request.Breakdown {
		value := l.Amount
		if l.Part == payment.PartDiscount {
			value = money.Micros(-value.Micro)
		}
		all = append(all, account.Term{Label: partName(c.words, l.Part), Value: c.words.Dollars(value)})
	}
	return all
}

func partName(w webui.Words, p payment.BreakdownPart) string {
	switch p {
	case payment.PartShipping:
		return w.T("breakdown.shipping")
	case payment.PartHandling:
		return w.T("breakdown.handling")
	case payment.PartGiftWrapping:
		return w.T("breakdown.gift-wrapping")
	case payment.PartDiscount:
		return w.T("breakdown.discount")
	case payment.PartTax:
		return w.T("breakdown.tax")
	case payment.PartItems:
	}
	return w.T("breakdown.items")
}
