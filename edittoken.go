package holdfast

// An EditTokenRequest asks a buyer to choose another card or account for a
// multi-use or recurring token (docs/api/pipelines/EditToken.md; FPS Aggregated
// Payments Guide). Fields that are zero are not sent.
type EditTokenRequest struct {
	CallerReference CallerReference // required, a new one for each link; at most 128 bytes
	TokenID         TokenID         // required; at most 65 bytes
	ReturnURL       string          // required; the buyer comes back to it; may have its own query
	PaymentReason   string          // shown to the buyer: what this is for
	PaymentMethods  []PaymentMethod // empty means all that the server offers

	CollectEmailAddress bool   // the Return then has the buyer's e-mail address
	CobrandingURL       string // https address of a logo of at most 215×40 pixels
	WebsiteDescription  string // the shop's name in the link back to it
}

// EditTokenURL builds the link to the pipeline. It fails under the same
// conditions as [Client.SingleUseURL]. The Return has a new TokenID that
// replaces the old one, or the old TokenID with the status
// ReturnTokenUnchanged.
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
