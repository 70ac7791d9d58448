package holdfast

import (
	"slices"

	"github.com/holdfast-pay/holdfast/money"
)

// A SingleUseRequest asks a buyer to authorise one payment
// (docs/api/pipelines/SingleUse.md; FPS Co-Branded Service). Fields that are
// zero are not sent.
type SingleUseRequest struct {
	CallerReference   CallerReference // required, a new one for each link; at most 128 bytes
	ReturnURL         string          // required; the buyer comes back to it; may have its own query
	TransactionAmount money.Amount    // required; the total, tax and shipping included; from $0.02 to $10,000
	PaymentReason     string          // shown to the buyer: what the payment is for
	PaymentMethods    []PaymentMethod // empty means all that the server offers
	Reserve           bool            // true if a Reserve will follow; the pages then offer only cards

	// The breakdown of the total. The buyer sees one line for each amount that is
	// given.
	ItemTotal, Shipping, Handling, GiftWrapping, Discount, Tax money.Amount

	CollectShippingAddress bool    // the buyer chooses a shipping address, which the Return has
	Address                Address // the shipping address if the shop knows it; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the Return then has the buyer's e-mail address

	CobrandingURL       string // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string // the shop's name in the link back to it
	RecipientToken      string // marketplaces only; at most 65 bytes
	RecipientCobranding bool   // the pages also name the seller of the RecipientToken
}

// SingleUseURL builds the link to the pipeline, signed with signature version 2
// for GET. It fails if a required field is missing, if a field does not have
// the form that its comment describes, or if the ReturnURL's own query has a
// parameter that the server needs for its answer.
func (c *Client) SingleUseURL(r SingleUseRequest) (string, error) {
	return c.pipelineURL("SingleUse", r.link())
}

func (r SingleUseRequest) link() (l pipelineLink) {
	l.reference("callerReference", r.CallerReference)
	l.total("transactionAmount", r.TransactionAmount)
	if r.Reserve && len(r.PaymentMethods) > 0 && !slices.Contains(r.PaymentMethods, MethodCC) {
		l.refuse("PaymentMethods has no CC, the only method that Reserve accepts")
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
