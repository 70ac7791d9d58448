package holdfast

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast/money"
)

// A SingleUseRequest sends a buyer to authorise one payment (Co-Branded
// Service, SingleUse pipeline). What is left zero is not sent.
type SingleUseRequest struct {
	CallerReference   CallerReference // required, a new one for each link; at most 128 bytes
	ReturnURL         string          // required; where the buyer comes back to, possibly with a query of its own
	TransactionAmount money.Amount    // required; the total, tax and shipping included
	PaymentReason     string          // what is paid for, as the buyer reads it
	PaymentMethods    []PaymentMethod // none means whatever the server offers
	Reserve           bool            // true when Reserve will follow, which takes cards only

	// The breakdown is shown to the buyer, a line for each that is given.
	ItemTotal, Shipping, Handling, GiftWrapping, Discount, Tax money.Amount

	CollectShippingAddress bool    // the buyer chooses an address, which comes back in the Return
	Address                Address // where the shop means to send it; excludes CollectShippingAddress

	CobrandingURL      string // https address of a logo of at most 215×40 pixels
	WebsiteDescription string // names the shop in the link back to it
	RecipientToken     string // marketplaces only; at most 65 bytes
}

// An Address is a shipping address.
type Address struct {
	Name, Line1, Line2, City, State, Country, Zip, Phone string
}

const (
	pipelineSingleUse    = "SingleUse"
	callerReferenceMax   = 128  // bytes
	recipientTokenMax    = 65   // bytes
	pipelineParameterMax = 2048 // bytes; no limit is documented, but the link has to pass browsers and proxies
)

// returnFields are what the server adds to a return URL and a Return is read
// from.
var returnFields = []string{
	"status", "tokenID", "callerReference", "expiry", "errorMessage",
	"addressName", "addressLine1", "addressLine2", "city", "state", "country", "zip", "phoneNumber",
}

// SingleUseURL makes the link that starts the pipeline, signed with signature
// version 2 for GET. It fails when a required field is missing or one is too
// long, and when the ReturnURL's own query has a name that the answer needs.
func (c *Client) SingleUseURL(r SingleUseRequest) (string, error) {
	const doing = "building the Co-Branded link"
	if err := r.check(); err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	u, err := parseEndpoint(c.CoBranded)
	if err != nil {
		return "", fmt.Errorf("%s: the client's CoBranded address: %w", doing, err)
	}
	if c.AccessKeyID == "" {
		return "", fmt.Errorf("%s: the client has no AccessKeyID", doing)
	}
	params := Params{
		{"callerKey", c.AccessKeyID},
		{"pipelineName", pipelineSingleUse},
		{"version", VersionCoBranded},
		{"signatureVersion", signatureVersion},
		{"signatureMethod", string(c.method())},
	}
	params = append(params, r.params()...)
	if u.Path == "" {
		u.Path = "/"
	}
	signature, err := SignHMAC(c.SecretKey, c.method(), StringToSign(http.MethodGet, SignedHost(u), u.EscapedPath(), params))
	if err != nil {
		return "", fmt.Errorf("%s: %w", doing, err)
	}
	u.RawQuery = append(params, Param{"signature", signature}).Encode()
	return u.String(), nil
}

func (r SingleUseRequest) params() Params {
	methods := make([]string, len(r.PaymentMethods))
	for i, m := range r.PaymentMethods {
		methods[i] = string(m)
	}
	var p Params
	p.add("callerReference", string(r.CallerReference))
	p.add("returnURL", r.ReturnURL)
	p.add("transactionAmount", r.TransactionAmount.Decimal())
	p.add("currencyCode", string(r.TransactionAmount.Currency))
	p.add("paymentReason", r.PaymentReason)
	p.add("paymentMethod", strings.Join(methods, ","))
	p.addFlag("reserve", r.Reserve)
	for _, line := range r.breakdown() {
		if line.amount.Given() {
			p.add(line.name, line.amount.Decimal())
		}
	}
	p.addFlag("collectShippingAddress", r.CollectShippingAddress)
	p.add("addressName", r.Address.Name)
	p.add("addressLine1", r.Address.Line1)
	p.add("addressLine2", r.Address.Line2)
	p.add("city", r.Address.City)
	p.add("state", r.Address.State)
	p.add("country", r.Address.Country)
	p.add("zip", r.Address.Zip)
	p.add("phoneNumber", r.Address.Phone)
	p.add("cobrandingUrl", r.CobrandingURL)
	p.add("websiteDescription", r.WebsiteDescription)
	p.add("recipientToken", r.RecipientToken)
	return p
}

func (p *Params) addFlag(name string, set bool) {
	if set {
		p.add(name, "True")
	}
}

type breakdownLine struct {
	name   string
	amount money.Amount
}

func (r SingleUseRequest) breakdown() []breakdownLine {
	return []breakdownLine{
		{"itemTotal", r.ItemTotal},
		{"shipping", r.Shipping},
		{"handling", r.Handling},
		{"giftWrapping", r.GiftWrapping},
		{"discount", r.Discount},
		{"tax", r.Tax},
	}
}

// check finds the mistakes that would only show when a buyer follows the link.
func (r SingleUseRequest) check() error {
	switch {
	case r.CallerReference == "":
		return errors.New("CallerReference is required")
	case len(r.CallerReference) > callerReferenceMax:
		return fmt.Errorf("CallerReference is longer than %d bytes", callerReferenceMax)
	case !r.TransactionAmount.Positive():
		return errors.New("TransactionAmount is required and has to be above zero")
	case r.Reserve && len(r.PaymentMethods) > 0 && !slices.Contains(r.PaymentMethods, MethodCC):
		return errors.New("PaymentMethods leave out CC, and Reserve takes nothing else")
	case r.CollectShippingAddress && r.Address != (Address{}):
		return errors.New("Address is not used when CollectShippingAddress is set")
	case len(r.RecipientToken) > recipientTokenMax:
		return fmt.Errorf("RecipientToken is longer than %d bytes", recipientTokenMax)
	}
	for _, line := range append(r.breakdown(), breakdownLine{"transactionAmount", r.TransactionAmount}) {
		if !line.amount.Given() {
			continue
		}
		if _, err := money.Parse(line.amount.Decimal(), line.amount.Currency); err != nil {
			return fmt.Errorf("%s: %w", line.name, err)
		}
	}
	for _, p := range r.params() {
		if len(p.Value) > pipelineParameterMax {
			return fmt.Errorf("%s is longer than %d bytes", p.Name, pipelineParameterMax)
		}
	}
	if r.CobrandingURL != "" && !strings.HasPrefix(r.CobrandingURL, "https://") {
		return errors.New("CobrandingURL is not an https address")
	}
	return checkReturnURL(r.ReturnURL)
}

func checkReturnURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || !isHTTP(u) || u.Host == "" {
		return errors.New("ReturnURL is not an absolute http or https address")
	}
	own, err := ParseParams(u.RawQuery)
	if err != nil {
		return fmt.Errorf("ReturnURL: %w", err)
	}
	for _, name := range slices.Concat(returnFields, signatureFields) {
		if _, taken := own.Fold(name); taken {
			return fmt.Errorf("ReturnURL has a parameter %s of its own, which the answer needs", name)
		}
	}
	return nil
}
