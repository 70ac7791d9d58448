package payment

import (
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// PipelineSingleUse names the pipeline that makes a token for one payment.
const PipelineSingleUse = "SingleUse"

// Pipelines are the names there are; those not built end with a caller error.
var Pipelines = []string{
	PipelineSingleUse, "MultiUse", "Recurring", "Recipient", "SetupPrepaid", "SetupPostpaid", "EditToken",
}

// pipelineParameterMax bounds a pipeline's parameters, in bytes. No limit but
// the reference's is documented.
const pipelineParameterMax = 2048

// A SingleUse is what a caller asks a sender to authorise (Basic Guide,
// "Single-Use Token API").
type SingleUse struct {
	Reference      holdfast.CallerReference
	Amount         money.Amount
	Methods        []holdfast.PaymentMethod // allowed, in the caller's order
	Reserve        bool                     // Reserve will follow, not Pay
	Reason         string                   // as sent; may hold inline tags
	Breakdown      []BreakdownLine
	CollectAddress bool             // the sender chooses where to ship to
	CollectEmail   bool             // the caller is told the sender's e-mail address
	Address        holdfast.Address // where the caller means to ship to, unless collected
	LogoURL        string           // https, or empty
	Website        string           // names the caller's site in the link back
}

// ReadSingleUse reads the parameters of a request that is known to be the
// caller's. Empty ones count as not sent and unknown ones are ignored. The end
// is a caller error naming what is not well formed, or NM for a recipient
// token, since no caller here is a marketplace.
func ReadSingleUse(p holdfast.Params) (SingleUse, *PipelineEnd) {
	in := &input{params: p}
	r := SingleUse{
		Reference: holdfast.CallerReference(in.required("callerReference", ReferenceMax)),
		Amount:    in.total(),
		Reserve:   in.flag("reserve"),
		Reason:    in.text("paymentReason"),
		Breakdown: readBreakdown(in),
		Website:   in.text("websiteDescription"),
		LogoURL:   in.httpsURL("cobrandingUrl"),
	}
	r.Methods = in.methods(r.Reserve)
	in.oneOf("currencyCode", string(money.USD))
	in.oneOf("cobrandingStyle", "logo", "banner")
	in.flag("isRecipientCobranding")
	r.CollectEmail = in.flag("collectEmailAddress")
	if r.CollectAddress = in.flag("collectShippingAddress"); !r.CollectAddress {
		r.Address = in.address()
	}
	switch {
	case len(in.bad) > 0:
		return SingleUse{}, Malformed(in.bad...)
	case in.text("recipientToken") != "":
		return SingleUse{}, &PipelineEnd{
			Status:  holdfast.ReturnNotMarketplace,
			Message: "Caller Error: The caller is not registered as a marketplace and cannot send recipientToken",
		}
	}
	return r, nil
}

// Allows reports whether the sender may pay with an instrument at a time.
func (r SingleUse) Allows(i Instrument, now time.Time) bool {
	return slices.Contains(r.Methods, i.Method) && !i.Expired(now)
}

// Usable picks what a sender may choose from.
func (r SingleUse) Usable(all []Instrument, now time.Time) []Instrument {
	var usable []Instrument
	for _, i := range all {
		if r.Allows(i, now) {
			usable = append(usable, i)
		}
	}
	return usable
}

// Offers reports whether a method is allowed.
func (r SingleUse) Offers(m holdfast.PaymentMethod) bool { return slices.Contains(r.Methods, m) }

// PipelineParam finds a parameter of a Co-Branded request. Clients spell its
// names in several ways; the documented spelling comes first when there are two.
func PipelineParam(p holdfast.Params, name string) (string, bool) {
	if value, ok := p.Lookup(name); ok {
		return value, true
	}
	param, ok := p.Fold(name)
	return param.Value, ok
}

// input reads parameters and collects the names of those that are not well
// formed.
type input struct {
	params holdfast.Params
	bad    []string
}

func (in *input) refuse(name string) {
	if !slices.Contains(in.bad, name) {
		in.bad = append(in.bad, name)
	}
}

func (in *input) text(name string) string {
	value, _ := PipelineParam(in.params, name)
	if len(value) > pipelineParameterMax {
		in.refuse(name)
		return ""
	}
	return value
}

func (in *input) required(name string, bytesMax int) string {
	value := in.text(name)
	if value == "" || len(value) > bytesMax {
		in.refuse(name)
	}
	return value
}

func (in *input) flag(name string) bool {
	switch value := in.text(name); {
	case strings.EqualFold(value, "true"):
		return true
	case value != "" && !strings.EqualFold(value, "false"):
		in.refuse(name)
	}
	return false
}

func (in *input) oneOf(name string, allowed ...string) {
	if value := in.text(name); value != "" && !slices.Contains(allowed, value) {
		in.refuse(name)
	}
}

func (in *input) amount(name string) (a money.Amount, sent bool) {
	value := in.text(name)
	if value == "" {
		return money.Amount{}, false
	}
	a, err := money.Parse(value, money.USD)
	if err != nil {
		in.refuse(name)
	}
	return a, err == nil
}

func (in *input) total() money.Amount {
	const name = "transactionAmount"
	a, sent := in.amount(name)
	if !sent || a.Cmp(cardAmountMin) < 0 || a.Cmp(amountMax) > 0 {
		in.refuse(name) // no payment of it could ever be made
	}
	return a
}

// methods reads the list of payment methods; none sent means all. Reserve takes
// cards only, so it leaves nothing else, and a list without CC contradicts it.
func (in *input) methods(reserve bool) []holdfast.PaymentMethod {
	const name = "paymentMethod"
	methods := []holdfast.PaymentMethod{holdfast.MethodABT, holdfast.MethodCC, holdfast.MethodACH}
	if value := in.text(name); value != "" {
		known := methods
		methods = nil
		for word := range strings.SplitSeq(value, ",") {
			m := holdfast.PaymentMethod(strings.TrimSpace(word))
			if !slices.Contains(known, m) {
				in.refuse(name)
			}
			if !slices.Contains(methods, m) {
				methods = append(methods, m)
			}
		}
	}
	if !reserve {
		return methods
	}
	if !slices.Contains(methods, holdfast.MethodCC) {
		in.refuse(name)
	}
	return []holdfast.PaymentMethod{holdfast.MethodCC}
}

func (in *input) httpsURL(name string) string {
	value := in.text(name)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" || u.User != nil || !PlainHost(u.Host) {
		in.refuse(name)
		return ""
	}
	return u.String()
}

func (in *input) address() holdfast.Address {
	return holdfast.Address{
		Name: in.text("addressName"), Line1: in.text("addressLine1"), Line2: in.text("addressLine2"),
		City: in.text("city"), State: in.text("state"), Country: in.text("country"),
		Zip: in.text("zip"), Phone: in.text("phoneNumber"),
	}
}

// PlainHost reports whether a host, with or without port, is made of the
// characters of host names and addresses alone. Others would have a meaning of
// their own in the header that tells a browser where a page may lead.
func PlainHost(host string) bool {
	const others = ".-:[]_"
	for _, c := range []byte(host) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune(others, rune(c)) {
			return false
		}
	}
	return host != ""
}

func list(names []string) string { return "[" + strings.Join(names, ", ") + "]" }
