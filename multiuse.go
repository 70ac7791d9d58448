package holdfast

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A MultiUseRequest asks a buyer to authorise many payments
// (docs/api/pipelines/MultiUse.md; FPS Advanced Guide). Fields that are zero
// are not sent.
type MultiUseRequest struct {
	CallerReference   CallerReference // required, a new one for each link; at most 128 bytes
	ReturnURL         string          // required; the buyer comes back to it; may have its own query
	GlobalAmountLimit money.Amount    // required; of all payments together
	TransactionAmount money.Amount    // of each payment, or a bound on it; at most $10,000
	AmountType        AmountType      // how TransactionAmount bounds each payment; empty means AmountExact
	UsageLimits       []UsageTerms    // at most two; payments must keep all of them
	ValidityStart     time.Time       // at most a year ahead, in whole seconds; zero means now
	ValidityExpiry    time.Time       // in whole seconds; zero means a year after the start
	PaymentReason     string          // shown to the buyer: what the payment is for
	PaymentMethods    []PaymentMethod // empty means all that the server offers

	CollectShippingAddress bool    // the buyer chooses a shipping address, which the Return has
	Address                Address // the shipping address if the shop knows it; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the Return then has the buyer's e-mail address

	CobrandingURL       string    // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string    // the shop's name in the link back to it
	RecipientTokens     []TokenID // marketplaces only: recipients to be paid; at most 20, of at most 65 bytes each
	RecipientCobranding bool      // the pages also name the sellers of the RecipientTokens
}

// MultiUseURL builds the link to the pipeline. It fails under the same
// conditions as [Client.SingleUseURL].
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
		l.refuse("there are more than %d RecipientTokens", recipientTokensMax)
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

// bound adds the bound of each payment's amount. It refuses a bound that no
// payment could meet.
func (r MultiUseRequest) bound(l *pipelineLink) {
	if r.AmountType != "" && !slices.Contains([]AmountType{AmountExact, AmountMaximum, AmountMinimum}, r.AmountType) {
		l.refuse("AmountType %q does not exist", r.AmountType)
	}
	if !r.TransactionAmount.Given() {
		if r.AmountType != "" {
			l.refuse("AmountType needs a TransactionAmount")
		}
		return
	}
	l.limit("transactionAmount", r.TransactionAmount)
	l.text("amountType", string(r.AmountType))
	switch {
	case l.mistake != nil:
	case r.TransactionAmount.Cmp(paymentMax) > 0:
		l.refuse("transactionAmount is more than %v, so no payment would be possible", paymentMax)
	case r.AmountType != AmountMaximum && r.TransactionAmount.Cmp(r.GlobalAmountLimit) > 0:
		l.refuse("transactionAmount is more than globalAmountLimit, so no payment would be possible")
	}
}
