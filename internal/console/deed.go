package console

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// A deed is an action on a hold or a payment: a page that asks, and a form that acts.
type deed struct {
	action      payment.Action
	permission  party.Permission
	label, lead string // messages
	danger      bool
	// fields are those of the form, apart from the amount. hasAmount says that an amount
	// can be typed; mustAmount, that one must be.
	fields                func(webui.Words, processor.Case) []webui.Field
	hasAmount, mustAmount bool
	// carryOut acts, and returns the message that says so.
	carryOut func(*Server, *call, processor.Case, wish) (done string, err error)
}

// A wish is what a person has typed.
type wish struct {
	key    string       // of the form
	member party.ID     // the sender
	amount money.Amount // not given means all
	rest   string       // "release" releases the rest of a hold
	reason string
}

const releaseRest = "release"

// deeds are the actions on the page of a hold or a payment that have a page here. A
// part is settled and released on the page of the whole.
var deeds = []deed{
	{
		action: payment.ActSettle, permission: party.MayActOnHolds, label: "console.act.settle",
		lead: "console.act.settle-lead", hasAmount: true, fields: settleFields, carryOut: settleCase,
	},
	{
		action: payment.ActRelease, permission: party.MayActOnHolds, label: "console.act.release",
		lead: "console.act.release-lead", danger: true, hasAmount: true, fields: reasonFields, carryOut: releaseCase,
	},
	{
		action: payment.ActRaise, permission: party.MayActOnHolds, label: "console.act.raise",
		lead: "console.act.raise-lead", hasAmount: true, mustAmount: true, carryOut: raiseCase,
	},
	{
		action: payment.ActRenew, permission: party.MayActOnHolds, label: "console.act.renew",
		lead: "console.act.renew-lead", carryOut: renewCase,
	},
	{
		action: payment.ActRefund, permission: party.MayRefund, label: "console.act.refund",
		lead: "console.act.refund-lead", danger: true, hasAmount: true, fields: describeFields, carryOut: refundCase,
	},
	{
		action: payment.ActResend, permission: party.MayResend, label: "console.act.resend",
		lead: "console.act.resend-lead", carryOut: resendCase,
	},
	{
		action: payment.ActEndToken, permission: party.MayEndTokens, label: "console.act.end-token",
		lead: "console.act.end-token-lead", danger: true, carryOut: endTokenOfCase,
	},
}

func deedOf(a payment.Action) (deed, bool) {
	for _, d := range deeds {
		if d.action == a {
			return d, true
		}
	}
	return deed{}, false
}

// path is the route of the deed.
func (d deed) path() string { return "payments/{payment}/" + d.word() }

func (d deed) word() string { return strings.ReplaceAll(string(d.action), "_", "-") }

// address is the path of the deed for a hold or a payment.
func (d deed) address(of holdfast.TransactionID) string {
	return "payments/" + url.PathEscape(string(of)) + "/" + d.word()
}

// labelIn is the name of the deed.
func (d deed) labelIn(w webui.Words) string { return w.T(d.label) }

// possible says whether the deed is possible now. found is false for an action that
// makes no sense for the case.
func (d deed) possible(of processor.Case) (p payment.Possible, found bool) {
	for _, p := range of.Possible {
		if p.Action == d.action {
			return p, true
		}
	}
	return p, false
}

// askDeed shows the page that asks.
func (s *Server) askDeed(c *call, d deed) error {
	of, err := s.readCase(c)
	if err != nil {
		return err
	}
	p, found := d.possible(of)
	switch {
	case !found:
		return errNotThere
	case !p.OK():
		return s.render(c, page{
			Status: http.StatusConflict, Heading: d.labelIn(c.words), Up: caseLink(c, of),
			Alert: c.words.T(reasonWords[p.Why]),
		})
	}
	return s.askFor(c, d, of, http.StatusOK, d.form(c, of, p))
}

// askFor shows the form of a deed.
func (s *Server) askFor(c *call, d deed, of processor.Case, status int, f webui.Form) error {
	w := c.words
	facts := []fact{
		factOf(w.T("console.reference"), caseName(of)),
		factOf(w.T("console.risk.buyer"), buyerName(c, of.Sender)),
		factOf(w.T("console.case.amount"), w.Dollars(of.Payment.Amount)),
	}
	if of.IsHold() {
		facts[2] = factOf(w.T("console.case.amount"), w.Dollars(of.Hold.Amount()))
		facts = append(
			facts,
			factOf(w.T("console.case.open"), w.Dollars(of.Hold.Open())),
			factOf(w.T("console.case.settled"), w.Dollars(of.Hold.Settled())),
		)
		if deadline := of.Hold.Deadline(); !deadline.IsZero() {
			facts = append(facts, fact{w.T("console.case.deadline"), moment(deadline)})
		}
	}
	return s.confirm(c, status, confirmation{
		Heading: d.labelIn(w), Lead: w.T(d.lead), Up: caseLink(c, of), Chip: caseChip(c, of), Facts: facts, Form: f,
		Danger: d.danger,
	})
}

func caseLink(c *call, of processor.Case) link {
	return link{Label: caseHeading(c, of), Address: caseAddress(c.caller.ID, string(of.ID()))}
}

// form is the form of the deed.
func (d deed) form(c *call, of processor.Case, p payment.Possible) webui.Form {
	w := c.words
	f := webui.Form{Submit: d.labelIn(w)}
	if d.hasAmount {
		field := webui.Field{
			Name: "amount", Label: w.T("console.act.amount"), InputMode: "decimal", Autocomplete: "off",
			MayBeEmpty: !d.mustAmount,
		}
		switch {
		case p.Amount.Given() && d.mustAmount:
			field.Hint = w.T("console.act.at-most", "Amount", w.Dollars(p.Amount))
		case p.Amount.Given():
			field.Hint = w.T("console.act.all", "Amount", w.Dollars(p.Amount))
		}
		f.Fields = append(f.Fields, field)
	}
	if d.fields != nil {
		f.Fields = append(f.Fields, d.fields(w, of)...)
	}
	return f
}

// reasonMax is the length of the longest reason or description, in characters.
const reasonMax = 160

// read reads what was typed into a form. The form then has the errors.
func (d deed) read(c *call, f *webui.Form) (v wish, err error) {
	if v.key, err = c.once(); err != nil {
		return v, err
	}
	v.member = c.Party.ID
	f.Fill(c.form)
	v.rest, v.reason = c.form.Get("rest"), strings.TrimSpace(c.form.Get("reason"))
	switch typed := strings.TrimSpace(c.form.Get("amount")); {
	case !d.hasAmount, typed == "" && !d.mustAmount:
	default:
		amount, ok := readAmount(typed)
		if !ok {
			f.SetError("amount", c.words.T("console.not-an-amount"))
		}
		v.amount = amount
	}
	switch party.CheckLine(v.reason, reasonMax) {
	case "", party.FieldMissing:
	case party.FieldCard:
		f.SetError("reason", c.words.T("form.card-number"))
		f.Clear("reason")
	case party.FieldTooLong, party.FieldNotALine, party.FieldUnknown:
		f.SetError("reason", c.words.T("form.too-long"))
	}
	return v, nil
}

// doDeed carries out what a form asks for. The processor decides whether it is
// possible: the same form sent twice acts once and gets the same answer.
func (s *Server) doDeed(c *call, d deed) error {
	of, err := s.readCase(c)
	if err != nil {
		return err
	}
	p, found := d.possible(of)
	if !found {
		return errNotThere
	}
	f := d.form(c, of, p)
	v, err := d.read(c, &f)
	if err != nil {
		return err
	}
	if !f.Failed() {
		done, refusal := d.carryOut(s, c, of, v)
		if refusal == nil {
			return c.did(done, caseAddress(c.caller.ID, string(of.ID())))
		}
		if needed, ok := errors.AsType[*processor.ApprovalNeededError](refusal); ok {
			if refusal = s.askApproval(c, d.action, of, v, needed); refusal == nil {
				return nil
			}
		}
		if _, refused := refusalOf(refusal); !refused {
			return refusal
		}
		if of, err = s.readCase(c); err != nil { // somebody else may have changed it
			return err
		}
		p, _ = d.possible(of)
		f.Problem = deedProblem(c.words, p, v, refusal)
	}
	return s.askFor(c, d, of, http.StatusUnprocessableEntity, f)
}

// refusalOf is the message of a refusal. refused is false for other errors.
func refusalOf(err error) (message string, refused bool) {
	if errors.Is(err, store.ErrSignedOut) {
		return "", false
	}
	if limit, ok := errors.AsType[*processor.RefundLimitError](err); ok {
		return limit.Error(), true
	}
	if coded, ok := errors.AsType[*holdfast.Error](err); ok {
		return coded.Message, coded.Code != holdfast.InternalError
	}
	if call, ok := errors.AsType[*payment.CallError](err); ok {
		return call.Message, true
	}
	return "", false
}

// deedProblem says why an action was refused.
func deedProblem(w webui.Words, p payment.Possible, v wish, refusal error) string {
	limit, limited := errors.AsType[*processor.RefundLimitError](refusal)
	switch {
	case !p.OK():
		return w.T(reasonWords[p.Why])
	case v.amount.Given() && p.Amount.Given() && v.amount.Cmp(p.Amount) > 0:
		return w.T("console.act.at-most", "Amount", w.Dollars(p.Amount))
	case limited:
		return w.T("console.act.limit", "Amount", w.Dollars(limit.Limit))
	}
	message, _ := refusalOf(refusal)
	return w.T("console.act.refused", "Message", message)
}
