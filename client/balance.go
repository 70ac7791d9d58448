package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// A Balance is the money in one account at the server.
type Balance struct {
	ID         string    `json:"id"`   // AccountBalance, or the id of an instrument
	Kind       string    `json:"kind"` // "account", "prepaid" or "credit"
	Amount     Amount    `json:"amount"`
	PendingIn  Amount    `json:"pending_in"`
	PendingOut Amount    `json:"pending_out"`
	Limit      Amount    `json:"limit"`
	Expires    time.Time `json:"expires"`
}

// AccountBalance is the id of the balance of the caller's own account.
const AccountBalance = "account"

// Balance returns a balance.
func (c *Client) Balance(ctx context.Context, id string) (Balance, error) {
	return ask[Balance](ctx, c, call{method: http.MethodGet, path: at("balances", id)})
}

// Balances lists the caller's own balance, and then those of its buyers'
// instruments.
func (c *Client) Balances(ctx context.Context) iter.Seq2[Balance, error] {
	return list[Balance](ctx, c, "balances", nil)
}
