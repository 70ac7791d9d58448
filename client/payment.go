package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// A PaidState is the state of a payment or a refund.
type PaidState string

// The states of payments and refunds.
const (
	PaidPending   PaidState = "pending" // the card network has not answered
	PaidSucceeded PaidState = "succeeded"
	PaidFailed    PaidState = "failed" // Code says why
	PaidCancelled PaidState = "cancelled"
)

// A Payment is money that was taken: at once, or from a hold.
type Payment struct {
	ID          string            `json:"id"`
	Type        string            `json:"type"` // "settle" from a hold, "pay", "fund_prepaid" or "settle_debt"
	State       PaidState         `json:"state"`
	Amount      Amount            `json:"amount"`
	Fee         Amount            `json:"fee"` // of the operator
	Refunded    Amount            `json:"refunded"`
	Hold        string            `json:"hold"` // that it was taken from
	Reference   string            `json:"reference"`
	Description string            `json:"description"`
	Token       string            `json:"token"`
	Created     time.Time         `json:"created"`
	Completed   time.Time         `json:"completed"`
	Code        string            `json:"code"`
	Message     string            `json:"message"`
	Metadata    map[string]string `json:"metadata"`
	Expanded    *Expanded         `json:"expanded"`
}

// A NewPayment asks for an amount at once, without a hold.
type NewPayment struct {
	Token            string            `json:"token"`
	Amount           Amount            `json:"amount"`
	Reference        string            `json:"reference,omitempty"`
	Description      string            `json:"description,omitempty"`
	BuyerDescription string            `json:"buyer_description,omitempty"`
	FeePaidBy        string            `json:"fee_paid_by,omitempty"` // "recipient" (default) or "caller"
	Statement        string            `json:"statement,omitempty"`   // "static" (default) or "dynamic"
	RecipientToken   string            `json:"recipient_token,omitempty"`
	MarketplaceFee   *MarketplaceFee   `json:"marketplace_fee,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
}

// CreatePayment takes an amount at once, without a hold.
func (c *Client) CreatePayment(ctx context.Context, key string, n NewPayment) (Payment, error) {
	return ask[Payment](ctx, c, call{method: http.MethodPost, path: "payments", key: key, body: n})
}

// Payment returns a payment as it is now. It can be expanded by "token", "hold" and
// "refunds".
func (c *Client) Payment(ctx context.Context, id string, expand ...string) (Payment, error) {
	return ask[Payment](ctx, c, call{method: http.MethodGet, path: at("payments", id), query: expanded(expand)})
}

// A PaidFilter selects payments or refunds. Zero fields select all.
type PaidFilter struct {
	State                  PaidState
	Reference              string
	CreatedFrom, CreatedTo time.Time // from is included, and to is not
	AmountFrom, AmountTo   Amount    // both are included
	Of                     string    // the hold of the payments, or the payment of the refunds
}

// query has the parameters of a list. of is the name of that for Of.
func (f PaidFilter) query(of string) query {
	return query{
		{"state", string(f.State)},
		{"reference", f.Reference},
		{"created_from", stamp(f.CreatedFrom)},
		{"created_to", stamp(f.CreatedTo)},
		{"amount_from", decimal(f.AmountFrom)},
		{"amount_to", decimal(f.AmountTo)},
		{of, f.Of},
	}
}

// Payments lists payments, the newest first.
func (c *Client) Payments(ctx context.Context, f PaidFilter) iter.Seq2[Payment, error] {
	return list[Payment](ctx, c, "payments", f.query("hold"))
}
