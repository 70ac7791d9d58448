package holdfast

// An EditTokenRequest sends a buyer to have a multi-use or recurring token paid
// in another way (Aggregated Payments Guide, EditToken pipeline). What is left
// zero is not sent.
type EditTokenRequest struct {
	CallerReference CallerReference // required, a new one for each link; at most 128 bytes
	TokenID         TokenID         // required; at most 65 bytes
	ReturnURL       string          // required; where the buyer comes back to, possibly with a query of its own
	PaymentReason   string          // what this is for, as the buyer reads it
	PaymentMethods  []PaymentMethod // none means whatever the server offers

	CollectEmailAddress bool   // the buyer's address comes back in the Return
	CobrandingURL       string // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string // names the shop in the link back to it
}

// EditTokenURL makes the link that starts the pipeline, and fails, as
// [Client.SingleUseURL] does. The Return has a new TokenID, which takes the
// place of the old one; or the old one and ReturnTokenUnchanged.
func (c *Client) EditTokenURL(r EditTokenRequest) (string, error) {
	return c.pipelineURL("EditToken", r.link())
}

func (r EditTokenRequest) link() (l pipelineLink) {
	l.reference("callerReference", r.CallerReference)
	l.tokens("tokenID", r.TokenID)
	l.terms(pipelineTerms{
		returnURL: r.ReturnURL, paymentReason: r.PaymentReason, paymentMethods: r.PaymentMethods,
		collectEmailAddress: r.CollectEmailAddress, cobrandingURL: r.CobrandingURL, websiteDescription: r.WebsiteDescription,
	})
	return l
}
