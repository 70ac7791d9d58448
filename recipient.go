package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A RecipientRequest asks a seller to agree to be paid through a marketplace
// (docs/api/pipelines/Recipient.md; FPS Marketplace Guide). Fields that are
// zero are not sent, except RecipientPaysFee.
type RecipientRequest struct {
	CallerReference       CallerReference // required, a new one for each link; at most 128 bytes
	CallerReferenceRefund CallerReference // of the refund token; at most 128 bytes; differs from CallerReference
	ReturnURL             string          // required; the seller comes back to it; may have its own query
	RecipientPaysFee      bool            // the seller pays the operator's fee, not the marketplace

	// MaxFixedFee and MaxVariableFee, in percent such as "2.5", bound the fee that
	// the marketplace takes from each payment. If one is not given, it is zero. If
	// neither is given, the marketplace can take no fee.
	MaxFixedFee    money.Amount
	MaxVariableFee string

	PaymentMethods []PaymentMethod // that the seller accepts; empty means all
	ValidityStart  time.Time       // at most a year ahead, in whole seconds; zero means now
	ValidityExpiry time.Time       // in whole seconds; zero means never
	PaymentReason  string          // shown to the seller: what this is for

	CobrandingURL      string // https address of a logo of at most 215×40 pixels
	WebsiteDescription string // the marketplace's name in the link back to it
}

// RecipientURL builds the link to the pipeline. It fails under the same
// conditions as [Client.SingleUseURL]. The Return has the TokenID for payments
// to the seller, and the RefundTokenID of the seller's refund token.
func (c *Client) RecipientURL(r RecipientRequest) (string, error) {
	return c.pipelineURL("Recipient", r.link())
}

func (r RecipientRequest) link() (l pipelineLink) {
	l.reference("callerReference", r.CallerReference)
	if r.CallerReferenceRefund != "" {
		l.reference("callerReferenceRefund", r.CallerReferenceRefund, r.CallerReference)
	}
	paysFee := "False"
	if r.RecipientPaysFee {
		paysFee = "True"
	}
	l.text("recipientPaysFee", paysFee)
	l.amount("maxFixedFee", r.MaxFixedFee)
	if _, err := money.ParsePercent(r.MaxVariableFee); r.MaxVariableFee != "" && err != nil {
		l.refuse("maxVariableFee: %w", err)
	}
	l.text("maxVariableFee", r.MaxVariableFee)
	l.validity(r.ValidityStart, r.ValidityExpiry)
	l.terms(pipelineTerms{
		returnURL: r.ReturnURL, paymentReason: r.PaymentReason, paymentMethods: r.PaymentMethods,
		cobrandingURL: r.CobrandingURL, websiteDescription: r.WebsiteDescription,
	})
	return l
}
