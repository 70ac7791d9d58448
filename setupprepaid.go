package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A SetupPrepaidRequest sends a buyer to set up a prepaid instrument, whose
// balance is raised by FundPrepaid and spent by Pay (Aggregated Payments Guide,
// SetupPrepaid pipeline). What is left zero is not sent.
type SetupPrepaidRequest struct {
	// required, a new one for each link; of the token that spends; at most 128 bytes
	CallerReferenceSender  CallerReference
	CallerReferenceFunding CallerReference // required, another new one; of the token that funds; at most 128 bytes
	ReturnURL              string          // required; where the buyer comes back to, possibly with a query of its own
	FundingAmount          money.Amount    // required; the largest balance
	ValidityStart          time.Time       // at most a year ahead, in whole seconds; zero means at once
	ValidityExpiry         time.Time       // in whole seconds; zero means never
	PaymentReason          string          // what is paid for, as the buyer reads it
	PaymentMethods         []PaymentMethod // to fund with; none means whatever the server offers

	CollectShippingAddress bool    // the buyer chooses an address, which comes back in the Return
	Address                Address // where the shop means to send to; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the buyer's address comes back in the Return

	CobrandingURL      string // https address of a logo of at most 215×40 pixels
	WebsiteDescription string // names the shop in the link back to it
}

// SetupPrepaidURL makes the link that starts the pipeline, and fails, as
// [Client.SingleUseURL] does. The Return has the PrepaidInstrumentID, the
// PrepaidSenderTokenID and the FundingTokenID but no CallerReference: let the
// ReturnURL's own query tell whose it is.
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
