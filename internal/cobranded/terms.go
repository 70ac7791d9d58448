package cobranded

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// A term is one line of what is agreed to.
type term struct{ Label, Value string }

// An agreement is a request in words: what is asked, its terms, what it means
// for the party, and what the button says.
type agreement struct {
	Asks     string       // after the seller's name
	Amount   money.Amount // large, if there is one to show
	Terms    []term
	Heading  string
	Stress   string // the first sentence of the note
	Note     string
	Agree    string
	PayWords string // above the instrument chosen
}

// agreement puts the call's request into words.
func (c *call) agreement() agreement {
	seller := c.started.caller.Name
	r := c.request
	a := agreement{Asks: "asks you to authorise", Heading: "Review and confirm", Stress: "Nothing is charged on this page.", PayWords: "Pay with"}
	switch r.Pipeline {
	case payment.PipelineSingleUse:
		a.Amount, a.Agree = r.Amount, "Authorise "+webui.Words{}.Dollars(r.Amount)
		a.Note = fmt.Sprintf("You allow %s to charge up to %s, once, within the next three hours.", seller, webui.Words{}.Dollars(r.Amount))
		if r.Reserve {
			a.Stress = "Nothing is charged yet."
			a.Note = fmt.Sprintf("%s will reserve %s on your card and charge it when your order ships, within seven days. If it does not ship, the reservation lapses.", seller, webui.Words{}.Dollars(r.Amount))
		}
	case payment.PipelineMultiUse:
		a.Asks, a.Agree = "asks you to authorise payments", "Authorise these payments"
		a.Note = fmt.Sprintf("%s may charge you within these limits without asking you again. You can take this back at any time.", seller)
	case payment.PipelineRecurring:
		a.Asks, a.Agree, a.Amount = "asks you to authorise regular payments", "Authorise regular payments", r.Amount
		a.Note = fmt.Sprintf("%s may charge you %s once in every %s without asking you again. You can take this back at any time.", seller, webui.Words{}.Dollars(r.Amount), every(r.Period))
	case payment.PipelineRecipient:
		a.Asks, a.Agree, a.Heading = "asks you to be paid through it", "Accept these terms", "Review the terms"
		a.Stress = "You are not charged."
		a.Note = fmt.Sprintf("%s may have payments made to your account, and refund them out of it. You can take this back at any time.", seller)
	case payment.PipelineSetupPrepaid:
		a.Asks, a.Agree = "asks you to set up a prepaid balance", "Set up the balance"
		a.Note = fmt.Sprintf("%s may charge you to fill a balance that you can spend there, and never holds more of your money than this.", seller)
		a.PayWords = "Fill it with"
	case payment.PipelineSetupPostpaid:
		a.Asks, a.Agree = "asks you to set up payment on account", "Set up the account"
		a.Note = fmt.Sprintf("What you buy is added up, and %s may charge you what you owe.", seller)
		a.PayWords = "Settle it with"
	case payment.PipelineEditToken:
		a.Asks, a.Agree, a.Heading = "asks you to choose how you pay from now on", "Pay with this from now on", "Confirm the change"
		a.Note = fmt.Sprintf("The payments that you have allowed %s stay as they are, but for how you pay them.", seller)
		a.PayWords = "From now on"
	}
	a.Terms = c.terms()
	return a
}

// terms are the lines that hold for the request.
func (c *call) terms() (all []term) {
	add := func(label, value string) {
		if value != "" {
			all = append(all, term{label, value})
		}
	}
	r := c.request
	add("Paid to", c.sellers())
	switch r.Pipeline {
	case payment.PipelineMultiUse:
		add(bound(r.AmountType), dollars(r.Amount))
		add("In all, at most", dollars(r.GlobalLimit))
	case payment.PipelineRecurring:
		add("How often", "once in every "+every(r.Period))
	case payment.PipelineRecipient:
		all = append(all, c.recipientTerms()...)
	case payment.PipelineSetupPrepaid:
		add("Balance, at most", dollars(r.Amount))
	case payment.PipelineSetupPostpaid:
		add("You may owe, at most", dollars(r.Amount))
		add("Charged in all, at most", dollars(r.GlobalLimit))
	case payment.PipelineEditToken:
		add("Authorised for", c.edited.FriendlyName)
	case payment.PipelineSingleUse:
	}
	for _, u := range r.Usage {
		add("Limit", usage(u))
	}
	if r.Pipeline != payment.PipelineSingleUse && r.Pipeline != payment.PipelineEditToken {
		add("From", day(r.Starts))
		add("Until", day(c.until()))
	}
	return all
}

// until is when what is agreed to ends; zero when it does not.
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

func (c *call) recipientTerms() []term {
	r, seller := c.request, c.started.caller.Name
	fee := "none"
	if r.FeeCeiling != nil {
		var parts []string
		if r.FeeCeiling.Fixed.Positive() {
			parts = append(parts, webui.Words{}.Dollars(r.FeeCeiling.Fixed))
		}
		if r.FeeCeiling.Variable > 0 {
			parts = append(parts, r.FeeCeiling.Variable.Percent()+" %")
		}
		if len(parts) > 0 {
			fee = "at most " + strings.Join(parts, " and ")
		}
	}
	bears := seller + " bears it"
	if r.PaysFee {
		bears = "you bear it"
	}
	terms := []term{{"Fee of " + seller + " for each payment", fee}, {"Processing fee", bears}}
	if len(r.Methods) > 0 {
		terms = append(terms, term{"Paid by", methodNames(r.Methods)})
	}
	return terms
}

func methodNames(methods []holdfast.PaymentMethod) string {
	words := map[holdfast.PaymentMethod]string{holdfast.MethodCC: "card", holdfast.MethodACH: "bank debit", holdfast.MethodABT: "balance"}
	all := make([]string, len(methods))
	for i, m := range methods {
		all[i] = words[m]
	}
	return strings.Join(all, ", ")
}

// sellers are whom a marketplace names; nobody when the caller itself is paid.
func (c *call) sellers() string {
	var all []string
	for _, p := range c.payees {
		if p.Named != "" {
			all = append(all, p.Party.Name)
		}
	}
	return strings.Join(all, ", ")
}

// bound is the label of an amount that bounds each payment.
func bound(t holdfast.AmountType) string {
	switch t {
	case holdfast.AmountMinimum:
		return "Each payment, at least"
	case holdfast.AmountMaximum:
		return "Each payment, at most"
	case holdfast.AmountExact:
	}
	return "Each payment"
}

func dollars(a money.Amount) string {
	if !a.Given() {
		return ""
	}
	return webui.Words{}.Dollars(a)
}

func usage(u payment.UsageTerms) string {
	what := strconv.FormatInt(u.Value, 10) + " payments"
	switch {
	case u.Kind == payment.LimitAmount:
		what = webui.Words{}.Dollars(money.Micros(u.Value))
	case u.Value == 1:
		what = "one payment"
	}
	if u.Period.Endless() {
		return "at most " + what + " in all"
	}
	return "at most " + what + " in every " + every(u.Period)
}

// every is a period as people say it.
func every(p payment.Period) string {
	unit := strings.ToLower(string(p.Unit))
	if p.N == 1 {
		return unit
	}
	return fmt.Sprintf("%d %ss", p.N, unit)
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("January 2, 2006")
}
