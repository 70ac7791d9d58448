package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// NewCheckout is the body of create-checkout.
type NewCheckout struct {
	Type       string       `json:"type" enum:"single_use,multi_use,recurring" doc:"single_use: one payment within three hours. multi_use: payments up to total_limit. recurring: one payment in each period."`
	Amount     *Money       `json:"amount,omitempty" doc:"The total, with tax and shipping. multi_use: of each payment, and may be missing. From 0.02 to 10,000 dollars."`
	AmountType string       `json:"amount_type,omitempty" enum:"exact,maximum,minimum" doc:"multi_use: what amount means for each payment. Without it: exact."`
	TotalLimit *Money       `json:"total_limit,omitempty" doc:"multi_use, required: the most that all payments may take together."`
	Limits     []UsageLimit `json:"limits,omitempty" maxItems:"2" doc:"multi_use: further limits."`
	Period     string       `json:"period,omitempty" pattern:"^[1-9][0-9]{0,3} (hour|day|week|month|year)s?$" patternDescription:"a number and a unit, such as 1 month or 2 weeks" example:"1 month" doc:"recurring, required: one payment in each period."`
	Starts     *time.Time   `json:"starts,omitempty" doc:"multi_use and recurring: from when the token can be used. Without it, at once."`
	Expires    *time.Time   `json:"expires,omitempty" doc:"multi_use and recurring: until when the token can be used. Without it, multi_use lasts a year, and recurring does not end."`
	Reserve    bool         `json:"reserve,omitempty" doc:"single_use: you will make a hold with the token, not a payment at once. The pages then offer only cards."`
	Breakdown  *Breakdown   `json:"breakdown,omitempty" doc:"single_use: the parts of the amount, shown to the buyer."`

	Reference      string            `json:"reference,omitempty" maxLength:"128" example:"order-1001" doc:"Your own name for the token, such as an order number. Each token needs a reference of its own. The default is the Idempotency-Key."`
	Description    string            `json:"description,omitempty" maxLength:"2048" example:"Two mugs" doc:"What the payment is for. The buyer sees it."`
	ReturnURL      string            `json:"return_url" minLength:"1" maxLength:"2048" example:"https://shop.example.com/thanks?order=1001" doc:"Where the browser goes in the end: an http or https address, or one with an application's scheme that the operator has allowed. Its query must not have the names of the answer, such as status."`
	Language       string            `json:"language,omitempty" enum:"en-US,en-GB,de,de-AT,de-CH,es,es-419,es-US" doc:"Of the pages. The default is the language of the browser."`
	SiteName       string            `json:"site_name,omitempty" maxLength:"200" doc:"The name of your site in the link back to it. Without it, the caller's name."`
	LogoURL        string            `json:"logo_url,omitempty" maxLength:"2048" doc:"The https address of a logo of at most 215 by 40 pixels."`
	PaymentMethods []string          `json:"payment_methods,omitempty" maxItems:"3" enum:"card,bank_account,balance" doc:"What the buyer may pay with. Without it, everything. A hold needs a card."`
	Recipients     []string          `json:"recipients,omitempty" maxItems:"20" doc:"Marketplaces: the recipient tokens that may be paid. Only multi_use may have several."`
	ShowRecipient  bool              `json:"show_recipient,omitempty" doc:"Marketplaces: the pages also name the recipient."`
	CollectEmail   bool              `json:"collect_email,omitempty" doc:"You get the buyer's e-mail address."`
	CollectAddress bool              `json:"collect_address,omitempty" doc:"The buyer chooses the address that you ship to."`
	ShipTo         *Address          `json:"ship_to,omitempty" doc:"The address that you ship to, if you know it. It is shown to the buyer. Not with collect_address."`
	Metadata       map[string]string `json:"metadata,omitempty" maxProperties:"20" doc:"What you want to keep with the checkout: at most 20 keys of 40 characters, with values of 500."`
}

// A UsageLimit limits the payments of a multi-use token, in all or in each period.
type UsageLimit struct {
	Count  int    `json:"count,omitempty" minimum:"1" maximum:"1000000000" doc:"How many payments. Give this or amount."`
	Amount *Money `json:"amount,omitempty" doc:"How much the payments may take together."`
	Period string `json:"period,omitempty" pattern:"^[1-9][0-9]{0,3} (hour|day|week|month|year)s?$" patternDescription:"a number and a unit, such as 1 month or 2 weeks" example:"1 month" doc:"Without it, the limit never begins again."`
}

// A Breakdown says what an amount is made of.
type Breakdown struct {
	Items        *Money `json:"items,omitempty"`
	Shipping     *Money `json:"shipping,omitempty"`
	Handling     *Money `json:"handling,omitempty"`
	GiftWrapping *Money `json:"gift_wrapping,omitempty"`
	Discount     *Money `json:"discount,omitempty" doc:"It is subtracted from the others."`
	Tax          *Money `json:"tax,omitempty"`
}

var (
	checkoutTypes = words[payment.Pipeline]{
		{"single_use", payment.PipelineSingleUse},
		{"multi_use", payment.PipelineMultiUse},
		{"recurring", payment.PipelineRecurring},
	}
	amountTypes = words[holdfast.AmountType]{
		{"exact", holdfast.AmountExact}, {"maximum", holdfast.AmountMaximum}, {"minimum", holdfast.AmountMinimum},
	}
	paymentMethods = words[holdfast.PaymentMethod]{
		{"card", holdfast.MethodCC},
		{"bank_account", holdfast.MethodACH},
		{"balance", holdfast.MethodABT},
		{"prepaid", holdfast.MethodPrepaid},
		{"credit", holdfast.MethodDebt},
	}
)

// A sentField is a field of a checkout as a parameter of a Co-Branded request.
type sentField struct {
	name    string // of the parameter
	value   string // empty if the field was not sent
	pointer string // to the field
	only    string // the types of checkouts that have the field; empty means all
	advice  string // what the field must be
}

type sentFields []sentField

const (
	onlySingle  = "single_use"
	onlyMulti   = "multi_use"
	onlyLasting = "multi_use and recurring"

	adviceAmount = "It must be from 0.02 to 10000.00 dollars, and within total_limit."
	adviceText   = "It must be text without control characters; the whole request has at most 16 KiB."
)

// sent returns the body as parameters. It refuses fields that the type of checkout
// does not have, which the pipelines would ignore.
func (c *NewCheckout) sent() (sentFields, error) {
	all := slices.Concat(c.payment(), c.lasting(), c.pages())
	var faults []Fault
	for _, f := range all {
		if f.value != "" && f.only != "" && !strings.Contains(f.only, c.Type) {
			faults = append(faults, Fault{
				Pointer: f.pointer, Code: InvalidValue, Detail: "Only checkouts of the type " + f.only + " have this field.",
			})
		}
	}
	for i, l := range c.Limits {
		if (l.Count == 0) == (l.Amount == nil) {
			faults = append(faults, Fault{
				Pointer: fmt.Sprintf("/limits/%d", i), Code: InvalidValue, Detail: "Give either count or amount.",
			})
		}
	}
	if c.CollectAddress && c.ShipTo != nil {
		faults = append(faults, Fault{Pointer: "/ship_to", Code: InvalidValue, Detail: "Do not give it with collect_address."})
	}
	if len(faults) > 0 {
		return nil, newProblem(InvalidRequest, "", faults...)
	}
	return all, nil
}

func (c *NewCheckout) payment() sentFields {
	b := c.Breakdown
	if b == nil {
		b = &Breakdown{}
	}
	all := sentFields{
		{name: "pipelineName", value: string(checkoutTypes.engine(c.Type)), pointer: "/type"},
		{name: "transactionAmount", value: decimal(c.Amount), pointer: "/amount", advice: adviceAmount},
		{
			name: "amountType", value: string(amountTypes.engine(c.AmountType)), pointer: "/amount_type", only: onlyMulti,
		},
		{name: "reserve", value: yes(c.Reserve), pointer: "/reserve", only: onlySingle},
	}
	for _, part := range []struct {
		name   payment.BreakdownPart
		field  string
		amount *Money
	}{
		{payment.PartItems, "items", b.Items},
		{payment.PartShipping, "shipping", b.Shipping},
		{payment.PartHandling, "handling", b.Handling},
		{payment.PartGiftWrapping, "gift_wrapping", b.GiftWrapping},
		{payment.PartDiscount, "discount", b.Discount},
		{payment.PartTax, "tax", b.Tax},
	} {
		all = append(all, sentField{
			name: string(part.name), value: decimal(part.amount), pointer: "/breakdown/" + part.field, only: onlySingle,
		})
	}
	return all
}

// lasting are the fields of tokens that can be used again.
func (c *NewCheckout) lasting() sentFields {
	all := sentFields{
		{
			name: "globalAmountLimit", value: decimal(c.TotalLimit), pointer: "/total_limit", only: onlyMulti,
			advice: "It must be above zero.",
		},
		{name: "recurringPeriod", value: c.Period, pointer: "/period", only: "recurring", advice: "It is at most 1200 units."},
		{
			name: "validityStart", value: moment(c.Starts), pointer: "/starts", only: onlyLasting,
			advice: "It must not be over, and at most a year ahead.",
		},
		{
			name: "validityExpiry", value: moment(c.Expires), pointer: "/expires", only: onlyLasting,
			advice: "It must be ahead, and after starts.",
		},
	}
	for i, l := range c.Limits {
		n, pointer := strconv.Itoa(i+1), fmt.Sprintf("/limits/%d", i)
		kind, value := string(payment.LimitCount), strconv.Itoa(l.Count)
		if l.Amount != nil {
			kind, value = string(payment.LimitAmount), decimal(l.Amount)
		}
		all = append(all,
			sentField{name: "usageLimitType" + n, value: kind, pointer: pointer, only: onlyMulti},
			sentField{name: "usageLimitValue" + n, value: value, pointer: pointer, advice: "It must be above zero."},
			sentField{name: "usageLimitPeriod" + n, value: l.Period, pointer: pointer + "/period", advice: "It is at most 1200 units."})
	}
	return all
}

// pages are the fields that every checkout has.
func (c *NewCheckout) pages() sentFields {
	a := c.ShipTo
	if a == nil {
		a = &Address{}
	}
	var methods []string
	for _, m := range c.PaymentMethods {
		methods = append(methods, string(paymentMethods.engine(m)))
	}
	recipients := "recipientToken"
	if c.Type == onlyMulti {
		recipients = "recipientTokenList"
	}
	return sentFields{
		{name: "callerReference", value: c.Reference, pointer: "/reference", advice: "It has at most 128 bytes of text."},
		{name: "paymentReason", value: c.Description, pointer: "/description", advice: adviceText},
		{
			name: "returnURL", value: c.ReturnURL, pointer: "/return_url",
			advice: "It must be an address that a browser opens, with a scheme that you may use, and without the names of " +
				"the answer in its query.",
		},
		{name: "websiteDescription", value: c.SiteName, pointer: "/site_name", advice: adviceText},
		{
			name: "cobrandingUrl", value: c.LogoURL, pointer: "/logo_url",
			advice: "It must be an https address, or an http address of this machine.",
		},
		{
			name: "paymentMethod", value: strings.Join(methods, ","), pointer: "/payment_methods",
			advice: "The recipients accept none of these ways to pay. A hold needs card.",
		},
		{
			name: recipients, value: strings.Join(c.Recipients, ","), pointer: "/recipients",
			advice: "Each must be an active recipient token of yours. Only multi_use may have several, and a caller with a " +
				"network account has none.",
		},
		{name: "isRecipientCobranding", value: yes(c.ShowRecipient), pointer: "/show_recipient"},
		{name: "collectEmailAddress", value: yes(c.CollectEmail), pointer: "/collect_email"},
		{name: "collectShippingAddress", value: yes(c.CollectAddress), pointer: "/collect_address"},
		{name: "addressName", value: a.Name, pointer: "/ship_to/name", advice: adviceText},
		{name: "addressLine1", value: a.Line1, pointer: "/ship_to/line1", advice: adviceText},
		{name: "addressLine2", value: a.Line2, pointer: "/ship_to/line2", advice: adviceText},
		{name: "city", value: a.City, pointer: "/ship_to/city", advice: adviceText},
		{name: "state", value: a.State, pointer: "/ship_to/state", advice: adviceText},
		{name: "zip", value: a.Zip, pointer: "/ship_to/zip", advice: adviceText},
		{name: "country", value: a.Country, pointer: "/ship_to/country", advice: adviceText},
		{name: "phoneNumber", value: a.Phone, pointer: "/ship_to/phone", advice: adviceText},
	}
}

// params are the parameters that were sent.
func (all sentFields) params() (p holdfast.Params) {
	for _, f := range all {
		if f.value != "" {
			p = append(p, holdfast.Param{Name: f.name, Value: f.value})
		}
	}
	return p
}

// refused is the problem for a checkout that a pipeline refuses.
func (all sentFields) refused(end *payment.PipelineEnd) error {
	if len(end.Names()) == 0 {
		if end.Status == holdfast.ReturnNotMarketplace {
			return newProblem("not_allowed", "You are not registered as a marketplace and cannot name recipients.", Fault{
				Pointer: "/recipients", Code: InvalidValue, Detail: "Only marketplaces may name recipients.",
			})
		}
		return newProblem(InvalidRequest, end.Message)
	}
	p := newProblem(InvalidRequest, "")
	for _, name := range end.Names() {
		p.Errors = append(p.Errors, all.fault(name))
	}
	return p
}

// fault says what is wrong with the field of a parameter.
func (all sentFields) fault(name string) Fault {
	i := slices.IndexFunc(all, func(f sentField) bool { return f.name == name })
	if i < 0 {
		return Fault{Code: InvalidValue, Detail: "The request is not complete."}
	}
	f := Fault{Pointer: all[i].pointer, Code: InvalidValue, Detail: all[i].advice}
	switch {
	case all[i].value == "":
		f.Code, f.Detail = MissingField, "A checkout of this type needs it. "+f.Detail
	case f.Detail == "":
		f.Detail = "It cannot be used here."
	}
	f.Detail = strings.TrimSpace(f.Detail)
	return f
}

func decimal(m *Money) string {
	if m == nil {
		return ""
	}
	return string(m.Amount)
}

// moment is a time in whole seconds, as the pipelines keep it.
func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func yes(set bool) string {
	if set {
		return "True"
	}
	return ""
}
