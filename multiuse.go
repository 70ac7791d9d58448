package holdfast

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A MultiUseRequest sends a buyer to authorise many payments (Advanced Guide,
// MultiUse pipeline). What is left zero is not sent.
type MultiUseRequest struct {
	CallerReference   CallerReference // required, a new one for each link; at most 128 bytes
	ReturnURL         string          // required; where the buyer comes back to, possibly with a query of its own
	GlobalAmountLimit money.Amount    // required; of all payments together
	TransactionAmount money.Amount    // of each payment, or its bound; at most $10,000
	AmountType        AmountType      // how TransactionAmount bounds each payment; empty means AmountExact
	UsageLimits       []UsageTerms    // at most two; the token has to keep within all of them
	ValidityStart     time.Time       // at most a year ahead, in whole seconds; zero means at once
	ValidityExpiry    time.Time       // in whole seconds; zero means a year after the start
	PaymentReason     string          // what is paid for, as the buyer reads it
	PaymentMethods    []PaymentMethod // none means whatever the server offers

	CollectShippingAddress bool    // the buyer chooses an address, which comes back in the Return
	Address                Address // where the shop means to send to; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the buyer's address comes back in the Return

	CobrandingURL       string    // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string    // names the shop in the link back to it
	RecipientTokens     []TokenID // marketplaces only: whom the token may pay; at most 20, of at most 65 bytes each
	RecipientCobranding bool      // the pages name the sellers behind the RecipientTokens, beside the shop
}

// MultiUseURL makes the link that starts the pipeline, and fails, as
// [Client.SingleUseURL] does.
func (c *Client) MultiUseURL(r MultiUseRequest) (string, error) {
	return c.pipelineURL("MultiUse", r.link())
}

func (r MultiUseRequest) link() (l pipelineLink) {
	l.reference("callerReference", r.CallerReference)
	l.limit("globalAmountLimit", r.GlobalAmountLimit)
	r.bound(&l)
	l.usage(r.UsageLimits)
	l.validity(r.ValidityStart, r.ValidityExpiry)
	if len(r.RecipientTokens) > recipientTokensMax {
		l.refuse("RecipientTokens are more than %d", recipientTokensMax)
	}
	l.tokens("recipientTokenList", r.RecipientTokens...)
	l.terms(pipelineTerms{
		returnURL: r.ReturnURL, currency: r.GlobalAmountLimit.Currency,
		paymentReason: r.PaymentReason, paymentMethods: r.PaymentMethods,
		collectShippingAddress: r.CollectShippingAddress, address: r.Address, collectEmailAddress: r.CollectEmailAddress,
		recipientCobranding: r.RecipientCobranding, cobrandingURL: r.CobrandingURL, websiteDescription: r.WebsiteDescription,
	})
	return l
}

// bound adds what each payment may be. A bound that every payment would exceed,
// or fall short of, is refused.
func (r MultiUseRequest) bound(l *pipelineLink) {
	if r.AmountType != "" && !slices.Contains([]AmountType{AmountExact, AmountMaximum, AmountMinimum}, r.AmountType) {
		l.refuse("AmountType %q does not exist", r.AmountType)
	}
	if !r.TransactionAmount.Given() {
		if r.AmountType != "" {
			l.refuse("AmountType is nothing without a TransactionAmount")
		}
		return
	}
	l.limit("transactionAmount", r.TransactionAmount)
	l.text("amountType", string(r.AmountType))
	switch {
	case l.mistake != nil:
	case r.TransactionAmount.Cmp(paymentMax) > 0:
		l.refuse("transactionAmount is more than %v, and so could never be paid", paymentMax)
	case r.AmountType != AmountMaximum && r.TransactionAmount.Cmp(r.GlobalAmountLimit) > 0:
		l.refuse("transactionAmount is more than globalAmountLimit, and so could never be paid")
	}
}
