package client

import (
	"context"
	"net/http"
	"time"
)

// A Member is one hold at the card network. A hold that was never raised or renewed
// has one.
type Member struct {
	ID          string    `json:"id"`
	Kind        string    `json:"kind"` // "first", "raise" or "renewal"
	State       HoldState `json:"state"`
	Amount      Amount    `json:"amount"`
	Open        Amount    `json:"open"`
	Reference   string    `json:"reference"`
	Created     time.Time `json:"created"`
	Deadline    time.Time `json:"deadline"`
	SecondsLeft int64     `json:"seconds_left"`
	Code        string    `json:"code"`
	Message     string    `json:"message"`
}

// A SettleHold asks for an amount from a hold. Its zero value asks for all that is
// open.
type SettleHold struct {
	Amount    Amount            `json:"amount,omitzero"`
	Final     bool              `json:"final,omitempty"` // release the rest
	Reference string            `json:"reference,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// A SettledHold is a hold after a settle, with the payments that the settle has
// made.
type SettledHold struct {
	Hold     Hold      `json:"hold"`
	Payments []Payment `json:"payments"`
}

// SettleHold takes an amount from a hold when goods ship: all that is open, or a part,
// such as one parcel.
func (c *Client) SettleHold(ctx context.Context, key, id string, s SettleHold) (SettledHold, error) {
	return ask[SettledHold](ctx, c, call{method: http.MethodPost, path: at("holds", id, "settle"), key: key, body: s})
}

// A ReleaseHold gives an amount of a hold back. Its zero value gives all back, which
// ends the hold.
type ReleaseHold struct {
	Amount Amount `json:"amount,omitzero"`
	Reason string `json:"reason,omitempty"`
}

// ReleaseHold gives an amount of a hold back to the buyer.
func (c *Client) ReleaseHold(ctx context.Context, key, id string, r ReleaseHold) (Hold, error) {
	return ask[Hold](ctx, c, call{method: http.MethodPost, path: at("holds", id, "release"), key: key, body: r})
}

// A RaiseHold asks to hold a further amount.
type RaiseHold struct {
	Amount    Amount            `json:"amount"`
	Reference string            `json:"reference,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// A RenewHold asks to hold the open amount anew.
type RenewHold struct {
	Reference string            `json:"reference,omitempty"`
	Metadata  map[string]string `json:"metadata,omitempty"`
}

// A ChangedHold is a hold after it was raised or renewed. Change is the member that
// the call has made. If its state is HoldFailed, the hold is as it was.
type ChangedHold struct {
	Hold   Hold   `json:"hold"`
	Change Member `json:"change"`
}

// RaiseHold holds a further amount with the token of a hold.
func (c *Client) RaiseHold(ctx context.Context, key, id string, r RaiseHold) (ChangedHold, error) {
	return ask[ChangedHold](ctx, c, call{method: http.MethodPost, path: at("holds", id, "raise"), key: key, body: r})
}

// RenewHold holds the open amount of a hold anew, under a multi-use token, before the
// hold expires.
func (c *Client) RenewHold(ctx context.Context, key, id string, r RenewHold) (ChangedHold, error) {
	return ask[ChangedHold](ctx, c, call{method: http.MethodPost, path: at("holds", id, "renew"), key: key, body: r})
}
