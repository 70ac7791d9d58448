package holdfast

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast/money"
)

// An Address is a shipping address.
type Address struct {
	Name, Line1, Line2, City, State, Country, Zip, Phone string
}

// Limits of a link's parameters (docs/api/pipelines; FPS Co-Branded Service and
// Query API Reference, Pay).
const (
	callerReferenceMax   = 128  // bytes
	tokenIDMax           = 65   // bytes; real ones have 64
	recipientTokensMax   = 20   // of one link
	usageLimitsMax       = 2    // of one link, in addition to GlobalAmountLimit
	periodMax            = 1200 // hours, days, weeks, months or years
	yearMax              = 9998 // of a token's validity
	pipelineParameterMax = 2048 // bytes; FPS documents no limit, but browsers and proxies have one
)

var (
	cardAmountMin = money.Cents(2)         // "above $0.01"
	paymentMax    = money.Cents(10_000_00) // $10,000

	// pipelineMethods are the payment methods that a sender can choose on the
	// pages.
	pipelineMethods = []PaymentMethod{MethodABT, MethodACH, MethodCC}

	// plainHost excludes characters that have a special meaning in the HTTP
	// headers of the pages.
	plainHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]_-]+$`)

	periodForm = regexp.MustCompile(`^([1-9][0-9]{0,3}) (Hour|Day|Week|Month|Year)s?$`)
)

// pipelineURL builds the link to a pipeline, signed with signature version 2
// for GET.
func (c *Client) pipelineURL(pipeline string, l pipelineLink) (string, error) {
	const doing = "building the Co-Branded link"
	if l.mistake != nil {
		return "", fmt.Errorf("%s: %w", doing, l.mistake)
	}
	u, err := parseEndpoint(c.CoBranded)
	if err != nil {
		return "", fmt.Errorf("%s: the client's CoBranded address: %w", doing, err)
	}
	if c.AccessKeyID == "" {
		return "", fmt.Errorf("%s: the client has no AccessKeyID", doing)
	}
	params := append(Params{
		{"callerKey", c.AccessKeyID},
		{"pipelineName", pipeline},
		{"version", VersionCoBranded},
		{"signatureVersion", signatureVersion},
		{"signatureMethod", string(c.method())},
	}, l.params...)
	if u.Path == "" {
		u.Path = "/"
	}
	signature, err := SignHMAC(c.SecretKey, c.method(),
		StringToSign(http.MethodGet, SignedHost(u), u.EscapedPath(), params))
	if err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	u.RawQuery = append(params, Param{"signature", signature}).Encode()
	return u.String(), nil
}

// A pipelineLink is an unfinished link: its parameters, and the first mistake
// in them. Each method that adds a parameter also checks it, so no parameter is
// sent unchecked. Without these checks, a mistake would show only when a sender
// follows the link.
type pipelineLink struct {
	params  Params
	mistake error
}

func (l *pipelineLink) refuse(format string, args ...any) {
	if l.mistake == nil {
		l.mistake = fmt.Errorf(format, args...)
	}
}

// text adds a parameter unless its value is empty.
func (l *pipelineLink) text(name, value string) {
	switch {
	case len(value) > pipelineParameterMax:
		l.refuse("%s is longer than %d bytes", name, pipelineParameterMax)
	case !utf8.ValidString(value) || strings.Contains(value, "\x00"):
		l.refuse("%s: %w", name, errNotText)
	}
	l.params.add(name, value)
}

func (l *pipelineLink) flag(name string, set bool) {
	if set {
		l.text(name, "True")
	}
}

// reference adds a token's reference. It is required and must differ from the
// references of the request's other tokens.
func (l *pipelineLink) reference(name string, value CallerReference, others ...CallerReference) {
	switch {
	case value == "":
		l.refuse("%s is required", name)
	case len(value) > callerReferenceMax:
		l.refuse("%s is longer than %d bytes", name, callerReferenceMax)
	case slices.Contains(others, value):
		l.refuse("%s is also the reference of the other token", name)
	}
	l.text(name, string(value))
}

// amount adds an amount if it is given. It reports whether the server can read
// it.
func (l *pipelineLink) amount(name string, a money.Amount) bool {
	if !a.Given() {
		return false
	}
	l.text(name, a.Decimal())
	_, err := money.Parse(a.Decimal(), a.Currency)
	if err != nil {
		l.refuse("%s: %w", name, err)
	}
	return err == nil
}

// limit adds an amount that is required and must be above zero.
func (l *pipelineLink) limit(name string, a money.Amount) {
	if !l.amount(name, a) || !a.Positive() {
		l.refuse("%s must be an amount above zero", name)
	}
}

// total adds the amount of a payment. It is required, and a card must be able
// to pay it.
func (l *pipelineLink) total(name string, a money.Amount) {
	if !l.amount(name, a) || a.Cmp(cardAmountMin) < 0 || a.Cmp(paymentMax) > 0 {
		l.refuse("%s must be an amount from %v to %v", name, cardAmountMin, paymentMax)
	}
}

// tokens adds token ids, joined by commas. Each must have the form of a token
// id.
func (l *pipelineLink) tokens(name string, ids ...TokenID) {
	words := make([]string, len(ids))
	for i, id := range ids {
		switch {
		case id == "":
			l.refuse("%s: a token id is missing", name)
		case len(id) > tokenIDMax:
			l.refuse("%s is longer than %d bytes", name, tokenIDMax)
		case strings.ContainsAny(string(id), ", \t\r\n"):
			l.refuse("%s is not a token id: it has blanks or commas", name)
		}
		words[i] = string(id)
	}
	l.text(name, strings.Join(words, ","))
}

// recipient adds the recipient token of a marketplace's payment, if there is
// one.
func (l *pipelineLink) recipient(id TokenID) {
	if id != "" {
		l.tokens("recipientToken", id)
	}
}

func (l *pipelineLink) period(name, value string) {
	form := periodForm.FindStringSubmatch(value)
	if form == nil {
		l.refuse("%s is not a period such as 1 Month or 12 Hours", name)
		return
	}
	if n, err := strconv.Atoi(form[1]); err != nil || n > periodMax {
		l.refuse("%s is longer than %d hours, days, weeks, months or years", name, periodMax)
	}
	l.text(name, value)
}

func (l *pipelineLink) validity(start, expiry time.Time) {
	l.time("validityStart", start)
	l.time("validityExpiry", expiry)
	if !start.IsZero() && !expiry.IsZero() && start.Unix() >= expiry.Unix() {
		l.refuse("validityExpiry is not after validityStart")
	}
}

// time adds a time in seconds since 1970, unless it is zero.
func (l *pipelineLink) time(name string, t time.Time) {
	if t.IsZero() {
		return
	}
	if t.Unix() < 1 || t.UTC().Year() > yearMax {
		l.refuse("%s is not between 1970 and %d", name, yearMax)
	}
	l.text(name, strconv.FormatInt(t.Unix(), 10))
}

func (l *pipelineLink) usage(all []UsageTerms) {
	if len(all) > usageLimitsMax {
		l.refuse("there are more than %d UsageLimits", usageLimitsMax)
	}
	for i, u := range all {
		n := strconv.Itoa(i + 1)
		if u.Amount.Given() {
			l.text("usageLimitType"+n, "Amount")
			l.limit("usageLimitValue"+n, u.Amount)
		} else {
			l.text("usageLimitType"+n, "Count")
			l.text("usageLimitValue"+n, strconv.Itoa(u.Count))
		}
		if u.Amount.Given() == (u.Count != 0) || u.Count < 0 || u.Count > math.MaxInt32 {
			l.refuse("UsageLimits: limit %s must have either a Count, from 1 to %d, or an Amount", n, math.MaxInt32)
		}
		if u.Period != "" {
			l.period("usageLimitPeriod"+n, u.Period)
		}
	}
}

// pipelineTerms are the parameters that most pipelines share, with the same
// names and meanings. A pipeline leaves those that it does not have zero.
type pipelineTerms struct {
	returnURL              string
	currency               money.Currency
	paymentReason          string
	paymentMethods         []PaymentMethod
	collectShippingAddress bool
	address                Address
	collectEmailAddress    bool
	recipientCobranding    bool
	cobrandingURL          string
	websiteDescription     string
}

func (l *pipelineLink) terms(t pipelineTerms) {
	methods := make([]string, len(t.paymentMethods))
	for i, m := range t.paymentMethods {
		if methods[i] = string(m); !slices.Contains(pipelineMethods, m) {
			l.refuse("PaymentMethods has %q, which is not one of %v", m, pipelineMethods)
		}
	}
	if t.collectShippingAddress && t.address != (Address{}) {
		l.refuse("Address and CollectShippingAddress exclude each other")
	}
	l.text("returnURL", t.returnURL)
	if err := checkReturnURL(t.returnURL); err != nil {
		l.refuse("%w", err)
	}
	l.text("currencyCode", string(t.currency))
	l.text("paymentReason", t.paymentReason)
	l.text("paymentMethod", strings.Join(methods, ","))
	l.flag("collectShippingAddress", t.collectShippingAddress)
	l.text("addressName", t.address.Name)
	l.text("addressLine1", t.address.Line1)
	l.text("addressLine2", t.address.Line2)
	l.text("city", t.address.City)
	l.text("state", t.address.State)
	l.text("country", t.address.Country)
	l.text("zip", t.address.Zip)
	l.text("phoneNumber", t.address.Phone)
	l.flag("collectEmailAddress", t.collectEmailAddress)
	l.flag("isRecipientCobranding", t.recipientCobranding)
	l.text("cobrandingUrl", t.cobrandingURL)
	if u, err := url.Parse(t.cobrandingURL); t.cobrandingURL != "" &&
		(err != nil || u.Scheme != "https" && !OnThisMachine(u) || !isPlain(u)) {
		l.refuse("CobrandingURL is not an absolute https address")
	}
	l.text("websiteDescription", t.websiteDescription)
}

// OnThisMachine reports whether u is an http address of the local machine. A
// logo may come from there, so that you can try out a shop without a
// certificate. All other logos need https.
func OnThisMachine(u *url.URL) bool {
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && ip.IsLoopback())
}

// isPlain reports whether an address has a host and no user.
func isPlain(u *url.URL) bool { return u.User == nil && plainHost.MatchString(u.Host) }

// unicodeHost is plainHost plus letters outside of ASCII, which the server
// converts to ASCII.
var unicodeHost = regexp.MustCompile(`^[A-Za-z0-9.:\[\]_\x{80}-\x{10FFFF}-]+$`)

func checkReturnURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || !isHTTP(u) && !IsAppScheme(u.Scheme) || u.User != nil || !unicodeHost.MatchString(u.Host) {
		return errors.New("ReturnURL is not an absolute address with a host and without a user")
	}
	own, err := ParseParams(u.RawQuery)
	if err != nil {
		return fmt.Errorf("ReturnURL: %w", err)
	}
	for _, name := range slices.Concat(returnFields, ReservedFields()) {
		if _, taken := own.Fold(name); taken {
			return fmt.Errorf("the query of ReturnURL has a parameter %s, which the server needs for its answer", name)
		}
	}
	return nil
}
