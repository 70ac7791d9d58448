package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A RecurringRequest asks a buyer to authorise the same payment once in each
// period (docs/api/pipelines/Recurring.md; FPS Co-Branded Service). Fields that
// are zero are not sent.
type RecurringRequest struct {
	CallerReference   CallerReference // required, a new one for each link; at most 128 bytes
	ReturnURL         string          // required; the buyer comes back to it; may have its own query
	TransactionAmount money.Amount    // required; of each payment; from $0.02 to $10,000
	RecurringPeriod   string          // required; such as "1 Month", "2 Weeks" or "90 Days"
	ValidityStart     time.Time       // at most a year ahead, in whole seconds; zero means now
	ValidityExpiry    time.Time       // in whole seconds; zero means never
	PaymentReason     string          // shown to the buyer: what the payment is for
	PaymentMethods    []PaymentMethod // empty means all that the server offers

	CollectShippingAddress bool    // the buyer chooses a shipping address, which the Return has
	Address                Address // the shipping address if the shop knows it; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the Return then has the buyer's e-mail address

	CobrandingURL       string  // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string  // the shop's name in the link back to it
	RecipientToken      TokenID // marketplaces only; at most 65 bytes
	RecipientCobranding bool    // the pages also name the seller of the RecipientToken
}

// RecurringURL builds the link to the pipeline. It fails under the same
// conditions as [Client.SingleUseURL]. The server does not pay by itself: call
// [Client.Pay] in each period.
func (c *Client) RecurringURL(r RecurringRequest) (string, error) {
	return c.pipelineURL("Recurring", r.link())
}

func (r RecurringRequest) link() (l pipelineLink) {
	l.reference("callerReference", r.CallerReference)
	l.total("transactionAmount", r.TransactionAmount)
	l.period("recurringPeriod", r.RecurringPeriod)
	l.validity(r.ValidityStart, r.ValidityExpiry)
	l.recipient(r.RecipientToken)
	l.terms(pipelineTerms{
		returnURL: r.ReturnURL, currency: r.TransactionAmount.Currency,
		paymentReason: r.PaymentReason, paymentMethods: r.PaymentMethods,
		collectShippingAddress: r.CollectShippingAddress, address: r.Address, collectEmailAddress: r.CollectEmailAddress,
		recipientCobranding: r.RecipientCobranding, cobrandingURL: r.CobrandingURL, websiteDescription: r.WebsiteDescription,
	})
	return l
}
