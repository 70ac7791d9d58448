package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A SetupPostpaidRequest asks a buyer to set up a credit instrument. Each Pay
// with it adds to a debt, and SettleDebt charges the debt
// (docs/api/pipelines/SetupPostpaid.md; FPS Aggregated Payments Guide). Fields
// that are zero are not sent.
type SetupPostpaidRequest struct {
	// CallerReferenceSender is required, a new one for each link: that of the
	// token that spends. It has at most 128 bytes.
	CallerReferenceSender CallerReference

	CallerReferenceSettlement CallerReference // required, a new one for the token that settles; at most 128 bytes
	ReturnURL                 string          // required; the buyer comes back to it; may have its own query
	CreditLimit               money.Amount    // required; the largest debt
	GlobalAmountLimit         money.Amount    // required; of all settlements together
	UsageLimits               []UsageTerms    // of the token that spends; at most two
	ValidityStart             time.Time       // at most a year ahead, in whole seconds; zero means now
	ValidityExpiry            time.Time       // in whole seconds; zero means never
	PaymentReason             string          // shown to the buyer: what the credit is for
	PaymentMethods            []PaymentMethod // to settle with; empty means all that the server offers

	CollectShippingAddress bool    // the buyer chooses a shipping address, which the Return has
	Address                Address // the shipping address if the shop knows it; excludes CollectShippingAddress
	CollectEmailAddress    bool    // the Return then has the buyer's e-mail address

	CobrandingURL      string // https address of a logo of at most 215×40 pixels
	WebsiteDescription string // the shop's name in the link back to it
}

// SetupPostpaidURL builds the link to the pipeline. It fails under the same
// conditions as [Client.SingleUseURL]. The Return has the CreditInstrumentID,
// the CreditSenderTokenID and the SettlementTokenID, but no CallerReference.
// Put your own reference into the query of the ReturnURL.
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
