package holdfast

import (
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A RecipientRequest sends a seller to agree to be paid through a marketplace
// (Marketplace Guide, Recipient pipeline). What is left zero is not sent, but
// for RecipientPaysFee.
type RecipientRequest struct {
	CallerReference       CallerReference // required, a new one for each link; at most 128 bytes
	CallerReferenceRefund CallerReference // of the refund token; at most 128 bytes, and another than CallerReference
	ReturnURL             string          // required; where the seller comes back to, possibly with a query of its own
	RecipientPaysFee      bool            // the seller bears the operator's fee, not the marketplace

	// MaxFixedFee and MaxVariableFee, in percent such as "2.5", bound what the
	// marketplace takes of each payment. Without both it can take nothing, and
	// one alone has the other be zero.
	MaxFixedFee    money.Amount
	MaxVariableFee string

	PaymentMethods []PaymentMethod // that the seller takes; none means all
	ValidityStart  time.Time       // at most a year ahead, in whole seconds; zero means at once
	ValidityExpiry time.Time       // in whole seconds; zero means never
	PaymentReason  string          // what this is for, as the seller reads it

	CobrandingURL      string // https address of a logo of at most 215×40 pixels
	WebsiteDescription string // names the marketplace in the link back to it
}

// RecipientURL makes the link that starts the pipeline, and fails, as
// [Client.SingleUseURL] does. The Return has the TokenID that payments to the
// seller name, and the RefundTokenID that comes with it.
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
