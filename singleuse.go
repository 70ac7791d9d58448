package holdfast

import (
	"slices"

	"github.com/holdfast-pay/holdfast/money"
)

// A SingleUseRequest sends a buyer to authorise one payment (Co-Branded
// Service, SingleUse pipeline). What is left zero is not sent.
type SingleUseRequest struct {
	CallerReference   CallerReference // required, a new one for each link; at most 128 bytes
	ReturnURL         string          // required; where the buyer comes back to, possibly with a query of its own
	TransactionAmount money.Amount    // required; the total, tax and shipping included; from $0.02 to $10,000
	PaymentReason     string          // what is paid for, as the buyer reads it
	PaymentMethods    []PaymentMethod // none means whatever the server offers
	Reserve           bool            // true when Reserve will follow, which takes cards only

	// The breakdown is shown to the buyer, a line for each that is given.
	ItemTotal, Shipping, Handling, GiftWrapping, Discount, Tax money.Amount

	CollectShippingAddress bool    // the buyer chooses an address, which comes back in the Return
	Address                Address // where the shop means to send it; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the buyer's address comes back in the Return

	CobrandingURL       string // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string // names the shop in the link back to it
	RecipientToken      string // marketplaces only; at most 65 bytes
	RecipientCobranding bool   // the pages name the seller behind the RecipientToken, beside the shop
}

// SingleUseURL makes the link that starts the pipeline, signed with signature
// version 2 for GET. It fails when a required field is missing or one is not as
// its comment says, and when the ReturnURL's own query has a name that the
// answer needs.
func (c *Client) SingleUseURL(r SingleUseRequest) (string, error) {
	return c.pipelineURL("SingleUse", r.link())
}

func (r SingleUseRequest) link() (l pipelineLink) {
	l.reference("callerReference", r.CallerReference)
	l.total("transactionAmount", r.TransactionAmount)
	if r.Reserve && len(r.PaymentMethods) > 0 && !slices.Contains(r.PaymentMethods, MethodCC) {
		l.refuse("PaymentMethods leave out CC, and Reserve takes nothing else")
	}
	l.flag("reserve", r.Reserve)
	l.amount("itemTotal", r.ItemTotal)
	l.amount("shipping", r.Shipping)
	l.amount("handling", r.Handling)
	l.amount("giftWrapping", r.GiftWrapping)
	l.amount("discount", r.Discount)
	l.amount("tax", r.Tax)
	l.recipient(TokenID(r.RecipientToken))
	l.terms(pipelineTerms{
		returnURL: r.ReturnURL, currency: r.TransactionAmount.Currency,
		paymentReason: r.PaymentReason, paymentMethods: r.PaymentMethods,
		collectShippingAddress: r.CollectShippingAddress, address: r.Address, collectEmailAddress: r.CollectEmailAddress,
		recipientCobranding: r.RecipientCobranding, cobrandingURL: r.CobrandingURL, websiteDescription: r.WebsiteDescription,
	})
	return l
}
