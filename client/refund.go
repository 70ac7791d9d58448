package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// A Refund is money that goes back to the buyer.
type Refund struct {
	ID          string            `json:"id"`
	State       PaidState         `json:"state"`
	Amount      Amount            `json:"amount"`
	Fee         Amount            `json:"fee"` // how much of the operator's fee is given back
	Payment     string            `json:"payment"`
	Reference   string            `json:"reference"`
	Description string            `json:"description"`
	Created     time.Time         `json:"created"`
	Completed   time.Time         `json:"completed"`
	Code        string            `json:"code"`
	Message     string            `json:"message"`
	Metadata    map[string]string `json:"metadata"`
	Expanded    *Expanded         `json:"expanded"`
}

// A NewRefund asks for a refund of a payment, or of all payments of a hold.
type NewRefund struct {
	Payment     string            `json:"payment,omitempty"` // this or Hold
	Hold        string            `json:"hold,omitempty"`
	Amount      Amount            `json:"amount,omitzero"` // no amount means all that is left
	Reference   string            `json:"reference,omitempty"`
	Description string            `json:"description,omitempty"`
	BorneBy     string            `json:"borne_by,omitempty"` // of a marketplace
	Metadata    map[string]string `json:"metadata,omitempty"`
}

// CreateRefund pays money back. A refund of a hold is one refund for each of its
// payments, the oldest first.
func (c *Client) CreateRefund(ctx context.Context, key string, n NewRefund) ([]Refund, error) {
	made, err := ask[page[Refund]](ctx, c, call{method: http.MethodPost, path: "refunds", key: key, body: n})
	return made.Data, err
}

// Refund returns a refund as it is now. It can be expanded by "payment".
func (c *Client) Refund(ctx context.Context, id string, expand ...string) (Refund, error) {
	return ask[Refund](ctx, c, call{method: http.MethodGet, path: at("refunds", id), query: expanded(expand)})
}

// Refunds lists refunds, the newest first.
func (c *Client) Refunds(ctx context.Context, f PaidFilter) iter.Seq2[Refund, error] {
	return list[Refund](ctx, c, "refunds", f.query("payment"))
}
