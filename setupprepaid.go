package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A SetupPrepaidRequest asks a buyer to set up a prepaid instrument.
// FundPrepaid adds money to it, and Pay spends it
// (docs/api/pipelines/SetupPrepaid.md; FPS Aggregated Payments Guide). Fields
// that are zero are not sent.
type SetupPrepaidRequest struct {
	// CallerReferenceSender is required, a new one for each link: that of the
	// token that spends. It has at most 128 bytes.
	CallerReferenceSender CallerReference

	CallerReferenceFunding CallerReference // required, a new one for the token that funds; at most 128 bytes
	ReturnURL              string          // required; the buyer comes back to it; may have its own query
	FundingAmount          money.Amount    // required; the largest balance
	ValidityStart          time.Time       // at most a year ahead, in whole seconds; zero means now
	ValidityExpiry         time.Time       // in whole seconds; zero means never
	PaymentReason          string          // shown to the buyer: what the balance is for
	PaymentMethods         []PaymentMethod // to fund with; empty means all that the server offers

	CollectShippingAddress bool    // the buyer chooses a shipping address, which the Return has
	Address                Address // the shipping address if the shop knows it; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the Return then has the buyer's e-mail address

	CobrandingURL      string // https address of a logo of at most 215×40 pixels
	WebsiteDescription string // the shop's name in the link back to it
}

// SetupPrepaidURL builds the link to the pipeline. It fails under the same
// conditions as [Client.SingleUseURL]. The Return has the PrepaidInstrumentID,
// the PrepaidSenderTokenID and the FundingTokenID, but no CallerReference. Put
// your own reference into the query of the ReturnURL.
func (c *Client) SetupPrepaidURL(r SetupPrepaidRequest) (string, error) {
	return c.pipelineURL("SetupPrepaid", r.link())
}

func (r SetupPrepaidRequest) link() (l pipelineLink) {
	l.reference("callerReferenceSender", r.CallerReferenceSender)
	l.reference("callerReferenceFunding", r.CallerReferenceFunding, r.CallerReferenceSender)
	l.limit("fundingAmount", r.FundingAmount)
	l.validity(r.ValidityStart, r.ValidityExpiry)
	l.terms(pipelineTerms{
		returnURL: r.ReturnURL, currency: r.FundingAmount.Currency,
		paymentReason: r.PaymentReason, paymentMethods: r.PaymentMethods,
		collectShippingAddress: r.CollectShippingAddress, address: r.Address, collectEmailAddress: r.CollectEmailAddress,
		cobrandingURL: r.CobrandingURL, websiteDescription: r.WebsiteDescription,
	})
	return l
}
