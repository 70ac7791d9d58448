package payment

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// pipelineParameterMax is the largest size of a pipeline's parameter, in bytes.
// FPS documented a limit only for the reference.
const pipelineParameterMax = 2048

// PipelineParam finds a parameter of a Co-Branded request. Clients spell the
// names in several ways. If a request has two spellings, the documented one is
// used.
func PipelineParam(p holdfast.Params, name string) (string, bool) {
	if value, ok := p.Lookup(name); ok {
		return value, true
	}
	param, ok := p.Fold(name)
	return param.Value, ok
}

// paramReader reads parameters and collects the names of the malformed ones.
type paramReader struct {
	params holdfast.Params
	bad    []string
}

func (in *paramReader) refuse(name string) {
	if !slices.Contains(in.bad, name) {
		in.bad = append(in.bad, name)
	}
}

func (in *paramReader) text(name string) string {
	value, _ := PipelineParam(in.params, name)
	if len(value) > pipelineParameterMax {
		in.refuse(name)
		return ""
	}
	return value
}

func (in *paramReader) required(name string, bytesMax int) string {
	value := in.text(name)
	if value == "" || len(value) > bytesMax {
		in.refuse(name)
	}
	return value
}

func (in *paramReader) flag(name string) bool {
	switch value := in.text(name); {
	case holdfast.SameName(value, "true"):
		return true
	case value != "" && !holdfast.SameName(value, "false"):
		in.refuse(name)
	}
	return false
}

func (in *paramReader) oneOf(name string, allowed ...string) {
	if value := in.text(name); value != "" && !slices.Contains(allowed, value) {
		in.refuse(name)
	}
}

func (in *paramReader) amount(name string) (a money.Amount, sent bool) {
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

// total reads a required amount that a card can be charged with.
func (in *paramReader) total(name string) money.Amount {
	a, sent := in.amount(name)
	if !sent || a.Cmp(cardAmountMin) < 0 || a.Cmp(amountMax) > 0 {
		in.refuse(name) // no payment of this amount could ever be made
	}
	return a
}

// limit reads a required amount above zero.
func (in *paramReader) limit(name string) money.Amount {
	a, _ := in.amount(name)
	if !a.Positive() {
		in.refuse(name)
	}
	return a
}

func (in *paramReader) reference(name string) holdfast.CallerReference {
	return holdfast.CallerReference(in.required(name, ReferenceMax))
}

// time reads seconds since 1970, or a time or a day as text. It returns the
// zero time if nothing was sent.
func (in *paramReader) time(name string) time.Time {
	value := in.text(name)
	if value == "" {
		return time.Time{}
	}
	if seconds, err := strconv.ParseInt(value, 10, 64); err == nil && seconds > 0 && seconds <= lastSecond {
		return time.Unix(seconds, 0).UTC()
	}
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, value); err == nil && at.Unix() > 0 && at.Unix() <= lastSecond {
			return at.UTC().Truncate(time.Second)
		}
	}
	in.refuse(name)
	return time.Time{}
}

// lastSecond is the last second of the year 9998. The databases cannot store
// later times.
var lastSecond = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC).Unix() - 1

func (in *paramReader) period(name string, required bool) Period {
	value := in.text(name)
	p, ok := ParsePeriod(value)
	if !ok && (required || value != "") {
		in.refuse(name)
	}
	return p
}

// recipientsMax is the largest number of recipient tokens in one request.
const recipientsMax = 20

// recipients reads a list of recipient tokens, joined by commas.
func (in *paramReader) recipients(name string, limit int) (all []holdfast.TokenID) {
	for id := range strings.SplitSeq(in.text(name), ",") {
		id := holdfast.TokenID(strings.TrimSpace(id))
		switch {
		case id == "":
		case len(id) > tokenIDMax || len(all) == limit || strings.ContainsAny(string(id), " \t\r\n"):
			in.refuse(name)
		case !slices.Contains(all, id):
			all = append(all, id)
		}
	}
	return all
}

// tokenIDMax is the largest size of a token's id, in bytes. Real ids have 64.
const tokenIDMax = 65

// usage reads the two limits that a request may set. Either may be missing: in
// one old program, the second limit overwrote the first.
func (in *paramReader) usage() (all []UsageTerms) {
	for _, n := range []string{"1", "2"} {
		kind := in.text("usageLimitType" + n)
		value, period := in.text("usageLimitValue"+n), in.period("usageLimitPeriod"+n, false)
		terms := UsageTerms{Kind: LimitKind(kind), Period: period}
		switch terms.Kind {
		case "":
			if value != "" || !period.Endless() {
				in.refuse("usageLimitType" + n)
			}
			continue
		case LimitCount:
			terms.Value, _ = strconv.ParseInt(value, 10, 32)
		case LimitAmount:
			a, _ := money.Parse(value, money.USD)
			terms.Value = a.Micro
		default:
			in.refuse("usageLimitType" + n)
			continue
		}
		if terms.Value < 1 {
			in.refuse("usageLimitValue" + n)
		}
		all = append(all, terms)
	}
	return all
}

// percent reads a percentage. It is zero if nothing was sent.
func (in *paramReader) percent(name string) (rate money.Rate, sent bool) {
	value := in.text(name)
	if value == "" {
		return 0, false
	}
	rate, err := money.ParsePercent(value)
	if err != nil {
		in.refuse(name)
	}
	return rate, true
}

// methods reads the list of payment methods. No list means all methods. Reserve
// takes only cards, so reserve reduces the list to CC and refuses a list
// without it.
func (in *paramReader) methods(reserve bool) []holdfast.PaymentMethod {
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

// logoURL reads the address of a picture: https, or on the sender's own
// machine.
func (in *paramReader) logoURL(name string) string {
	value := in.text(name)
	if value == "" {
		return ""
	}
	u, err := url.Parse(value)
	if err != nil || u.Scheme != "https" && !holdfast.OnThisMachine(u) || u.User != nil || !PlainHost(u.Host) {
		in.refuse(name)
		return ""
	}
	return u.String()
}

func (in *paramReader) address() holdfast.Address {
	return holdfast.Address{
		Name: in.text("addressName"), Line1: in.text("addressLine1"), Line2: in.text("addressLine2"),
		City: in.text("city"), State: in.text("state"), Country: in.text("country"),
		Zip: in.text("zip"), Phone: in.text("phoneNumber"),
	}
}

// PlainHost reports whether a host, with or without port, has only the
// characters of host names and addresses. Others could change the meaning of
// the Content-Security-Policy header, which names the host.
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
