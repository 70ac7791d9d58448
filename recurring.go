package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A RecurringRequest sends a buyer to authorise the same payment once in each
// period (Co-Branded Service, Recurring pipeline). What is left zero is not
// sent.
type RecurringRequest struct {
	CallerReference   CallerReference // required, a new one for each link; at most 128 bytes
	ReturnURL         string          // required; where the buyer comes back to, possibly with a query of its own
	TransactionAmount money.Amount    // required; of each payment; from $0.02 to $10,000
	RecurringPeriod   string          // required; such as "1 Month", "2 Weeks" or "90 Days"
	ValidityStart     time.Time       // at most a year ahead, in whole seconds; zero means at once
	ValidityExpiry    time.Time       // in whole seconds; zero means never
	PaymentReason     string          // what is paid for, as the buyer reads it
	PaymentMethods    []PaymentMethod // none means whatever the server offers

	CollectShippingAddress bool    // the buyer chooses an address, which comes back in the Return
	Address                Address // where the shop means to send to; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the buyer's address comes back in the Return

	CobrandingURL       string  // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string  // names the shop in the link back to it
	RecipientToken      TokenID // marketplaces only; at most 65 bytes
	RecipientCobranding bool    // the pages name the seller behind the RecipientToken, beside the shop
}

// RecurringURL makes the link that starts the pipeline, and fails, as
// [Client.SingleUseURL] does. No payment makes itself: call [Client.Pay] in
// each period.
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
