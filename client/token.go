package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// A Token is what a buyer or seller has approved.
type Token struct {
	ID         string       `json:"id"`
	State      string       `json:"state"` // "active", "used", "cancelled" or "expired"
	Type       string       `json:"type"`  // "single_use", "multi_use", "recurring" or "unrestricted"
	Use        string       `json:"use"`   // "pay" for holds and payments
	Reference  string       `json:"reference"`
	Name       string       `json:"name"`
	Method     string       `json:"method"` // such as "card"
	Amount     Amount       `json:"amount"` // of one payment
	AmountType string       `json:"amount_type"`
	Limits     []TokenLimit `json:"limits"`
	Created    time.Time    `json:"created"`
	Starts     time.Time    `json:"starts"`
	Expires    time.Time    `json:"expires"` // zero if it does not end
	UsedBy     string       `json:"used_by"` // the hold or the payment that has used a single-use token
	Replaces   string       `json:"replaces"`
	Instrument string       `json:"instrument"`
}

// A TokenLimit is one limit of a token, with what is left of it. It has a count or
// an amount.
type TokenLimit struct {
	Count      int64     `json:"count"`
	CountLeft  int64     `json:"count_left"`
	Amount     Amount    `json:"amount"`
	AmountLeft Amount    `json:"amount_left"`
	Period     string    `json:"period"` // such as "1 month"; empty if the limit never begins again
	Resets     time.Time `json:"resets"`
}

// Token returns a token with what is left of its limits.
func (c *Client) Token(ctx context.Context, id string) (Token, error) {
	return ask[Token](ctx, c, call{method: http.MethodGet, path: at("tokens", id)})
}

// A TokenFilter selects tokens. Zero fields select all.
type TokenFilter struct{ State, Type, Reference string }

// Tokens lists tokens, the newest first.
func (c *Client) Tokens(ctx context.Context, f TokenFilter) iter.Seq2[Token, error] {
	return list[Token](ctx, c, "tokens", query{{"state", f.State}, {"type", f.Type}, {"reference", f.Reference}})
}

// CancelToken cancels a token: no payment can be made with it any more.
func (c *Client) CancelToken(ctx context.Context, id string) (Token, error) {
	return ask[Token](ctx, c, call{method: http.MethodPost, path: at("tokens", id, "cancel")})
}
