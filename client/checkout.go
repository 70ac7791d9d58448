package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// A Checkout asks a buyer for a token on the server's pages.
type Checkout struct {
	ID         string            `json:"id"`    // comes back in the parameter checkout of the return URL
	State      string            `json:"state"` // "open", "approved", "cancelled" or "expired"
	Type       string            `json:"type"`
	URL        string            `json:"url"` // send the buyer's browser here
	Amount     Amount            `json:"amount"`
	Reference  string            `json:"reference"`
	Reserve    bool              `json:"reserve"`
	Created    time.Time         `json:"created"`
	Expires    time.Time         `json:"expires"`
	Ended      time.Time         `json:"ended"`
	Status     string            `json:"status"` // in the return URL
	Message    string            `json:"message"`
	Token      string            `json:"token"` // that the buyer has approved
	Hold       string            `json:"hold"`
	Payment    string            `json:"payment"`
	BuyerEmail string            `json:"buyer_email"`
	ShipTo     *Address          `json:"ship_to"`
	Metadata   map[string]string `json:"metadata"`
}

// A NewCheckout asks for a checkout. The reference page of the server says which
// fields each type has.
type NewCheckout struct {
	Type       string       `json:"type"` // "single_use", "multi_use" or "recurring"
	Amount     Amount       `json:"amount,omitzero"`
	AmountType string       `json:"amount_type,omitempty"`
	TotalLimit Amount       `json:"total_limit,omitzero"`
	Limits     []UsageLimit `json:"limits,omitempty"`
	Period     string       `json:"period,omitempty"` // such as "1 month"
	Starts     time.Time    `json:"starts,omitzero"`
	Expires    time.Time    `json:"expires,omitzero"`
	Reserve    bool         `json:"reserve,omitempty"` // a hold follows, not a payment at once
	Breakdown  *Breakdown   `json:"breakdown,omitempty"`

	Reference      string            `json:"reference,omitempty"`
	Description    string            `json:"description,omitempty"`
	ReturnURL      string            `json:"return_url"`
	Language       string            `json:"language,omitempty"`
	SiteName       string            `json:"site_name,omitempty"`
	LogoURL        string            `json:"logo_url,omitempty"`
	PaymentMethods []string          `json:"payment_methods,omitempty"`
	Recipients     []string          `json:"recipients,omitempty"`
	ShowRecipient  bool              `json:"show_recipient,omitempty"`
	CollectEmail   bool              `json:"collect_email,omitempty"`
	CollectAddress bool              `json:"collect_address,omitempty"`
	ShipTo         *Address          `json:"ship_to,omitempty"`
	Metadata       map[string]string `json:"metadata,omitempty"`
}

// A UsageLimit limits the payments of a multi-use token, in all or in each period.
type UsageLimit struct {
	Count  int    `json:"count,omitempty"` // this or Amount
	Amount Amount `json:"amount,omitzero"`
	Period string `json:"period,omitempty"`
}

// A Breakdown says what an amount is made of.
type Breakdown struct {
	Items        Amount `json:"items,omitzero"`
	Shipping     Amount `json:"shipping,omitzero"`
	Handling     Amount `json:"handling,omitzero"`
	GiftWrapping Amount `json:"gift_wrapping,omitzero"`
	Discount     Amount `json:"discount,omitzero"`
	Tax          Amount `json:"tax,omitzero"`
}

// An Address is where goods go.
type Address struct {
	Name    string `json:"name,omitempty"`
	Line1   string `json:"line1,omitempty"`
	Line2   string `json:"line2,omitempty"`
	City    string `json:"city,omitempty"`
	State   string `json:"state,omitempty"`
	Zip     string `json:"zip,omitempty"`
	Country string `json:"country,omitempty"`
	Phone   string `json:"phone,omitempty"`
}

// CreateCheckout makes a checkout. Send the buyer's browser to its URL. The same
// call with the same key returns the same checkout.
func (c *Client) CreateCheckout(ctx context.Context, key string, n NewCheckout) (Checkout, error) {
	return ask[Checkout](ctx, c, call{method: http.MethodPost, path: "checkouts", key: key, body: n})
}

// Checkout returns a checkout as it is now.
func (c *Client) Checkout(ctx context.Context, id string) (Checkout, error) {
	return ask[Checkout](ctx, c, call{method: http.MethodGet, path: at("checkouts", id)})
}

// A CheckoutFilter selects checkouts. Zero fields select all.
type CheckoutFilter struct {
	State, Reference       string
	CreatedFrom, CreatedTo time.Time // from is included, and to is not
}

// Checkouts lists checkouts, the newest first.
func (c *Client) Checkouts(ctx context.Context, f CheckoutFilter) iter.Seq2[Checkout, error] {
	return list[Checkout](ctx, c, "checkouts", query{
		{"state", f.State},
		{"reference", f.Reference},
		{"created_from", stamp(f.CreatedFrom)},
		{"created_to", stamp(f.CreatedTo)},
	})
}

// CancelCheckout cancels a checkout that is open.
func (c *Client) CancelCheckout(ctx context.Context, id string) (Checkout, error) {
	return ask[Checkout](ctx, c, call{method: http.MethodPost, path: at("checkouts", id, "cancel")})
}
