package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A SetupPostpaidRequest sends a buyer to set up a credit instrument, on which
// Pay adds up a debt that SettleDebt charges (Aggregated Payments Guide,
// SetupPostpaid pipeline). What is left zero is not sent.
type SetupPostpaidRequest struct {
	// required, a new one for each link; of the token that spends; at most 128 bytes
	CallerReferenceSender     CallerReference
	CallerReferenceSettlement CallerReference // required, another new one; of the token that settles; at most 128 bytes
	ReturnURL                 string          // required; where the buyer comes back to, possibly with a query of its own
	CreditLimit               money.Amount    // required; the largest debt
	GlobalAmountLimit         money.Amount    // required; of all that is ever charged
	UsageLimits               []UsageTerms    // of the token that spends; at most two
	ValidityStart             time.Time       // at most a year ahead, in whole seconds; zero means at once
	ValidityExpiry            time.Time       // in whole seconds; zero means never
	PaymentReason             string          // what is paid for, as the buyer reads it
	PaymentMethods            []PaymentMethod // to settle with; none means whatever the server offers

	CollectShippingAddress bool    // the buyer chooses an address, which comes back in the Return
	Address                Address // where the shop means to send to; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the buyer's address comes back in the Return

	CobrandingURL      string // https address of a logo of at most 215×40 pixels
	WebsiteDescription string // names the shop in the link back to it
}

// SetupPostpaidURL makes the link that starts the pipeline, and fails, as
// [Client.SingleUseURL] does. The Return has the CreditInstrumentID, the
// CreditSenderTokenID and the SettlementTokenID but no CallerReference: let the
// ReturnURL's own query tell whose it is.
func (c *Client) SetupPostpaidURL(r SetupPostpaidRequest) (string, error) {
	return c.pipelineURL("SetupPostpaid", r.link())
}

func (r SetupPostpaidRequest) link() (l pipelineLink) {
	l.reference("callerReferenceSender", r.CallerReferenceSender)
	l.reference("callerReferenceSettlement", r.CallerReferenceSettlement, r.CallerReferenceSender)
	l.limit("creditLimit", r.CreditLimit)
	l.limit("globalAmountLimit", r.GlobalAmountLimit)
	l.usage(r.UsageLimits)
	l.validity(r.ValidityStart, r.ValidityExpiry)
	l.terms(pipelineTerms{
		returnURL: r.ReturnURL, currency: r.CreditLimit.Currency,
		paymentReason: r.PaymentReason, paymentMethods: r.PaymentMethods,
		collectShippingAddress: r.CollectShippingAddress, address: r.Address, collectEmailAddress: r.CollectEmailAddress,
		cobrandingURL: r.CobrandingURL, websiteDescription: r.WebsiteDescription,
	})
	return l
}
