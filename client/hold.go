package client

import (
	"context"
	"iter"
	"net/http"
	"time"
)

// A HoldState is the state of a hold.
type HoldState string

// The states of holds.
const (
	HoldPending  HoldState = "pending"  // the card network was asked
	HoldHeld     HoldState = "held"     // an amount can be settled
	HoldSettling HoldState = "settling" // the network was asked to take the last amount
	HoldSettled  HoldState = "settled"  // ended, and at least a part was paid
	HoldReleased HoldState = "released" // ended by the caller, and nothing was paid
	HoldExpired  HoldState = "expired"  // ended by its deadline, and nothing was paid
	HoldFailed   HoldState = "failed"   // declined; Code says why
)

// A Hold keeps an amount available on the buyer's card.
type Hold struct {
	ID          string            `json:"id"`
	State       HoldState         `json:"state"`
	Amount      Amount            `json:"amount"`   // held in all, with raises
	Open        Amount            `json:"open"`     // can still be settled
	Settled     Amount            `json:"settled"`  // was paid
	Released    Amount            `json:"released"` // is the buyer's again
	Refunded    Amount            `json:"refunded"`
	Reference   string            `json:"reference"`
	Description string            `json:"description"`
	Token       string            `json:"token"`
	Created     time.Time         `json:"created"`
	Deadline    time.Time         `json:"deadline"` // zero when nothing can be settled any more
	SecondsLeft int64             `json:"seconds_left"`
	Code        string            `json:"code"` // why the hold is in this state
	Message     string            `json:"message"`
	Members     []Member          `json:"members"`
	Payments    []string          `json:"payments"` // ids of the payments that were taken from it
	Metadata    map[string]string `json:"metadata"`
	Expanded    *Expanded         `json:"expanded"`
}

// A NewHold asks for a hold.
type NewHold struct {
	Token            string            `json:"token"`  // that the buyer has approved
	Amount           Amount            `json:"amount"` // with tax and shipping
	Reference        string            `json:"reference,omitempty"`
	Description      string            `json:"description,omitempty"`
	BuyerDescription string            `json:"buyer_description,omitempty"`
	Deadline         time.Time         `json:"deadline,omitzero"`
	FeePaidBy        string            `json:"fee_paid_by,omitempty"` // "recipient" (default) or "caller"
	Statement        string            `json:"statement,omitempty"`   // "static" (default) or "dynamic"
	RecipientToken   string            `json:"recipient_token,omitempty"`
	MarketplaceFee   *MarketplaceFee   `json:"marketplace_fee,omitempty"`
	Metadata         map[string]string `json:"metadata,omitempty"`
}

// A MarketplaceFee is what a marketplace keeps of a payment.
type MarketplaceFee struct {
	Fixed   Amount `json:"fixed,omitzero"`
	Percent string `json:"percent,omitempty"` // such as "2.5"
}

// CreateHold holds an amount on the card of a buyer's token. The key names this
// call for good: making the call again with the same key and fields returns the
// hold as it is now, and holds nothing more. Derive it from the order, such as
// "order-1001-hold".
//
// A decline is no error: the hold's state is HoldFailed. If the card network does
// not answer in time, the state is HoldPending, and an event tells the outcome.
func (c *Client) CreateHold(ctx context.Context, key string, n NewHold) (Hold, error) {
	return ask[Hold](ctx, c, call{method: http.MethodPost, path: "holds", key: key, body: n})
}

// Hold returns a hold as it is now. It can be expanded by "token" and "payments".
func (c *Client) Hold(ctx context.Context, id string, expand ...string) (Hold, error) {
	return ask[Hold](ctx, c, call{method: http.MethodGet, path: at("holds", id), query: expanded(expand)})
}

// A HoldFilter selects holds. Zero fields select all.
type HoldFilter struct {
	State                    HoldState
	Reference                string
	DeadlineFrom, DeadlineTo time.Time // from is included, and to is not
	CreatedFrom, CreatedTo   time.Time
	AmountFrom, AmountTo     Amount // both are included
}

// Holds lists holds, the newest first. With a state of open holds or a bound of
// the deadline, the earliest deadline comes first.
func (c *Client) Holds(ctx context.Context, f HoldFilter) iter.Seq2[Hold, error] {
	return list[Hold](ctx, c, "holds", query{
		{"state", string(f.State)},
		{"reference", f.Reference},
		{"deadline_from", stamp(f.DeadlineFrom)},
		{"deadline_to", stamp(f.DeadlineTo)},
		{"created_from", stamp(f.CreatedFrom)},
		{"created_to", stamp(f.CreatedTo)},
		{"amount_from", decimal(f.AmountFrom)},
		{"amount_to", decimal(f.AmountTo)},
	})
}
